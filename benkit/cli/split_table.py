"""The metrics of splits as a table as wide as the terminal, or of 80 columns."""

import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from textwrap import fill
from typing import TYPE_CHECKING

from benkit.engine.progress import width_of
from benkit.files.safe_names import one_line

if TYPE_CHECKING:
    from benkit.splits.evaluation import Evaluation
    from benkit.splits.side_metrics import SideMetrics

_WIDTH = 80
_NAMES = 32
_NARROWEST, _WIDEST = 12, 16
_QUARTILES = ("least", "lower quartile", "median", "upper quartile", "greatest")
_SHARES = ("label", "season", "country")
_SAME = "same split"
_POSSIBLE = "  least that is possible"

Column = tuple[str, str, "Evaluation", "SideMetrics"]
"""Name of the split and of the side, and their metrics."""


def show_evaluations(evaluations: "Mapping[str, Evaluation]") -> None:
    """Print the metrics of splits, the first one with its validation side, side by side."""
    columns: list[Column] = []
    for name, evaluation in evaluations.items():
        columns.append((name, "test", evaluation, evaluation.test))
        if evaluation.validation and len(columns) == 1:
            columns.append((_SAME, "validation", evaluation, evaluation.validation))
    room = _WIDTH
    if sys.stdout.isatty():
        room = max(width_of(sys.stdout), min(_WIDTH, _NAMES + _NARROWEST * len(columns)))
    width = min(_WIDEST, (room - _NAMES) // len(columns))
    lines = list(_lines(columns, width))
    names = min(max(len(title) for title, *_ in lines) + 1, room - width * len(columns))
    for title, *texts in lines:
        cells = "".join(f"{text:>{width}}" for text in texts)
        print(f"{_shortened(title, names - 1):<{names}}{cells}".rstrip())
    for name, side in next(iter(evaluations.values())).sides.items():
        if held := side.possible.sentence():
            print(f"\n{fill(f'{name}: {held}', room)}")


def _lines(columns: list[Column], width: int) -> Iterator[list[str]]:
    yield ["split", *(_shortened(name, width - 2) for name, *_ in columns)]
    yield ["side, judged against train", *(side for _, side, *_ in columns)]
    for title, text in _rows(columns):
        yield [title, *(text(*column[2:]) for column in columns)]
    for kind in _SHARES:
        of_side = [getattr(side, f"{kind}_shares") for *_, side in columns]
        values = dict.fromkeys(value for shares in of_side for value in shares)
        if values:
            yield from ([""], [f"part of each {kind}"])
        for value in values:
            yield [f"  {one_line(value)}", *(_percent(shares.get(value)) for shares in of_side)]


def _rows(
    columns: list[Column],
) -> Iterator[tuple[str, "Callable[[Evaluation, SideMetrics], str]"]]:
    yield "patches of the side", lambda _, side: f"{side.patches:,}"
    yield "patches of the train side", lambda split, _: f"{split.train:,}"
    yield "patches left out", lambda split, _: f"{split.left_out:,}"
    yield "part of all patches", lambda _, side: _percent(side.fraction)
    yield "pairs on the same ground", lambda split, _: f"{split.crossing_pairs:,}"
    yield "on ground of the train side", lambda _, side: _percent(side.shared_ground)
    for metres in columns[0][3].leakage:
        yield f"train centre under {int(metres) / 1000:g} km", partial(_leakage, metres)
    for place, quartile in enumerate(_QUARTILES):
        yield f"nearest train: {quartile}", partial(_nearest, place)
    yield "F1 of copying the nearest train", lambda _, side: _number(side.copy_f1, 4)
    yield "F1 of the best constant answer", lambda _, side: _number(side.constant_f1, 4)
    yield "label deviation, rms", lambda _, side: _number(side.label_rms, 4)
    yield _POSSIBLE, lambda _, side: _number(side.possible.label_rms, 4)
    yield "Jensen-Shannon divergence", lambda _, side: _number(side.js_divergence_bits, 5, " bit")
    yield "largest season deviation", lambda _, side: _number(side.season_deviation, 4)
    yield _POSSIBLE, lambda _, side: _number(side.possible.season_deviation, 4)
    yield "largest country deviation", lambda _, side: _number(side.country_deviation, 4)
    yield _POSSIBLE, lambda _, side: _number(side.possible.country_deviation, 4)
    yield "labels missing in train", lambda split, _: f"{len(split.missing_labels)}"
    yield "labels missing on the side", lambda _, side: f"{len(side.missing_labels)}"
    if columns[0][3].tiles is not None:
        yield "MGRS tiles", lambda _, side: f"{side.tiles:,}"
    yield "countries", lambda _, side: f"{side.countries:,}"
    yield "separate regions", lambda _, side: f"{side.regions:,}"


def _percent(part: float | None) -> str:
    return "-" if part is None else f"{100 * part:.2f} %"


def _leakage(metres: str, _: "Evaluation", side: "SideMetrics") -> str:
    return _percent(side.leakage[metres])


def _nearest(place: int, _: "Evaluation", side: "SideMetrics") -> str:
    nearest = side.nearest_train_m
    return "-" if nearest is None else f"{nearest[place] / 1000:,.2f} km"


def _number(value: float | None, digits: int, unit: str = "") -> str:
    return "-" if value is None else f"{value:.{digits}f}{unit}"


def _shortened(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
