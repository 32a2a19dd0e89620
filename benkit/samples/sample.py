"""Make a small archive with errors in it: of the course data set, or of any layout."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa

from benkit.archive.layout_file import LayoutLike, as_layout
from benkit.domain.classes import classes_of_codes
from benkit.domain.layouts import BIGEARTHNET_S2
from benkit.engine import Engine, run
from benkit.engine.progress import Progress, reporter
from benkit.errors import OptionError
from benkit.files.remote.location import as_path
from benkit.option_types import with_option_types
from benkit.samples.damage import band_files
from benkit.samples.encode import encode_map_pixels, encode_map_polygons
from benkit.samples.files import (
    building_sample,
    write_list,
    write_metadata,
    write_patch,
    write_readme,
)
from benkit.samples.landscape import Ground, ground, reflectances
from benkit.samples.layout_sample import write_layout_sample, write_other_half
from benkit.samples.plan import ERRORS_PER_THOUSAND, PlannedPatch, make_plan, pixel_block
from benkit.samples.products import REGIONS

PATCH_TO_RETILE = "S2B_MSIL2A_20170808T094029_N9999_R036_T35ULA_33_29"
"""The patch whose band the course re-tiles: in every sample, without errors."""

_FEWEST_PATCHES, _MOST_PATCHES = 20, 100_000
_USUAL_PATCHES, _USUAL_BYTES = 120, 250_000_000
_MOST_SEED = 2**32 - 1
_PATCHES_PER_CHUNK = 32
_FEW_PATCHES = 400  # below, starting other processes costs more than it saves
_EVERY_WITH_BOX = 3  # of the GeoParquet files
_EVERY_NOT_FOR_STATS = 10
_NOTE = (
    "Names, tiles, dates and countries are those of BigEarthNet v2.0 "
    "(https://bigearth.net); pixels, land cover and labels are made up."
)


@dataclass(frozen=True)
class SampleSummary:
    """Number of patches and errors of a sample. It is synthetic: nothing in it was ever measured.

    Attributes
    ----------
    patches : int
        On disk.
    planted : mapping of str to int
        Errors by kind: how many patches have it, or how many stray files there are.
    seed : int
        From which the sample was made.
    copies : int
        Groups of patches with the same pixels, which `duplicates` finds.
    """

    patches: int
    planted: Mapping[str, int]
    seed: int
    copies: int = 0

    @property
    def note(self) -> str:
        """A note for wherever results of the sample are shown."""
        return f"synthetic data, made by benkit from seed {self.seed}"


@with_option_types
def sample(
    folder: str | os.PathLike[str],
    patches: int | None = None,
    seed: int = 0,
    *,
    layout: LayoutLike = None,
    s1: bool = False,
    engine: Engine | None = None,
    progress: Progress = None,
) -> SampleSummary:
    """Make a sample.

    Parameters
    ----------
    folder : path
        Where ``metadata.parquet``, ``patches_for_stats.csv.gz``, ``BigEarthNet-v2.0-S2-with-errors/``,
        ``Reference_Maps/``, ``geoparquets/`` and ``README.txt`` are to lie; of other layouts
        ``metadata.parquet``, ``archive/`` and ``README.txt``. It appears when all of it is there. An
        earlier sample is replaced.
    patches : int, optional
        How many are on disk, 20 to 100,000; if not given 120, of large patches as many as 250 MB hold.
        Of BigEarthNet v2.0, `PATCH_TO_RETILE` is one of them.
    seed : int
        The same seed gives the same files, byte for byte; 0 to 2**32 - 1.
    layout : str, path or Layout, optional
        Of which layout the archive is: the name of a built-in one, a file that describes one (see
        docs/layouts.md), or a value; if not given, ``bigearthnet-s2``.
    s1 : bool
        Whether ``BigEarthNet-v2.0-S1-with-errors/`` is to lie beside it: the Sentinel-1 patches of the
        same ground, which the column ``s1_name`` joins, with errors between the two.
    engine : Engine, optional
        Where it is made; if not given, a small sample in this process, else on local processes, one a
        core.
    progress : bool or callable, optional
        Off, on (shown on stderr), or called with (patches done, of all, 0).

    Raises
    ------
    OptionError
        If the number of patches or the seed is out of range, the folder holds something else, there is
        no such layout, or none of its files can be made.
    InputFormatError
        If a file describes no layout.
    OutputError
        If the folder cannot be written.
    """
    of = BIGEARTHNET_S2 if layout is None else as_layout(layout)
    if patches is None:
        fitting = _USUAL_BYTES // sum(of.bytes_of_files().values())
        patches = max(_FEWEST_PATCHES, min(_USUAL_PATCHES, fitting))
    if not _FEWEST_PATCHES <= patches <= _MOST_PATCHES:
        raise OptionError(
            f"patches: expected {_FEWEST_PATCHES} to {_MOST_PATCHES:,}, so that there is one for each "
            f"kind of error, not {patches}"
        )
    if not 0 <= seed <= _MOST_SEED:
        raise OptionError(f"seed: expected 0 to {_MOST_SEED:,}, not {seed}")
    if s1 and of is not BIGEARTHNET_S2:
        raise OptionError(
            f"s1: expected the layout {BIGEARTHNET_S2.name}, beside whose patches those of Sentinel-1 "
            f"lie, not {of.name}; leave one of them out"
        )
    if engine is None and patches < _FEW_PATCHES:
        engine = Engine(workers=1)
    with building_sample(as_path(folder).absolute()) as part:
        if of is not BIGEARTHNET_S2:
            metadata, planted, copies = write_layout_sample(
                part, of, patches, seed, engine, progress
            )
            summary, more = SampleSummary(patches, planted, seed, copies), [f"Layout {of.name}."]
        else:
            metadata, planted, more = _write_course(part, patches, seed, s1, engine, progress)
            summary = SampleSummary(patches, planted, seed)
        write_metadata(part, metadata)
        write_readme(part, seed, [*more, "", *_readme_lines(summary)])
    return summary


def _write_course(
    folder: Path,
    patches: int,
    seed: int,
    s1: bool,
    engine: Engine | None,
    progress: Progress,
) -> tuple[pa.Table, dict[str, int], list[str]]:
    """Write all of the course data set but the metadata; these, the errors by kind, and notes."""
    plan = make_plan(patches, seed, PATCH_TO_RETILE)
    labels = _write_patches(folder, plan, seed, engine, progress)
    metadata, planted = _metadata(plan, labels), _planted(plan)
    write_list(folder, _for_stats(plan))
    notes = [_NOTE]
    if s1:
        metadata, between, alone = write_other_half(
            folder, plan, seed, engine, metadata, PATCH_TO_RETILE
        )
        planted |= between
        counts = ", ".join(f"{kind} {count}" for kind, count in alone.items())
        notes += ["", f"An audit of the Sentinel-1 half alone finds: {counts}."]
    return metadata, planted, notes


def _write_patches(
    folder: Path,
    plan: Sequence[PlannedPatch],
    seed: int,
    engine: Engine | None,
    progress: Progress,
) -> dict[str, tuple[str, ...]]:
    """Write the patches on disk; the labels of all."""
    report = reporter(progress)
    on_disk = [patch for patch in plan if patch.error != "not_on_disk"]
    labels: dict[str, tuple[str, ...]] = {}
    starts = range(0, len(on_disk), _PATCHES_PER_CHUNK)
    chunks = [on_disk[start : start + _PATCHES_PER_CHUNK] for start in starts]
    for written in run(partial(_write_chunk, folder, seed), chunks, engine):
        labels |= written
        report(len(labels), len(on_disk), 0)
    for patch in plan:
        if patch.error == "not_on_disk":
            labels[patch.patch_id] = _labels(_ground(seed, patch))
    assert len(labels) == len(plan), "every patch has labels"
    return labels


def _write_chunk(
    folder: Path, seed: int, patches: Sequence[PlannedPatch]
) -> dict[str, tuple[str, ...]]:
    """Make and write some patches, the work of one worker at a time; their labels."""
    return {patch.patch_id: _write(folder, seed, patch) for patch in patches}


def _write(folder: Path, seed: int, patch: PlannedPatch) -> tuple[str, ...]:
    parsed = patch.parsed
    corner, land = parsed.footprint, _ground(seed, patch)
    pixels = reflectances(seed, land, parsed.product.season, patch.patch_id)
    covering = (parsed.column + parsed.row) % _EVERY_WITH_BOX == 0
    write_patch(
        folder,
        parsed,
        bands=band_files(parsed, pixels, patch.error, patch.variant),
        reference_map=encode_map_pixels(land.map, corner),
        geoparquet=encode_map_polygons(land.map, corner, covering),
    )
    return _labels(land)


def _ground(seed: int, patch: PlannedPatch) -> Ground:
    return ground(seed, pixel_block(patch), REGIONS[patch.product.region])


def _labels(land: Ground) -> tuple[str, ...]:
    return classes_of_codes(set(land.map.ravel().tolist()))


def _metadata(plan: Sequence[PlannedPatch], labels: Mapping[str, tuple[str, ...]]) -> pa.Table:
    """The columns of the official metadata."""
    rows = []
    for patch in plan:
        if patch.error == "not_part_of_dataset":
            continue
        tile, column, row = patch.patch_id.rsplit("_", 3)[1:]
        position = f"{int(column)}_{int(row)}"
        mission_level_time = "_".join(patch.patch_id.split("_", 3)[:3])
        rows.append(
            {
                "patch_id": patch.patch_id,
                "labels": labels[patch.patch_id],
                "split": patch.split,
                "country": patch.product.country,
                "s1_name": f"{patch.product.radar}_{tile[1:]}_{position}",
                "s2v1_name": f"{mission_level_time}_{position}",
                "contains_seasonal_snow": False,
                "contains_cloud_or_shadow": False,
            }
        )
    return pa.Table.from_pylist(rows)


def _for_stats(plan: Sequence[PlannedPatch]) -> list[tuple[str, str]]:
    """Product and patch id of nine of ten patches on disk and in the metadata, damaged ones too."""
    known = [p for p in plan if p.error not in ("not_on_disk", "not_part_of_dataset")]
    return [
        (patch.product.name, patch.patch_id)
        for number, patch in enumerate(known)
        if number % _EVERY_NOT_FOR_STATS
    ]


def _planted(plan: Sequence[PlannedPatch]) -> dict[str, int]:
    counts = Counter(patch.error for patch in plan)
    planted = {kind: counts[kind] for kind in ERRORS_PER_THOUSAND}
    # A band in another zone is not where the patch id says, either.
    planted["wrong_georeference"] += planted["crs_disagreement"]
    assert all(planted.values()), "every kind of error is planted"
    return planted


def _readme_lines(summary: SampleSummary) -> list[str]:
    copies = [f"  copies that `duplicates` finds: {summary.copies}"] if summary.copies else []
    return [
        f"{summary.patches} patches. Errors that were planted, by kind:",
        *(f"  {kind}: {count}" for kind, count in summary.planted.items()),
        *copies,
    ]
