"""How the bands of patches are distributed by label: small charts of the means of patches."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benkit.inventory.table.inventory_file import Inventory
from benkit.metadata.categories import Categories
from benkit.reporting.page.markup import escape, table

_MOST_LABELS, _MOST_PATCHES = 20, 500_000
_WIDTH, _HEIGHT = 200, 90


def bands_by_label(inventory: Inventory, ids: pa.StringArray, labels: Categories) -> str:
    """A chart a label, the most frequent first: mean and deviation of means in each band."""
    order = np.argsort(-labels.count(), kind="stable")[:_MOST_LABELS]
    if not len(order):
        return ""
    names = [labels.names[number] for number in order]
    step = -(-len(ids) // _MOST_PATCHES)
    count, mean, std = _moments(inventory, ids, labels, order, step)
    bands = [number for number in range(count.shape[1]) if count[-1, number]]
    if not bands:
        return ""
    count, mean, std = count[:, bands], mean[:, bands], std[:, bands]
    shown = [name for number, name in enumerate(inventory.layout.band_names) if number in bands]
    least, most = min(0.0, float(np.nanmin(mean - std))), float(np.nanmax(mean + std))
    charts = "".join(
        f"<figure>{_chart(shown, mean[[row, -1]], std[row], (least, most), name)}"
        f"<figcaption>{escape(name)}, {int(count[row].max()):,} patches</figcaption></figure>"
        for row, name in enumerate(names)
        if count[row].any()
    )
    rows = [
        (name, *(_text(mean[row, band], std[row, band]) for band in range(len(shown))))
        for row, name in enumerate([*names, "all of these patches"])
    ]
    part = f" Of one patch in {step:,}." if step > 1 else ""
    labelled = f" Of {len(labels.names):,} labels the most frequent."
    few = labelled if len(labels.names) > len(names) else ""
    return (
        f'<h3>Bands by label</h3><div class="bands">{charts}</div>'
        '<p class="muted">Each patch counts by the mean of its valid pixels in a band. The line is the '
        "mean of the patches with the label, from band to band; the area is one standard deviation of "
        "them to either side; the dashed line is that of all patches. All charts have one scale."
        f"{part}{few}</p>"
        f"<details><summary>The numbers</summary>{table(('Label', *shown), rows)}</details>"
    )


def _moments(
    inventory: Inventory, ids: pa.StringArray, labels: Categories, order: NDArray, step: int
) -> tuple[NDArray, NDArray, NDArray]:
    """Number, mean and deviation of means: (labels + 1, bands), the last row of all patches."""
    place = np.full(len(labels.names), -1)
    place[order] = np.arange(len(order))
    value = place[labels.value]
    bits = np.zeros(len(ids), np.int64)
    np.bitwise_or.at(bits, labels.patch[value >= 0], 1 << value[value >= 0])
    rows, names = slice(None, None, step), inventory.layout.band_names
    found = inventory.query_table(
        f"""
        SELECT list_position({[*names]}, band) - 1 AS band, bits, count(*) AS patches,
               sum(mean) AS mean, sum(mean * mean) AS square
        FROM (SELECT patch_id, band, coalesce(sum::DOUBLE, float_sum) / valid AS mean
              FROM inventory WHERE status = 'ok' AND valid > 0) JOIN coded USING (patch_id)
        GROUP BY ALL ORDER BY ALL
        """,
        coded=pa.table({"patch_id": ids[rows], "bits": bits[rows]}),
    )
    band, mask = found["band"].to_numpy(), found["bits"].to_numpy()
    sums = np.zeros((3, len(order) + 1, len(names)))
    for row in range(len(order) + 1):
        having = mask >> row & 1 == 1 if row < len(order) else np.full(len(mask), True)
        for number, name in enumerate(("patches", "mean", "square")):
            some = found[name].to_numpy()[having]
            sums[number, row] = np.bincount(band[having], some, len(names))
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = sums[1] / sums[0]
        std = np.sqrt(np.maximum(sums[2] / sums[0] - mean**2, 0))
    return sums[0], mean, std


def _chart(
    bands: Sequence[str],
    means: NDArray,
    std: NDArray,
    ends: tuple[float, float],
    title: str,
) -> str:
    """Mean and deviation of a label from band to band, and the mean of all patches."""
    least, most = ends
    across = np.linspace(6, _WIDTH - 6, len(bands)) if len(bands) > 1 else np.array([_WIDTH / 2])

    def points(values: NDArray) -> list[str]:
        down = _HEIGHT * (1 - (values - least) / ((most - least) or 1))
        places = zip(across.tolist(), down.tolist(), strict=True)
        return [f"{x:.1f},{y:.1f}" for x, y in places if np.isfinite(y)]

    own, every = means
    area = " ".join(points(own + std) + points(own - std)[::-1])
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT + 14}" role="img" '
        f'aria-label="{escape(f"Means of the patches with the label {title}, by band")}">'
        f'<polygon class="band" points="{area}"/>'
        f'<polyline class="whole" points="{" ".join(points(every))}"/>'
        f'<polyline class="curve" points="{" ".join(points(own))}"/>'
        f'<line x1="0" x2="{_WIDTH}" y1="{_HEIGHT}" y2="{_HEIGHT}"/>'
        f'<text x="0" y="{_HEIGHT + 11}">{escape(bands[0])}</text>'
        f'<text x="{_WIDTH}" y="{_HEIGHT + 11}" text-anchor="end">{escape(bands[-1])}</text>'
        f'<text x="{_WIDTH}" y="9" text-anchor="end">{most:,.4g}</text></svg>'
    )


def _text(mean: float, std: float) -> str:
    if not np.isfinite(mean):
        return "–"
    digits = 0 if abs(mean) >= 100 else 4
    return f"{mean:,.{digits}f} ± {std:,.{digits}f}"
