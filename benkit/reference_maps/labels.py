"""Labels of patches, from the CLC codes of their reference maps."""

from collections.abc import Collection
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from benkit.domain.classes import (
    CLASSES,
    CLC_TO_CLASS,
    CODE_LIMIT,
    UNLABELED,
    classes_of_codes,
)
from benkit.domain.decimals import two_decimals
from benkit.errors import InputFormatError
from benkit.files.safe_names import some_names
from benkit.files.tables.table_value import TableValue
from benkit.reference_maps.land_cover import LandCover
from benkit.reference_maps.read import ReferenceMaps, evenly_spread

BUILDERS_MAX_UNLABELLED = 0.25
"""BigEarthNet v2.0 has patches with less than this share unlabelled (arxiv.org/abs/2407.03653)."""

_CLASS_OF_CODE = np.full(CODE_LIMIT, -1)
_CLASS_OF_CODE[list(CLC_TO_CLASS)] = [
    -1 if name == UNLABELED else CLASSES.index(name) for name in CLC_TO_CLASS.values()
]

_COMPARED = 16  # patches whose classes are looked up once more, one by one


@dataclass(frozen=True, repr=False)
class LabelSets(TableValue):
    """The label sets of patches.

    Attributes
    ----------
    patches : int
    average_num_labels : Fraction
        Labels per patch, exact; 0 where there is no patch.
    table : pyarrow.Table
        One row a patch, in the order of the reference maps: ``patch_id`` and ``labels``, its classes
        sorted by name; from `land_cover_labels` also ``codes``, its CLC codes in ascending order,
        ``areas``, the square metres of each, and ``unlabelled``, the share without a label.
    left_out : tuple of str
        Patches with too much unlabelled ground; they are not counted and have no row.
    comparison : LabelComparison or None
        With the labels of metadata, if they were compared.
    """

    patches: int
    average_num_labels: Fraction
    table: pa.Table
    left_out: tuple[str, ...] = ()
    comparison: "LabelComparison | None" = None

    def without(self, patches: Collection[str]) -> "LabelSets":
        """The same without some patches, not compared with anything."""
        gone = pa.array(patches, pa.string())
        kept = self.table.filter(pc.invert(pc.is_in(self.table["patch_id"], gone)))
        return _label_sets(kept, tuple(one for one in self.left_out if one not in patches))

    def _facts(self) -> str:
        return f"{self.patches:,} patches, {two_decimals(self.average_num_labels)} labels each"


def label_sets(maps: ReferenceMaps) -> LabelSets:
    """Join the CLC codes of each patch to its set of classes; maps need no geometries.

    Every polygon counts, however small. A patch without polygons, or only with codes that belong to
    none of the 19 classes, has no label and counts as a patch.
    """
    labels = _labels(maps.patch, maps.code, np.zeros(len(maps.code)), least=np.zeros(len(maps)))
    assert set(pc.unique(labels.values).to_pylist()) == set(
        classes_of_codes(np.unique(maps.code).tolist())
    ), "the labels that occur are the classes of the CLC codes that occur"
    assert np.array_equal(_has_class(maps.patch, maps.code, len(maps)).sum(1), _lengths(labels)), (
        "a patch has as many labels as its polygons have different classes"
    )
    assert all(
        labels[patch].as_py() == list(classes_of_codes(maps.code[maps.patch == patch].tolist()))
        for patch in evenly_spread(len(maps), _COMPARED)
    ), "patches picked across the maps have the classes of their own polygons' codes"
    ids = pa.array(maps.patch_ids, pa.string())
    return _label_sets(pa.table({"patch_id": ids, "labels": labels}))


def land_cover_labels(
    cover: LandCover, *, min_share: float = 0.0, max_unlabelled: float | None = None
) -> LabelSets:
    """Join the land cover of each patch to its set of classes, by their areas.

    Parameters
    ----------
    cover : LandCover
    min_share : float
        Least share of a patch's ground that a class must have, all its codes together, to be a
        label. 0, as the builders of BigEarthNet v2.0 have it, counts whatever is in the map.
    max_unlabelled : float, optional
        Leave out patches with this share unlabelled or more; for the builders see
        `BUILDERS_MAX_UNLABELLED`.
    """
    labels = _labels(cover.patch, cover.code, cover.area, least=min_share * cover.ground)
    table = pa.table(
        {
            "patch_id": pa.array(cover.patch_ids, pa.string()),
            "labels": labels,
            "codes": _lists(cover.patch, pa.array(cover.code), len(cover)),
            "areas": _lists(cover.patch, pa.array(cover.area), len(cover)),
            "unlabelled": pa.array(cover.unlabelled),
        }
    )
    if max_unlabelled is None:
        return _label_sets(table)
    kept = pc.less(table["unlabelled"], max_unlabelled)
    left_out = table["patch_id"].filter(pc.invert(kept)).to_pylist()
    return _label_sets(table.filter(kept), tuple(left_out))


