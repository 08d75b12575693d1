"""What ChatOnlySq is compared with: the least that httpx, langchain-core, and both together do."""

import os
from importlib.util import find_spec

HTTP = os.environ.get("BENCHMARK_HTTP") or ("httpx2" if find_spec("httpx2") else "httpx")
"""Name of the HTTP library, `httpx` or `httpx2`; the default is the one that ChatOnlySq chooses."""
