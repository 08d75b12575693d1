"""The settings of one call, and the checks of what only the constructor takes."""

from __future__ import annotations

import copy
import json
from typing import Any

import httpx
import pytest
from pydantic import SecretStr, ValidationError

from langchain_onlysq.errors import OnlySqInvalidRequestError
from langchain_onlysq.settings.call_options import (
    ALIASES,
    DEFAULT_TIMEOUT,
    RESERVED,
    CallOptions,
    describe,
    unknown_keyword,
    with_overrides,
)
from langchain_onlysq.settings.service import (
    BASE_URL_VARIABLE,
    DEFAULT_BASE_URL,
    KEY_VARIABLE,
    PUBLIC_KEY,
    base_url_from_environment,
    check_headers,
    check_key,
    key_from_environment,
    normalize_base_url,
)


def options(**fields: Any) -> CallOptions:
    return CallOptions(**{"model": "gpt-4o-mini", **fields})


class TestFields:
    def test_the_defaults_are_those_of_the_documentation(self) -> None:
        assert options().model_dump() == {
            "model": "gpt-4o-mini",
            "endpoint": "v2",
            "temperature": None,
            "top_p": None,
            "max_tokens": None,
            "seed": None,
            "stop": None,
            "model_kwargs": {},
            "stream_usage": False,
            "timeout": (10.0, 120.0, 60.0, 30.0),
            "stall_timeout": 120.0,
            "max_retries": 2,
            "fallback_models": [],
            "max_repairs": 1,
            "tool_calling": "auto",
            "merge_consecutive_messages": None,
            "parse_reasoning": True,
            "allow_empty": False,
            "allow_truncated_stream": False,
            "reasoning_effort": None,
            "pacing": True,
            "max_wait": None,
            "fallback_when": "failed",
        }

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("model", ""),
            ("model", " \t"),
            ("model", None),
            ("model", 7),
            ("endpoint", "v1"),
            ("temperature", "hot"),
            ("temperature", float("nan")),
            ("top_p", float("inf")),
            ("max_tokens", 1.5),
            ("seed", "one"),
            ("stop", [""]),
            ("stop", ""),
            ("stop", [7]),
            ("timeout", 0),
            ("timeout", -1),
            ("timeout", float("nan")),
            ("timeout", float("inf")),
            ("timeout", True),
            ("timeout", []),
            ("timeout", (1, 2, 3, 4, 5)),
            ("timeout", (1, "x")),
            ("timeout", "soon"),
            ("stall_timeout", 0),
            ("stall_timeout", float("inf")),
            ("max_retries", -1),
            ("max_retries", 1.5),
            ("tool_calling", "always"),
            ("model_kwargs", []),
            ("unknown", 7),
        ],
    )
    def test_nonsense_is_refused(self, field: str, value: Any) -> None:
        with pytest.raises(ValidationError) as caught:
            options(**{field: value})
        said = describe(caught.value)
        assert said.startswith((f"{field}: ", field))
        assert not any(word in said for word in ("; ", "Value error", "\n"))

    @pytest.mark.parametrize(
        "name",
        sorted({*RESERVED, *ALIASES, "temperature", "timeout", "max_retries", "model_kwargs"}),
    )
    def test_a_clash_of_extra_keys_with_a_field_is_an_error(self, name: str) -> None:
        with pytest.raises(ValidationError) as caught:
            options(model_kwargs={name: 1})
        said = describe(caught.value)
        is_field = name in CallOptions.model_fields or name in ALIASES
        advice = ": pass it as a field of its own" if is_field else ", which is made from what"
        assert said.startswith(f"model_kwargs: model_kwargs must not hold {name!r}{advice}")

    def test_extra_keys_are_free_otherwise(self) -> None:
        extra = {"meta": {"image_count": 1}, "frequency_penalty": 1}
        assert options(model_kwargs=extra).model_kwargs == extra

    @pytest.mark.parametrize(
        ("stop", "read"), [("END", ["END"]), (["a", "b"], ["a", "b"]), ([], []), (None, None)]
    )
    def test_one_stop_sequence_may_stand_alone(self, stop: Any, read: Any) -> None:
        assert options(stop=stop).stop == read

    @pytest.mark.parametrize(
        ("timeout", "timeouts"),
        [
            (7, (7.0, 7.0, 7.0, 7.0)),
            (0.5, (0.5, 0.5, 0.5, 0.5)),
            (None, (None, None, None, None)),
            ((1, 2), (1.0, 2.0, None, None)),
            ([1, 2, 3], (1.0, 2.0, 3.0, None)),
            ((1, None, 3, 4), (1.0, None, 3.0, 4.0)),
            (httpx.Timeout(7), (7.0, 7.0, 7.0, 7.0)),
            (httpx.Timeout(None), (None, None, None, None)),
            (httpx.Timeout(7, connect=1, pool=None), (1.0, 7.0, 7.0, None)),
        ],
    )
    def test_a_timeout_has_many_forms(self, timeout: Any, timeouts: Any) -> None:
        assert options(timeout=timeout).timeouts == timeouts

    def test_a_timeout_that_was_assigned_is_read_too(self) -> None:
        settings: Any = options()
        settings.timeout = httpx.Timeout(7, connect=1)
        assert settings.timeouts == (1.0, 7.0, 7.0, 7.0)

    def test_the_default_timeout_is_that_of_the_documentation(self) -> None:
        assert options().timeouts == DEFAULT_TIMEOUT

    def test_settings_can_be_written_as_json(self) -> None:
        settings = options(timeout=httpx.Timeout(7, connect=1), stop="END")
        again = CallOptions(**json.loads(settings.model_dump_json()))
        assert again == settings

    @pytest.mark.parametrize(
        ("endpoint", "tool_calling", "native"),
        [
            ("v2", "auto", False),
            ("openai", "auto", True),
            ("v2", "native", True),
            ("openai", "native", True),
            ("v2", "prompted", False),
            ("openai", "prompted", False),
        ],
    )
    def test_tools_are_native_where_the_endpoint_documents_them(
        self, *, endpoint: str, tool_calling: str, native: bool
    ) -> None:
        assert options(endpoint=endpoint, tool_calling=tool_calling).native_tools is native

    @pytest.mark.parametrize(
        ("endpoint", "merge", "merges"),
        [("v2", None, True), ("openai", None, False), ("v2", False, False), ("openai", True, True)],
    )
    def test_messages_are_merged_on_v2(
        self, *, endpoint: str, merge: bool | None, merges: bool
    ) -> None:
        settings = options(endpoint=endpoint, merge_consecutive_messages=merge)
        assert settings.merges_messages is merges


