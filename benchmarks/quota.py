"""How many of sixty calls at once are answered where the service allows forty a minute.

    python -m benchmarks.quota [requests a minute]

Takes some minutes: the minutes are real ones. Peers that are not installed are left out.
"""

from __future__ import annotations

import asyncio
import sys
import time
from importlib import import_module
from typing import Any

from langchain_onlysq import ChatOnlySq
from langchain_onlysq.testing import LocalOnlySq

CALLS = 60


def models(base_url: str) -> dict[str, Any]:
    """Return the models by their titles, each with its own key, so that each has its own quota."""
    made: dict[str, Any] = {
        "ChatOnlySq": ChatOnlySq(model="m", base_url=base_url, endpoint="openai", api_key="a")
    }
    peers = {
        "ChatOpenAI": ("langchain_openai", {"base_url": f"{base_url}/openai"}),
        "ChatMistralAI": ("langchain_mistralai", {"endpoint": f"{base_url}/openai"}),
    }
    for title, (module, fields) in peers.items():
        try:
            peer = getattr(import_module(module), title)
        except ImportError:
            continue
        for suffix, more in (("", {}), (", max_retries=10", {"max_retries": 10})):
            made[title + suffix] = peer(model="m", api_key=title + suffix[-2:], **fields, **more)
    return made


async def main(limit: int) -> None:
    """Ask with all models at the same time."""
    with LocalOnlySq(requests_per_minute=limit) as server:
        await asyncio.gather(
            *(_ask(title, model) for title, model in models(server.base_url).items())
        )


async def _ask(title: str, model: Any) -> None:
    started = time.monotonic()
    outcomes = await model.abatch(["Hi"] * CALLS, return_exceptions=True)
    answered = sum(not isinstance(outcome, Exception) for outcome in outcomes)
    seconds = time.monotonic() - started
    print(f"{title:30} {answered:2} of {CALLS} answered, in {seconds:.0f} s", flush=True)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 40))
