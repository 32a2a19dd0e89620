"""How far the score on a test side can be trusted.

Distances run between patch centres (see `benkit.planar`). A label's share is the part of its patches
that lies on the test side; shares are compared with the test fraction that was realised.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from benkit.errors import InputFormatError
from benkit.footprints import Footprints, locate
from benkit.overlaps import overlapping_pairs
from benkit.planar import nearest_distances, planar_centres
from benkit.traits import Trait, column_trait, label_trait, season_trait

__all__ = ["LEAKAGE_METRES", "SIDES", "Evaluation", "SideFigures", "evaluate_split"]

SIDES = ("train", "validation", "test")
LEAKAGE_METRES = (2500, 5000, 10000)
"""Distances below which a train patch is counted as near."""
_REGION_METRES = 5000  # cells of this size that touch belong to one region
_AROUND = [(right, up) for right in (-1, 0, 1) for up in (-1, 0, 1) if right or up]
_QUARTILES = (0, 25, 50, 75, 100)


@dataclass(frozen=True)
class SideFigures:
    """One side against the train side and the whole.

    Attributes
    ----------
    patches : int
    fraction : float
        Part of all patches of the split.
    leakage : dict of str to float or None
        Part of the side's patches with a train centre nearer than so many metres.
    nearest_train_m : tuple of float or None
        Least distance to a train centre, quartiles, greatest, in metres; None without such patches.
    label_rms : float or None
        sqrt(mean over labels of ((share - fraction) / fraction)^2).
    js_divergence_bits : float or None
        Jensen-Shannon divergence of the side's and the train side's label frequencies, 0 to 1.
    season_deviation, country_deviation : float or None
        Largest |share - fraction| of a season or country; None without the column ``country``.
    label_shares, season_shares, country_shares : dict of str to float
    missing_labels : tuple of str
        Labels of the split that no patch of the side has.
    tiles, countries, regions : int
        How far the side is spread: MGRS tiles and countries with a patch of it, and regions, which
        are cells of 5 km with a patch of it that touch one another.
    """

    patches: int
    fraction: float
    leakage: dict[str, float | None]
    nearest_train_m: tuple[float, ...] | None
    label_rms: float | None
    js_divergence_bits: float | None
    season_deviation: float | None
    country_deviation: float | None
    label_shares: dict[str, float]
    season_shares: dict[str, float]
    country_shares: dict[str, float]
    missing_labels: tuple[str, ...]
    tiles: int
    countries: int
    regions: int


@dataclass(frozen=True)
class Evaluation:
    """Figures of a split.

    Attributes
    ----------
    train : int
        Patches of the train side.
    left_out : int
        Patches of the metadata on no side.
    crossing_pairs : int
        Pairs of patches on different sides that share ground.
    test : SideFigures
    validation : SideFigures or None
        None if the split has no such side.
    missing_labels : tuple of str
        Labels that no train patch has.
    warnings : tuple of str
    """

    train: int
    left_out: int
    crossing_pairs: int
    test: SideFigures
    validation: SideFigures | None
    missing_labels: tuple[str, ...]
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The figures for JSON: those of the test side on the top, the validation side's below."""
        test = asdict(self.test)
        nearest = test["nearest_train_m"]
        figures: dict[str, Any] = {
            "train": self.train,
            "test": test.pop("patches"),
            "crossing_pairs": self.crossing_pairs,
            "leakage": test.pop("leakage"),
            "median_nearest_train_m": nearest[len(nearest) // 2] if nearest else None,
        }
        figures |= {name: test[name] for name in ("label_rms", "js_divergence_bits")}
        figures |= {name: test[name] for name in ("season_deviation", "country_deviation")}
        figures |= test
        figures["missing_labels"] = {"train": self.missing_labels, "test": test["missing_labels"]}
        figures["left_out"] = self.left_out
        figures["validation"] = asdict(self.validation) if self.validation else None
        return figures | {"warnings": self.warnings}


@dataclass(frozen=True)
class _Traits:
    """What is known of the patches of a split."""

    places: Footprints
    centres: NDArray[np.float64]
    label: Trait
    season: Trait
    country: Trait | None


def evaluate_split(metadata: pa.Table, sides: Mapping[str, Sequence[str]]) -> Evaluation:
    """Judge a split.

    Parameters
    ----------
    metadata : pyarrow.Table
        With the columns ``patch_id`` and ``labels``, and ``country`` if there is one.
    sides : mapping of str to sequence of str
        Patch ids of ``train``, ``test`` and, if there is one, ``validation``; each patch once.

    Returns
    -------
    Evaluation

    Raises
    ------
    InputFormatError
        If a side has another name, or a patch that the metadata does not hold or another side has too.
    """
    side = _side_of_patches(metadata, sides)
    left_out = int((side < 0).sum())
    metadata, side = metadata.filter(pa.array(side >= 0)), side[side >= 0]
    places = locate(metadata["patch_id"])
    pairs = overlapping_pairs(places)
    traits = _Traits(
        places,
        planar_centres(places),
        label_trait(metadata),
        season_trait(places),
        column_trait(metadata, "country") if "country" in metadata.column_names else None,
    )
    figures = [_figures(side == number, side == 0, traits) for number in range(len(SIDES))]
    crossing = int((side[pairs[:, 0]] != side[pairs[:, 1]]).sum())
    assert sum(one.patches for one in figures) == len(places), "each patch is on one side"
    return Evaluation(
        train=figures[0].patches,
        left_out=left_out,
        crossing_pairs=crossing,
        test=figures[2],
        validation=figures[1] if "validation" in sides else None,
        missing_labels=figures[0].missing_labels,
        warnings=tuple(_warnings(figures, crossing, "validation" in sides)),
    )


def _side_of_patches(metadata: pa.Table, sides: Mapping[str, Sequence[str]]) -> NDArray[np.int64]:
    """Number of the side, as in `SIDES`, of each patch of the metadata; -1 on none."""
    if unknown := sorted(sides.keys() - set(SIDES)):
        raise InputFormatError(f"expected the sides {', '.join(SIDES)}, but there is {unknown[0]}")
    ids = metadata["patch_id"].combine_chunks()
    side = np.full(len(ids), -1)
    for number, name in enumerate(SIDES):
        wanted = pa.array(sides.get(name, ()), ids.type)
        place = pc.fill_null(pc.index_in(wanted, ids), -1).to_numpy()
        if (place < 0).any():
            patch = wanted[int((place < 0).argmax())]
            raise InputFormatError(f"{patch} of the side {name} is not in the metadata")
        again = (side[place] >= 0) | (np.bincount(place, minlength=len(side))[place] > 1)
        if again.any():
            raise InputFormatError(
                f"{wanted[int(again.argmax())]} of the side {name} is on a side twice; "
                "a patch belongs to one side"
            )
        side[place] = number
    return side


def _figures(mine: NDArray, train: NDArray, traits: _Traits) -> SideFigures:
    """Figures of the patches ``mine`` against those of ``train``."""
    count, fraction = int(mine.sum()), float(mine.mean()) if len(mine) else 0.0
    nearest = nearest_distances(traits.centres[mine], traits.centres[train])
    known = count > 0 and bool(train.any())
    label, season, country = (
        _shares(trait, mine) for trait in (traits.label, traits.season, traits.country)
    )
    off = (np.array(list(label.values())) - fraction) / fraction if count and label else None
    tiles = np.array([product.tile.name for product in traits.places.products], str)
    in_countries = traits.country.count(mine) if traits.country else np.zeros(0)
    return SideFigures(
        patches=count,
        fraction=fraction,
        leakage={
            str(metres): float((nearest < metres).mean()) if count else None
            for metres in LEAKAGE_METRES
        },
        nearest_train_m=tuple(np.percentile(nearest, _QUARTILES).tolist()) if known else None,
        label_rms=float(np.sqrt(np.mean(off**2))) if off is not None else None,
        js_divergence_bits=_divergence(traits.label.count(mine), traits.label.count(train)),
        season_deviation=_largest(season, fraction),
        country_deviation=_largest(country, fraction),
        label_shares=label,
        season_shares=season,
        country_shares=country,
        missing_labels=tuple(name for name, share in label.items() if not share),
        tiles=len(np.unique(tiles[traits.places.product[mine]])),
        countries=int((in_countries > 0).sum()),
        regions=_regions(traits.centres[mine]),
    )


def _shares(trait: Trait | None, mine: NDArray) -> dict[str, float]:
    """Part of the patches with each value that is on a side, of the values that occur."""
    if trait is None:
        return {}
    counts = zip(trait.names, trait.count(mine).tolist(), trait.count().tolist(), strict=True)
    return {name: part / whole for name, part, whole in counts if whole}


def _largest(shares: dict[str, float], fraction: float) -> float | None:
    return max((abs(share - fraction) for share in shares.values()), default=None)


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
    cells = np.unique(np.floor(centres / _REGION_METRES).astype(np.int64), axis=0)
    number = {cell: place for place, cell in enumerate(map(tuple, cells.tolist()))}
    regions, seen = 0, np.zeros(len(cells), bool)
    for start in range(len(cells)):
        if seen[start]:
            continue
        regions, waiting = regions + 1, [start]
        seen[start] = True
        while waiting:
            column, row = cells[waiting.pop()].tolist()
            for right, up in _AROUND:
                near = number.get((column + right, row + up))
                if near is not None and not seen[near]:
                    seen[near] = True
                    waiting.append(near)
    return regions


def _warnings(figures: list[SideFigures], crossing: int, with_validation: bool) -> Iterator[str]:
    wanted = SIDES if with_validation else ("train", "test")
    for name, side in zip(SIDES, figures, strict=True):
        if name in wanted and not side.patches:
            yield f"the {name} side is empty"
        elif name in wanted and side.missing_labels:
            yield f"no {name} patch has the label {', '.join(side.missing_labels)}"
    if crossing:
        yield f"{crossing:,} pairs of patches on different sides show the same ground"