class WithMore(CallOptions):
    proxy: str | None = None


class TestOverriding:
    def test_without_keywords_the_settings_are_the_same_object(self) -> None:
        settings = options()
        changed, extra = with_overrides(settings, {})
        assert changed is settings
        assert extra == {}

    @pytest.mark.parametrize(
        ("keyword", "field", "value"),
        [
            ("model", "model", "gpt-5"),
            ("model_name", "model", "gpt-5"),
            ("temperature", "temperature", 0.0),
            ("stop", "stop", ["END"]),
            ("stop_sequences", "stop", ["END"]),
            ("timeout", "timeout", 7.0),
            ("request_timeout", "timeout", 7.0),
            ("endpoint", "endpoint", "openai"),
            ("max_retries", "max_retries", 0),
            ("parse_reasoning", "parse_reasoning", False),
        ],
    )
    def test_a_keyword_overrides_its_field(self, keyword: str, field: str, value: Any) -> None:
        settings = options(temperature=1.0, seed=3)
        before = settings.model_copy(deep=True)
        changed, extra = with_overrides(settings, {keyword: value})
        assert getattr(changed, field) == value
        assert changed.seed == 3
        assert extra == {}
        assert settings == before

    def test_none_takes_a_field_back(self) -> None:
        changed, _ = with_overrides(options(temperature=1.0, stop="END"), {"temperature": None})
        assert changed.temperature is None
        assert changed.stop == ["END"]

    def test_other_keywords_are_extra_keys_beside_those_of_the_model(self) -> None:
        settings = options(model_kwargs={"a": 1, "b": 2})
        keywords = {"b": 3, "c": 4}
        before = copy.deepcopy(keywords)
        changed, extra = with_overrides(settings, keywords)
        assert extra == {"a": 1, "b": 3, "c": 4}
        assert settings.model_kwargs == {"a": 1, "b": 2}
        assert changed is settings
        assert keywords == before

    def test_extra_keys_of_a_call_replace_those_of_the_model(self) -> None:
        settings = options(model_kwargs={"a": 1, "b": 2})
        _, extra = with_overrides(settings, {"model_kwargs": {"b": 3}})
        assert extra == {"b": 3}
        assert settings.model_kwargs == {"a": 1, "b": 2}

    def test_two_names_of_a_field_with_two_values_are_refused(self) -> None:
        with pytest.raises(OnlySqInvalidRequestError, match="another name of 'model'"):
            with_overrides(options(), {"model": "a", "model_name": "b"})

    @pytest.mark.parametrize(
        "name", ["stream", "ls_structured_output_format", "structured_output_format"]
    )
    def test_what_langchain_passes_for_its_own_use_is_not_sent(self, name: str) -> None:
        assert with_overrides(options(), {name: True})[1] == {}

    def test_what_only_the_constructor_takes_is_refused(self) -> None:
        with pytest.raises(OnlySqInvalidRequestError, match="'proxy' cannot be changed") as caught:
            with_overrides(WithMore(model="gpt-4o-mini"), {"proxy": "x"})
        assert caught.value.model == "gpt-4o-mini"

    def test_a_model_with_more_fields_gives_the_settings_of_a_call(self) -> None:
        changed, _ = with_overrides(WithMore(model="a", proxy="x", seed=3), {"model": "b"})
        assert (changed.model, changed.seed) == ("b", 3)

    @pytest.mark.parametrize(
        "keywords",
        [
            {"temperature": "hot-secret"},
            {"model": ""},
            {"stop": [""]},
            {"timeout": -1},
            {"model_kwargs": {"messages": []}},
        ],
    )
    def test_nonsense_is_refused_without_the_value(self, keywords: dict[str, Any]) -> None:
        with pytest.raises(OnlySqInvalidRequestError) as caught:
            with_overrides(options(), keywords)
        (name,) = keywords
        assert name in str(caught.value)
        assert "secret" not in str(caught.value)
        assert caught.value.model == "gpt-4o-mini"
        assert caught.value.__suppress_context__


