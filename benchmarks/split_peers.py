"""Splits of random archives of different shape by benkit and by other libraries, as a Markdown table.

Usage: PYTHONPATH=. .venv/bin/python benchmarks/split_peers.py [--archives N] [--seed N]

Fifty archives of ten shapes (see `tests.splits.peers`), of fresh seeds unless one is named. Of each
method the mean of each figure over the archives that it can split, on how many benkit's split is at
least as good in every figure and better in one (behind), and on how many it is the other way round
(ahead). Ends with 1 if a method is ahead on an archive.
"""

import argparse
import sys

import numpy as np

from benchmarks.split import show
from benkit.splits.make import split_patches
from tests.splits.peers import FIGURES, TEST, dominating, figures_of_all, random_archive


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--archives", type=int, default=50)
    parser.add_argument("--seed", type=int, default=int(np.random.SeedSequence().entropy % 10**9))
    arguments = parser.parse_args()
    all_figures: dict[str, list[list[float]]] = {}
    behind: dict[str, int] = {}
    ahead: list[tuple[int, str, str, list[float], list[float]]] = []
    seeds = range(arguments.seed, arguments.seed + arguments.archives)
    for seed in seeds:
        shape, metadata = random_archive(seed)
        ours = split_patches(metadata, test=TEST, seed=seed).side == "test"
        figures = figures_of_all(metadata, seed, ours)
        ahead += [
            (seed, shape, name, figures["benkit"], figures[name]) for name in dominating(figures)
        ]
        for name, values in figures.items():
            all_figures.setdefault(name, []).append(values)
            two = {"benkit": values, "ours": figures["benkit"]}
            behind[name] = behind.get(name, 0) + len(dominating(two))
    lines = [["method", "archives", *FIGURES, "behind", "ahead"]]
    for name, rows in all_figures.items():
        means = [f"{value:.4g}" for value in np.mean(rows, axis=0)]
        times = sum(name == one[2] for one in ahead)
        lines.append([name, str(len(rows)), *means, str(behind[name]), str(times)])
    print(f"seeds {seeds[0]} to {seeds[-1]}")
    show(lines)
    for seed, shape, name, ours, theirs in ahead:
        print(f"\n{name} is ahead on the archive of seed {seed} ({shape}):")
        show([["method", *FIGURES], ["benkit", *map(str, ours)], [name, *map(str, theirs)]])
    return int(bool(ahead))


if __name__ == "__main__":
    sys.exit(main())
