"""The service without its sockets: a request goes in, the reply to it comes out."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from langchain_onlysq.testing.bodies import catalogue
from langchain_onlysq.testing.checks import RefusedRequestError, check_chat
from langchain_onlysq.testing.quota import Quota
from langchain_onlysq.testing.replies import Reply, ReplyLike, resolve, scriptable, shape
from langchain_onlysq.testing.requests import CATALOGUE_PATH, OPENAI_PATH, V2_PATH, Request
from langchain_onlysq.testing.responder import respond

if TYPE_CHECKING:
    from collections.abc import Iterable

_METHODS = {V2_PATH: "POST", OPENAI_PATH: "POST", CATALOGUE_PATH: "GET"}


class Service:
    """What the server answers: routes, checks, scripted replies, and the built-in model.

    Replies may be scripted from any thread while requests come in on another one: a deque
    takes and gives single items atomically.

    Args:
        strict: Whether requests are checked.
        native_tools_on_v2: Whether v2 takes tools like the openai endpoint.
        ignores_stop: Whether the built-in model goes on after a stop sequence.
        quota: Refuses chat requests beyond a number per minute.
    """

    def __init__(
        self,
        *,
        strict: bool,
        native_tools_on_v2: bool,
        ignores_stop: bool,
        quota: Quota | None = None,
    ) -> None:
        self._quota = quota or Quota(None)
        self._strict = strict
        self._native_tools_on_v2 = native_tools_on_v2
        self._ignores_stop = ignores_stop
        self._requests: list[Request] = []
        self._replies: deque[ReplyLike] = deque()
        self._catalogue_replies: deque[ReplyLike] = deque()

    @property
    def requests(self) -> list[Request]:
        """A copy of what was received so far, in order of arrival."""
        return list(self._requests)

    @property
    def replies_left(self) -> int:
        """The number of scripted chat replies that no request took yet."""
        return len(self._replies)

    def script(self, replies: Iterable[ReplyLike]) -> None:
        """Append replies to chat requests."""
        self._replies.extend([scriptable(reply) for reply in replies])

    def script_catalogue(self, replies: Iterable[ReplyLike]) -> None:
        """Append replies to requests for the catalogue."""
        self._catalogue_replies.extend([scriptable(reply) for reply in replies])

    def answer(self, request: Request) -> Reply:
        """Record a request and return the reply to it.

        A scripted callable that fails becomes a 500 with the exception in its message, since
        nothing raised on the thread of the server would reach the test.
        """
        self._requests.append(request)
        try:
            reply = self._route(request)
        except RefusedRequestError as error:
            reply = Reply.error(error.status, str(error))
        except Exception as error:  # noqa: BLE001 - see above
            reply = Reply.error(500, f"No reply could be made: {error!r}")
        return replace(reply, body=b"") if request.method == "HEAD" else reply

    def _route(self, request: Request) -> Reply:
        method = _METHODS.get(request.path)
        if method is None:
            return Reply.html(404, "404 Not Found")
        if request.method != method:
            allowed = {"Allow": method}
            return Reply.error(405, f"Method {request.method} not allowed.", headers=allowed)
        if request.path == CATALOGUE_PATH:
            return resolve(_next(self._catalogue_replies, catalogue()), request)
        if refusal := self._quota.refusal(request):
            return refusal
        if self._strict:
            check_chat(request, native_tools_on_v2=self._native_tools_on_v2)
        return resolve(_next(self._replies, self._respond), request)

    def _respond(self, request: Request) -> Reply:
        return shape(respond(request, ignores_stop=self._ignores_stop), request)


def _next(replies: deque[ReplyLike], default: ReplyLike) -> ReplyLike:
    """Take the next reply; only the thread of the server takes, so none can vanish between."""
    return replies.popleft() if replies else default
