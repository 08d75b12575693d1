"""What the figures depend on, and nothing that tells whose machine it is."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version

_PACKAGES = ("langchain-core", "httpx", "pydantic", "langchain-openai", "langchain-mistralai")


def facts() -> dict[str, str]:
    """Return versions of what takes part, and the number of cores."""
    known = {
        "Python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": str(os.cpu_count()),
    }
    for name in _PACKAGES:
        try:
            known[name] = version(name)
        except PackageNotFoundError:
            continue
    return known
