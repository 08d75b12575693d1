"""The benchmark's server: a process of its own that sends bytes made beforehand.

`python -m benchmarks.server` prints its port and serves until its standard input ends; so it goes
with the process that started it, however that one ends.
"""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from benchmarks.wire import Answer, answer, not_found, parse_path

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROOT = Path(__file__).parents[1]
_HOST = "127.0.0.1"
_BACKLOG = 2048
_DESCRIPTORS = 4096
_END_OF_HEAD = b"\r\n\r\n"


@contextmanager
def running() -> Iterator[str]:
    """Run the server in a process of its own.

    Yields:
        Its address, such as `http://127.0.0.1:49152`.
    """
    command = [sys.executable, "-m", "benchmarks.server"]
    with subprocess.Popen(  # noqa: S603 - our own interpreter
        command,
        cwd=_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,  # an interrupt is the business of the process that started it
    ) as process:
        # Leaving the block closes its standard input, and waits for its end.
        yield f"http://{_HOST}:{int(cast('IO[bytes]', process.stdout).readline())}"


def allow_descriptors() -> None:
    """Let this process have some thousand connections, where the system asks for permission."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft < _DESCRIPTORS:
            resource.setrlimit(resource.RLIMIT_NOFILE, (_DESCRIPTORS, hard))


class _Connection(asyncio.Protocol):
    """Reads requests, of which only the path matters, and answers them one after another."""

    def __init__(self) -> None:
        self._head = b""
        self._path: str | None = None
        self._body_left = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self._path is None:
            self._head += data
            if _END_OF_HEAD not in self._head:
                return
            head, _, data = self._head.partition(_END_OF_HEAD)
            self._head = b""
            self._path, self._body_left = _read_head(head)
        self._body_left -= len(data)
        if self._body_left <= 0:
            path, self._path = self._path, None
            self._answer(path)

    def _answer(self, path: str) -> None:
        shape = parse_path(path)
        if shape is None:
            self._transport.write(not_found())
            return
        loop = asyncio.get_running_loop()
        self._send(loop, answer(shape), 0, loop.time())

    def _send(
        self, loop: asyncio.AbstractEventLoop, whole: Answer, number: int, due: float
    ) -> None:
        """Send one piece, and the next when it is due, counted from the start."""
        if self._transport.is_closing():
            return
        self._transport.write(whole.pieces[number])
        if number + 1 < len(whole.pieces):
            due += whole.pause
            loop.call_at(due, self._send, loop, whole, number + 1, due)


def _read_head(head: bytes) -> tuple[str, int]:
    """Return the path and the length of the body."""
    request, *headers = head.split(b"\r\n")
    length = 0
    for header in headers:
        name, _, value = header.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return request.split(b" ")[1].decode(), length


async def _serve() -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    server = await loop.create_server(_Connection, _HOST, 0, backlog=_BACKLOG)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()

    def wait_for_the_end() -> None:
        sys.stdin.buffer.read()
        loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    await stop.wait()
    server.close()


def main() -> None:
    """Serve until standard input ends."""
    allow_descriptors()
    gc.disable()
    asyncio.run(_serve())


if __name__ == "__main__":
    main()
