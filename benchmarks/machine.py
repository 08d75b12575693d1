"""What the machine says, and what it is asked for. Imports little: measuring processes use it."""

from __future__ import annotations

import os
from contextlib import suppress

_PACKAGES = ("langchain-core", "httpx", "httpx2", "pydantic", "langchain-openai")
_DESCRIPTORS = 4096


def facts() -> dict[str, str]:
    """Return what the figures depend on, and nothing that tells whose machine it is."""
    import platform
    from importlib.metadata import PackageNotFoundError, version

    known = {
        "Python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": str(os.cpu_count()),
    }
    for name in (*_PACKAGES, "langchain-mistralai"):
        with suppress(PackageNotFoundError):
            known[name] = version(name)
    return known


def resident() -> float:
    """Return the memory that this process has now, in MB; 0 where the system is not Linux."""
    with suppress(OSError), open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - pathlib would count
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    return 0.0


def allow_descriptors() -> None:
    """Let this process have some thousand connections, where the system asks for permission."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft < _DESCRIPTORS:
            resource.setrlimit(resource.RLIMIT_NOFILE, (_DESCRIPTORS, hard))
