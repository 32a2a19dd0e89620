"""How evenly a side can hold labels, seasons and countries at best.

Of three patches with a label none, one, two or all can lie on a side, never a quarter; patches that
share ground go together, which leaves fewer numbers still. What counts here is the least
|share - fraction| of each label, season and country by itself that any choice of whole units reaches.
No split that parts no ground comes closer; whether one comes as close in all of them is not known.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from benkit.files.safe_names import some_names
from benkit.ground.grid import connected_components
from benkit.metadata.categories import Categories
from benkit.metadata.metadata import Metadata
from benkit.splits.search.subset_sums import nearest_sum

Sizes = list[tuple[str, NDArray[np.int64]]]
"""Values that occur, and how many patches with it each unit that holds it has."""

# Splits of one metadata are often judged together, such as folds or a random one beside.
_KNOWN: WeakKeyDictionary[Metadata, tuple[bytes, list[Sizes]]] = WeakKeyDictionary()


@dataclass(frozen=True)
class LeastDeviations:
    """The least deviations of a side that holds as many patches, from whole units.

    Attributes
    ----------
    label_rms, season_deviation, country_deviation : float or None
        As of `benkit.splits.side_metrics.SideMetrics`; no split that parts no ground has less.
    held_by_units : tuple of str
        Labels, seasons and countries that single patches would allow to come closer.
    """

    label_rms: float | None
    season_deviation: float | None
    country_deviation: float | None
    held_by_units: tuple[str, ...]

    def sentence(self) -> str | None:
        """What keeps the balance from what whole numbers allow; None if nothing does."""
        if not self.held_by_units:
            return None
        return (
            "patches that share ground stay together, which keeps the share of "
            f"{some_names(self.held_by_units)} further from the fraction than whole numbers do"
        )


def least_deviations(
    metadata: Metadata, mine: NDArray[np.bool_], split: NDArray[np.bool_]
) -> LeastDeviations:
    """The least deviations of a side with as many of the patches ``split`` as ``mine`` are."""
    part, whole = int(mine.sum()), int(split.sum())
    held: dict[str, None] = {}
    least: list[NDArray[np.float64]] = []
    for of_units in _all_sizes(metadata, split):
        off = []
        for name, sizes in of_units if part else ():
            total = int(sizes.sum())
            count, rest = nearest_sum(sizes, part, whole), total * part % whole
            off.append(abs(count / total - part / whole))
            if abs(count * whole - total * part) > min(rest, whole - rest):
                held[name] = None
        least.append(np.array(off, float))
    label, season, country = least
    return LeastDeviations(
        label_rms=float(np.sqrt(np.mean((label / (part / whole)) ** 2))) if len(label) else None,
        season_deviation=float(season.max()) if len(season) else None,
        country_deviation=float(country.max()) if len(country) else None,
        held_by_units=tuple(held),
    )


def _all_sizes(metadata: Metadata, split: NDArray[np.bool_]) -> list[Sizes]:
    """How many patches of each label, season and country units hold, kept for further splits."""
    key = np.packbits(split).tobytes()
    if metadata not in _KNOWN or _KNOWN[metadata][0] != key:
        pairs = metadata.pairs
        unit = connected_components(len(metadata), pairs[split[pairs].all(1)])
        all_categories = (metadata.labels, metadata.seasons, metadata.countries)
        _KNOWN[metadata] = key, [list(_unit_sizes(one, unit, split)) for one in all_categories]
    return _KNOWN[metadata][1]


def _unit_sizes(
    categories: Categories | None, unit: NDArray[np.int64], split: NDArray[np.bool_]
) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """Each value that occurs, and how many patches with it each unit that holds it has."""
    if categories is None:
        return
    chosen = split[categories.patch]
    key = categories.value[chosen].astype(np.int64)
    key *= len(unit)
    key += unit[categories.patch[chosen]]
    key.sort()
    first = np.flatnonzero(np.diff(key, prepend=-1))
    sizes = np.diff(first, append=len(key))
    ends = np.searchsorted(key[first] // len(unit), np.arange(len(categories.names) + 1))
    for name, start, end in zip(categories.names, ends, ends[1:], strict=False):
        if start < end:
            yield name, sizes[start:end]