class TestEnvironment:
    @pytest.mark.parametrize(
        ("value", "key"), [(None, PUBLIC_KEY), ("", PUBLIC_KEY), ("sq-1", "sq-1")]
    )
    def test_the_key_is_that_of_the_environment_or_the_public_one(
        self, monkeypatch: pytest.MonkeyPatch, value: str | None, key: str
    ) -> None:
        monkeypatch.delenv(KEY_VARIABLE, raising=False)
        if value is not None:
            monkeypatch.setenv(KEY_VARIABLE, value)
        assert key_from_environment().get_secret_value() == key

    @pytest.mark.parametrize(
        ("value", "url"),
        [(None, DEFAULT_BASE_URL), ("", DEFAULT_BASE_URL), ("https://a/ai", "https://a/ai")],
    )
    def test_the_base_url_is_that_of_the_environment_or_the_services_own(
        self, monkeypatch: pytest.MonkeyPatch, value: str | None, url: str
    ) -> None:
        monkeypatch.delenv(BASE_URL_VARIABLE, raising=False)
        if value is not None:
            monkeypatch.setenv(BASE_URL_VARIABLE, value)
        assert base_url_from_environment() == url

    def test_the_names_are_those_of_the_documentation(self) -> None:
        assert (KEY_VARIABLE, BASE_URL_VARIABLE) == ("ONLYSQ_API_KEY", "ONLYSQ_API_BASE")
        assert (PUBLIC_KEY, DEFAULT_BASE_URL) == ("openai", "https://api.onlysq.ru/ai")


class TestKeys:
    @pytest.mark.parametrize("key", ["openai", "sq-" + "a" * 32, "!#$%&'()*+,-./:;<=>?@[]^_`{|}~"])
    def test_any_key_that_a_header_can_hold_is_taken(self, key: str) -> None:
        check_key(SecretStr(key))

    def test_an_empty_key_names_the_variable(self) -> None:
        with pytest.raises(ValueError, match="ONLYSQ_API_KEY"):
            check_key(SecretStr(""))

    @pytest.mark.parametrize(
        "key",
        [
            *("canary\n", " canary", "canary ", "can ary", "canary\r\nX: y"),
            *("canary\x00", "canaryЖ", "canary\ud83d", "canary\x7f"),
        ],
    )
    def test_a_broken_key_is_refused_without_showing_it(self, key: str) -> None:
        with pytest.raises(ValueError, match="ONLYSQ_API_KEY") as caught:
            check_key(SecretStr(key))
        assert "canary" not in str(caught.value)
        assert "canary" not in repr(caught.value.args)


