"""An archive of chosen patches, clean and with all that belongs to it."""

import os
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

import pyarrow as pa

from benkit.api.inputs.choose import Choice, as_findings, chosen_patches, excluded
from benkit.api.inputs.export_metadata import ExportMetadata
from benkit.api.inputs.export_options import (
    EXPORT_FORMATS,
    SIDES_AS,
    missing_file,
    require_export_options,
    require_export_target,
    require_exportable_tar,
)
from benkit.api.inputs.sources import (
    MetadataLike,
    SourceLike,
    SplitLike,
    TableLike,
    as_patch_ids,
    is_location,
    open_source,
)
from benkit.datasets.exporting.card_of_export import export_card
from benkit.datasets.exporting.download_again import download_again
from benkit.datasets.exporting.exported import (
    Export,
    chosen_folders,
    closed_patches,
    export_warnings,
    patch_folders,
    require_some,
)
from benkit.datasets.exporting.parts import export_parts
from benkit.datasets.exporting.write_archive import write_archive
from benkit.datasets.packs.packing import Packing
from benkit.datasets.sample_patches import sampled
from benkit.datasets.selection import not_on_disk
from benkit.engine import Engine
from benkit.engine.progress import Progress, reporter
from benkit.errors import MissingInputError, OptionError
from benkit.files.remote.location import (
    Location,
    LocationLike,
    as_location,
    as_path,
)
from benkit.files.safe_names import some_names
from benkit.files.tables.table import one_array, write_table
from benkit.files.tar.stream import is_tar
from benkit.inventory.audit import audit_inventory
from benkit.inventory.contents import none_is_there
from benkit.inventory.scanning.resume import scanned_folder
from benkit.inventory.table.inventory_file import Inventory
from benkit.inventory.table.parts import is_archive
from benkit.metadata.metadata import Metadata
from benkit.metadata.patch_list import are_among, distinct_ids
from benkit.option_types import with_option_types
from benkit.reference_maps.map_files import find_maps
from benkit.splits.split import Split

_NO_FINDINGS = pa.table({name: pa.array([], pa.string()) for name in ("patch_id", "band", "kind")})


