"""Which of the 19 classes the reference map of each patch shows."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pyarrow as pa

from benkit.io.reference_maps import ReferenceMaps
from benkit.spec.nomenclature import CLASSES, CLC_TO_CLASS, UNLABELED

__all__ = ["LabelSets", "label_sets"]

_CLASS_OF_CODE = np.full(1000, -1)
_CLASS_OF_CODE[list(CLC_TO_CLASS)] = [
    -1 if name == UNLABELED else CLASSES.index(name) for name in CLC_TO_CLASS.values()
]


@dataclass(frozen=True)
class LabelSets:
    """The labels of some patches.

    Attributes
    ----------
    patches : int
    average_num_labels : Fraction
        Labels per patch, exact; 0 where there is no patch.
    table : pyarrow.Table
        One row a patch, in the order of the reference maps: ``patch_id``, and ``labels``, the list of
        its classes sorted by name, without `UNLABELED`.
    """

    patches: int
    average_num_labels: Fraction
    table: pa.Table


def label_sets(maps: ReferenceMaps) -> LabelSets:
    """Join the CLC codes of each patch to its set of classes.

    Every polygon counts, however small. A patch without polygons, or with codes that belong to none
    of the 19 classes only, has no label and counts as a patch.

    Parameters
    ----------
    maps : ReferenceMaps
        Geometries are not needed.
    """
    classes = _CLASS_OF_CODE[maps.code]
    labelled = classes >= 0
    found = np.unique(maps.patch[labelled].astype(np.int64) * len(CLASSES) + classes[labelled])
    patch, label = np.divmod(found, len(CLASSES))
    counts = np.bincount(patch, minlength=len(maps))
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    names = pa.array(CLASSES).take(pa.array(label))
    labels = pa.ListArray.from_arrays(pa.array(offsets), names)
    patches = len(maps)
    average = Fraction(len(found), patches) if patches else Fraction(0)
    polygons = np.bincount(maps.patch, minlength=patches)
    assert len(counts) == len(labels) == patches, "every patch has a set of labels, empty or not"
    assert (counts <= polygons).all(), "a patch has no more labels than polygons"
    assert not labelled.any() or (counts[maps.patch[labelled]] > 0).all(), (
        "a patch with a labelled polygon has a label"
    )
    assert 0 <= average <= len(CLASSES), "a patch has at most the 19 classes"
    table = pa.table({"patch_id": pa.array(maps.patch_ids, pa.string()), "labels": labels})
    return LabelSets(patches, average, table)
