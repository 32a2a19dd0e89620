"""The section of a report that judges a split beside others of the same patches."""

from collections.abc import Callable, Mapping

from benkit.reporting.page.correlogram_chart import correlogram_chart
from benkit.reporting.page.markup import percent, section, table
from benkit.splits.evaluation import Evaluation
from benkit.splits.side_metrics import SideMetrics

_METRICS: dict[str, Callable[[Evaluation, SideMetrics], object]] = {
    "patches of the train side": lambda split, _: split.train,
    "patches of the side": lambda _, side: side.patches,
    "patches left out": lambda split, _: split.left_out,
    "MGRS tiles with patches of the side": lambda _, side: side.tiles,
    "pairs of patches across sides that show the same ground": lambda split, _: (
        split.crossing_pairs
    ),
    "patches with a train centre nearer than 2.5 km": lambda _, side: percent(side.leakage["2500"]),
    "nearer than 5 km": lambda _, side: percent(side.leakage["5000"]),
    "nearer than 10 km": lambda _, side: percent(side.leakage["10000"]),
    "F1 of copying the labels of the nearest train patch": lambda _, side: _fixed(side.copy_f1, 4),
    "F1 of the best labels that are the same for all": lambda _, side: _fixed(side.constant_f1, 4),
    "label deviation, root mean square": lambda _, side: _fixed(side.label_rms, 4),
    "least label deviation possible": lambda _, side: _fixed(side.possible.label_rms, 4),
    "Jensen-Shannon divergence of the labels, bits": lambda _, side: _fixed(
        side.js_divergence_bits, 6
    ),
    "largest deviation of a season": lambda _, side: _fixed(side.season_deviation, 4),
    "least possible of a season": lambda _, side: _fixed(side.possible.season_deviation, 4),
    "largest deviation of a country": lambda _, side: _fixed(side.country_deviation, 4),
    "least possible of a country": lambda _, side: _fixed(side.possible.country_deviation, 4),
}


def split_section(splits: Mapping[str, Evaluation]) -> str:
    """Metrics of the first split and its validation side beside other splits; then label shares."""
    own, first = next(iter(splits.items()))
    columns = [(own, first, first.test)]
    if first.validation:
        columns.append((f"{own}: validation", first, first.validation))
    columns += [(other, split, split.test) for other, split in splits.items() if split is not first]
    held = [
        f"On the {name} side {sentence}"
        for name, side in first.sides.items()
        if (sentence := side.possible.sentence())
    ]
    rows = [
        (name, *(metric(split, side) for _, split, side in columns))
        for name, metric in _METRICS.items()
    ]
    return section(
        "split",
        "Split",
        table(
            ("Test side against train side", *(name for name, *_ in columns)),
            rows,
            ". ".join(
                [
                    "Beside other splits of the same patches; from the pairs on, less is better",
                    *held,
                ]
            ),
        ),
        _label_shares(first),
        correlogram_chart(first.correlogram, first.test.nearest_train_m)
        if first.correlogram
        else "",
    )


def _label_shares(split: Evaluation) -> str:
    sides = dict(reversed(split.sides.items()))
    heads = [text for name in sides for text in (f"On the {name} side", "Against all patches")]
    rows = [
        (
            label,
            *(
                text
                for side in sides.values()
                for text in (percent(side.label_shares.get(label)), _points(side, label))
            ),
        )
        for label in split.label_patches
    ]
    all_patches = ", ".join(f"{name} {percent(side.fraction)}" for name, side in sides.items())
    return table(
        ("Label", *heads), rows, f"Part of each label's patches; of all patches: {all_patches}"
    )


def _points(side: SideMetrics, label: str) -> str | None:
    share = side.label_shares.get(label)
    if share is None:
        return None
    points = round(100 * (share - side.fraction), 2) + 0.0  # no minus before a zero
    return f"{points:+.2f} points"


def _fixed(value: float | None, digits: int) -> str | None:
    return None if value is None else f"{value:.{digits}f}"
