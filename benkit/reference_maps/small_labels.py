"""Labels that cover little of the ground of a patch, by the areas of its reference map."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benkit.domain.classes import CLASSES
from benkit.domain.patch_names import PATCH_METRES
from benkit.reference_maps.labels import LabelSets, classes_by_code

LITTLE = 0.01
"""Share of a patch's ground below which a label covers little."""


def small_labels(found: LabelSets) -> pa.Table | None:
    """Of each label how many patches have it on less than a hundredth of their ground.

    Returns
    -------
    pyarrow.Table or None
        None without areas. One row a label that does somewhere, the most frequent first: ``label``,
        ``patches``; and of the patch where it covers least (the first by id of equal ones) ``share``,
        ``patch_id``.
    """
    if "areas" not in found.table.column_names:
        return None
    ids, codes, areas = (
        found.table[name].combine_chunks() for name in ("patch_id", "codes", "areas")
    )
    patch = pc.list_parent_indices(areas).to_numpy().astype(np.int64)
    area = pc.list_flatten(areas).to_numpy()
    ground = np.maximum(np.bincount(patch, area, len(ids)), PATCH_METRES**2)
    label = classes_by_code(pc.list_flatten(codes).to_numpy())
    labelled = label >= 0
    keys = patch[labelled] * len(CLASSES) + label[labelled]
    of_each, index = np.unique(keys, return_inverse=True)
    of_patch, of_label = np.divmod(of_each, len(CLASSES))
    share = np.bincount(index, area[labelled], len(of_each)) / ground[of_patch]
    rows = []
    for number, name in enumerate(CLASSES):
        mine = np.flatnonzero((of_label == number) & (share < LITTLE))
        if len(mine):
            first = mine[np.argmin(share[mine])]
            rows.append((name, len(mine), float(share[first]), ids[of_patch[first]].as_py()))
    rows.sort(key=lambda row: (-row[1], row[0]))
    kinds = {
        "label": pa.string(),
        "patches": pa.int64(),
        "share": pa.float64(),
        "patch_id": pa.string(),
    }
    return pa.Table.from_pylist(
        [dict(zip(kinds, row, strict=True)) for row in rows], pa.schema(kinds)
    )
