"""Splits of the official metadata side by side: random, blocks of 50 km, the official one, and ours.

Usage: PYTHONPATH=. .venv/bin/python benchmarks/split.py [METADATA]

The metadata defaults to ../shared/data/metadata.parquet.
"""

import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benkit import evaluate_split, locate, read_metadata, split_patches
from benkit.evaluate import Evaluation
from benkit.planar import planar_centres

METADATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "metadata.parquet"
TEST = 0.25
BLOCK_METRES = 50_000
ROWS: dict[str, tuple[Callable[[Evaluation], float], str, float, float]] = {
    "overlapping pairs across": (lambda e: e.crossing_pairs, "{:,.0f}", 0, 0),
    "train centre under 2.5 km": (lambda e: e.test.leakage["2500"] or 0, "{:.2%}", 0.07, 0.045),
    "train centre under 5 km": (lambda e: e.test.leakage["5000"] or 0, "{:.2%}", np.inf, np.inf),
    "train centre under 10 km": (lambda e: e.test.leakage["10000"] or 0, "{:.2%}", 0.30, 0.20),
    "label deviation (rms)": (lambda e: e.test.label_rms or 0, "{:.4f}", 0.015, 0.005),
    "season deviation": (lambda e: e.test.season_deviation or 0, "{:.4f}", 0.010, 0.005),
    "country deviation": (lambda e: e.test.country_deviation or 0, "{:.4f}", 0.020, 0.015),
    "off the test fraction": (lambda e: abs(e.test.fraction - TEST), "{:.4f}", 0.005, 0.005),
}
MOST_SECONDS, AIMED_SECONDS = 60, 20


def random_patches(metadata: pa.Table) -> NDArray[np.bool_]:
    return np.random.default_rng(0).random(len(metadata)) < TEST


def random_blocks(metadata: pa.Table) -> NDArray[np.bool_]:
    """Whole cells of a grid in random order until a quarter of the patches is reached."""
    cells = planar_centres(locate(metadata["patch_id"])) // BLOCK_METRES
    of_patch = np.unique(cells, axis=0, return_inverse=True)[1].ravel()
    order = np.random.default_rng(0).permutation(of_patch.max() + 1)
    taken = np.cumsum(np.bincount(of_patch)[order]) <= TEST * len(metadata)
    return np.isin(of_patch, order[taken])


def official(metadata: pa.Table) -> NDArray[np.bool_]:
    return np.array(metadata["split"].to_pylist()) == "test"


def ours(metadata: pa.Table) -> NDArray[np.bool_]:
    return split_patches(metadata, test=TEST).side == "test"


def main() -> int:
    metadata = read_metadata(Path(sys.argv[1]) if len(sys.argv) > 1 else METADATA)
    ids = np.array(metadata["patch_id"].to_pylist(), object)
    methods = [random_patches, random_blocks, official, ours]
    found, seconds = [], []
    for method in methods:
        start = time.perf_counter()
        in_test = method(metadata)
        seconds.append(time.perf_counter() - start)
        sides = {"train": ids[~in_test].tolist(), "test": ids[in_test].tolist()}
        found.append(evaluate_split(metadata, sides))
    names = ["figure", *(method.__name__ for method in methods), "must", "aim"]
    lines = [names]
    for name, (figure, pattern, must, aim) in ROWS.items():
        lines.append([name, *(pattern.format(value) for value in [*map(figure, found), must, aim])])
    times = [*seconds, MOST_SECONDS, AIMED_SECONDS]
    lines.append(["seconds", *(f"{value:.1f}" for value in times)])
    for line in lines:
        print(
            f"{line[0]:<28}" + "".join(f"{text:>16}" for text in line[1:]).replace("inf%", "   -")
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"peak memory {peak:.2f} GiB")
    met = all(figure(found[-1]) <= must for figure, _, must, _ in ROWS.values())
    return int(not (met and seconds[-1] <= MOST_SECONDS))


if __name__ == "__main__":
    sys.exit(main())
