"""Quick looks: small pictures of damaged patches."""

import base64
import io
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benkit.errors import BenkitError
from benkit.inventory.findings import KINDS
from benkit.reporting.page.markup import escape, section
from benkit.reporting.pixels import as_colours, mask_no_data, stretch_range
from benkit.tiff.raster import Raster

ReadBand = Callable[[str, str], Raster]
"""Gives a band of a patch, or raises a `BenkitError`."""

_EACH = 6
_NOT_AT_HAND = (
    "<p>There are none, as only the inventory was at hand; "
    "<code>benkit report --archive ROOT</code> shows damaged patches here.</p>"
)
_PIXELS_ACROSS = 240


def quick_looks_section(findings: pa.Table, read_band: ReadBand | None) -> str:
    """Pictures of the first patches of each kind of damage that can be seen.

    Without a reader the section says how to get them, if there is something to see.
    """
    kinds = [kind for kind in KINDS.values() if kind.visible]
    if read_band is None:
        names = pa.array([kind.name for kind in kinds])
        seen = pc.any(pc.is_in(findings["kind"], names)).as_py()
        return section("looks", "Quick looks", _NOT_AT_HAND) if seen else ""
    parts: list[str] = []
    for kind in kinds:
        rows = findings.filter(pc.equal(findings["kind"], kind.name)).to_pylist()
        first = {row["patch_id"]: row for row in reversed(rows)}  # one a patch, its first
        some = sorted(first.values(), key=lambda row: row["patch_id"])[:_EACH]
        if figures := "".join(_quick_look(row, read_band) for row in some):
            parts.append(f'<h3>{kind.title.capitalize()}</h3><div class="looks">{figures}</div>')
    if not parts:
        return ""
    return section(
        "looks",
        "Quick looks",
        f"<p>The first patches of each kind of damage that can be seen, at most {_EACH}: the band of "
        "the finding, from dark to bright by its own range. Pixels without a measurement are "
        "magenta.</p>",
        *parts,
    )


def _quick_look(row: dict[str, str], read_band: ReadBand) -> str:
    """A figure, or nothing if the file cannot be read any more."""
    patch, band = row["patch_id"], row["band"]
    try:
        picture = _picture(read_band(patch, band))
    except BenkitError:
        return ""
    name, reason = escape(patch), escape(f"{band}: {row['reason']}")
    return (
        f'<figure><img alt="{name} {reason}" src="data:image/png;base64,{picture}">'
        f"<figcaption>{name}<br>{reason}</figcaption></figure>"
    )


def _picture(raster: Raster) -> str:
    """A PNG of the first band, in base64."""
    from matplotlib.image import imsave

    step = max(1, max(raster.pixels.shape[1:]) // _PIXELS_ACROSS)
    pixels = mask_no_data(raster.pixels[0], raster.nodata)
    colours = as_colours([pixels[::step, ::step]] * 3, [stretch_range(pixels)] * 3)
    file = io.BytesIO()
    imsave(file, (255 * colours).astype(np.uint8), format="png")
    return base64.b64encode(file.getvalue()).decode()
