"""What is known of a split: the metrics of its sides, and how they lie to each other."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from benkit.files.tables.notebook import notebook_html, notebook_note, notebook_table
from benkit.splits.correlogram import Correlogram
from benkit.splits.side_metrics import SideMetrics


@dataclass(frozen=True, repr=False)
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
        By two sides, as ``train-test``.
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
    correlogram : Correlogram or None
        Of the labels of all patches of the metadata; None if it was not asked for.
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
    correlogram: Correlogram | None = None

    def __repr__(self) -> str:
        """How large the sides are, and how many pairs share ground across them, in a line."""
        sides = [f"{name} {side.patches:,}" for name, side in self.sides.items()]
        pairs = f"{self.crossing_pairs:,} crossing pairs"
        return f"Evaluation: {', '.join([f'train {self.train:,}', *sides, pairs])}"

    def _repr_html_(self) -> str:
        metrics = {name: side.to_dict() for name, side in self.sides.items()}
        rows = [
            [key.replace("_", " "), *(of_side[key] for of_side in metrics.values())]
            for key, value in metrics["test"].items()
            if value is None or isinstance(value, int | float)
        ]
        rows += [
            [f"leakage, {metres} m", *(of_side["leakage"][metres] for of_side in metrics.values())]
            for metres in metrics["test"]["leakage"]
        ]
        notes = map(notebook_note, self.warnings)
        table = notebook_table(["metric", *metrics], rows)
        return notebook_html(repr(self), table, *notes, mark="bad" if self.crossing_pairs else "")

    @property
    def sides(self) -> dict[str, SideMetrics]:
        """Metrics by side: validation, if the split has that side, and test."""
        sides = {"validation": self.validation, "test": self.test}
        return {name: side for name, side in sides.items() if side is not None}

    def label_shares(self) -> dict[str, dict[str, float]]:
        """Part of each label's patches on each side; over the sides they add up to 1."""
        others = {name: side.label_shares for name, side in self.sides.items()}
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
        if self.correlogram is not None:
            metrics["correlogram"] = self.correlogram.to_dict()
        if self.against:
            metrics["against"] = {name: other.to_dict() for name, other in self.against.items()}
        return metrics
