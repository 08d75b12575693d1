"""Which proxy is named where something is wrong with the connection, and never its password."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from langchain_onlysq.settings.proxies import Proxy, proxy_in_use

HTTPS, HTTP = "https://api.onlysq.ru/ai/v2", "http://127.0.0.1:9/ai/v2"


pytestmark = pytest.mark.usefixtures("no_proxies")


@pytest.mark.parametrize(
    ("variables", "url", "named_by"),
    [
        ({}, HTTPS, None),
        ({"HTTPS_PROXY": "http://p:1"}, HTTPS, "HTTPS_PROXY"),
        ({"https_proxy": "http://p:1"}, HTTPS, "https_proxy"),
        ({"HTTP_PROXY": "http://p:1"}, HTTPS, None),
        ({"http_proxy": "http://p:1"}, HTTP, "http_proxy"),
        ({"HTTPS_PROXY": "http://p:1"}, HTTP, None),
        ({"ALL_PROXY": "p:1", "HTTP_PROXY": "http://other"}, HTTPS, "ALL_PROXY"),
        ({"ALL_PROXY": "p:1", "NO_PROXY": "onlysq.ru"}, HTTPS, None),
        ({"ALL_PROXY": "p:1", "NO_PROXY": "127.0.0.1"}, HTTP, None),
    ],
)
def test_what_the_environment_names(
    variables: dict[str, str], url: str, named_by: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    expected = None if named_by is None else Proxy("http://p:1", named_by)
    assert proxy_in_use(url) == expected


def test_a_proxy_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "langchain_onlysq.settings.proxies.getproxies", lambda: {"https": "http://p:1"}
    )
    assert proxy_in_use(HTTPS) == Proxy("http://p:1", "the system's settings")


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("http://p:1", "http://p:1"),
        ("p:1", "http://p:1"),
        ("SOCKS5://me:canary@p:1/", "SOCKS5://p:1"),
        ("me:canary@p:1", "http://p:1"),
        ("http://me:ca/na?ry#@canary@p:1", "http://p:1"),
        ("me:http://canary@p:1", "http://p:1"),
        ("http://me:canary@[::1]:1/canary", "http://[::1]:1"),
        ("http://p\x1b:1", "http://p :1"),
        (httpx.URL("http://me:canary@p:1"), "http://p:1"),
        (httpx.Proxy("http://me:canary@p:1"), "http://p:1"),
    ],
)
def test_a_proxy_that_was_given_is_the_one_and_shows_no_password(
    given: Any, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://other:1")
    assert proxy_in_use(HTTPS, given) == Proxy(address, "proxy=…")
