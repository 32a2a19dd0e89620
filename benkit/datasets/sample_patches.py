"""Choose some patches that hold the labels and seasons in the shares of all."""

import hashlib

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benkit.datasets.selection import Selection
from benkit.errors import OptionError
from benkit.files.tables.table import one_array
from benkit.metadata.metadata import Metadata, as_metadata
from benkit.metadata.patch_list import blocks_of, rows_of

_MOST_SEED = 2**32 - 1


def sample_patches(metadata: Metadata, number: int, seed: int = 0) -> NDArray[np.bool_]:
    """Which of some patches to take: (n,) bool array, of which so many are true.

    A systematic sample [1]_: the patches are put in an order by season, by their labels from the rarest
    to the most frequent, and by a hash of the seed and the id, and one is taken of every n / number. So
    each season has its share to within one patch, rare labels nearly so, and frequent ones vary far
    less than by chance. The same on every machine, whatever the order of the rows.

    Raises
    ------
    OptionError
        If there are fewer patches, or the number or the seed makes no sense.

    References
    ----------
    .. [1] W. G. Cochran, Sampling Techniques, third edition, 1977, chapter 8.
    """
    n = len(metadata)
    if not 1 <= number <= n:
        raise OptionError(f"--sample {number}: expected a number from 1 to the {n:,} patches")
    if not 0 <= seed <= _MOST_SEED:
        raise OptionError(f"--seed {seed}: expected a number from 0 to {_MOST_SEED}")
    ranks = [_ranks(some.to_pylist(), seed) for some in blocks_of(metadata.patch_ids)]
    order = np.lexsort([np.concatenate(ranks), *_label_keys(metadata), _season_keys(metadata)])
    # of n patches in a row the middle of each of so many equal stretches, in whole numbers
    places = (2 * np.arange(number) + 1) * n // (2 * number)
    chosen = np.zeros(n, bool)
    chosen[order[places]] = True
    assert chosen.sum() == number, "so many patches are chosen, each once"
    return chosen


def sampled(
    selection: Selection, metadata: Metadata | None, number: int, seed: int = 0
) -> Selection:
    """A selection with a sample of what is chosen, by what metadata tells of any patches."""
    ids = selection.chosen_ids
    table = pa.table({"patch_id": ids})
    if metadata is not None:
        rows = rows_of(ids, one_array(metadata.table["patch_id"]))
        table = table.append_column("labels", metadata.table["labels"].take(rows))
    taken = sample_patches(as_metadata(table), number, seed)
    return selection.among(ids.filter(pa.array(taken)), "not in the sample")


def _ranks(ids: list[str], seed: int) -> NDArray[np.uint64]:
    """A number for each id that looks random, and is another one for another seed."""
    digests = b"".join(
        hashlib.blake2b(f"{seed} {patch}".encode(), digest_size=8).digest() for patch in ids
    )
    return np.frombuffer(digests, "<u8")


def _label_keys(metadata: Metadata) -> list[NDArray[np.bool_]]:
    """Keys to sort by, the most frequent label first and the rarest last: whether a patch has it."""
    labels = metadata.labels
    has = np.zeros((len(labels.names), len(metadata)), bool)
    has[labels.value, labels.patch] = True
    names = sorted(range(len(labels.names)), key=lambda i: (-has[i].sum(), labels.names[i]))
    return [has[i] for i in names]


def _season_keys(metadata: Metadata) -> NDArray[np.int64]:
    season = np.full(len(metadata), -1)
    season[metadata.seasons.patch] = metadata.seasons.value
    return season
