"""Random archives of different shape, and how other libraries split them."""

import warnings
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benkit.ground.grid import connected_components
from benkit.metadata.metadata import Metadata
from benkit.splits.evaluate import evaluate_splits
from benkit.splits.evaluation import Evaluation

TEST = 0.25
DATES = ("S2A_MSIL2A_20170613", "S2B_MSIL2A_20170918", "S2B_MSIL2A_20180108", "S2A_MSIL2A_20180408")
TILES = ("T33UUP", "T33UVP", "T33UUQ", "T32UQU", "T35ULA", "T34WFS", "T29SNC", "T34TDR")

Places = tuple[NDArray[np.int64], ...]
"""Number of the date and of the tile, column and row of each patch."""


def scattered(g: np.random.Generator, tiles: int = 3, patches: int = 0) -> Places:
    patches = patches or g.integers(200, 800)
    tile = g.integers(0, tiles, patches)
    return tile % 4, tile, *g.integers(0, 91, (2, patches))


def clusters(g: np.random.Generator, spread: float = 3) -> Places:
    sizes = g.integers(5, 60, g.integers(6, 20))
    of = np.repeat(np.arange(len(sizes)), sizes)
    middle = g.integers(8, 82, (2, len(sizes)))[:, of]
    around = np.rint(middle + g.normal(0, spread, middle.shape)).astype(int)
    tile = g.integers(0, 4, len(sizes))[of]
    return g.integers(0, 2, len(of)), tile, *around.clip(0, 90)


def one_tile(g: np.random.Generator) -> Places:
    column, row = np.nonzero(g.random((91, 91)) < g.uniform(0.03, 0.1))
    return np.zeros_like(row), np.zeros_like(row), column, row


def chains(g: np.random.Generator) -> Places:
    lengths = g.integers(20, 80, g.integers(4, 12))
    of = np.repeat(np.arange(len(lengths)), lengths)
    step = np.concatenate([np.arange(length) for length in lengths])
    start, way = g.integers(0, 91, (2, len(lengths))), g.integers(-1, 2, (2, len(lengths)))
    column, row = (start[:, of] + way[:, of] * step) % 91
    return of % 3, of % 4, column, row


def dates(g: np.random.Generator) -> Places:
    _, tile, column, row = scattered(g, 3, int(g.integers(100, 250)))
    place, date = np.nonzero(g.random((len(tile), 4)) < g.uniform(0.3, 0.9))
    return date, tile[place], column[place], row[place]


def margins(g: np.random.Generator) -> Places:
    patches = int(g.integers(200, 600))
    tile, deep = g.integers(0, 2, patches), g.integers(0, 20, patches)
    return (
        g.integers(0, 2, patches),
        tile,
        np.where(tile == 0, 90 - deep, deep),
        g.integers(0, 91, patches),
    )


def blob_and_outliers(g: np.random.Generator) -> Places:
    far = scattered(g, 8, int(g.integers(30, 100)))
    inside = g.normal(45, 8, (2, g.integers(200, 500)))
    zeros = np.zeros(inside.shape[1], int)
    blob = zeros, zeros, *np.rint(inside).astype(int).clip(0, 90)
    return tuple(np.concatenate(both) for both in zip(far, blob, strict=True))


SHAPES: dict[str, Callable[[np.random.Generator], Places]] = {
    "scattered": scattered,
    "clusters": clusters,
    "one tile": one_tile,
    "chains": chains,
    "several UTM zones": partial(scattered, tiles=8),
    "dates": dates,
    "margins of tiles": margins,
    "blob and outliers": blob_and_outliers,
    "dense clusters": partial(clusters, spread=1.5),
    "few": partial(scattered, tiles=2, patches=60),
}


