"""What ChatOnlySq is to reach, and whether it does. A benchmark is no gate: nothing fails here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from benchmarks.results import Results

_SUBJECT = "onlysq"


class Goal(NamedTuple):
    """One goal.

    Attributes:
        title: What it says.
        kind: What is judged: the `"value"` itself, its `"ratio"` to the same figure of another
            subject, its `"difference"` from that, or the `"spread"` between two figures, as a
            share of the second.
        figure: The figure of ChatOnlySq, as `case.name`.
        most: The most that it may be.
        against: The other subject, or for a spread the other figure.
        unit: Unit of what is judged.
    """

    title: str
    kind: Literal["value", "ratio", "difference", "spread"]
    figure: str
    most: float
    against: str = ""
    unit: str = ""


def _to_limit(title: str, figure: str, most: float) -> Goal:
    return Goal(f"{title}, to the limit", "ratio", figure, most, "limit")


GOALS = (
    Goal("import, to langchain-core and httpx", "ratio", "import.time", 1.05, "limit"),
    Goal("construction, a further model", "value", "construct.warm", 60, unit="µs"),
    Goal("construction, another URL", "value", "construct.url", 60, unit="µs"),
    _to_limit("first token, fresh process", "first.time", 1.05),
    _to_limit("invoke", "invoke.invoke", 1.15),
    _to_limit("ainvoke", "invoke.ainvoke", 1.15),
    *[
        _to_limit(f"{method}, {size:,} chunks", f"stream.{method}_{size}", 1.25)
        for method in ("stream", "astream")
        for size in (2_000, 20_000)
    ],
    *[
        Goal(
            f"{method}, a chunk of 20,000 and one of 2,000",
            "spread",
            f"stream.{method}_20000",
            0.15,
            f"stream.{method}_2000",
        )
        for method in ("stream", "astream")
    ],
    *[
        _to_limit(f"{method}, tools bound, {size:,} chunks", f"tools.{method}_{size}", 1.6)
        for method in ("stream", "astream")
        for size in (2_000, 20_000)
    ],
    _to_limit("stream_events v3", "events.v3", 0.5),
    _to_limit("astream_events v3", "events.av3", 0.5),
    Goal("500 streams at once, errors", "value", "at_once.errors_500", 0),
    Goal("500 streams at once, wall, to raw httpx", "ratio", "at_once.wall_500", 1.3, "raw"),
    Goal("1,000 messages, to json.dumps and httpx", "ratio", "requests.history", 1.2, "raw"),
    Goal("image of 5 MB, to json.dumps and httpx", "ratio", "requests.image", 1.2, "raw"),
    Goal(
        "memory after import, beyond langchain-core and httpx",
        "difference",
        "import.memory",
        2,
        "limit",
        "MB",
    ),
    Goal("growth of 2,000 calls that repeats", "value", "growth.calls_again", 0.2, unit="MB"),
    Goal("growth of 500 models that repeats", "value", "growth.models_again", 0.2, unit="MB"),
    *[
        Goal(f"{method}, 2,000 chunks, to {title}", "ratio", f"stream.{method}_2000", most, peer)
        for peer, title, most in (
            ("openai", "ChatOpenAI", 0.25),
            ("mistral", "ChatMistralAI", 0.8),
        )
        for method in ("stream", "astream")
    ],
    Goal("first token, to ChatOpenAI", "ratio", "first.time", 0.5, "openai"),
)


class Verdict(NamedTuple):
    """A goal, what was measured of it, and whether it is met; None: an error kept it from that."""

    goal: Goal
    measured: float | None
    met: bool | None


def judge(results: Results) -> list[Verdict]:
    """Judge the goals that the cases and subjects of a run say something about."""
    verdicts = []
    for goal in GOALS:
        case = goal.figure.partition(".")[0]
        other = goal.against if goal.kind in {"ratio", "difference"} else _SUBJECT
        if results.was_run(case, _SUBJECT) and results.was_run(case, other):
            measured = _measured(goal, results)
            verdicts.append(
                Verdict(goal, measured, None if measured is None else measured <= goal.most)
            )
    return verdicts


def _measured(goal: Goal, results: Results) -> float | None:
    if goal.kind == "ratio":
        return results.ratio(goal.figure, _SUBJECT, goal.against)
    value = results.value(goal.figure, _SUBJECT)
    if value is None or goal.kind == "value":
        return value
    if goal.kind == "difference":
        other = results.value(goal.figure, goal.against)
        return None if other is None else value - other
    other = results.value(goal.against, _SUBJECT)
    return abs(value / other - 1) if other else None
