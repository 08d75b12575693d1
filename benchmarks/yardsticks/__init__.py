"""What ChatOnlySq is compared with: the least that httpx, langchain-core, and both together do."""

import os

HTTP = os.environ.get("BENCHMARK_HTTP", "httpx")
"""Name of the HTTP library, `httpx` or `httpx2`; the default is the one that ChatOnlySq uses."""
