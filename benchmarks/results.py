"""What was measured, round by round."""

from __future__ import annotations

from benchmarks.cases import CASES
from benchmarks.measures.clock import median


class Results:
    """Figures and errors of a run. A figure is known as `case.name`, see `CASES`."""

    def __init__(self) -> None:
        """Start with nothing."""
        self._figures: dict[tuple[str, str], dict[int, float]] = {}
        self._run: set[tuple[str, str]] = set()
        self.errors: dict[tuple[str, str], str] = {}

    def add(self, case: str, subject: str, turn: int, outcome: dict[str, float] | str) -> None:
        """Take what one process measured, or why it did not; `turn` is the number of the round."""
        self._run.add((case, subject))
        if isinstance(outcome, str):
            self.errors[case, subject] = outcome
            return
        for name, value in outcome.items():
            self._figures.setdefault((f"{case}.{name}", subject), {})[turn] = value

    @property
    def cases(self) -> list[str]:
        """The cases of this run, in their usual order."""
        return [case for case in CASES if any(run == case for run, _ in self._run)]

    def was_run(self, case: str, subject: str) -> bool:
        """Whether it was tried, successfully or not."""
        return (case, subject) in self._run

    def rounds(self, figure: str, subject: str) -> list[float]:
        """Return the values of each round."""
        return list(self._figures.get((figure, subject), {}).values())

    def value(self, figure: str, subject: str) -> float | None:
        """Return the median of the rounds; None if one failed or there was none."""
        if (figure.partition(".")[0], subject) in self.errors:
            return None
        rounds = self.rounds(figure, subject)
        return median(rounds) if rounds else None

    def ratio(self, figure: str, subject: str, to: str) -> float | None:
        """Return the median of each round's ratio to another subject; None if there is none.

        Both were measured within the same minute: what slows the machine down slows both down.
        """
        if self.value(figure, subject) is None or self.value(figure, to) is None:
            return None
        mine, others = self._figures[figure, subject], self._figures[figure, to]
        ratios = [mine[turn] / others[turn] for turn in mine if others.get(turn)]
        return median(ratios) if ratios else None
