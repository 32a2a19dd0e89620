"""Splits of the official metadata side by side, as a Markdown table made from scratch in one run.

Usage: PYTHONPATH=. .venv/bin/python benchmarks/split.py [METADATA]

The metadata defaults to ../shared/data/metadata.parquet. The splits, of a quarter of the patches each:

- random: patches at random.
- iterative-stratification: MultilabelStratifiedShuffleSplit on all labels.
- scikit-learn: the first fold of its StratifiedGroupKFold with four folds. It takes one
  class a patch, here the rarest of its labels; the groups are blocks of 50 km.
- verde: the first fold of its BlockKFold with four folds, blocks of 50 km.
- official: the column split, train and validation as one side.
- benkit: split_patches without options.

Those of other libraries are left out where the development lock is not installed. Ends with 1 if benkit
misses a figure of the column must.
"""

import resource
import sys
import time
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benchmarks.scan import peak_memory
from benkit.ground.distance_plane import planar_centres
from benkit.ground.footprints import locate
from benkit.metadata.metadata import Metadata
from benkit.metadata.metadata_file import read_metadata
from benkit.splits.evaluate import evaluate_splits
from benkit.splits.evaluation import Evaluation
from benkit.splits.make import split_patches

METADATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "metadata.parquet"
TEST = 0.25
SEED = 0
BLOCK_METRES = 50_000

Figure = Callable[[Evaluation], float | None]
ROWS: dict[str, tuple[Figure, str, float | None, float | None]] = {
    "overlapping pairs across the sides": (lambda e: e.crossing_pairs, "{:,.0f}", 0, 0),
    "test patches on ground of train": (lambda e: e.test.shared_ground, "{:.2%}", 0, 0),
    "with a train centre under 2.5 km": (lambda e: e.test.leakage["2500"], "{:.2%}", 0.045, 0.038),
    "under 5 km": (lambda e: e.test.leakage["5000"], "{:.2%}", None, None),
    "under 10 km": (lambda e: e.test.leakage["10000"], "{:.2%}", 0.205, 0.185),
    "label deviation (rms)": (lambda e: e.test.label_rms, "{:.4f}", 0.005, 0.002),
    "Jensen-Shannon divergence, bit": (lambda e: e.test.js_divergence_bits, "{:.5f}", None, None),
    "largest season deviation": (lambda e: e.test.season_deviation, "{:.4f}", 0.005, 0.002),
    "largest country deviation": (lambda e: e.test.country_deviation, "{:.4f}", 0.010, 0.004),
    "off the test fraction": (lambda e: abs(e.test.fraction - TEST), "{:.4f}", 0.005, 0.005),
    "tiles, test side": (lambda e: e.test.tiles, "{:,.0f}", None, None),
    "regions, test side": (lambda e: e.test.regions, "{:,.0f}", None, None),
}
MOST_SECONDS, AIMED_SECONDS = 20, 10
MOST_GIBIBYTES = 2


def benkit_split(metadata: pa.Table) -> NDArray[np.bool_]:
    return split_patches(metadata, test=TEST, seed=SEED).side == "test"


def random_split(metadata: pa.Table) -> NDArray[np.bool_]:
    return np.random.default_rng(SEED).random(len(metadata)) < TEST


def official_split(metadata: pa.Table) -> NDArray[np.bool_]:
    return np.array(metadata["split"].to_pylist()) == "test"


def verde_split(metadata: pa.Table) -> NDArray[np.bool_]:
    from verde import BlockKFold

    centres = planar_centres(locate(metadata["patch_id"]))
    folds = BlockKFold(
        spacing=BLOCK_METRES, n_splits=round(1 / TEST), shuffle=True, random_state=SEED
    )
    return chosen(next(folds.split(centres))[1], metadata)


def stratified_groups_split(metadata: pa.Table) -> NDArray[np.bool_]:
    from sklearn.model_selection import StratifiedGroupKFold

    labels = label_matrix(metadata)
    rarest = np.where(labels, labels.sum(0), len(labels) + 1).argmin(1)
    cells = planar_centres(locate(metadata["patch_id"])) // BLOCK_METRES
    block = np.unique(cells, axis=0, return_inverse=True)[1].ravel()
    folds = StratifiedGroupKFold(round(1 / TEST), shuffle=True, random_state=SEED)
    return chosen(next(folds.split(rarest, rarest, block))[1], metadata)


