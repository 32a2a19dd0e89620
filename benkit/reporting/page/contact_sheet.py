"""Pictures of an archive's patches in colour: the contact sheet, and those of patches with findings."""

import base64
import io
import shlex
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from benkit.domain.layout import Layout
from benkit.domain.seasons import SEASONS
from benkit.errors import BenkitError
from benkit.inventory.findings import KINDS
from benkit.metadata.metadata import Metadata
from benkit.reporting.page.commands import Commands, command_block
from benkit.reporting.page.markup import escape, json_block, section
from benkit.reporting.page.quick_looks import ReadBand
from benkit.reporting.pixels import in_colour, mask_no_data

_MOST_LABELS, _ROWS = 20, 4
_MOST_PICTURES = 500  # of patches with findings
_PIXELS_ACROSS = 120
_QUALITY = 70
_PRIME = np.uint64(1099511628211)  # of the hash FNV-1a


@dataclass
class Pictures:
    """Makes pictures of patches; ``made`` holds them by patch id, WebP in base64."""

    read_band: ReadBand
    layout: Layout
    made: dict[str, str] = field(default_factory=dict)

    @property
    def bands(self) -> tuple[str, ...]:
        """What is drawn: red, green and blue, or both polarisations and their ratio."""
        return self.layout.true_colour or self.layout.radar

    def of(self, patch: str) -> str:
        """The picture of a patch; empty where it cannot be read."""
        if patch not in self.made:
            try:
                self.made[patch] = self._draw(patch)
            except BenkitError:
                return ""
        return self.made[patch]

    def _draw(self, patch: str) -> str:
        from matplotlib.image import imsave

        masked = {}
        for band in self.bands:
            raster = self.read_band(patch, band)
            step = max(1, -(-max(raster.pixels.shape[1:]) // _PIXELS_ACROSS))
            masked[band] = mask_no_data(raster.pixels[0, ::step, ::step], raster.nodata)
        decibels = self.layout.bands[self.bands[0]].unit == "dB"
        true = bool(self.layout.true_colour)
        colours = in_colour(masked, self.bands, true=true, decibels=decibels)
        file = io.BytesIO()
        # ours is a picture of the whole patch, so that a few bytes do
        options = {"quality": _QUALITY}
        imsave(file, (255 * colours).astype(np.uint8), format="webp", pil_kwargs=options)
        return base64.b64encode(file.getvalue()).decode()


def without_pictures(commands: Commands, *, has_inventory: bool) -> str:
    """What the page cannot show without pixels, and how to get it."""
    if commands.at_a_distance:
        text = (
            "The archive lies at a distance, so that this page shows no pixels. With a copy here:"
        )
    elif has_inventory:
        text = (
            "Only the inventory was at hand, so that this page shows no pixels. With the archive:"
        )
    else:
        text = (
            "No archive was at hand, so that this page shows neither pixels nor findings, copies and "
            "statistics of bands. With it:"
        )
    shows = (
        "It then opens with patches of each label and season, and shows damage, and on the map patches "
        "with findings."
    )
    line = command_block(commands.again())
    return section("archive", "The archive", f"<p>{text}</p>{line}<p>{shows}</p>")


def contact_sheet(
    metadata: Metadata, ids: pa.StringArray, sound: NDArray[np.bool_], pictures: Pictures
) -> str:
    """Pictures of sound patches by label and season.

    Parameters
    ----------
    metadata : Metadata
    ids : (patches,) pyarrow.StringArray
        What the archive calls the patches.
    sound : (patches,) bool array
        Those that are at hand and without a finding.
    pictures : Pictures
    """
    if not pictures.bands:
        bands = ", ".join(pictures.layout.band_names[:20])
        text = (
            f"No pictures: the layout {pictures.layout.name} does not tell which of its bands ({bands}) "
            "are red, green and blue. The key colours of a layout does."
        )
        return section("archive", "The archive", f"<p>{escape(text)}</p>")
    columns, rows, cells = _chosen(metadata, ids, sound)
    if not cells:
        return section("archive", "The archive", "<p>No patch is without a finding.</p>")
    body = ""
    for row, name in enumerate(rows):
        line = ""
        for column, label in enumerate(columns):
            patch = cells.get((column, row))
            shown = "" if patch is None else _cell(ids[patch].as_py(), label, name, pictures)
            line += f"<td>{shown}</td>"
        named = f'<th scope="row">{escape(name)}</th>' if name else ""
        body += f"<tr>{named}{line}</tr>"
    heads = "".join(f'<th scope="col"><span>{escape(name)}</span></th>' for name in columns)
    corner, across = "<td></td>" if any(rows) else "", 4 + 5 * len(columns)
    shown = (
        "In true colour" if pictures.layout.true_colour else "With their ratio as the third colour"
    )
    labels = len(metadata.labels.names)
    cut = f" Of {labels:,} labels these are the most frequent." if labels > _MOST_LABELS else ""
    return section(
        "archive",
        "The archive",
        f'<div class="wide"><table class="sheet" style="max-width:{across}rem">'
        f"<thead><tr>{corner}{heads}</tr></thead><tbody>{body}</tbody></table></div>",
        f'<p class="muted">{shown} ({", ".join(pictures.bands)}), each by its own range. Patches '
        f"without a finding, the first by a hash of their ids: the same every time.{cut}</p>",
    )


def _cell(patch: str, label: str, row: str, pictures: Pictures) -> str:
    picture = pictures.of(patch)
    if not picture:
        return ""
    text = escape(", ".join(part for part in (label, row, patch) if part))
    return (
        f'<img alt="{text}" title="{text}" data-patch="{escape(patch)}" width="120" height="120" '
        f'src="data:image/webp;base64,{picture}">'
    )


def _chosen(
    metadata: Metadata, ids: pa.StringArray, sound: NDArray[np.bool_]
) -> tuple[list[str], list[str], dict[tuple[int, int], int]]:
    """Names of columns and rows, and the patch of each column and row that has one.

    Columns are labels, the most frequent first; rows are seasons, or four patches without them.
    Rare labels choose first, so that a patch comes twice only where there is no other.
    """
    labels, seasons = metadata.labels, metadata.seasons
    season = np.full(len(metadata), -1)
    season[seasons.patch] = np.array([SEASONS.index(name) for name in seasons.names], int)[
        seasons.value
    ]
    has_season = bool((season[sound] >= 0).any())
    frequent = np.argsort(-labels.count(sound), kind="stable")[:_MOST_LABELS]
    names = [labels.names[label] for label in frequent if labels.count(sound)[label]]
    members = [labels.patch[labels.value == label] for label in frequent[: len(names)]]
    if not names:
        names, members = [""], [np.arange(len(metadata))]
    rank = _hashes(ids)
    used: set[int] = set()
    cells = {}
    for column in reversed(range(len(names))):
        mine = members[column][sound[members[column]]]
        mine = mine[np.argsort(rank[mine], kind="stable")]
        for row in range(_ROWS):
            some = mine[season[mine] == row] if has_season else mine
            first = some[: len(used) + 1].tolist()
            patch = next(
                (one for one in first if one not in used),
                first[0] if first and has_season else None,
            )
            if patch is not None:
                used.add(patch)
                cells[column, row] = patch
    rows = list(SEASONS) if has_season else [""] * _ROWS
    there = sorted({row for _, row in cells})
    moved = {(column, there.index(row)): patch for (column, row), patch in cells.items()}
    return names, [rows[row] for row in there], moved


def _hashes(ids: pa.StringArray) -> NDArray[np.uint64]:
    """FNV-1a of the bytes of each id: it spreads them, and depends on nothing but the id."""
    ids = ids.cast(pa.large_string())
    offsets = np.frombuffer(ids.buffers()[1], np.int64)[ids.offset : ids.offset + len(ids) + 1]
    content = np.frombuffer(ids.buffers()[2] or b"", np.uint8)
    length = np.diff(offsets)
    found = np.full(len(ids), 14695981039346656037, np.uint64)
    for place in range(int(length.max(initial=0))):
        rows = np.flatnonzero(length > place)
        found[rows] = (found[rows] ^ content[offsets[rows] + place]) * _PRIME
    return found ^ (found >> np.uint64(32))


def patch_facts(
    findings: pa.Table | None,
    there: pa.Array,
    pictures: Pictures | None,
    commands: Commands,
    room: int,
) -> str:
    """What the map tells of patches: pictures of those with findings, and how to inspect one.

    As many pictures as fit into so many bytes: those of damage that can be seen come first, then all
    others, each by the hash of its id.
    """
    own: dict[str, str] = {}
    said = "" if pictures else "No picture: no pixels were at hand."
    if findings is not None and pictures is not None and pictures.bands:
        seen, others = (_by_hash(findings, there, visible=visible) for visible in (True, False))
        wanted = dict.fromkeys(seen + others)
        for patch in wanted:
            if len(own) == _MOST_PICTURES or room <= 0:
                break
            if picture := pictures.of(patch):
                room -= len(picture) + len(patch) + 6
                own[patch] = picture
        if len(own) < len(wanted):
            held = f"{len(own):,} of {len(wanted):,} patches with findings"
            said = f"No picture: it cannot be read, or is not among those of {held} in this page."
    options = shlex.join(commands.inspect_options)
    return json_block("patch-facts", {"pictures": own, "said": said, "inspect": options})


def _by_hash(findings: pa.Table, there: pa.Array, *, visible: bool) -> list[str]:
    kinds = [kind.name for kind in KINDS.values() if kind.visible == visible]
    chosen = pc.is_in(findings["kind"], pa.array(kinds, pa.string()))
    ids = findings["patch_id"].filter(chosen).unique().drop_null()
    ids = ids.filter(pc.is_in(ids, there))
    return ids.take(pa.array(np.argsort(_hashes(ids), kind="stable"))).to_pylist()
