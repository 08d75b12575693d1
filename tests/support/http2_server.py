"""A server that speaks HTTP/2, all of a client's calls on one connection."""

from __future__ import annotations

import json
import socket
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, StreamEnded
from h2.exceptions import ProtocolError

from langchain_onlysq.testing import Close, Pause

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Http2Server:
    """Answers each request by what it is to do for the model that is asked.

    Attributes:
        base_url: For `ChatOnlySq`.
        connections: How many there were.
    """

    def __init__(self, plans: Mapping[str, Sequence[bytes | Pause | Close]]) -> None:
        """Take the plans: bytes are sent, behind a head; without `Close` no answer ends."""
        self.connections = 0
        self._plans = plans
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.base_url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/ai"
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def _start(self, target: Any, *args: Any) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection = _Connection(self._listener.accept()[0])
                self.connections += 1
                self._start(connection.serve, self._plans, self._start)


class _Connection:
    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._h2 = H2Connection(H2Configuration(client_side=False))
        self._lock = threading.Lock()
        self._bodies: dict[int, bytes] = {}
        self._h2.initiate_connection()
        self._send()

    def serve(self, plans: Mapping[str, Sequence[Any]], start: Any) -> None:
        with self._socket, suppress(OSError):
            while data := self._socket.recv(65536):
                with self._lock:
                    events = self._h2.receive_data(data)
                    self._send()
                for event in events:
                    if isinstance(event, DataReceived):
                        before = self._bodies.get(event.stream_id, b"")
                        self._bodies[event.stream_id] = before + event.data
                    elif isinstance(event, StreamEnded):
                        model = json.loads(self._bodies[event.stream_id])["model"]
                        start(self._answer, event.stream_id, plans[model])

    def _answer(self, stream_id: int, plan: Sequence[Any]) -> None:
        # A client that has gone wants no more of it.
        with suppress(OSError, ProtocolError):
            for number, step in enumerate(plan):
                if isinstance(step, Pause):
                    time.sleep(step.seconds)
                    continue
                with self._lock:
                    if not number:
                        self._h2.send_headers(stream_id, [(":status", "200")])
                    if isinstance(step, Close):
                        self._h2.end_stream(stream_id)
                    else:
                        self._h2.send_data(stream_id, step)
                    self._send()

    def _send(self) -> None:
        self._socket.sendall(self._h2.data_to_send())
