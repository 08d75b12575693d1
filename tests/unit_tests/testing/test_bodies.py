"""The JSON bodies of the service."""

from __future__ import annotations

import copy

from langchain_onlysq.testing import (
    chunk,
    completion,
)
from tests.support.local_server import (
    CALL,
)


class TestBodies:
    def test_bodies_can_be_changed(self) -> None:
        assert completion("Hi", error="x", choices=[])["choices"] == []
        assert completion("Hi", error="x")["error"] == "x"
        assert completion(None, usage=None)["usage"] is None
        assert completion("Hi", tool_calls=[CALL])["choices"][0]["message"]["tool_calls"] == [CALL]
        assert chunk({"role": None, "content": None})["choices"][0]["delta"]["role"] is None
        assert chunk(None, usage={"total_tokens": 3})["choices"] == []

    def test_given_objects_stay_as_they_are(self) -> None:
        given = {"content": "x"}
        before = copy.deepcopy(given)
        chunk(given)
        assert given == before