@with_option_types
def export(
    source: SourceLike,
    output: LocationLike,
    *,
    format: str = EXPORT_FORMATS[0],
    archive: LocationLike | None = None,
    metadata: MetadataLike | None = None,
    patches: TableLike | Iterable[str] | None = None,
    exclude: TableLike | None = None,
    exclude_kinds: Sequence[str] | None = None,
    where: str | None = None,
    bbox: Sequence[float] | None = None,
    split: SplitLike | None = None,
    sides: str = SIDES_AS[0],
    sample: int | None = None,
    seed: int = 0,
    reference_maps: str | os.PathLike[str] | None = None,
    missing: LocationLike | None = None,
    copy: bool = False,
    verify: bool = True,
    card: bool = False,
    overwrite: bool = False,
    engine: Engine | None = None,
    progress: Progress = None,
) -> Export:
    """Write an archive of chosen patches, by hard links, as copies or packed, with what belongs to it.

    The folder appears, or replaces an earlier export, when all is there; in a bucket ``left_out.csv`` is
    the last file. An interrupted export is taken up again where it stopped. See docs/export.md for what
    it holds.

    Parameters
    ----------
    source : path, URL, Inventory or table
        An inventory, or an archive, which is scanned.
    output : path or URL
        The folder to write: ``BigEarthNet-S2/<product>/<patch id>/``, ``Reference_Maps/``,
        ``metadata.parquet``, ``inventory.parquet`` and ``left_out.csv``.
    format : str
        Of `EXPORT_FORMATS`: the files of the patches in their folders, or in the place of these a pack:
        ``arrow`` is Arrow files, which `PatchDataset` reads too, ``lmdb`` an LMDB as rico-hdl writes it
        (needs ``pip install benkit[lmdb]``).
    archive : path or URL, optional
        Folder or plain tar of the archive that an inventory tells of; if not given, the one that it was
        scanned from on this machine.
    metadata : path, URL, Metadata or table, or sequence of these, optional
        Written for the exported patches, with all columns.
    patches : path, URL, table or iterable of str, optional
        Only these.
    exclude : path, URL, Audit or table, optional
        Findings of `benkit.audit`: the patches that they name are left out.
    exclude_kinds : sequence of str, optional
        Of these kinds of findings alone.
    where : str, optional
        Only patches for which this SQL condition is true, over the columns of the metadata and those of
        `benkit.metadata.described`.
    bbox : sequence of float, optional
        Only patches that show ground in this box: west, south, east, north in degrees. West greater than
        east means across the 180th meridian.
    split : path, URL, Split, table or mapping, optional
        Only patches on a side of this split.
    sides : str
        Of `SIDES_AS`: as the column ``split`` of the metadata, or a folder for each side, too.
    sample : int, optional
        Only so many of the patches that all else chooses, with the shares of labels and seasons of
        these.
    seed : int
        Of the sample.
    reference_maps : path, optional
        Folder of reference maps, of which those of the exported patches go along.
    missing : path or URL, optional
        Where to write which patches must be downloaded again, of those that are chosen but for what
        is wrong with them: Parquet, CSV or JSON, as the suffix says.
    copy : bool
        Copy files. If not, they are hard links: whoever edits one edits the original. Those of a tar
        are always copied.
    verify : bool
        Read what is exported, and hold headers and pixels against the inventory; if not, only the length
        of each file is.
    card : bool
        Write the files of a card of the exported patches, too (see `benkit.card`), and of their split
        if one is given.
    overwrite : bool
        Whether an earlier export may be replaced.
    engine, progress
        As of `benkit.scan`, for an archive and for packs; progress also of the files that are placed.

    Raises
    ------
    OptionError
        If options do not go together.
    InputFormatError
        If no patch is left, a file is not the one that was scanned, or patches that are to be packed
        have bands of another size or type than the layout.
    OutputError
        If the output is there, is part of the archive, or lies on another disk and nothing is said of
        copies.
    """
    target, root = as_location(output), _archive_folder(source, archive)
    in_tar = is_tar(root)
    copy = copy or in_tar
    packed = require_export_options(format, metadata, split, sides, card)
    choice = Choice(exclude, exclude_kinds, where)
    listing = None if missing is None else missing_file(missing, exclude, metadata)
    require_export_target(
        target, root, overwrite=overwrite, links=not (copy or packed), packed=packed
    )
    described = None if metadata is None else ExportMetadata.of(metadata, choice)
    own = None if split is None else Split(split)
    listed = None if patches is None else pa.array(as_patch_ids(patches, "patches"), pa.string())
    with open_source(source, engine=engine, progress=progress) as inventory:
        if in_tar:
            require_exportable_tar(inventory, root)
        if described is not None:
            asks = where is not None or sample is not None or listing is not None
            described = described.of_layout(inventory.layout, is_asked=asks)
        known = None if described is None else described.known
        made, left_out, absent = _chosen(
            inventory, root, known, choice, listed, own, bbox, listing, sample, seed
        )
        maps = {} if reference_maps is None else find_maps(as_path(reference_maps))
        as_folders = sides == SIDES_AS[1]
        parts = export_parts(
            made,
            None if described is None else described.rows,
            own,
            maps,
            as_folders=as_folders,
            id_column=described.id_column if described else "patch_id",
        )
        packing = None
        if packed:
            packing = Packing.of(format, inventory, root, made, verify=verify, engine=engine)
        files, size, rows = write_archive(
            target,
            root,
            inventory,
            parts,
            left_out,
            copy=copy or packed,
            verify=verify,
            report=reporter(progress),
            beside=export_card(inventory, parts[0], has_split=own is not None) if card else {},
            packing=packing,
        )
    warnings = export_warnings(
        sum(len(distinct_ids(part.patches["patch_id"])) for part in parts),
        parts,
        described=rows if described else None,
        has_maps=reference_maps is not None,
    )
    return Export(len(made), files, size, len(left_out), (*absent, *warnings))