class TestBaseUrls:
    @pytest.mark.parametrize(
        "tail",
        [
            *("", "/", "//", "/v2", "/v2/", "/openai", "/openai/", "/openai/v1", "/openai/v1/"),
            *("/chat/completions", "/openai/chat/completions", "/openai/chat/completions/"),
            "/openai/v1/chat/completions",
        ],
    )
    def test_the_path_of_an_endpoint_is_dropped(self, tail: str) -> None:
        for base in (
            "https://api.onlysq.ru/ai",
            "http://127.0.0.1:8000",
            "http://[::1]:8000/ai",
            "https://example.org/proxy/v2x",
        ):
            assert normalize_base_url(base + tail) == base
            assert normalize_base_url(f" {base}{tail}\n") == base

    def test_only_the_end_is_dropped(self) -> None:
        assert normalize_base_url("https://a/v2/ai") == "https://a/v2/ai"
        assert normalize_base_url("https://a/myopenai") == "https://a/myopenai"
        assert normalize_base_url("HTTPS://a/ai/v2") == "https://a/ai"

    @pytest.mark.parametrize(
        "url",
        [
            *("", "api.onlysq.ru/ai", "//api.onlysq.ru/ai", "ftp://api.onlysq.ru"),
            *("file:///etc/passwd", "https://", "https:///ai", "https://:8000"),
            *("https://a:port", "https://a:99999", "https://[::1", "https://[x]/"),
            *("https://a..b/ai", "https://.a/ai", f"https://{'a' * 64}.com/ai"),
        ],
    )
    def test_what_is_not_a_web_address_is_refused_with_an_example(self, url: str) -> None:
        with pytest.raises(
            ValueError, match=r"base_url must look like 'https://api\.onlysq\.ru/ai'"
        ):
            normalize_base_url(url)

    @pytest.mark.parametrize("user", ["user:canary@", "canary@", ":canary@", "@"])
    def test_a_password_is_refused_without_showing_it(self, user: str) -> None:
        with pytest.raises(ValueError, match="user name or password") as caught:
            normalize_base_url(f"https://{user}example.org/ai")
        assert "canary" not in str(caught.value)

    @pytest.mark.parametrize("tail", ["?key=canary", "#canary", "/v2?key=canary"])
    def test_a_query_is_refused_without_showing_it(self, tail: str) -> None:
        with pytest.raises(ValueError, match="query") as caught:
            normalize_base_url(f"https://example.org/ai{tail}")
        assert "canary" not in str(caught.value)


class TestHeaders:
    def test_a_copy_of_valid_headers_is_given_back(self) -> None:
        headers = {"X-Title": "a b\tc", "x_y.z": "", "User-Agent": "me/1.0 (~)"}
        checked = check_headers(headers)
        assert checked == headers
        assert checked is not headers

    @pytest.mark.parametrize("name", ["", "X Y", "X:", "Ж", "X\n", "X\r\nY", "(x)"])
    def test_a_broken_name_is_refused(self, name: str) -> None:
        with pytest.raises(ValueError, match="not a header name"):
            check_headers({name: "x"})

    @pytest.mark.parametrize(
        "value",
        [
            *("canary\n", "canary\r\nX: y", " canary", "canary "),
            *("canary\t", "\tcanary", "canary\x00", "canaryЖ"),
        ],
    )
    def test_a_broken_value_is_refused_without_showing_it(self, value: str) -> None:
        with pytest.raises(ValueError, match="'X-Title'") as caught:
            check_headers({"X-Title": value})
        assert "canary" not in str(caught.value)


class TestMistakes:
    @pytest.mark.parametrize(
        ("name", "near"),
        [("temprature", "temperature"), ("max_token", "max_tokens"), ("modle", "model")],
    )
    def test_the_nearest_field_is_suggested(self, name: str, near: str) -> None:
        message = unknown_keyword(name, CallOptions.model_fields)
        assert f"{name!r}" in message
        assert f"did you mean {near!r}?" in message

    def test_without_a_near_one_the_way_for_extra_keys_is_named(self) -> None:
        message = unknown_keyword("frequency_penalty", CallOptions.model_fields)
        assert "did you mean" not in message
        assert "model_kwargs" in message

    def test_a_description_names_every_field_and_no_value(self) -> None:
        with pytest.raises(ValidationError) as caught:
            options(temperature="canary", stop=["canary", ""], endpoint="canary", canary=1)
        message = describe(caught.value)
        assert "\n" not in message
        assert "temperature: " in message
        assert "stop: " in message
        assert "endpoint: " in message
        assert "canary: " in message
        assert message.count("canary") == 1
