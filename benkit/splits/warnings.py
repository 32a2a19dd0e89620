"""Judgements of a split in sentences: what is wrong with it, and what was asked for but not had."""

from collections.abc import Iterator, Mapping

from benkit.splits.evaluation import Evaluation
from benkit.splits.side_metrics import SideMetrics

_NEAR_METRES = "2500"
_NEAR_OF_RANDOM = 1 / 3
_MOST_OFF_FRACTION = 0.005
_SHOWN = 0.0005  # less of a deviation rounds to nothing


def split_warnings(evaluation: Evaluation) -> Iterator[str]:
    """What makes a score on a split worthless: empty sides, missing labels, shared ground."""
    yield from _train_side(evaluation)
    for name, side in evaluation.sides.items():
        yield from _labels(name, side.missing_labels) if side.patches else [_empty(name)]
    for names, pairs in evaluation.crossing_pairs_between.items():
        if pairs:
            first, second = names.split("-")
            yield f"{pairs:,} pairs of a {first} and a {second} patch show the same ground"


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
        About empty sides, parts that are off by more than 0.005, labels that a side lacks, the trade of
        each side (see `trade_of`), and the number of patches that are left out.
    """
    sentences = list(_train_side(evaluation))
    for name, side in evaluation.sides.items():
        if side.patches:
            sentences += _about_side(name, side, parts[name])
        elif parts.get(name):
            sentences.append(f"{_empty(name)}: too few patches can be parted")
    if evaluation.left_out:
        kept = evaluation.train + sum(side.patches for side in evaluation.sides.values())
        part = evaluation.left_out / (evaluation.left_out + kept)
        sentences.append(
            f"{evaluation.left_out:,} patches ({part:.1%}) are left out for the buffer"
        )
    return sentences


def soundness(evaluation: Evaluation, random: Evaluation) -> tuple[str, str, str]:
    """Whether a split is sound, beside a random split of the same sizes.

    Returns
    -------
    step : {"good", "near", "bad"}
        ``bad`` where the split leaks, that is, patches on different sides show the same ground, or where
        a side is empty or lacks a label; ``near`` where it does not, but the share of test patches with
        a train patch nearer than 2.5 km is more than a third of the random split's.
    answer : str
        The same in a few words.
    why : str
        Sentences.
    """
    near, by_chance = (one.test.leakage[_NEAR_METRES] or 0 for one in (evaluation, random))
    is_near = near > _NEAR_OF_RANDOM * by_chance
    warnings = [f"{text[0].upper()}{text[1:]}." for text in evaluation.warnings]
    ground = ["No two patches on different sides show the same ground."]
    sentences = [*([] if evaluation.crossing_pairs else ground), *warnings]
    if evaluation.test.patches:
        sentences.append(
            f"{100 * near:.2f} % of the test patches lie nearer than 2.5 km to the train side; "
            f"in a random split {100 * by_chance:.2f} %."
        )
    if evaluation.crossing_pairs:
        step, answer = "bad", "Leaking"
    elif warnings:
        step, answer = "bad", "No"
    elif is_near:
        step, answer = "near", "Leak-free, but near"
        sentences.append("That is more than a third of the random split's share.")
    else:
        step, answer = "good", "Leak-free and apart"
    return step, answer, " ".join(sentences)


def _train_side(evaluation: Evaluation) -> list[str]:
    if not evaluation.train:
        return [_empty("train")]
    return _labels("train", evaluation.missing_labels)


def _empty(name: str) -> str:
    return f"the {name} side is empty"


def _labels(name: str, missing: tuple[str, ...]) -> list[str]:
    return [f"no {name} patch has the label {', '.join(missing)}"] if missing else []


def _about_side(name: str, side: SideMetrics, part: float) -> Iterator[str]:
    if abs(side.fraction - part) > _MOST_OFF_FRACTION:
        yield f"the {name} side has {side.fraction:.1%} of the patches instead of {part:.1%}"
    yield from _labels(name, side.missing_labels)
    if trade := trade_of(name, side):
        yield trade


def trade_of(name: str, side: SideMetrics) -> str | None:
    """What separation costs in balance or balance in separation, in a sentence with both numbers.

    None if no patch of the side is near train, and its balance is what whole units allow.
    """
    near, possible = side.leakage[_NEAR_METRES] or 0, side.possible
    off = {
        "labels are": (side.label_rms, possible.label_rms),
        "a season is": (side.season_deviation, possible.season_deviation),
        "a country is": (side.country_deviation, possible.country_deviation),
    }
    parts = [
        f"{what} off by {had:.3f} (whole units allow {least:.3f})"
        for what, (had, least) in off.items()
        if had is not None and least is not None and had - least >= _SHOWN
    ]
    if not parts and not near:
        return None
    balance = ", ".join(parts) or "its balance is what whole units allow"
    return (
        f"{near:.1%} of the {name} patches lie within 2.5 km of train; {balance}; "
        "--compactness weighs one against the other"
    )
