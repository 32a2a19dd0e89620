"""How far the score on a test side can be trusted (the metrics: `benkit.splits.side_metrics`)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from benkit.errors import InputFormatError, OptionError
from benkit.files.safe_names import some_names
from benkit.metadata.metadata import Metadata, as_metadata
from benkit.splits.side_metrics import (
    LEAKAGE_METRES,
    SideMetrics,
    side_metrics,
)
from benkit.splits.split_file import column_sides

__all__ = [
    "LEAKAGE_METRES",
    "SIDES",
    "Evaluation",
    "evaluate_split",
    "evaluate_splits",
    "official_sides",
    "random_sides",
]

SIDES = ("train", "validation", "test")
Sides = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Evaluation:
    """Metrics of a split.

    Attributes
    ----------
    train : int
        Patches of the train side.
    left_out : int
        Patches of the metadata on no side.
    crossing_pairs : int
        Pairs of patches on different sides that share ground.
    crossing_pairs_between : dict of str to int
        The same for each two sides, as ``train-test``.
    label_patches : dict of str to int
        Patches of the split with each label.
    test : SideMetrics
    validation : SideMetrics or None
        None if the split has no such side.
    missing_labels : tuple of str
        Labels that no train patch has.
    warnings : tuple of str
    against : mapping of str to Evaluation
        Other splits of the same patches, to compare with.
    """

    train: int
    left_out: int
    crossing_pairs: int
    crossing_pairs_between: dict[str, int]
    label_patches: dict[str, int]
    test: SideMetrics
    validation: SideMetrics | None
    missing_labels: tuple[str, ...]
    warnings: tuple[str, ...]
    against: Mapping[str, "Evaluation"] = field(default_factory=dict)

    def label_shares(self) -> dict[str, dict[str, float]]:
        """Part of each label's patches on each side; over the sides they add up to 1."""
        sides = {"validation": self.validation} if self.validation else {}
        others = {name: side.label_shares for name, side in (sides | {"test": self.test}).items()}
        train = {
            label: 1 - sum(shares[label] for shares in others.values())
            for label in self.label_patches
        }
        return {"train": train, **others}

    def to_dict(self) -> dict[str, Any]:
        """The metrics for JSON: those of the test side on the top, the validation side's below."""
        test = self.test.to_dict()
        nearest = test["nearest_train_m"]
        metrics: dict[str, Any] = {
            "train": self.train,
            "test": test.pop("patches"),
            "crossing_pairs": self.crossing_pairs,
            "leakage": test.pop("leakage"),
            "median_nearest_train_m": nearest[len(nearest) // 2] if nearest else None,
        }
        metrics |= {name: test[name] for name in ("label_rms", "js_divergence_bits")}
        metrics |= {name: test[name] for name in ("season_deviation", "country_deviation")}
        metrics |= test
        metrics["crossing_pairs_between"] = self.crossing_pairs_between
        metrics["label_patches"] = self.label_patches
        metrics["missing_labels"] = {"train": self.missing_labels, "test": test["missing_labels"]}
        metrics["left_out"] = self.left_out
        metrics["validation"] = self.validation.to_dict() if self.validation else None
        metrics["warnings"] = self.warnings
        if self.against:
            metrics["against"] = {name: other.to_dict() for name, other in self.against.items()}
        return metrics


def evaluate_split(metadata: Metadata | pa.Table, sides: Sides) -> Evaluation:
    """Judge a split.

    Parameters
    ----------
    metadata : Metadata or pyarrow.Table
    sides : mapping of str to sequence of str
        Patch ids of ``train``, ``test`` and, if there is one, ``validation``; each patch once.

    Returns
    -------
    Evaluation

    Raises
    ------
    InputFormatError
        If a side has another name, or a patch that the metadata does not hold or another side has too.
    PatchIdError
        If one is no patch id.
    """
    return evaluate_splits(metadata, {"": sides})[""]


def evaluate_splits(
    metadata: Metadata | pa.Table, splits: Mapping[str, Sides]
) -> dict[str, Evaluation]:
    """Judge several splits of the same patches, each as `evaluate_split` does, by name."""
    metadata = as_metadata(metadata)
    numbers = {name: _side_of_patches(metadata, sides) for name, sides in splits.items()}
    return {
        name: _evaluate(metadata, number, "validation" in splits[name])
        for name, number in numbers.items()
    }


def random_sides(
    metadata: Metadata | pa.Table, sides: Sides, seed: int = 0
) -> dict[str, list[str]]:
    """Sides of the same sizes from the same patches, drawn at random.

    Parameters
    ----------
    metadata, sides
        As of `evaluate_split`.
    seed : int
        At least 0; another one gives another split.

    Raises
    ------
    OptionError
        If the seed is below 0.
    InputFormatError
        As `evaluate_split` raises it.
    """
    if seed < 0:
        raise OptionError(f"expected a seed of at least 0, but it is {seed}")
    metadata = as_metadata(metadata)
    number = _side_of_patches(metadata, sides)
    used = np.flatnonzero(number >= 0)
    number[used] = np.random.default_rng(seed).permutation(number[used])
    ids = metadata.patch_ids
    return {
        name: ids.filter(pa.array(number == SIDES.index(name))).to_pylist()
        for name in SIDES
        if name in sides
    }


def official_sides(
    metadata: pa.Table, with_validation: bool = True, source: str = "the metadata"
) -> dict[str, list[str]]:
    """Sides from the column ``split`` of the metadata, those without one on no side.

    Parameters
    ----------
    metadata : pyarrow.Table
        With the column ``patch_id``.
    with_validation : bool
        If not, the validation side counts as train.
    source : str
        What the metadata is called in errors.

    Raises
    ------
    InputFormatError
        If there is no such column, or another side in it.
    """
    sides = column_sides(metadata, source)
    if not with_validation:
        sides["train"] += sides.pop("validation", [])
    return sides


def _evaluate(metadata: Metadata, side: NDArray[np.int64], with_validation: bool) -> Evaluation:
    """Judge the sides of the patches, -1 for a patch on none."""
    split = side >= 0
    present = [name for name in SIDES if with_validation or name != "validation"]
    train = side == SIDES.index("train")
    metrics = {
        name: side_metrics(metadata, side == SIDES.index(name), train, split)
        for name in present[1:]
    }
    patches = {"train": int(train.sum())} | {name: one.patches for name, one in metrics.items()}
    assert sum(patches.values()) == split.sum(), "each patch is on one side"
    between = {
        f"{first}-{second}": _crossing(metadata, side, SIDES.index(first), SIDES.index(second))
        for first, second in combinations(present, 2)
    }
    labels = metadata.labels
    counts = dict(zip(labels.names, labels.count(split).tolist(), strict=True))
    in_train = dict(zip(labels.names, labels.count(train).tolist(), strict=True))
    missing = {
        "train": tuple(label for label, count in counts.items() if count and not in_train[label])
    } | {name: one.missing_labels for name, one in metrics.items()}
    return Evaluation(
        train=patches["train"],
        left_out=int((~split).sum()),
        crossing_pairs=sum(between.values()),
        crossing_pairs_between=between,
        label_patches={label: count for label, count in counts.items() if count},
        test=metrics["test"],
        validation=metrics.get("validation"),
        missing_labels=missing["train"],
        warnings=tuple(_warnings(patches, missing, between)),
    )


def _crossing(metadata: Metadata, side: NDArray, first: int, second: int) -> int:
    """Number of pairs that share ground and lie on these two sides."""
    of_pair = np.sort(side[metadata.pairs], axis=1)
    return int(((of_pair[:, 0] == first) & (of_pair[:, 1] == second)).sum())


def _side_of_patches(metadata: Metadata, sides: Sides) -> NDArray[np.int64]:
    """Number of the side, as in `SIDES`, of each patch of the metadata; -1 on none."""
    if unknown := sorted(sides.keys() - set(SIDES)):
        raise InputFormatError(f"expected the sides {', '.join(SIDES)}, but there is {unknown[0]}")
    ids = metadata.patch_ids
    side = np.full(len(ids), -1)
    for number, name in enumerate(SIDES):
        wanted = pa.array(sides.get(name, ()), ids.type)
        place = pc.fill_null(pc.index_in(wanted, ids), -1).to_numpy()
        if (place < 0).any():
            patch = wanted[int((place < 0).argmax())]
            raise InputFormatError(
                f"{some_names([patch.as_py()])} of the side {name} is not in the metadata"
            )
        again = (side[place] >= 0) | (np.bincount(place, minlength=len(side))[place] > 1)
        if again.any():
            patch = some_names([wanted[int(again.argmax())].as_py()])
            raise InputFormatError(
                f"{patch} of the side {name} is on a side twice; a patch belongs to one side"
            )
        side[place] = number
    return side


def _warnings(
    patches: dict[str, int], missing: dict[str, tuple[str, ...]], between: dict[str, int]
) -> Iterator[str]:
    for name, count in patches.items():
        if not count:
            yield f"the {name} side is empty"
        elif missing[name]:
            yield f"no {name} patch has the label {', '.join(missing[name])}"
    for names, pairs in between.items():
        if pairs:
            first, second = names.split("-")
            yield f"{pairs:,} pairs of a {first} and a {second} patch show the same ground"