def random_archive(seed: int, most: int = 1000) -> tuple[str, Metadata]:
    """Its shape and its patches: labels that change over the ground, by chance, and rare ones."""
    g = np.random.default_rng(seed)
    shape = list(SHAPES)[seed % len(SHAPES)]
    places = np.unique(np.stack(SHAPES[shape](g)), axis=1)
    date, tile, column, row = g.permutation(places, axis=1)[:, :most]
    places = np.stack([column + 91 * (tile % 2), row + 91 * (tile // 2)], axis=1)
    fields = np.cos(places @ g.uniform(-0.15, 0.15, (2, 4))) > (-0.5, 0, 0.5, 0.95)
    chance = g.random((len(date), 2)) < (0.5, 0.1)
    rare = g.random((len(date), 2)).argsort(0) < g.integers(2, 9, 2)
    has = np.concatenate([fields, chance, rare], axis=1)
    labels = [
        [name for name, is_there in zip("ABCDEFGH", of, strict=True) if is_there] for of in has
    ]
    ids = [
        f"{DATES[d]}T101031_N9999_R022_{TILES[t]}_{x:02d}_{y:02d}"
        for d, t, x, y in zip(date, tile, column, row, strict=True)
    ]
    country = np.where(g.random(len(date)) < 0.02, "rare", np.char.mod("land %d", tile // 2))
    columns = {"patch_id": ids, "labels": pa.array(labels, pa.list_(pa.string()))}
    return shape, Metadata(pa.table(columns | {"country": country.tolist()}))


def by_verde(metadata: Metadata, seed: int, metres: float) -> NDArray[np.int64]:
    from verde import BlockShuffleSplit

    splitter = BlockShuffleSplit(spacing=metres, n_splits=1, test_size=TEST, random_state=seed)
    return next(splitter.split(metadata.centres))[1]


def by_group_shuffle(metadata: Metadata, seed: int) -> NDArray[np.int64]:
    from sklearn.model_selection import GroupShuffleSplit

    splitter = GroupShuffleSplit(n_splits=1, test_size=TEST, random_state=seed)
    return next(splitter.split(metadata.centres, groups=_units(metadata)))[1]


def by_stratified_groups(metadata: Metadata, seed: int, metres: float) -> NDArray[np.int64]:
    """The first of four folds; the class of a patch is the rarest of its labels."""
    from sklearn.model_selection import StratifiedGroupKFold

    labels = metadata.labels
    rarest = np.full(len(metadata), len(labels.names))
    order = np.argsort(-labels.count()[labels.value], kind="stable")
    rarest[labels.patch[order]] = labels.value[order]
    groups = _blocks(metadata, metres) if metres else _units(metadata)
    folds = StratifiedGroupKFold(round(1 / TEST), shuffle=True, random_state=seed)
    with warnings.catch_warnings(action="ignore", category=UserWarning):  # of rare classes
        return next(folds.split(rarest, rarest, groups))[1]


def _units(metadata: Metadata) -> NDArray[np.int64]:
    return connected_components(len(metadata), metadata.pairs)


def _blocks(metadata: Metadata, metres: float) -> NDArray[np.int64]:
    return np.unique(metadata.centres // metres, axis=0, return_inverse=True)[1].ravel()


PEERS: dict[str, tuple[Callable[[Metadata, int], NDArray[np.int64]], str]] = {
    "verde, 10 km": (partial(by_verde, metres=10_000), "verde"),
    "verde, 50 km": (partial(by_verde, metres=50_000), "verde"),
    "groups": (by_group_shuffle, "sklearn"),
    "stratified groups": (partial(by_stratified_groups, metres=0), "sklearn"),
    "stratified, 10 km": (partial(by_stratified_groups, metres=10_000), "sklearn"),
    "stratified, 50 km": (partial(by_stratified_groups, metres=50_000), "sklearn"),
}

FIGURES: dict[str, Callable[[Evaluation], float | None]] = {
    "pairs": lambda found: found.crossing_pairs,
    "on ground": lambda found: found.test.shared_ground,
    "2.5 km": lambda found: found.test.leakage["2500"],
    "10 km": lambda found: found.test.leakage["10000"],
    "labels": lambda found: found.test.label_rms,
    "season": lambda found: found.test.season_deviation,
    "country": lambda found: found.test.country_deviation,
    "fraction": lambda found: abs(found.test.fraction - TEST),
}
"""What is compared; of each, less is better."""


def figures_of_all(
    metadata: Metadata, seed: int, ours: NDArray[np.bool_]
) -> dict[str, list[float]]:
    """The figures of our split, as ``benkit``, and of each peer that is installed and can split."""
    in_test = {"benkit": ours}
    for name, (split, library) in PEERS.items():
        if find_spec(library):
            try:
                in_test[name] = np.isin(np.arange(len(metadata)), split(metadata, seed))
            except ValueError:  # too few blocks
                continue
    ids = np.array(metadata.patch_ids.to_pylist(), object)
    found = evaluate_splits(
        metadata,
        {name: {"train": ids[~t].tolist(), "test": ids[t].tolist()} for name, t in in_test.items()},
    )
    return {
        name: [round(figure(one) or 0.0, 4) for figure in FIGURES.values()]
        for name, one in found.items()
        if one.test.patches and one.train
    }


def dominating(figures: dict[str, list[float]]) -> list[str]:
    """The peers that are at least as good as our split in every figure, and better in one."""
    ours = figures["benkit"]
    return [
        name
        for name, theirs in figures.items()
        if theirs != ours and all(one <= two for one, two in zip(theirs, ours, strict=True))
    ]
