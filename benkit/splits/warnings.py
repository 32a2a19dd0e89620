"""What was asked of a split but could not be had."""

from collections.abc import Iterator, Mapping

from benkit.splits.evaluate import Evaluation
from benkit.splits.side_metrics import SideMetrics

__all__ = ["shortfalls"]

_NEAR_METRES = "2500"
_MOST_OFF_FRACTION = 0.005
_MOST = {"near": 0.07, "label": 0.015, "season": 0.01, "country": 0.02}  # as of a large archive


def shortfalls(evaluation: Evaluation, parts: Mapping[str, float]) -> list[str]:
    """Where a split is worse than it is to be, in sentences.

    Parameters
    ----------
    evaluation : Evaluation
    parts : mapping of str to float
        Part of the patches that was asked for, by side.

    Returns
    -------
    list of str
        About empty sides, parts that are off by more than 0.005, labels that a side lacks, over 7 % of
        patches with a train patch nearer than 2.5 km, deviations of labels over 0.015, of seasons over
        0.01 and of countries over 0.02, and the number of patches that are left out.
    """
    return list(_sentences(evaluation, parts))


def _sentences(evaluation: Evaluation, parts: Mapping[str, float]) -> Iterator[str]:
    if not evaluation.train:
        yield "the train side is empty"
    elif evaluation.missing_labels:
        yield f"no train patch has the label {', '.join(evaluation.missing_labels)}"
    for name, side in (("validation", evaluation.validation), ("test", evaluation.test)):
        if side is not None and not side.patches and parts.get(name):
            yield f"the {name} side is empty: too few patches can be parted"
        elif side is not None and side.patches:
            yield from _about_side(name, side, parts[name])
    if evaluation.left_out:
        sides = (evaluation.validation, evaluation.test)
        kept = evaluation.train + sum(side.patches for side in sides if side)
        part = evaluation.left_out / (evaluation.left_out + kept)
        yield f"{evaluation.left_out:,} patches ({part:.1%}) are left out for the buffer"


def _about_side(name: str, side: SideMetrics, part: float) -> Iterator[str]:
    if abs(side.fraction - part) > _MOST_OFF_FRACTION:
        yield f"the {name} side has {side.fraction:.1%} of the patches instead of {part:.1%}"
    if side.missing_labels:
        yield f"no {name} patch has the label {', '.join(side.missing_labels)}"
    near = side.leakage[_NEAR_METRES] or 0
    if near > _MOST["near"]:
        yield f"{near:.1%} of the {name} patches have a train patch nearer than 2.5 km"
    if (side.label_rms or 0) > _MOST["label"]:
        yield f"label shares of the {name} side are off by {side.label_rms:.1%} (root mean square)"
    for kind, deviation in (
        ("season", side.season_deviation),
        ("country", side.country_deviation),
    ):
        if (deviation or 0) > _MOST[kind]:
            yield f"the share of a {kind} on the {name} side is off by {deviation:.1%}"