def _chosen(
    inventory: Inventory,
    root: Location,
    known: Metadata | None,
    choice: Choice,
    listed: pa.StringArray | None,
    split: Split | None,
    bbox: Sequence[float] | None,
    listing: Location | None,
    sample: int | None,
    seed: int,
) -> tuple[pa.Table, pa.Table, list[str]]:
    """The folders of the patches to export, which others are left out and why, and what is absent."""
    folders = patch_folders(inventory)
    findings = _findings(inventory, known, choice.exclude, listing)
    absent = _absent(inventory, folders, listed, split)
    named = partial(
        chosen_patches, metadata=known, patches=listed, split=split, where=choice.where, bbox=bbox
    )
    selection = named(folders["patch_id"])
    if listing is not None:
        lost = not_on_disk(findings)
        lost = lost.filter(pa.array(~are_among(lost, selection.ids)))
        wanted = pa.concat_arrays([selection.chosen_ids, named(lost).chosen_ids])
        write_table(download_again(findings, wanted), listing)
    selection = selection.without(closed_patches(root, inventory))
    if choice.exclude is not None:
        ids = selection.ids
        reasons = excluded(findings, choice.exclude_kinds, ids, choice.exclude, inventory)
        selection = selection.without(reasons)
    require_some(inventory, selection)
    if sample is not None:
        selection = sampled(selection, known, sample, seed)
    return chosen_folders(folders, selection), selection.left_out, absent


def _archive_folder(source: SourceLike, archive: LocationLike | None) -> Location:
    """Where the files lie that an inventory tells of, or the archive itself."""
    where = as_location(source) if is_location(source) else None
    where = as_path(source.path) if isinstance(source, Inventory) else where
    if where is not None and is_archive(where):
        if archive is not None:
            raise OptionError("--archive goes with an inventory as SOURCE")
        return where
    if archive is not None:
        if not is_archive(as_location(archive)):
            raise OptionError(f"--archive {archive}: expected the folder of an archive, or its tar")
        return as_location(archive)
    found = scanned_folder(where) if isinstance(where, Path) else None
    if found is None:
        if isinstance(where, Path):
            Inventory(where)  # what is none is refused as such
        raise MissingInputError(
            f"{where or 'the inventory'}: does not tell where its archive lies on this machine; "
            "name that folder (--archive ROOT)"
        )
    return found


def _findings(
    inventory: Inventory, metadata: Metadata | None, exclude: TableLike | None, missing: object
) -> pa.Table:
    """The findings that are given, or those of an audit where it is asked what is missing."""
    if exclude is not None:
        return as_findings(exclude)
    if missing is not None and metadata is not None:
        return audit_inventory(inventory, metadata.table).findings
    return _NO_FINDINGS


def _absent(
    inventory: Inventory, folders: pa.Table, listed: pa.StringArray | None, split: Split | None
) -> list[str]:
    """A sentence where some of the patches that are named are not there; an error if none is."""
    sentences = []
    named = {
        "patches of those listed": listed,
        "patches of the split": None
        if split is None
        else pa.concat_arrays(list(split.side_ids().values())),
    }
    there = one_array(folders["patch_id"])
    for what, ids in named.items():
        if ids is None:
            continue
        gone = ids.filter(pa.array(~are_among(ids, there)))
        if len(gone) == len(ids):
            raise none_is_there(
                inventory,
                what,
                len(ids),
                gone[:1].to_pylist(),
                "name them as their folders are named",
            )
        if len(gone):
            sentences.append(
                f"{len(gone):,} {what}, {some_names(gone[:1].to_pylist())} among them, are not in "
                f"{inventory.name}"
            )
    return sentences
