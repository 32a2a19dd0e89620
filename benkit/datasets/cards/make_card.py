"""Make the card of a data set."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from benkit import __version__
from benkit.datasets.cards.card import CARD_VERSION, Card
from benkit.datasets.cards.card_hashes import (
    HASHED_LINES,
    label_hash,
    patches_of,
    pixel_hashes,
    side_sizes,
    split_hash,
)
from benkit.domain.classes import CLASSES, class_order
from benkit.inventory.contents import none_is_there
from benkit.inventory.statistics import band_statistics
from benkit.inventory.table.inventory_file import Inventory
from benkit.inventory.table.schema import VERSION
from benkit.metadata.categories import Categories
from benkit.metadata.metadata import Metadata
from benkit.splits.evaluate import evaluate_split
from benkit.splits.split import Split
from benkit.splits.split_file import SIDES

"""Of the pixels of all bands."""

WEIGHTS = {
    "inverse_frequency": "patches / (classes * count)",
    "pos_weight": "(patches - count) / count",
}
"""Formulas of the class weights: of so many patches, ``count`` have the label, and ``classes`` labels
have one."""

_VERSIONS = {
    "card": CARD_VERSION,
    "benkit": __version__,
    "inventory": VERSION,
}
_DIGITS = 9
_BAND_COUNTS = """
SELECT count(*) FILTER (status = 'ok') AS read, count(*) FILTER (status = 'missing') AS missing,
       count(*) FILTER (status = 'unreadable') AS unreadable,
       count(*) FILTER (nodata_count > 0) AS with_no_data
FROM inventory WHERE band IS NOT NULL
"""


def make_card(
    inventory: Inventory,
    metadata: Metadata,
    split: Split | None = None,
    about: Mapping[str, str | None] | None = None,
) -> Card:
    """The card of the patches of an inventory.

    Counts, statistics and weights are those of the patches that are in the inventory and in the
    metadata; the split, whose rows are those of the metadata, is judged as a whole.

    Raises
    ------
    InputFormatError
        If the inventory lacks ``pixel_hash``, or holds no patch of the metadata or of the train side.
    """
    on_disk = patches_of(inventory)
    here = pc.is_in(metadata.patch_ids, on_disk).to_numpy(zero_copy_only=False)
    _require_some(here, inventory, metadata, "patches of the metadata")
    on = {} if split is None else {name: split.code == SIDES.index(name) for name in split.names}
    groups = {"all": here} | {name: here & mine for name, mine in on.items()}
    trained = groups.get("train", here)
    if split is not None:
        _require_some(trained, inventory, metadata.filter(on["train"]), "patches of the train side")
    described = int(here.sum())
    countries = metadata.countries
    statistics, warnings = _statistics(inventory, metadata, trained, split)
    return Card(
        {
            "versions": _VERSIONS | {"layout": inventory.layout.name},
            "about": {key: text for key, text in (about or {}).items() if text is not None},
            "pixels": pixel_hashes(inventory),
            "labels": {"sha256": label_hash(metadata), "patches": len(metadata)},
            "split": None if split is None else _split(metadata, split, groups),
            "lines": dict(HASHED_LINES),
            "patches": {
                "described": described,
                "not_in_metadata": len(on_disk) - described,
                "not_on_disk": len(metadata) - described,
            },
            "bands": inventory.query_table(_BAND_COUNTS).to_pylist()[0],
            "counts": {
                "label": _label_counts(metadata.labels, groups),
                "season": _counts(metadata.seasons, groups),
                "country": None if countries is None else _counts(countries, groups),
            },
            "statistics": statistics,
            "class_weights": _weights(metadata.labels, trained, split),
            "class_order": _orders(metadata.labels.names),
            "warnings": warnings,
        }
    )


def _steady(value: Any) -> Any:
    """The same with floats of nine digits: the last ones of distances differ between machines."""
    if isinstance(value, Mapping):
        return {key: _steady(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_steady(one) for one in value]
    return float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value


def _require_some(
    chosen: NDArray[np.bool_], inventory: Inventory, looked_for: Metadata, what: str
) -> None:
    if not chosen.any():
        first = looked_for.patch_ids[:1].to_pylist()
        advice = "name the metadata and the split of these patches"
        raise none_is_there(inventory, what, len(looked_for), first, advice)


def _split(
    metadata: Metadata, split: Split, groups: Mapping[str, NDArray[np.bool_]]
) -> dict[str, Any]:
    """Hash, sizes and metrics of a split."""
    sizes = side_sizes(split)
    return {
        "sha256": split_hash(split),
        "patches": sizes,
        "not_on_disk": {name: size - int(groups[name].sum()) for name, size in sizes.items()},
        "evaluation": _steady(evaluate_split(metadata, split).to_dict()),
    }


def _counts(
    categories: Categories, groups: Mapping[str, NDArray[np.bool_]]
) -> dict[str, dict[str, int]]:
    """By name, its patches in each group."""
    counts = {group: categories.count(chosen).tolist() for group, chosen in groups.items()}
    return {
        name: {group: numbers[index] for group, numbers in counts.items()}
        for index, name in enumerate(categories.names)
    }


def _label_counts(
    labels: Categories, groups: Mapping[str, NDArray[np.bool_]]
) -> dict[str, dict[str, int]]:
    """The same of all labels of the nomenclature, also of those that no patch has."""
    found, names = _counts(labels, groups), _orders(labels.names)["alphabetical"] or ()
    return {name: found.get(name, dict.fromkeys(groups, 0)) for name in names}


def _statistics(
    inventory: Inventory, metadata: Metadata, trained: NDArray[np.bool_], split: Split | None
) -> tuple[dict[str, Any], list[str]]:
    """Statistics of the bands over the train side, or over all patches without a split; warnings."""
    found = band_statistics(inventory, _ids(metadata, trained))
    bands = {
        name: {
            "unit": inventory.layout.bands[name].unit,
            "pixel_size_m": inventory.layout.bands[name].pixel_size,
            "pixels": values.pop("count"),
            **values,
        }
        for name, values in ((name, asdict(band)) for name, band in found.bands.items())
    }
    of = _trained_on(split)
    return {"of": of, "patches": int(trained.sum()), "bands": bands}, list(found.warnings)


def _ids(metadata: Metadata, chosen: NDArray[np.bool_]) -> list[str]:
    return metadata.patch_ids.take(np.flatnonzero(chosen)).to_pylist()


def _trained_on(split: Split | None) -> str:
    return "all" if split is None else "train"


def _weights(labels: Categories, trained: NDArray[np.bool_], split: Split | None) -> dict[str, Any]:
    """Weights of the labels over the train side, None where it has none; see `WEIGHTS`."""
    patches = int(trained.sum())
    counts = {name: one["train"] for name, one in _label_counts(labels, {"train": trained}).items()}
    classes = sum(count > 0 for count in counts.values())
    balanced = {name: patches / (classes * n) if n else None for name, n in counts.items()}
    positive = {name: (patches - n) / n if n else None for name, n in counts.items()}
    weights = zip(WEIGHTS.items(), (balanced, positive), strict=True)
    return {
        "of": _trained_on(split),
        "patches": patches,
        "classes": classes,
        **{name: {"formula": formula, "weights": found} for (name, formula), found in weights},
    }


def _orders(names: Iterable[str]) -> dict[str, list[str] | None]:
    """The classes in both orders; of labels that are not BigEarthNet's the alphabetical one."""
    if set(names) <= set(CLASSES):
        return {order: list(class_order(order)) for order in ("nomenclature", "alphabetical")}
    return {"nomenclature": None, "alphabetical": sorted(names)}
