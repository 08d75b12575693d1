"""A server that hesitates before each step, and counts the connections that are open."""

from __future__ import annotations

import json
import random
import socket
import ssl
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import trustme

from langchain_onlysq.testing import chunk, completion
from tests.support.tls import read_request

if TYPE_CHECKING:
    from collections.abc import Iterator

Kind = Literal["plain", "tls", "tunnel"]
Step = Literal["connect", "handshake", "head", "body"]

ANSWER = "You said: Hi"
_LONGEST, _ENDS = 0.002, 0.2


@dataclass
class HesitantServer:
    """Answers every request with the same words; every fifth answer or so ends its connection.

    Attributes:
        kind: In the clear, behind TLS, or behind TLS through a tunnel that the server itself opens.
        port: Where it listens.
        stops_at: The step that clients wait for in vain.
        has_stopped: Set as soon as one does.
        open: How many connections are open.
        seen: How many there were.
    """

    kind: Kind
    port: int
    seed: int
    stops_at: Step | None = None
    has_stopped: threading.Event = field(default_factory=threading.Event)
    open: int = 0
    seen: int = 0

    def __post_init__(self) -> None:
        authority, self._context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(self._context)
        self._trusting = ssl.create_default_context()
        authority.configure_trust(self._trusting)
        self._random = random.Random(self.seed)  # noqa: S311 - reproducible, not secret
        self._counting = threading.Lock()

    @property
    def fields(self) -> dict[str, Any]:
        """What `ChatOnlySq` needs to reach it."""
        scheme = "http" if self.kind == "plain" else "https"
        proxy = f"http://127.0.0.1:{self.port}" if self.kind == "tunnel" else None
        base_url = f"{scheme}://127.0.0.1:{self.port}/ai"
        return {"model": "m", "base_url": base_url, "verify": self._trusting, "proxy": proxy}

    def serve(self, connection: socket.socket) -> None:
        """Serve one connection until the client has had enough of it."""
        self._count(1)
        with suppress(OSError), connection:
            if self.kind == "tunnel":
                read_request(connection)
                self._hesitate(connection, "connect")
                connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            if self.kind != "plain":
                self._hesitate(connection, "handshake")
                connection = self._context.wrap_socket(connection, server_side=True)
            with connection:
                while self._answer(connection, json.loads(read_request(connection))):
                    pass
        self._count(-1)

    def _count(self, difference: int) -> None:
        with self._counting:
            self.open += difference
            self.seen += difference > 0

    def _hesitate(self, connection: socket.socket, step: Step) -> None:
        if step == self.stops_at:
            self.has_stopped.set()
            while connection.recv(65536):
                pass
            raise ConnectionResetError
        time.sleep(self._random.random() * _LONGEST)

    def _answer(self, connection: socket.socket, body: dict[str, Any]) -> bool:
        """Answer a request; return whether the connection goes on."""
        self._hesitate(connection, "head")
        is_last = self._random.random() < _ENDS
        if body["request"].get("stream"):
            *words, last = ANSWER.split(" ")
            texts = [f"{word} " for word in words]
            events = [*map(chunk, texts), chunk(last, finish_reason="stop")]
            parts = [b"data: %s\n\n" % json.dumps(event).encode() for event in events]
            parts.append(b"data: [DONE]\n\n")
            kind = b"text/event-stream"
        else:
            parts, kind = [json.dumps(completion(ANSWER)).encode()], b"application/json"
        connection.sendall(
            b"HTTP/1.1 200 OK\r\ncontent-type: %s\r\nconnection: %s\r\n"
            b"transfer-encoding: chunked\r\n\r\n" % (kind, b"close" if is_last else b"keep-alive")
        )
        for part in parts:
            connection.sendall(b"%x\r\n%s\r\n" % (len(part), part))
            self._hesitate(connection, "body")
        connection.sendall(b"0\r\n\r\n")
        return not is_last


@contextmanager
def hesitant_server(
    kind: Kind = "plain", seed: int = 0, stops_at: Step | None = None
) -> Iterator[HesitantServer]:
    """Run one."""
    threads = []
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        server = HesitantServer(kind, listener.getsockname()[1], seed, stops_at)

        def accept() -> None:
            with suppress(OSError):
                while True:
                    start(server.serve, listener.accept()[0])

        def start(target: Any, *args: Any) -> None:
            threads.append(threading.Thread(target=target, args=args, daemon=True))
            threads[-1].start()

        start(accept)
        yield server
        listener.shutdown(socket.SHUT_RDWR)
    for thread in threads:
        thread.join()
