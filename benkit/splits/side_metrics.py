"""Metrics of one side of a split: distances to the train side, balance, spread.

Distances run between patch centres (see `Metadata.positions`). A share is the part of the patches of the
split with a label, season or country that lies on the side; shares are compared with the fraction of
all patches that lies there.
"""

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benkit.ground.distance_plane import nearest_points
from benkit.ground.footprints import Footprints
from benkit.ground.grid import (
    TOUCHING,
    Pairs,
    connected_components,
    distinct_cells,
    neighbouring_cells,
)
from benkit.ground.points import Points
from benkit.metadata.categories import Categories
from benkit.metadata.metadata import Metadata
from benkit.splits.balance_bounds import LeastDeviations, least_deviations
from benkit.splits.copied_labels import constant_labels_f1, copied_f1

LEAKAGE_METRES = (2500, 5000, 10000)
"""Distances below which a train patch is counted as near."""
_REGION_METRES = 5000  # cells of this size that touch belong to one region
_QUARTILES = (0, 25, 50, 75, 100)


@dataclass(frozen=True)
class SideMetrics:
    """One side against the train side and the whole.

    Attributes
    ----------
    patches : int
    fraction : float
        Part of all patches of the split.
    shared_ground : float or None
        Part of the side's patches that show ground which a train patch shows too.
    leakage : dict of str to float or None
        Part of the side's patches with a train centre nearer than so many metres.
    nearest_train_m : tuple of float or None
        Least distance to a train centre, quartiles, greatest, in metres; None without such patches.
    copy_f1, constant_f1 : float or None
        Micro-averaged F1 of copying the labels of the nearest train patch (of several equally near the
        one whose id sorts first), and of the best answer that is the same for all patches.
    label_rms : float or None
        sqrt(mean over labels of ((share - fraction) / fraction)^2).
    js_divergence_bits : float or None
        Jensen-Shannon divergence of the side's and the train side's label frequencies, 0 to 1.
    season_deviation, country_deviation : float or None
        Largest |share - fraction| of a season or country; None without the column ``country``.
    possible : LeastDeviations
        The least deviations that whole units allow a side with as many patches.
    label_shares, season_shares, country_shares : dict of str to float
    missing_labels : tuple of str
        Labels of the split that no patch of the side has.
    tiles, countries, regions : int
        How far the side is spread: MGRS tiles and countries with a patch of it, and regions, which
        are cells of 5 km with a patch of it that touch one another; no tiles are known where coordinates
        tell the places.
    distances : (patches,) float64 array
        Metres to the nearest train centre, in the order of the metadata; infinite without one.
    """

    patches: int
    fraction: float
    shared_ground: float | None
    leakage: dict[str, float | None]
    nearest_train_m: tuple[float, ...] | None
    copy_f1: float | None
    constant_f1: float | None
    label_rms: float | None
    js_divergence_bits: float | None
    season_deviation: float | None
    country_deviation: float | None
    possible: LeastDeviations
    label_shares: dict[str, float]
    season_shares: dict[str, float]
    country_shares: dict[str, float]
    missing_labels: tuple[str, ...]
    tiles: int | None
    countries: int
    regions: int
    distances: NDArray[np.float64] = field(repr=False, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """All but the distances, for JSON."""
        return {name: value for name, value in asdict(self).items() if name != "distances"}


def side_metrics(
    metadata: Metadata, mine: NDArray[np.bool_], train: NDArray[np.bool_], split: NDArray[np.bool_]
) -> SideMetrics:
    """Metrics of the patches ``mine`` against those of ``train``, all of them within ``split``."""
    count = int(mine.sum())
    fraction = count / int(split.sum()) if count else 0.0
    sources = metadata.by_id[train[metadata.by_id]]
    source, nearest = nearest_points(metadata.positions[mine], metadata.positions[sources])
    known = count > 0 and bool(train.any())
    label, season, country = (
        _shares(categories, mine, split)
        for categories in (metadata.labels, metadata.seasons, metadata.countries)
    )
    off = (np.array(list(label.values())) - fraction) / fraction if count and label else None
    in_countries = metadata.countries.count(mine) if metadata.countries else np.zeros(0)
    return SideMetrics(
        patches=count,
        fraction=fraction,
        shared_ground=_shared_ground(metadata.pairs, mine, train) / count if count else None,
        leakage={
            str(metres): float((nearest < metres).mean()) if count else None
            for metres in LEAKAGE_METRES
        },
        nearest_train_m=tuple(np.percentile(nearest, _QUARTILES).tolist()) if known else None,
        copy_f1=copied_f1(metadata.labels, np.flatnonzero(mine), sources[source])
        if known
        else None,
        constant_f1=constant_labels_f1(metadata.labels, mine, train),
        label_rms=float(np.sqrt(np.mean(off**2))) if off is not None else None,
        js_divergence_bits=_divergence(metadata.labels.count(mine), metadata.labels.count(train)),
        season_deviation=_largest(season, fraction),
        country_deviation=_largest(country, fraction),
        possible=least_deviations(metadata, mine, split),
        label_shares=label,
        season_shares=season,
        country_shares=country,
        missing_labels=tuple(name for name, share in label.items() if not share),
        tiles=_tiles(metadata.ground, mine),
        countries=int((in_countries > 0).sum()),
        regions=_regions(metadata.centres[mine]),
        distances=nearest,
    )


def _tiles(ground: Footprints | Points, mine: NDArray[np.bool_]) -> int | None:
    if isinstance(ground, Points):
        return None
    tiles = np.array([product.tile.name for product in ground.products], str)
    return len(np.unique(tiles[ground.product[mine]]))


def _shares(categories: Categories | None, mine: NDArray, split: NDArray) -> dict[str, float]:
    """Part of the patches with each value that is on a side, of the values that occur."""
    if categories is None:
        return {}
    parts, wholes = categories.count(mine).tolist(), categories.count(split).tolist()
    counts = zip(categories.names, parts, wholes, strict=True)
    return {name: part / whole for name, part, whole in counts if whole}


def _largest(shares: dict[str, float], fraction: float) -> float | None:
    return max((abs(share - fraction) for share in shares.values()), default=None)


def _shared_ground(pairs: Pairs, mine: NDArray, train: NDArray) -> int:
    """Number of patches of ``mine`` that share ground with one of ``train``."""
    both = np.concatenate([pairs, pairs[:, ::-1]])
    return len(np.unique(both[mine[both[:, 0]] & train[both[:, 1]], 0]))


def _divergence(first: NDArray, second: NDArray) -> float | None:
    """Jensen-Shannon divergence of two counts in bits [1]_; None if one counts nothing.

    References
    ----------
    .. [1] J. Lin, Divergence measures based on the Shannon entropy, 1991,
       https://doi.org/10.1109/18.61115
    """
    if not first.sum() or not second.sum():
        return None
    both = np.stack([first / first.sum(), second / second.sum()])
    ratio = np.divide(both, both.mean(0), out=np.ones_like(both), where=both > 0)
    return max(float((both * np.log2(ratio)).sum()) / 2, 0.0)


def _regions(centres: NDArray) -> int:
    """Number of groups of occupied cells that touch, also by a corner."""
    cells, _ = distinct_cells(centres, _REGION_METRES)
    beside = neighbouring_cells(cells, TOUCHING)
    cell, column = np.nonzero(beside < len(cells))
    touching = np.stack([cell, beside[cell, column]], axis=1)
    return len(np.unique(connected_components(len(cells), touching)))
