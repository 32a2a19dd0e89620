"""Splits of as many patches as the course hands out, beside others: how far every figure spreads.

Draws rows of the official metadata, scattered ones and those of whole products, splits each draw with
each seed in several ways, and keeps the least, the median and the greatest of every figure. The
official split is the one that the drawn rows have in it, so that seeds do not change it. Beside the
figures of our splits stands what whole units allow (`benkit.splits.balance_bounds`): no split that
parts no shared ground can be better.

    .venv/bin/python -m course.split_at_course_size [--draws N] [--seeds N] [--output FILE]

Writes its section of ``course/facts.json``, or a file of its own. Takes about twenty minutes.
"""

import argparse
import sys
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.small_splits import ROWS, draws
from benchmarks.split import label_matrix
from benkit.metadata.metadata import Metadata
from benkit.splits.evaluate import evaluate_splits, official_split, random_split
from benkit.splits.evaluation import Evaluation
from benkit.splits.make import split_patches
from benkit.splits.split import Split
from course.facts_file import COURSE_SIZE, as_json, replace_file, write_section
from course.inputs import METADATA, TEST
from course.split_facts import random_blocks

FRACTIONS = (0.1, 0.2, 0.25, 0.3, 0.5)
BALANCE = ("label_rms", "season_deviation", "country_deviation")
Figure = Callable[[Evaluation], float | None]
FIGURES: dict[str, Figure] = {
    "crossing_pairs": lambda found: found.crossing_pairs,
    "shared_ground": lambda found: found.test.shared_ground,
    **{
        f"under_{metres}": lambda found, metres=metres: found.test.leakage[metres]
        for metres in ("2500", "5000", "10000")
    },
    "median_nearest_train_m": lambda found: (found.test.nearest_train_m or (None,) * 3)[2],
    "copy_f1": lambda found: found.test.copy_f1,
    "constant_f1": lambda found: found.test.constant_f1,
    **{name: lambda found, name=name: getattr(found.test, name) for name in BALANCE},
    "fraction": lambda found: found.test.fraction,
}


def main() -> int:
    """Draw, split, judge, and write the figures."""
    arguments = _parser().parse_args()
    of_all = draws(Metadata(METADATA), arguments.draws)
    facts: dict[str, Any] = {
        "rows": ROWS, "draws": arguments.draws, "seeds": arguments.seeds,
        "kinds": {
            name.replace(" ", "_"): measured(name, archives, arguments.seeds)
            for name, archives in islice(of_all, 2)
        },
    }  # fmt: skip
    if arguments.output:
        replace_file(arguments.output, as_json(facts))
    else:
        write_section(COURSE_SIZE, facts)
    return 0


def measured(kind: str, archives: list[Metadata], seeds: int) -> dict[str, Any]:
    """Spread of every figure by the way of splitting, and by the test fraction for ours."""
    found: dict[str, list[Evaluation]] = {}
    by_fraction: dict[float, list[Evaluation]] = {}
    for place, metadata in enumerate(archives):
        for seed in range(seeds):
            print(f"{kind}, draw {place}, seed {seed}", file=sys.stderr)
            for name, one in evaluate_splits(metadata, _ways(metadata, seed)).items():
                found.setdefault(name, []).append(one)
        for test in FRACTIONS:
            split = split_patches(metadata, test=test, seed=0)
            by_fraction.setdefault(test, []).extend(evaluate_splits(metadata, {"": split}).values())
    return {
        "overlapping": _spread(len(np.unique(one.pairs)) / len(one) for one in archives),
        "splits": {
            name: {figure: _spread(map(of, ones)) for figure, of in FIGURES.items()}
            for name, ones in found.items()
        },
        "possible": {
            name: _spread(getattr(one.test.possible, name) for one in found["benkit"])
            for name in BALANCE
        },
        "above_possible": {
            name: _spread(map(_above_possible(name), found["benkit"])) for name in BALANCE
        },
        "fractions": {
            str(test): {
                "test": _spread(one.test.patches for one in ones),
                "rarest_label": _spread(map(_least_of_a_label, ones)),
                "label_rms": _spread(one.test.label_rms for one in ones),
                "under_10000": _spread(one.test.leakage["10000"] for one in ones),
            }
            for test, ones in by_fraction.items()
        },
    }


def _ways(metadata: Metadata, seed: int) -> dict[str, Split]:
    """Splits of the same patches, a quarter to test; random has as many as ours."""
    ours = split_patches(metadata, test=TEST, seed=seed)

    def sides(in_test: NDArray[np.bool_]) -> Split:
        ids = np.array(metadata.patch_ids.to_pylist(), object)
        return Split({"train": ids[~in_test].tolist(), "test": ids[in_test].tolist()})

    return {
        "random": random_split(metadata, ours, seed),
        "stratified": sides(_stratified(metadata, seed)),
        "blocks": sides(random_blocks(metadata.table, seed)),
        "official": official_split(metadata, with_validation=False),
        "benkit": ours,
    }


def _stratified(metadata: Metadata, seed: int) -> NDArray[np.bool_]:
    """Random, but with equal shares of labels: iterative stratification."""
    from iterstrat.ml_stratifiers import MultilabelStratifiedShuffleSplit

    labels = label_matrix(metadata.table).astype(int)
    splitter = MultilabelStratifiedShuffleSplit(n_splits=1, test_size=TEST, random_state=seed)
    in_test = np.zeros(len(labels), bool)
    in_test[next(splitter.split(labels, labels))[1]] = True
    return in_test


def _above_possible(name: str) -> Figure:
    """How far a deviation is above the least that whole units allow."""

    def above(found: Evaluation) -> float | None:
        had, least = getattr(found.test, name), getattr(found.test.possible, name)
        return None if had is None or least is None else had - least

    return above


def _least_of_a_label(found: Evaluation) -> float:
    """Test patches of the label that has the fewest of them."""
    shares = found.test.label_shares
    return min(shares[label] * count for label, count in found.label_patches.items())


def _spread(values: Iterable[float | None]) -> list[float] | None:
    """The least, the median and the greatest; None where nothing is known."""
    known = [float(value) for value in values if value is not None]
    return [min(known), float(np.median(known)), max(known)] if known else None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="course.split_at_course_size")
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--output", type=Path, help="a file instead of course/facts.json")
    return parser


if __name__ == "__main__":
    sys.exit(main())
