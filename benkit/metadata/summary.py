"""What the metadata of an archive says of its seasons and labels."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benkit.metadata.metadata import Metadata, as_metadata


@dataclass(frozen=True)
class Summary:
    """Counts of a metadata table.

    Attributes
    ----------
    patches : int
    seasons : mapping of str to int
        Patches by meteorological season of the sensing date, northern hemisphere, in the order of
        `benkit.domain.seasons.SEASONS`; empty where neither names nor a column tell dates.
    average_num_labels : Fraction
        Labels per patch, exact, each counted once a patch; 0 where there is no patch.
    maximum_num_labels : int
        Different labels of the patch that has most.
    with_repeated_labels : int
        Patches that list a label more than once.
    """

    patches: int
    seasons: Mapping[str, int]
    average_num_labels: Fraction
    maximum_num_labels: int
    with_repeated_labels: int = 0


def summarize(metadata: Metadata | pa.Table) -> Summary:
    """Count seasons and labels.

    Parameters
    ----------
    metadata : Metadata or pyarrow.Table
        In a table, a patch without labels has none.

    Examples
    --------
    >>> ids = [f"S2A_MSIL2A_2018{day}T095031_N9999_R079_T34UEG_74_13" for day in ("0228", "0301")]
    >>> summary = summarize(pa.table({"patch_id": ids, "labels": [["Pastures"], ["Inland waters"] * 2]}))
    >>> summary.seasons
    {'spring': 1, 'summer': 0, 'fall': 0, 'winter': 1}
    >>> summary.average_num_labels, summary.with_repeated_labels
    (Fraction(1, 1), 1)
    """
    metadata = as_metadata(metadata)
    seasons = metadata.seasons
    counts = seasons.count().tolist()
    patches = len(metadata)
    num_labels = np.bincount(metadata.labels.patch, minlength=patches)
    listed = pc.list_value_length(metadata.table["labels"]).to_numpy()
    labels, most = int(num_labels.sum()), int(num_labels.max(initial=0))
    assert sum(counts) == len(np.unique(seasons.patch)), "a patch has one season at most"
    assert most * patches >= labels, "no patch has more labels than the maximum"
    assert labels >= most, "the patch with the most labels is one of them"
    return Summary(
        patches=patches,
        seasons=dict(zip(seasons.names, counts, strict=True)),
        average_num_labels=Fraction(labels, patches) if patches else Fraction(0),
        maximum_num_labels=most,
        with_repeated_labels=int((listed > num_labels).sum()),
    )
