"""Search from random sides again and again: as often as planned, or as long as one is asked to."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from benkit.engine import Engine, run
from benkit.engine.progress import Progress, end_line, reporter

_MOST_STARTS = 2**31 - 1  # in a given time
_MOST_KEPT = 32

Found = tuple[NDArray[np.uint8], int]
"""Sides, and the value of the objective that they have."""


@dataclass(frozen=True)
class Effort:
    """How long is searched, and who is told.

    Attributes
    ----------
    seed : int
    seconds : float or None
        Starts go on for so long, at least one a worker, or until they are interrupted; None makes as
        many as planned, so that the result is repeatable.
    progress : bool or callable, optional
        Is told of starts, or with ``seconds`` of these, and people of the best start so far.
    """

    seed: int = 0
    seconds: float | None = None
    progress: Progress = None


def search_starts(
    search: Callable[[int], Found],
    planned: int,
    engine: Engine,
    effort: Effort,
    part_near: Callable[[NDArray[np.uint8]], float],
) -> tuple[list[NDArray[np.uint8]], int]:
    """Sides by the best of several searches, the best first, and how many searches there were.

    Each search is given its number.

    ``part_near`` gives the part of the held-out patches that lie near another side.
    """
    timed = effort.seconds is not None
    seconds = effort.seconds or 0.0
    numbers = range(_MOST_STARTS if timed else planned)
    total = math.ceil(seconds) if timed else planned
    least = engine.local_workers(len(numbers))
    begin = time.monotonic()
    best: list[Found] = []
    starts = 0

    def text(done: int, total: int, size: int, passed: float, room: int) -> str:
        count = (
            f"start {starts:,}, {done:,} of {total:,} s" if timed else f"start {done} of {total}"
        )
        return f"{count}, best so far {part_near(best[0][0]):.1%} near another side"[:room]

    report = reporter(effort.progress, text)
    try:
        for found in run(search, numbers, engine):
            starts += 1
            best = sorted([*best, found], key=itemgetter(1))[:_MOST_KEPT]
            passed = time.monotonic() - begin
            over = timed and starts >= least and passed >= seconds
            counted = min(int(passed), total - 1) if timed else starts
            report(total if over else counted, total, 0)
            if over:
                break
    except KeyboardInterrupt:
        if not timed or not best:
            raise
        end_line()
    return [side for side, _ in best], starts
