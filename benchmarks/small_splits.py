"""Splits of small and scattered parts of the official metadata beside what is possible, as tables.

Usage: PYTHONPATH=. .venv/bin/python benchmarks/small_splits.py [--draws N] [--seeds N] [METADATA]

The metadata defaults to ../shared/data/metadata.parquet. From it 4,950 rows are drawn in five ways:

- random: rows at random.
- whole products: one product (a tile on a date) after the other, in random order, the last one in part.
- one country, one season: rows at random of one that has as many.
- corners: rows of a hundred products within eight columns and eight rows of a corner of their tile.

Each draw is split with each seed, a quarter to test. "possible" is the least deviation that whole units
allow (see `benkit.splits.balance_bounds`), "above it" what the split has more, "random" a split of the
same sizes at random, which parts units. Times are those of one processor. Ends with 1 if the worst of a
kind misses a figure of the column must.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.split import METADATA, TEST, row, show, verdict
from benkit.domain.patch_names import parse_patch_id
from benkit.metadata.metadata import Metadata
from benkit.splits.evaluate import evaluate_splits, random_split
from benkit.splits.evaluation import Evaluation
from benkit.splits.make import split_patches

ROWS = 4950
NEAR_CORNER = 8
PRODUCTS = 100
Figure = Callable[[Evaluation], float | None]
MOST_ABOVE, MOST_OFF = 0.01, 0.005


def balance(name: str) -> Iterator[tuple[str, Figure, str, float | None]]:
    def above(found: Evaluation) -> float | None:
        had = getattr(found.test, name)
        return None if had is None else had - getattr(found.test.possible, name)

    title = name.replace("_", " ")
    yield title, lambda found: getattr(found.test, name), "{:.4f}", None
    yield "- possible", lambda found: getattr(found.test.possible, name), "{:.4f}", None
    yield f"- {title} above it", above, "{:.4f}", MOST_ABOVE


FIGURES: list[tuple[str, Figure, str, float | None]] = [
    ("pairs across", lambda found: found.crossing_pairs, "{:,.0f}", 0),
    *balance("label_rms"),
    *balance("season_deviation"),
    *balance("country_deviation"),
    ("off the fraction", lambda found: abs(found.test.fraction - TEST), "{:.4f}", MOST_OFF),
    ("under 2.5 km", lambda found: found.test.leakage["2500"], "{:.2%}", None),
    ("under 10 km", lambda found: found.test.leakage["10000"], "{:.2%}", None),
]


def draws(metadata: Metadata, number: int) -> Iterator[tuple[str, list[Metadata]]]:
    """Each kind of archive by name, drawn so many times."""
    ids = [parse_patch_id(patch) for patch in metadata.patch_ids.to_pylist()]
    grid = np.array([(patch.column, patch.row) for patch in ids])
    corner = (np.minimum(grid, 90 - grid) < NEAR_CORNER).all(1)
    product = metadata.footprints.product
    country = np.array(metadata.table["country"].to_pylist(), str)
    season = np.array([patch.product.season for patch in ids], str)

    def rows_of(chosen: NDArray[np.bool_], generator: np.random.Generator) -> NDArray[np.int64]:
        return generator.choice(np.flatnonzero(chosen), ROWS, replace=False)

    def value(values: NDArray, generator: np.random.Generator) -> NDArray[np.int64]:
        names, counts = np.unique(values, return_counts=True)
        return rows_of(values == generator.choice(names[counts >= ROWS]), generator)

    def products(generator: np.random.Generator) -> NDArray[np.int64]:
        place = generator.permutation(product.max() + 1)[product]
        return np.argsort(place, kind="stable")[:ROWS]

    def corners(generator: np.random.Generator) -> NDArray[np.int64]:
        some = generator.permutation(product.max() + 1)[:PRODUCTS]
        return rows_of(corner & np.isin(product, some), generator)

    ways: dict[str, Callable[[np.random.Generator], NDArray[np.int64]]] = {
        "random": lambda generator: rows_of(corner | ~corner, generator),
        "whole products": products,
        "one country": lambda generator: value(country, generator),
        "one season": lambda generator: value(season, generator),
        "corners": corners,
    }
    for name, way in ways.items():
        rows = [np.sort(way(np.random.default_rng(draw))) for draw in range(number)]
        yield name, [metadata.select(metadata.patch_ids.take(some).to_pylist()) for some in rows]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("metadata", nargs="?", type=Path, default=METADATA)
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    missed = []
    for name, archives in draws(Metadata(arguments.metadata), arguments.draws):
        ours, random, seconds = [], [], []
        for metadata in archives:
            for seed in range(arguments.seeds):
                start = sum(os.times()[:4])
                split = split_patches(metadata, test=TEST, seed=seed)
                seconds.append(sum(os.times()[:4]) - start)
                both = {"ours": split, "random": random_split(metadata, split, seed)}
                found = evaluate_splits(metadata, both)
                ours.append(found["ours"])
                random.append(found["random"])
        lines = [[name, "mean", "worst", "random", "must"]]
        for title, figure, pattern, must in FIGURES:
            values, others = ([figure(one) or 0 for one in some] for some in (ours, random))
            lines.append(row(title, pattern, [np.mean(values), max(values), np.mean(others), must]))
            if must is not None and max(values) > must:
                missed.append(f"{title.removeprefix('- ')} ({name})")
        lines.append(["seconds", f"{np.mean(seconds):.1f}", f"{max(seconds):.1f}", "", ""])
        show(lines)
        print(flush=True)
    return verdict(missed)


if __name__ == "__main__":
    sys.exit(main())
