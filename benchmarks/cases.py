"""What is measured: names, titles and units. Imports nothing heavy: measuring processes read it."""

from __future__ import annotations

from typing import NamedTuple

AT_ONCE = {1: 10, 10: 10, 100: 20, 500: 40}
"""Number of streams at once -> chunks of each, twenty a second.

Opening 500 takes about a second: shorter ones would not be open all at once.
"""

SIZES = (200, 2_000, 20_000)
"""Numbers of chunks in a stream."""


class Case(NamedTuple):
    """What one process measures for one subject.

    Attributes:
        module: The module of `benchmarks.measures` that has a function of the case's name.
        lines: Name of a figure -> title of its line in the table.
        seconds: About how long one process takes.
        without: Subjects that have no such thing.
        ratios: Whether a ratio of its figures says anything.
    """

    module: str
    lines: dict[str, str]
    seconds: float
    without: tuple[str, ...] = ()
    ratios: bool = True


def _calls(titles: dict[str, str]) -> dict[str, str]:
    """Return two lines for each title, of stream and its async twin."""
    return {
        f"{method}_{name}": f"{method}, {title}"
        for method in ("stream", "astream")
        for name, title in titles.items()
    }


CASES: dict[str, Case] = {
    "import": Case(
        "fresh",
        {
            "time": "import, ms",
            "modules": "import, modules",
            "memory": "memory after import, MB",
        },
        0.9,
    ),
    "first": Case("fresh", {"time": "first token in a fresh process, ms"}, 0.9),
    "construct": Case(
        "construct",
        {
            "cold": "construction, the first, µs",
            "warm": "construction, a further one, µs",
            "url": "construction, another URL, µs",
        },
        1.0,
        ("raw",),
    ),
    "invoke": Case("calls", {"invoke": "invoke, µs", "ainvoke": "ainvoke, µs"}, 1.2),
    "stream": Case(
        "calls", _calls({str(size): f"{size:,} chunks, µs a chunk" for size in SIZES}), 3.2
    ),
    "framing": Case(
        "calls",
        _calls(
            {
                "packed": "10 events in an HTTP chunk, µs a chunk",
                "trickle": "1 ms between chunks, µs a chunk",
            }
        ),
        2.4,
        ("core",),
    ),
    "events": Case(
        "events",
        {
            "v2": "astream_events v2, µs a chunk",
            "v3": "stream_events v3, µs a chunk",
            "av3": "astream_events v3, µs a chunk",
        },
        2.3,
        ("raw",),
    ),
    "tools": Case(
        "calls",
        _calls(
            {
                **{str(size): f"tools bound, {size:,} chunks, µs a chunk" for size in SIZES[1:]},
                "arguments": "500 argument fragments, µs each",
            }
        ),
        4.3,
        ("core",),
    ),
    "requests": Case(
        "load",
        {
            "history": "invoke, 1,000 messages of history, ms",
            "image": "invoke, an image of 5 MB, ms",
        },
        1.0,
    ),
    "at_once": Case(
        "load",
        {
            f"{name}_{count}": f"{count} {'streams at once' if count > 1 else 'stream'}, {title}"
            for count in AT_ONCE
            for name, title in (("wall", "wall, ms"), ("cpu", "CPU, ms"), ("errors", "errors"))
        },
        6.5,
        ("core",),
    ),
    "growth": Case(
        "memory",
        {
            "calls_first": "growth, 2,000 calls, MB",
            "calls_again": "growth, 2,000 calls more, MB",
            "models_first": "growth, 500 models, MB",
            "models_again": "growth, 500 models more, MB",
        },
        7.5,
        ("raw", "core"),
        ratios=False,
    ),
}
"""Name of a case -> what it is. A figure is known as `case.name`, such as `stream.astream_2000`."""


def unknown_case(name: str) -> str:
    """Say that there is no such case, and which there are."""
    return f"unknown case {name!r}; there are: {', '.join(CASES)}"
