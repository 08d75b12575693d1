"""A server behind TLS, with a certificate that no system trusts."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import trustme

from langchain_onlysq.testing import completion

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass
class TlsServer:
    """Where the server is, and which certificate vouches for it."""

    base_url: str
    authority: trustme.CA

    def write_authority(self, folder: Path) -> Path:
        """Write the certificate to a file."""
        path = folder / "authority.pem"
        self.authority.cert_pem.write_to_path(str(path))
        return path


@contextmanager
def tls_server() -> Iterator[TlsServer]:
    """Answer every request with the same message."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_serve, args=(listener, context), daemon=True)
        thread.start()
        yield TlsServer(f"https://127.0.0.1:{listener.getsockname()[1]}/ai", authority)
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


def _serve(listener: socket.socket, context: ssl.SSLContext) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with (
            connection,
            suppress(OSError),
            context.wrap_socket(connection, server_side=True) as tls,
        ):
            _answer(tls)


def _answer(tls: ssl.SSLSocket) -> None:
    read_request(tls)
    answer = json.dumps(completion("Behind TLS.")).encode()
    tls.sendall(
        b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: application/json\r\n"
        b"content-length: %d\r\n\r\n%s" % (len(answer), answer)
    )


def read_request(connection: socket.socket) -> bytes:
    """Read a request, and return its body."""
    head, _, body = _read_until(connection, b"", b"\r\n\r\n").partition(b"\r\n\r\n")
    headers = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:])
    length = int(headers.get(b"content-length", 0))
    while len(body) < length:
        body += _receive(connection)
    return body


def _read_until(connection: socket.socket, data: bytes, end: bytes) -> bytes:
    while end not in data:
        data += _receive(connection)
    return data


def _receive(connection: socket.socket) -> bytes:
    received = connection.recv(65536)
    if not received:
        raise ConnectionResetError
    return received