def iterative_stratification_split(metadata: pa.Table) -> NDArray[np.bool_]:
    from iterstrat.ml_stratifiers import MultilabelStratifiedShuffleSplit

    labels = label_matrix(metadata).astype(int)
    splitter = MultilabelStratifiedShuffleSplit(n_splits=1, test_size=TEST, random_state=SEED)
    return chosen(next(splitter.split(labels, labels))[1], metadata)


def label_matrix(metadata: pa.Table) -> NDArray[np.bool_]:
    """Which patch has which label: (patches, labels)."""
    labels = Metadata(metadata).labels
    matrix = np.zeros((len(metadata), len(labels.names)), bool)
    matrix[labels.patch, labels.value] = True
    return matrix


def chosen(places: NDArray[np.int64], metadata: pa.Table) -> NDArray[np.bool_]:
    mask = np.zeros(len(metadata), bool)
    mask[places] = True
    return mask


METHODS: dict[str, tuple[Callable[[pa.Table], NDArray[np.bool_]], str]] = {
    "random": (random_split, "numpy"),
    "iterative-stratification": (iterative_stratification_split, "iterstrat"),
    "scikit-learn, 50 km": (stratified_groups_split, "sklearn"),
    "verde, 50 km": (verde_split, "verde"),
    "official": (official_split, "numpy"),
    "benkit": (benkit_split, "numpy"),
}


def main() -> int:
    metadata = read_metadata(Path(sys.argv[1]) if len(sys.argv) > 1 else METADATA)
    ids = np.array(metadata["patch_id"].to_pylist(), object)
    names = [name for name, (_, library) in METHODS.items() if find_spec(library)]
    in_test, seconds = {}, {}
    for name in sorted(names, key=lambda name: name != "benkit"):
        start = time.perf_counter()
        with peak_memory() as workers:
            in_test[name] = METHODS[name][0](metadata)
        seconds[name] = time.perf_counter() - start
        if name == "benkit":  # the first of all, so that the peak is its own
            # RUSAGE_CHILDREN would give what this process held when it started the workers
            own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
            peak = own + workers[0] / 2**10
    sides = {
        name: {"train": ids[~in_test[name]].tolist(), "test": ids[in_test[name]].tolist()}
        for name in names
    }
    found = evaluate_splits(metadata, sides)
    lines = [["metric", *names, "must", "aim"]]
    missed = []
    for title, (figure, pattern, must, aim) in ROWS.items():
        lines.append(row(title, pattern, [*(figure(found[name]) for name in names), must, aim]))
        ours = figure(found["benkit"])
        if must is not None and (ours is None or ours > must):
            missed.append(title)
    times = [*(seconds[name] for name in names), MOST_SECONDS, AIMED_SECONDS]
    lines.append(row("seconds", "{:.1f}", times))
    peaks = [*(peak if name == "benkit" else None for name in names), MOST_GIBIBYTES, None]
    lines.append(row("peak memory, GiB, with the workers", "{:.2f}", peaks))
    show(lines)
    missed += ["seconds"] * (seconds["benkit"] > MOST_SECONDS)
    missed += ["peak memory"] * (peak > MOST_GIBIBYTES)
    return verdict(missed)


def row(title: str, pattern: str, values: Iterable[float | None]) -> list[str]:
    """A line of a table; empty where there is no value."""
    return [title, *("" if value is None else pattern.format(value) for value in values)]


def verdict(missed: list[str]) -> int:
    """Say what misses a figure of the column must, and give the status to end with."""
    print(f"\nmissed: {', '.join(missed)}" if missed else "\nall of the column must is met")
    return int(bool(missed))


def show(lines: list[list[str]]) -> None:
    """Print a Markdown table."""
    widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]
    rule = ["-" * widths[0], *(f"{'-' * (width - 1)}:" for width in widths[1:])]
    for line in [lines[0], rule, *lines[1:]]:
        cells = [f"{line[0]:<{widths[0]}}"]
        cells += [f"{text:>{width}}" for text, width in zip(line[1:], widths[1:], strict=True)]
        print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    sys.exit(main())
