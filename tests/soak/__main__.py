"""Run both parts of the soak; see `make soak`."""

from __future__ import annotations

import argparse
import gc
import logging
import resource
import sys
import warnings
from pathlib import Path
from typing import Any, cast

from langchain_core._api import LangChainBetaWarning

from tests.soak.complaints import complaints
from tests.soak.conversations import TURNS, Progress, soak
from tests.soak.rounds import hostile_rounds


def descriptors() -> int:
    """How many files and sockets are open."""
    gc.collect()
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.is_dir() else 0


def memory() -> int:
    """Most memory used so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def hold_conversations(args: argparse.Namespace) -> bool:
    """Run the first part and report; return whether all was well."""
    soak(4, 2, rate=0.0)
    before, least = descriptors(), memory()
    answers = args.conversations // 2 * 2 * TURNS
    progress = Progress(answers, sys.stderr)
    tally = soak(args.conversations, args.at_once, args.rate, args.seed, progress)
    after = descriptors()
    for title, counter in (("faults", tally.model.faults), ("errors raised", tally.errors)):
        print(f"{title}: {counter.total()}")
        for name, count in sorted(counter.items()):
            print(f"  {name:34} {count}")
    counted = tally.right + tally.errors.total()
    print(f"answers right: {tally.right} of {answers}, lost: {answers - counted}")
    print(f"answers wrong: {len(tally.wrong)}, repeated: {len(tally.repeated)}")
    print(f"answers that were asked for again, and are right: {tally.repaired}")
    print(f"calls cancelled: {tally.cancelled}")
    print(f"left behind: {'; '.join(tally.left) or 'nothing'}")
    print(f"descriptors: {before} at the start, {after} at the end")
    print(f"memory: {least} MiB at the start, {memory()} MiB at the most")
    for text in [*tally.wrong, *tally.repeated][:5]:
        print(f"  {text}", file=sys.stderr)
    is_well = not (tally.wrong or tally.repeated or tally.left) and counted == answers
    return is_well and after <= before


def go_rounds(args: argparse.Namespace) -> bool:
    """Run the second part and report; return whether all was well."""
    before = descriptors()
    progress = Progress(args.rounds, sys.stderr, "rounds")
    found = hostile_rounds(args.rounds, args.seed, progress, args.patience)
    after = descriptors()
    print(f"rounds: {args.rounds}, of them {dict(sorted(found.kinds.items()))}")
    print(f"wrong: {len(found.wrong)}, left behind: {'; '.join(found.left) or 'nothing'}")
    print(f"descriptors: {before} at the start, {after} at the end")
    for text in found.wrong[:5]:
        print(f"  {text}", file=sys.stderr)
    return not (found.wrong or found.left) and after <= before


def nobody_complained(said: list[str]) -> bool:
    """Report what Python complained of; return whether that is nothing."""
    gc.collect()
    print(f"complaints of Python: {len(said)}")
    for text in said[:5]:
        print(f"  {text}", file=sys.stderr)
    return not said


def main() -> int:
    """Return the exit status: 1 if anything is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--conversations", type=int, default=1000, help="0: without this part")
    parser.add_argument("--at-once", type=int, default=100)
    parser.add_argument("--rate", type=float, default=0.3, help="how many answers are faulty")
    parser.add_argument("--rounds", type=int, default=10_000, help="0: without this part")
    parser.add_argument("--patience", type=float, default=120.0, help="seconds, then it hangs")
    parser.add_argument("--seed", type=int, default=20260101)
    parser.add_argument("--httpx", action="store_true", help="even where httpx2 is installed")
    args = parser.parse_args()
    logging.getLogger("langchain_onlysq").setLevel(logging.ERROR)
    warnings.simplefilter("ignore", LangChainBetaWarning)  # v3 events are part of it
    said = complaints()
    if args.httpx:
        cast("Any", sys.modules)["httpx2"] = None
    is_well = not args.conversations or hold_conversations(args)
    is_well = (not args.rounds or go_rounds(args)) and is_well
    return 0 if nobody_complained(said) and is_well else 1


if __name__ == "__main__":
    sys.exit(main())
