"""What the metadata of an archive says of its seasons and labels."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from benkit.domain.seasons import SEASONS
from benkit.ground.footprints import Footprints
from benkit.ground.grid import sorted_unique
from benkit.metadata.metadata import Metadata, as_metadata

_MONTH_IN_ID = (15, 17)  # S2A_MSIL2A_YYYYMM..., see `benkit.domain.patch_names`


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
    labels : mapping of str to int
        Patches by label, sorted.
    label_seasons : mapping of str to mapping of str to int
        By label, its patches by season.
    """

    patches: int
    seasons: Mapping[str, int]
    average_num_labels: Fraction
    maximum_num_labels: int
    with_repeated_labels: int = 0
    labels: Mapping[str, int] = field(default_factory=dict)
    label_seasons: Mapping[str, Mapping[str, int]] = field(default_factory=dict, repr=False)

    @property
    def table(self) -> pa.Table:
        """A row a label: ``label``, ``patches``, and a column a season."""
        counts = {
            season: [self.label_seasons[name][season] for name in self.labels]
            for season in self.seasons
        }
        return pa.table(
            {"label": pa.array(self.labels, pa.string())}
            | {
                name: pa.array(values, pa.int64())
                for name, values in {"patches": list(self.labels.values()), **counts}.items()
            }
        )


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
    repeated = int((listed > num_labels).sum())
    labels, most = int(num_labels.sum()), int(num_labels.max(initial=0))
    assert sum(counts) == len(sorted_unique(seasons.patch)), "a patch has one season at most"
    assert not _ids_tell(metadata) or counts == _seasons_in_texts(metadata.table["patch_id"]), (
        "each season has the patches whose ids name one of its three months"
    )
    assert (num_labels <= listed).all() and np.array_equal(num_labels > 0, listed > 0), (
        "a patch has at most the labels that it lists, and one at least if it lists any"
    )
    assert most == _longest_set(metadata.table["labels"], num_labels), (
        "the maximum is the number of different labels in the list of one patch"
    )
    assert repeated or _patches_by_label(metadata) == _listings(metadata.table["labels"]), (
        "where no patch repeats a label, each label has as many patches as lists"
    )
    return Summary(
        patches=patches,
        seasons=dict(zip(seasons.names, counts, strict=True)),
        average_num_labels=Fraction(labels, patches) if patches else Fraction(0),
        maximum_num_labels=most,
        with_repeated_labels=repeated,
        labels=_patches_by_label(metadata),
        label_seasons=_seasons_by_label(metadata),
    )


def _ids_tell(metadata: Metadata) -> bool:
    """Whether the ids tell the seasons, and neither dates nor places that were given."""
    return metadata.places is None and isinstance(metadata.ground, Footprints)


def _seasons_in_texts(ids: pa.ChunkedArray) -> list[int]:
    """Patches by season as the month in each id says, whatever was made of the ids elsewhere."""
    months = pc.utf8_slice_codeunits(ids, *_MONTH_IN_ID).cast(pa.int8()).to_numpy()
    winter_first = np.bincount(months % 12 // 3, minlength=len(SEASONS))
    return np.roll(winter_first, -1).tolist()


def _longest_set(lists: pa.ChunkedArray, num_labels: NDArray[np.int64]) -> int:
    """Different labels in the list of the patch that is said to have most."""
    return len(set(lists[int(num_labels.argmax())].as_py())) if len(num_labels) else 0


def _patches_by_label(metadata: Metadata) -> dict[str, int]:
    return dict(zip(metadata.labels.names, metadata.labels.count().tolist(), strict=True))


def _seasons_by_label(metadata: Metadata) -> dict[str, dict[str, int]]:
    """Patches by label, and within by season."""
    labels, seasons = metadata.labels, metadata.seasons
    of_patch = np.full(len(metadata), len(seasons.names))
    of_patch[seasons.patch] = seasons.value
    shape = len(labels.names), len(seasons.names) + 1  # the last one is that of no season
    counts = np.zeros(shape, np.int64)
    np.add.at(counts, (labels.value, of_patch[labels.patch]), 1)
    return {
        name: dict(zip(seasons.names, row.tolist(), strict=False))
        for name, row in zip(labels.names, counts, strict=True)
    }


def _listings(lists: pa.ChunkedArray) -> dict[str, int]:
    """How often each label is listed."""
    found = pc.value_counts(pc.list_flatten(lists.combine_chunks()))
    names, counts = found.field("values").to_pylist(), found.field("counts").to_pylist()
    return dict(zip(names, counts, strict=True))
