"""The chart of a report that shows how alike labels are by distance."""

from collections.abc import Sequence
from math import log

from benkit.reporting.figures.correlogram_figure import (
    ENDS_KM,
    TICKS_KM,
    correlogram_points,
    middle_half_km,
)
from benkit.reporting.page.markup import escape
from benkit.splits.correlogram import LEAST_PAIRS, Correlogram
from benkit.splits.side_metrics import LEAKAGE_METRES

_LEFT, _RIGHT, _TOP, _BOTTOM = 30, 620, 10, 190


def correlogram_chart(correlogram: Correlogram, nearest_train_m: Sequence[float] | None) -> str:
    """A curve over the logarithm of the distance, and what it tells in a sentence."""
    points = correlogram_points(correlogram)
    sentence = f"<p>{escape(correlogram.sentence.capitalize())}.</p>"
    head = "<h3>How alike the labels of two patches are, by the distance between them</h3>"
    if not points:
        return head + sentence
    values = [correlation for _, correlation, _ in points]
    least, greatest = min([0, *values]), max([1, *values])

    def y(value: float) -> str:
        return f"{_BOTTOM - (value - least) / (greatest - least) * (_BOTTOM - _TOP):.1f}"

    places = [(_x(km), y(value), enough) for km, value, enough in points]
    parts = [
        *(_upright(metres / 1000) for metres in LEAKAGE_METRES),
        *(
            f'<line x1="{_LEFT}" x2="{_RIGHT}" y1="{y(v)}" y2="{y(v)}"/>'
            f'<text x="{_LEFT - 4}" y="{y(v)}" dy="3" text-anchor="end">{v:g}</text>'
            for v in (0, 0.5, 1)
        ),
        *(_tick(km, text) for km, text in TICKS_KM.items()),
        f'<polyline class="curve" points="{" ".join(f"{a},{b}" for a, b, _ in places)}"/>',
        *(
            f'<circle class="{"fill" if enough else "curve"}" cx="{a}" cy="{b}" r="3"/>'
            for a, b, enough in places
        ),
    ]
    caption = (
        "Correlation of labels over kilometres between centres, with lines at 2.5, 5 and 10 km"
    )
    caption += f"; rings stand for fewer than {LEAST_PAIRS} pairs."
    if middle := middle_half_km(nearest_train_m):
        low, median, high = middle
        band = f'x="{_x(low)}" y="{_TOP}" width="{float(_x(high)) - float(_x(low)):.1f}"'
        parts.insert(0, f'<rect class="band" {band} height="{_BOTTOM - _TOP}"/>')
        caption += f" Tinted: the middle half of the test patches, {low:.1f} to {high:.1f} km from"
        caption += f" their nearest train centre, median {median:.1f} km."
    label = escape(correlogram.sentence)
    return (
        f'{head}<figure class="correlogram"><svg viewBox="0 0 640 222" role="img" '
        f'aria-label="{label}">{"".join(parts)}</svg><figcaption>{caption}</figcaption></figure>'
        f"{sentence}"
    )


def _x(km: float) -> str:
    """Where a distance is drawn, at the edge of the chart if beyond it."""
    first, last = map(log, ENDS_KM)
    part = min(max((log(km) - first) / (last - first), 0), 1)
    return f"{_LEFT + part * (_RIGHT - _LEFT):.1f}"


def _upright(km: float) -> str:
    return f'<line x1="{_x(km)}" x2="{_x(km)}" y1="{_TOP}" y2="{_BOTTOM}"/>'


def _tick(km: float, text: str) -> str:
    lines = "".join(
        f'<tspan x="{_x(km)}" dy="{11 if row else 0}">{word}</tspan>'
        for row, word in enumerate(text.split("\n"))
    )
    return f'<text y="{_BOTTOM + 13}" text-anchor="middle">{lines}</text>'
