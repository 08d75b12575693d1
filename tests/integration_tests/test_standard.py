"""LangChain's standard integration tests, against the local server or the real service.

With `ONLYSQ_LIVE=1` they run against the real one, and skip themselves where it is out of reach.
"""

from __future__ import annotations

import os
from base64 import b64decode
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from langchain_core.messages import AIMessage
from langchain_tests.integration_tests import ChatModelIntegrationTests

from langchain_onlysq import ChatOnlySq
from langchain_onlysq.testing import LocalOnlySq, Reply
from tests.conftest import LIVE

if TYPE_CHECKING:
    from collections.abc import Iterator

PICTURE = b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
"""A picture of one pixel."""

USAGE = {"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30}

LIVE_MODEL = os.environ.get("ONLYSQ_LIVE_MODEL", "gpt-4o-mini")
LIVE_URL = os.environ.get("ONLYSQ_API_BASE") or "https://api.onlysq.ru/ai"


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    if not LIVE:
        with LocalOnlySq() as server:
            yield server.base_url
        return
    try:
        httpx.get(f"{LIVE_URL}/models", timeout=15)
    except httpx.HTTPError as error:
        # An outage of the service is no fault of the package.
        pytest.skip(f"{LIVE_URL} cannot be reached: {error!r}")
    yield LIVE_URL


class TestV2(ChatModelIntegrationTests):
    chat_model_class = ChatOnlySq
    endpoint = "v2"
    tool_calling = "auto"

    @pytest.fixture(autouse=True)
    def _server(self, base_url: str) -> None:
        self._base_url = base_url

    @pytest.fixture(autouse=True)
    def _local_picture(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Stand in for the picture that the tests would download."""
        answer = httpx.Response(200, content=PICTURE)
        monkeypatch.setattr(httpx, "get", lambda *_args, **_kwargs: answer)

    @property
    def chat_model_params(self) -> dict[str, Any]:
        # Usage in a stream has to be asked for on the OpenAI-shaped endpoint.
        return {
            "model": LIVE_MODEL if LIVE else "gpt-4o-mini",
            "endpoint": self.endpoint,
            "tool_calling": self.tool_calling,
            "base_url": getattr(self, "_base_url", LIVE_URL),
            "stream_usage": True,
        }

    supports_image_inputs = True
    supports_image_urls = True
    supports_image_tool_message = True
    supports_anthropic_inputs = True
    supports_json_mode = True
    model_override_value = "gpt-5-mini"

    @property
    def supported_usage_metadata_details(self) -> dict[Any, list[Any]]:
        # What the wire can carry; which model of the real service sends it is not known.
        details = [] if LIVE else ["reasoning_output", "cache_read_input"]
        return {"invoke": details, "stream": details}

    def _invoke_with(self, usage: dict[str, Any], *, stream: bool) -> AIMessage:
        with LocalOnlySq(Reply.text("Well, 42.", usage=usage)) as server:
            fields = {**self.chat_model_params, "base_url": server.base_url}
            llm = ChatOnlySq(**fields, streaming=stream)
            return llm.invoke("What is 6 * 7?")

    def invoke_with_reasoning_output(self, *, stream: bool = False) -> AIMessage:
        details = {"completion_tokens_details": {"reasoning_tokens": 5}}
        return self._invoke_with({**USAGE, **details}, stream=stream)

    def invoke_with_cache_read_input(self, *, stream: bool = False) -> AIMessage:
        details = {"prompt_tokens_details": {"cached_tokens": 4}}
        return self._invoke_with({**USAGE, **details}, stream=stream)


class TestOpenAI(TestV2):
    endpoint = "openai"


class TestOpenAIPrompted(TestOpenAI):
    tool_calling = "prompted"
