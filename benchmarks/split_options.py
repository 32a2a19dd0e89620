"""Splits of the official metadata with three sides, with a buffer, and in folds, as a Markdown table.

Usage: PYTHONPATH=. .venv/bin/python benchmarks/split_options.py [METADATA]

The metadata defaults to ../shared/data/metadata.parquet. A column is a side against its train side; best
and worst of the five folds are those of each metric. Times are those of one processor, the children's
included. Ends with 1 if a side has a pair across, or the worst fold misses another figure of the column
must.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks.split import METADATA, row, show, verdict
from benkit.metadata.metadata_file import read_metadata
from benkit.splits.evaluate import evaluate_split
from benkit.splits.evaluation import Evaluation
from benkit.splits.make import split_folds, split_patches
from benkit.splits.side_metrics import SideMetrics
from benkit.splits.split import Split

FOLDS = "--folds 5"
OPTIONS: dict[str, Callable[[pa.Table], list[Split]]] = {
    "--validation 0.25": lambda metadata: [split_patches(metadata, validation=0.25)],
    "--buffer 5000": lambda metadata: [split_patches(metadata, buffer=5000)],
    FOLDS: lambda metadata: split_folds(metadata, 5),
}

Figure = Callable[[Evaluation, SideMetrics], float | None]
ROWS: dict[str, tuple[Figure, str, float | None, float | None]] = {
    "overlapping pairs across": (lambda e, _: e.crossing_pairs, "{:,.0f}", 0, 0),
    "under 2.5 km": (lambda _, s: s.leakage["2500"], "{:.2%}", 0.065, 0.055),
    "under 5 km": (lambda _, s: s.leakage["5000"], "{:.2%}", None, None),
    "under 10 km": (lambda _, s: s.leakage["10000"], "{:.2%}", 0.3, 0.27),
    "label deviation (rms)": (lambda _, s: s.label_rms, "{:.4f}", None, None),
    "largest season deviation": (lambda _, s: s.season_deviation, "{:.4f}", None, None),
    "largest country deviation": (lambda _, s: s.country_deviation, "{:.4f}", None, None),
    "part of the patches": (lambda _, s: s.fraction, "{:.4f}", None, None),
    "left out": (
        lambda e, s: e.left_out / (e.left_out + s.patches / s.fraction),
        "{:.2%}",
        None,
        None,
    ),
}


def judged(metadata: pa.Table) -> dict[str, list[list[float]]]:
    """Values of all rows, of each side or fold of each column."""
    columns: dict[str, list[list[float]]] = {}
    for name, split in OPTIONS.items():
        start = sum(os.times()[:4])
        made = split(metadata)
        seconds = sum(os.times()[:4]) - start
        for one in made:
            found = evaluate_split(metadata, one.sides())
            for side, metrics in found.sides.items():
                title = name if name == FOLDS else f"{name}, {side}"
                values = [figure(found, metrics) or 0.0 for figure, *_ in ROWS.values()]
                columns.setdefault(title, []).append([*values, seconds])
    return columns


def main() -> int:
    metadata = read_metadata(Path(sys.argv[1]) if len(sys.argv) > 1 else METADATA)
    columns = judged(metadata)
    folds = np.array(columns.pop(FOLDS))
    table = np.column_stack([*(sides[0] for sides in columns.values()), folds.min(0), folds.max(0)])
    lines = [["metric", *columns, f"{FOLDS}, best", "worst", "must", "aim"]]
    missed = []
    for values, (title, (_, pattern, must, aim)) in zip(table, ROWS.items(), strict=False):
        lines.append(row(title, pattern, [*values, must, aim]))
        counted = values if must == 0 else values[-1:]
        missed += [title] * (must is not None and bool(max(counted) > must))
    show([*lines, row("seconds of one processor", "{:.0f}", [*table[-1], None, None])])
    return verdict(missed)


if __name__ == "__main__":
    sys.exit(main())
