"""Servers of bytes, such as no HTTP library writes."""

from __future__ import annotations

import re
import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def raw_server(answer: bytes) -> Iterator[str]:
    """Answer every connection with the same bytes; give host and port."""

    def handle(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(answer)

    with handling(handle) as address:
        yield address


@contextmanager
def handling(handle: Callable[[socket.socket], None]) -> Iterator[str]:
    """Let a function handle each connection; give host and port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_serve, args=(listener, handle), daemon=True)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


def _serve(listener: socket.socket, handle: Callable[[socket.socket], None]) -> None:
    with suppress(OSError):
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_handle, args=(connection, handle), daemon=True).start()


def _handle(connection: socket.socket, handle: Callable[[socket.socket], None]) -> None:
    with connection, suppress(OSError):
        handle(connection)


def read_request(connection: socket.socket) -> bytes:
    """Read a request to its end; return its head, b"" where the connection ends instead."""
    data = b""
    while b"\r\n\r\n" not in data:
        if not (piece := connection.recv(65536)):
            return b""
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    found = re.search(rb"(?i)content-length: (\d+)", head)
    missing = int(found[1]) - len(body) if found else 0
    while missing > 0 and (piece := connection.recv(65536)):
        missing -= len(piece)
    return head


def http_answer(body: bytes, *lines: bytes, status: bytes = b"200 OK") -> bytes:
    """Write an answer with further lines in its head."""
    head = (b"HTTP/1.1 " + status, *lines, b"content-length: %d" % len(body))
    return b"\r\n".join((*head, b"", body))
