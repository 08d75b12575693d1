"""The benchmark's server: a process of its own that sends bytes made beforehand.

`python -m benchmarks.server` prints its port and serves until its standard input ends; so it goes
with the process that started it, however that one ends.
"""

from __future__ import annotations

import asyncio
import gc
import re
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from benchmarks.machine import allow_descriptors
from benchmarks.wire import NOT_FOUND, answer, parse_path

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
_HOST = "127.0.0.1"
_BACKLOG = 2048
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@contextmanager
def running() -> Iterator[str]:
    """Run the server in a process of its own.

    Yields:
        Its address, such as `http://127.0.0.1:49152`.
    """
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.server"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,  # an interrupt is the business of the process that started it
    ) as process:
        # Leaving the block closes its standard input, and waits for its end.
        yield f"http://{_HOST}:{int(cast('IO[bytes]', process.stdout).readline())}"


async def _converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the requests of a connection, of which only the path matters, one after another."""
    loop = asyncio.get_running_loop()
    with suppress(ConnectionError, EOFError, asyncio.CancelledError):
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = _LENGTH.search(head)
            await reader.readexactly(int(length[1]) if length else 0)
            shape = parse_path(head.split(b" ", 2)[1].decode())
            start = loop.time()
            for number, piece in enumerate(answer(shape) if shape else [NOT_FOUND]):
                if shape and number:
                    await asyncio.sleep(start + number * shape.pause / 1000 - loop.time())
                writer.write(piece)
                await writer.drain()
    writer.close()


async def _serve() -> None:
    server = await asyncio.start_server(_converse, _HOST, 0, backlog=_BACKLOG)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.buffer.read)
    server.close()


if __name__ == "__main__":
    allow_descriptors()
    gc.disable()
    asyncio.run(_serve())
