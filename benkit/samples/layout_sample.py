"""Make a small archive of any layout from its description, with errors in it."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from benkit.domain.baselines import OFFSET
from benkit.domain.classes import classes_of_codes
from benkit.domain.layout import Layout
from benkit.domain.layouts import BIGEARTHNET_S2, built_in
from benkit.domain.patch_names import PATCH_METRES
from benkit.engine import Engine, run
from benkit.engine.progress import Progress, reporter
from benkit.errors import OptionError
from benkit.files.safe_names import require_single_name
from benkit.inventory.findings import KINDS, SISTER_KINDS
from benkit.samples.band_pixels import band_pixels, refused_band
from benkit.samples.damage import moves_patch
from benkit.samples.files import write_files
from benkit.samples.layout_damage import made_files
from benkit.samples.layout_plan import COPY, PER_THOUSAND, plan_layout
from benkit.samples.named_patches import NamedPatch, name_patch, renamed
from benkit.samples.plan import PlannedPatch, seeded_hash
from benkit.samples.products import REGIONS

ANY_ARCHIVE = "archive"
"""Folder of an archive whose layout gives it no name of its own."""

OTHER_HALF = "BigEarthNet-v2.0-S1-with-errors"
"""Folder of the Sentinel-1 patches beside the Sentinel-2 ones."""

_MOST_BYTES = 4_000_000  # of the pixels that a worker makes at a time


def write_layout_sample(
    folder: Path,
    layout: Layout,
    patches: int,
    seed: int,
    engine: Engine | None,
    progress: Progress,
) -> tuple[pa.Table, dict[str, int], int]:
    """Write the archive below a folder; its metadata, the errors by kind, and the number of copies."""
    _require_possible(layout)
    plan = plan_layout(layout, patches, seed)
    on_disk = [patch for patch in plan if patch.error != "not_on_disk"]
    write_named_patches(folder / ANY_ARCHIVE, layout, on_disk, seed, engine, progress)
    counts = Counter(patch.error for patch in plan)
    planted = {kind: counts[kind] for kind in KINDS if counts[kind]}
    if layout.grid_metres and counts["crs_disagreement"]:
        # A band in another zone is not where the patch id says, either.
        planted["wrong_georeference"] += counts["crs_disagreement"]
    return _metadata(layout, plan), planted, counts[COPY]


def write_other_half(
    folder: Path,
    plan: Sequence[PlannedPatch],
    seed: int,
    engine: Engine | None,
    metadata: pa.Table,
    keep_whole: str,
) -> tuple[pa.Table, dict[str, int], dict[str, int]]:
    """Write the Sentinel-1 patches of the same ground, with errors between the two halves.

    Returns the metadata, in which some patches have none; the errors of `SISTER_KINDS` by kind; and
    what an audit of the Sentinel-1 half alone finds.
    """
    sister = BIGEARTHNET_S2.sister
    assert sister is not None, "the layout names the other half"
    layout = built_in(sister.layout)
    absent = Counter(patch.error for patch in plan)["not_on_disk"]
    here = [one for one in plan if one.error not in ("not_on_disk", "not_part_of_dataset")]
    half = {one.patch_id: name_patch(layout, one, 0, 0, one) for one in here}
    sound = [one.patch_id for one in here if one.error is None and one.patch_id != keep_whole]
    victims = iter(sorted(sound, key=lambda patch_id: seeded_hash(seed, f"other half {patch_id}")))
    number = max(2, round(len(plan) * PER_THOUSAND / 1000))  # of both variants
    lost, extra, moved = ([*islice(victims, number)] for _ in SISTER_KINDS)
    for patch_id in moved:
        place = half[patch_id].extent
        half[patch_id] = replace(
            half[patch_id], extent=replace(place, x=place.x + PATCH_METRES // 2)
        )
    patches = [patch for patch_id, patch in half.items() if patch_id not in lost]
    patches += [_at_another_time(layout, half[patch_id]) for patch_id in extra]
    write_named_patches(folder / OTHER_HALF, layout, patches, seed, engine, None)
    unnamed = pa.array(lost[1::2], pa.string())
    names = pc.if_else(pc.is_in(metadata["patch_id"], unnamed), None, metadata[sister.column])
    metadata = metadata.set_column(metadata.column_names.index(sister.column), sister.column, names)
    elsewhere = number + sum(moves_patch(one.error, one.variant) for one in here)
    planted = {"without_sister": number, "sister_alone": number, "sister_elsewhere": elsewhere}
    alone = {"not_part_of_dataset": number, "wrong_georeference": number}
    return metadata, planted, alone | {"not_on_disk": absent + number - len(unnamed)}


def _at_another_time(layout: Layout, patch: NamedPatch) -> NamedPatch:
    """The same ground some seconds later, which no metadata name."""
    date = patch.parts["date"]
    later = f"{datetime.fromisoformat(date) + timedelta(seconds=25):%Y%m%dT%H%M%S}"
    changed = renamed(
        layout, patch, *(one.replace(date, later) for one in (patch.above, patch.name))
    )
    return replace(changed, shown=changed.patch_id)


def write_named_patches(
    root: Path,
    layout: Layout,
    patches: Sequence[NamedPatch],
    seed: int,
    engine: Engine | None,
    progress: Progress,
) -> None:
    """Write patches below the root of their archive."""
    report, done = reporter(progress), 0
    at_once = max(1, min(32, _MOST_BYTES // sum(layout.bytes_of_files().values())))
    starts = range(0, len(patches), at_once)
    chunks = [patches[start : start + at_once] for start in starts]
    root.mkdir(exist_ok=True)
    for written in run(partial(_write_chunk, root, layout, seed), chunks, engine):
        done += written
        report(done, len(patches), 0)


def _write_chunk(root: Path, layout: Layout, seed: int, patches: Sequence[NamedPatch]) -> int:
    for patch in patches:
        _write(root, layout, seed, patch)
    return len(patches)


def _write(root: Path, layout: Layout, seed: int, patch: NamedPatch) -> None:
    pixels = band_pixels(layout, seed, patch)
    if patch.error == "mixed_offsets":
        offsets = {name: OFFSET for name, band in layout.bands.items() if band.dtype == "uint16"}
        pixels = {name: values + offsets.get(name, 0) for name, values in pixels.items()}
        pixels = {name: values.astype(layout.bands[name].dtype) for name, values in pixels.items()}
    files = made_files(layout, patch, pixels)
    if not layout.one_file:
        texts = [
            name for name in layout.file_beside(patch.name, patch.above) if name.endswith(".json")
        ]
        files |= dict.fromkeys(texts, _beside(layout, patch))
    for name in files:
        require_single_name(name)
    write_files(root / (patch.above if layout.one_file else patch.folder), files)
    if patch.error == "not_scanned":
        hidden = root / patch.above / f".{patch.name}"
        write_files(hidden, {"checkpoint.txt": b"left behind\n"})


def _beside(layout: Layout, patch: NamedPatch) -> bytes:
    """What a JSON file beside the bands says: labels and corners, as in BigEarthNet v1.0."""
    place = patch.extent
    corners = {"ulx": place.x, "uly": place.y}
    corners |= {"lrx": place.x + place.width, "lry": place.y - place.height}
    said: dict[str, object] = {layout.labels_key: _labels(layout, patch), "coordinates": corners}
    said |= {"projection": f"EPSG:{place.epsg}"}
    if "date" in patch.parts:
        said["acquisition_date"] = patch.parts["date"]
    return f"{json.dumps(said)}\n".encode()


def _labels(layout: Layout, patch: NamedPatch) -> list[str]:
    """Labels that patches of the same place share."""
    if layout.labels == "class":
        return [patch.parts["class"]]
    column, row = patch.base.parsed.column, patch.base.parsed.row
    covers = REGIONS[patch.base.product.region].covers
    return [*classes_of_codes({covers[row % 3][column % 4], covers[column % 3][row % 4]})]


def _metadata(layout: Layout, plan: Sequence[NamedPatch]) -> pa.Table:
    """The patches of the data set with their labels, named in the column that the layout says."""
    known = [patch for patch in plan if patch.error != "not_part_of_dataset"]
    ids = pa.array([patch.patch_id for patch in known], pa.string())
    labels = pa.array([_labels(layout, patch) for patch in known], pa.list_(pa.string()))
    columns = {"patch_id": ids, "labels": labels}
    columns["split"] = pa.array([patch.base.split for patch in known])
    columns["country"] = pa.array([patch.base.product.country for patch in known])
    return pa.table({**columns, layout.metadata_id: ids})


def _require_possible(layout: Layout) -> None:
    """Refuse a layout of which no file can be made."""
    bands = layout.bands.values()
    expected = {name: said for name, band in layout.bands.items() if (said := refused_band(band))}
    alike = {(band.width, band.height, band.dtype, str(band.nodata)) for band in bands}
    wide, high = (
        [
            side * band.pixel_size
            for band in bands
            if band.pixel_size
            for side in (getattr(band, of),)
        ]
        for of in ("width", "height")
    )
    largest = max(band.pixel_size for band in bands)
    if expected:
        name, reason = next(iter(expected.items()))
        reason = f"band {name} to have {reason}"
    elif layout.one_file and len(alike) > 1:
        reason = "bands of one size, data type and NO_DATA value, since one file holds them"
    elif wide and max(max(wide) - min(wide), max(high) - min(high)) > largest / 2:
        reason = "bands of the same ground, but their sizes times pixel sizes differ"
    else:
        return
    raise OptionError(f"layout {layout.name}: expected {reason}; correct the description")
