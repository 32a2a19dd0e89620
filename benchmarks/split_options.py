"""Splits of the official metadata with three sides, with a buffer, and in folds: figures of each side.

Usage: PYTHONPATH=. .venv/bin/python benchmarks/split_options.py [METADATA]

The metadata defaults to ../shared/data/metadata.parquet. Times are those of one processor.
"""

import resource
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from benkit.metadata.metadata_file import read_metadata
from benkit.splits.evaluate import evaluate_split
from benkit.splits.make import split_folds, split_patches
from benkit.splits.side_metrics import SideMetrics
from benkit.splits.split import Split

METADATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "metadata.parquet"
FIGURES: dict[str, tuple[Callable[[SideMetrics], float], str]] = {
    "under 2.5 km": (lambda side: side.leakage["2500"] or 0, "{:.2%}"),
    "5 km": (lambda side: side.leakage["5000"] or 0, "{:.2%}"),
    "10 km": (lambda side: side.leakage["10000"] or 0, "{:.2%}"),
    "labels": (lambda side: side.label_rms or 0, "{:.4f}"),
    "season": (lambda side: side.season_deviation or 0, "{:.4f}"),
    "country": (lambda side: side.country_deviation or 0, "{:.4f}"),
    "fraction": (lambda side: side.fraction, "{:.4f}"),
}


def splits(metadata: pa.Table) -> Iterator[tuple[str, list[Split], float]]:
    """Name, splits and seconds of processor time of each set of options."""
    ways: dict[str, Callable[[], list[Split]]] = {
        "--validation 0.25": lambda: [split_patches(metadata, validation=0.25)],
        "--buffer 5000": lambda: [split_patches(metadata, buffer=5000)],
        "--folds 5": lambda: split_folds(metadata, 5),
    }
    for name, split in ways.items():
        start = time.process_time()
        found = split()
        yield name, found, time.process_time() - start


def main() -> int:
    metadata = read_metadata(Path(sys.argv[1]) if len(sys.argv) > 1 else METADATA)
    columns = ["side", "pairs", *FIGURES, "left out"]
    print(f"{'options':<20}" + "".join(f"{column:>14}" for column in columns))
    kept = True
    for name, found, seconds in splits(metadata):
        for number, split in enumerate(found, 1):
            evaluation = evaluate_split(metadata, split.sides())
            kept &= evaluation.crossing_pairs == 0
            for side, figures in (
                ("validation", evaluation.validation),
                ("test" if len(found) == 1 else f"fold {number}", evaluation.test),
            ):
                if figures is not None:
                    texts = [form.format(figure(figures)) for figure, form in FIGURES.values()]
                    out = f"{np.mean(split.side == ''):.2%}"
                    row = [side, f"{evaluation.crossing_pairs}", *texts, out]
                    print(f"{name:<20}" + "".join(f"{text:>14}" for text in row))
        print(f"{name:<20}{seconds:>14.1f} s", flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"peak memory {peak:.2f} GiB")
    return int(not kept)


if __name__ == "__main__":
    sys.exit(main())