def classes_by_code(code: NDArray) -> NDArray[np.int64]:
    """The place among `CLASSES` of the class of each CLC code, -1 where it has none."""
    return _CLASS_OF_CODE[code]


def _labels(patch: NDArray, code: NDArray, area: NDArray, least: NDArray) -> pa.ListArray:
    """For each patch the classes with at least its least area, all their codes together."""
    classes = _CLASS_OF_CODE[code]
    labelled = classes >= 0
    keys = patch[labelled].astype(np.int64) * len(CLASSES) + classes[labelled]
    found, index = np.unique(keys, return_inverse=True)
    of_patch, label = np.divmod(found, len(CLASSES))
    enough = np.bincount(index, area[labelled], len(found)) >= least[of_patch]
    names = pa.array(CLASSES).take(pa.array(label[enough]))
    return _lists(of_patch[enough], names, len(least))


def _lists(patch: NDArray, values: pa.Array, patches: int) -> pa.ListArray:
    """For each patch the list of its values; the patch of each value ascends."""
    ends = np.cumsum(np.bincount(patch, minlength=patches))
    return pa.ListArray.from_arrays(pa.array([0, *ends.tolist()], pa.int32()), values)


def _has_class(patch: NDArray, code: NDArray, patches: int) -> NDArray[np.bool_]:
    """Which patches have polygons of which of the 19 classes, without sorting or joining them."""
    found = np.zeros((patches, len(CLASSES) + 1), bool)
    found[patch, _CLASS_OF_CODE[code]] = True  # what has no class, -1, in the last column
    return found[:, :-1]


def _lengths(labels: pa.ListArray) -> NDArray[np.int64]:
    return pc.list_value_length(labels).to_numpy()


def _label_sets(table: pa.Table, left_out: tuple[str, ...] = ()) -> LabelSets:
    labels = pc.sum(pc.list_value_length(table["labels"])).as_py() or 0
    average = Fraction(labels, len(table)) if len(table) else Fraction(0)
    return LabelSets(len(table), average, table, left_out)


@dataclass(frozen=True)
class LabelComparison:
    """Differences between the labels of reference maps and those of metadata.

    Attributes
    ----------
    compared, not_in_metadata, without_map : int
        Patches with a reference map and metadata, with a map only, and with metadata only.
    differences : pyarrow.Table
        One row for each compared patch whose labels differ, in the order of the reference maps:
        ``patch_id``; ``missing``, the labels that only the metadata have; ``extra``, those that only
        the map has. Both sorted.
    """

    compared: int
    not_in_metadata: int
    without_map: int
    differences: pa.Table


def compare_labels(found: LabelSets, metadata: pa.Table) -> LabelComparison:
    """Compare the labels that reference maps show with those of metadata.

    A patch that was left out has no labels, so that it differs if the metadata give it any.

    Parameters
    ----------
    found : LabelSets
    metadata : pyarrow.Table
        With ``patch_id``, each once, and ``labels``, as those of `benkit.Metadata`.
    """
    expected, shown = _labels_by_patch(metadata), _labels_by_patch(found.table)
    shown |= {patch: [] for patch in found.left_out}
    rows = []
    compared = sorted(shown.keys() & expected.keys())
    if shown and expected and not compared:
        raise InputFormatError(
            f"expected reference maps of patches of the metadata, but none of {len(shown):,} maps, such "
            f"as that of {some_names([min(shown)])}, is of one of {len(expected):,} patches, such as "
            f"{some_names([next(iter(expected))])}; name the metadata of these maps"
        )
    for patch in compared:
        missing = sorted({*expected[patch]} - {*shown[patch]})
        extra = sorted({*shown[patch]} - {*expected[patch]})
        if missing or extra:
            rows.append((patch, missing, extra))
    texts = pa.list_(pa.string())
    schema = pa.schema([("patch_id", pa.string()), ("missing", texts), ("extra", texts)])
    columns = [list(column) for column in zip(*rows, strict=True)] or [[], [], []]
    return LabelComparison(
        compared=len(compared),
        not_in_metadata=len(shown) - len(compared),
        without_map=len(expected) - len(compared),
        differences=pa.table(columns, schema=schema),
    )


def _labels_by_patch(table: pa.Table) -> dict[str, list[str]]:
    labels = [names or [] for names in table["labels"].to_pylist()]
    return dict(zip(table["patch_id"].to_pylist(), labels, strict=True))
