"""The correlogram of labels: how alike the labels of two patches are, by the distance between them.

That of a class of distances is Moran's I [1]_ with all pairs of the class as neighbours, for label sets
as for the presence and absence of species [2]_: the covariance of a label between the patches of a pair,
added up over labels, divided by the variance, added up likewise. It is 1 for pairs with the same labels
and 0 for pairs without a relation; of few pairs it may be more than 1. A label on few patches weighs
little, so that it needs no least number.

References
----------
.. [1] P. Legendre, M.-J. Fortin, Spatial pattern and ecological analysis, 1989,
   https://doi.org/10.1007/BF00048036
.. [2] H. H. Wagner, Spatial covariance in plant communities, Ecology 84, 2003, pages 1045 to 1057
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from benkit.files.tables.table_value import TableValue
from benkit.ground.grid import Pairs, pairs_of_touching_cells
from benkit.metadata.categories import Categories
from benkit.metadata.metadata import Metadata

LEAST_PAIRS = 30
"""Pairs of a class from which on its correlation is told in sentences, and drawn as a full circle."""
_EDGES = (0, *(round(2500 * 2 ** (step / 2)) for step in range(-3, 17)))
"""Metres: 2.5, 5 and 10 km are among them; patches of the first class, below 884 m, share ground."""
_LEVELS = {"below_half_m": 0.5, "below_tenth_m": 0.1}
_MOST_DRAWN = 1 << 18  # pairs of a class and of what lies around it
_SCHEMA = pa.schema(
    {
        "from_m": pa.int64(),
        "to_m": pa.int64(),
        "mean_m": pa.float64(),
        "pairs": pa.int64(),
        "drawn": pa.bool_(),
        "correlation": pa.float64(),
    }
)


@dataclass(frozen=True, repr=False)
class Correlogram(TableValue):
    """Correlation of labels by distance.

    Attributes
    ----------
    table : pyarrow.Table
        One row a class of distances that has pairs: ``from_m`` and ``to_m``, which is not in it;
        ``mean_m`` of its pairs; the number of ``pairs``; whether these were ``drawn`` at random from
        more; the ``correlation``, null where no label is on some patches and missing on others.
    """

    table: pa.Table

    def _facts(self) -> str:
        return self.sentence

    def below(self, level: float) -> int | None:
        """Metres where the first class with enough pairs and a correlation below a level begins."""
        return next((row["from_m"] for row in self._told() if row["correlation"] < level), None)

    @property
    def sentence(self) -> str:
        """What it tells: where labels stop being alike, or why that is not known."""
        told = list(self._told())
        if not told:
            known = any(row["correlation"] is not None for row in self.table.to_pylist())
            why = f"no class of distances has {LEAST_PAIRS} pairs of patches"
            why = why if known or not len(self.table) else "all patches have the same ones"
            return f"how labels correlate over distance is not known: {why}"
        first = told[0]
        where = f"{_km(first['from_m'])} to {_km(first['to_m'])} km apart"
        correlation = round(first["correlation"], 2) + 0.0  # no minus before a zero
        parts = [f"labels of patches {where} correlate by {correlation:.2f}"]
        for level in _LEVELS.values():
            metres = self.below(level)
            from_there = "nowhere" if metres is None else f"from {_km(metres)} km on"
            parts.append(f"{from_there} by less than {level:g}")
        return ", ".join(parts)

    def to_dict(self) -> dict[str, Any]:
        """For JSON: where the correlation falls below 0.5 and 0.1, and the classes."""
        below = {name: self.below(level) for name, level in _LEVELS.items()}
        return below | {"classes": self.table.to_pylist()}

    def _told(self) -> Iterator[dict[str, Any]]:
        for row in self.table.to_pylist():
            if row["pairs"] >= LEAST_PAIRS and row["correlation"] is not None:
                yield row


def label_correlogram(metadata: Metadata) -> Correlogram:
    """The correlogram of the labels of all patches, the same whatever the order of the rows.

    All pairs of a class count where they and those of other distances around are at most 262,144, else
    those of so many that are drawn at random, with a fixed seed.
    """
    rows = metadata.by_id
    points, axes = metadata.centres[rows], [*metadata.positions.T.copy()]
    correlation = _correlation_of(metadata.labels, len(rows))
    generator = np.random.default_rng(0)
    classes = []
    for low, high in pairwise(_EDGES):
        pairs, drawn = pairs_of_touching_cells(points, high, _MOST_DRAWN, generator)
        pairs = rows[pairs]
        apart = np.sqrt(sum((axis[pairs[:, 0]] - axis[pairs[:, 1]]) ** 2 for axis in axes))
        within = (low <= apart) & (apart < high)
        count = int(within.sum())
        if count:
            mean = int(np.rint(apart[within]).sum()) / count
            classes.append((low, high, mean, count, drawn, correlation(pairs[within])))
    columns = zip(*classes, strict=True) if classes else [[]] * len(_SCHEMA)
    arrays = [pa.array(column, kind) for column, kind in zip(columns, _SCHEMA.types, strict=True)]
    return Correlogram(pa.table(arrays, schema=_SCHEMA))


def _correlation_of(labels: Categories, patches: int) -> Callable[[Pairs], float | None]:
    """What gives Moran's I of some pairs, from whole numbers: n^2 times covariances and variances."""
    with_label = labels.count()
    variance = sum(count * (patches - count) for count in with_label.tolist())
    weights = np.zeros(patches, np.int64)
    np.add.at(weights, labels.patch, with_label[labels.value])

    def correlation(pairs: Pairs) -> float | None:
        if not variance:
            return None
        first, second = pairs.T
        products = patches**2 * labels.common(first, second)
        products -= patches * int(weights[first].sum() + weights[second].sum())
        products += len(pairs) * sum(count**2 for count in with_label.tolist())
        return products / (len(pairs) * variance)

    return correlation


def _km(metres: int) -> str:
    return f"{metres / 1000:.1f}".removesuffix(".0")
