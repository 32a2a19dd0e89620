"""How far the score on a test side can be trusted (the metrics: `benkit.splits.side_metrics`)."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa

from benkit.errors import OptionError
from benkit.metadata.metadata import Metadata, as_metadata
from benkit.splits.evaluation import Evaluation
from benkit.splits.side_metrics import side_metrics
from benkit.splits.split import Split
from benkit.splits.split_file import SIDES, column_sides
from benkit.splits.warnings import split_warnings


def evaluate_split(metadata: Metadata | pa.Table, sides: Any) -> Evaluation:
    """Judge a split, or what `Split` is made of."""
    return evaluate_splits(metadata, {"": sides})[""]


def evaluate_splits(
    metadata: Metadata | pa.Table,
    splits: Mapping[str, Any],
    measured: Collection[str] = ("validation", "test"),
) -> dict[str, Evaluation]:
    """Judge several splits of the same patches by name, with metrics of some of their sides."""
    metadata = as_metadata(metadata)
    aligned = {name: Split(one).aligned(metadata.patch_ids) for name, one in splits.items()}
    return {name: _evaluate(metadata, one, {*measured}) for name, one in aligned.items()}


def random_split(metadata: Metadata, split: Split, seed: int = 0) -> Split:
    """A split with sides of the same sizes from the same patches, drawn at random."""
    if seed < 0:
        raise OptionError(f"expected a seed of at least 0, but it is {seed}")
    code = split.aligned(metadata.patch_ids).code.copy()
    used = np.flatnonzero(code >= 0)
    code[used] = np.random.default_rng(seed).permutation(code[used])
    return Split.of_rows(metadata.patch_ids, code, split.names)


def official_split(
    metadata: Metadata, with_validation: bool = True, source: str = "the metadata"
) -> Split:
    """The split that the column ``split`` of the metadata gives; its validation side may be train."""
    split = Split.of_rows(metadata.patch_ids, *column_sides(metadata.table, source))
    return split if with_validation else split.without_validation()


def splits_beside(
    metadata: Metadata,
    split: Split,
    wanted: Collection[str],
    *,
    seed: int = 0,
    source: str = "the metadata",
) -> dict[str, Split]:
    """What a split of some metadata is compared with, by name, whoever compares it.

    ``random`` is one of the same sizes. ``official`` is the column ``split`` of the metadata; its
    validation side counts as train where the split has none.
    """
    beside = {}
    if "random" in wanted:
        beside["random"] = random_split(metadata, split, seed)
    if "official" in wanted:
        beside["official"] = official_split(metadata, "validation" in split.names, source)
    return beside


def has_other_official(metadata: Metadata, split: Split) -> bool:
    """Whether the metadata have a column ``split`` that says something else than a split of them."""
    if "split" not in metadata.table.column_names:
        return False
    official = official_split(metadata, "validation" in split.names)
    return not np.array_equal(official.code, split.aligned(metadata.patch_ids).code)


def _evaluate(metadata: Metadata, split: Split, measured: set[str]) -> Evaluation:
    """Judge a split whose rows are those of the metadata."""
    pa.default_memory_pool().release_unused()  # which is much after splits of millions of rows
    names = [name for name in SIDES if name in split.names or name != "validation"]
    on = {name: split.code == SIDES.index(name) for name in names}
    train, on_a_side = on["train"], split.code >= 0
    # pairs before what takes memory beside them
    first, second = np.sort(split.code[metadata.pairs], axis=1).T
    metrics = {
        name: side_metrics(metadata, on[name], train, on_a_side)
        for name in names[1:]
        if name in measured
    }
    assert sum(mine.sum() for mine in on.values()) == on_a_side.sum(), "each patch is on one side"
    between = {
        f"{one}-{other}": int(((first == SIDES.index(one)) & (second == SIDES.index(other))).sum())
        for one, other in combinations(names, 2)
    }
    labels = metadata.labels
    counts = dict(zip(labels.names, labels.count(on_a_side).tolist(), strict=True))
    in_train = dict(zip(labels.names, labels.count(train).tolist(), strict=True))
    found = Evaluation(
        train=int(train.sum()),
        left_out=int((~on_a_side).sum()),
        crossing_pairs=sum(between.values()),
        crossing_pairs_between=between,
        label_patches={label: count for label, count in counts.items() if count},
        test=metrics["test"],
        validation=metrics.get("validation"),
        missing_labels=tuple(name for name, n in counts.items() if n and not in_train[name]),
        warnings=(),
    )
    return replace(found, warnings=tuple(split_warnings(found)))
