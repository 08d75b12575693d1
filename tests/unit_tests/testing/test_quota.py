"""The local server refuses requests beyond a number per minute, for each key and model."""

from __future__ import annotations

import pytest

from langchain_onlysq import ChatOnlySq, OnlySqRateLimitError
from langchain_onlysq.testing import LocalOnlySq
from langchain_onlysq.testing.quota import Quota
from langchain_onlysq.testing.requests import Headers, Request


def request(key: str = "a", model: str = "m") -> Request:
    headers = Headers([("Authorization", f"Bearer {key}")])
    return Request("POST", "/ai/v2", headers, f'{{"model": "{model}"}}'.encode())


def test_a_request_beyond_the_limit_is_refused_until_a_minute_is_over() -> None:
    now = [0.0]
    quota = Quota(2, 60.0, clock=lambda: now[0])
    assert [quota.refusal(request()) for _ in range(2)] == [None, None]
    now[0] = 30.0
    refusal = quota.refusal(request())
    assert refusal is not None
    assert refusal.status == 429
    now[0] = 60.0
    # What was refused does not count.
    assert [bool(quota.refusal(request())) for _ in range(3)] == [False, False, True]


def test_other_keys_and_models_have_a_limit_of_their_own() -> None:
    quota = Quota(1, 60.0, clock=lambda: 0.0)
    for asked in (request(), request(key="b"), request(model="n")):
        assert quota.refusal(asked) is None
        assert quota.refusal(asked)


def test_a_body_that_is_not_an_object_counts_too() -> None:
    quota = Quota(0, 60.0)
    assert quota.refusal(Request("POST", "/ai/v2", Headers([]), b"[]"))


@pytest.mark.sockets
def test_the_server_refuses_as_the_service_does() -> None:
    with LocalOnlySq(requests_per_minute=1) as server:
        llm = ChatOnlySq(model="m", base_url=server.base_url, max_retries=0)
        assert llm.invoke("Hi").content == "You said: Hi"
        with pytest.raises(OnlySqRateLimitError, match="1 per minute for m"):
            llm.invoke("Hi")
        assert llm.invoke("Hi", model="n").content == "You said: Hi"
