"""What Python says of things that nobody took care of, and otherwise only prints."""

from __future__ import annotations

import logging
import sys
import threading
import warnings
from typing import Any


class _Listener(logging.Handler):
    """Takes what event loops say of tasks and errors that nobody asked for."""

    def __init__(self, said: list[str]) -> None:
        super().__init__(logging.ERROR)
        self._said = said

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        text = ", ".join(record.getMessage().splitlines())
        self._said.append(f"asyncio: {text} {error!r}")


def complaints() -> list[str]:
    """Return a list that from now on takes all complaints of this process."""
    said: list[str] = []
    show = warnings.showwarning

    def warned(message: Any, category: type[Warning], *where: Any, **how: Any) -> None:
        if issubclass(category, ResourceWarning):
            said.append(f"ResourceWarning: {message}")
        else:
            show(message, category, *where, **how)

    def unraisable(args: Any) -> None:
        said.append(f"unraisable in {args.object!r}: {args.exc_value!r}")

    def ended(args: Any) -> None:
        said.append(f"uncaught in a thread: {args.exc_value!r}")

    warnings.simplefilter("always", ResourceWarning)
    warnings.showwarning = warned
    sys.unraisablehook = unraisable
    threading.excepthook = ended
    logging.getLogger("asyncio").addHandler(_Listener(said))
    return said
