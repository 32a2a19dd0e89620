"""Everything about one patch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from benkit.archive.layout_file import file_content
from benkit.archive.listing import PatchFolder
from benkit.domain.patch_names import PatchId, parse_patch_id
from benkit.errors import InputFormatError, PatchIdError
from benkit.files.tables.notebook import notebook_html, notebook_note, notebook_table
from benkit.files.tar.folder import TarFolder
from benkit.files.writing.staging import temporary_folder
from benkit.ground.footprint_table import footprint_table
from benkit.inventory.audit import audit_inventory
from benkit.inventory.scanning.chunk import scan_patches
from benkit.inventory.statistics import band_statistics
from benkit.inventory.table.inventory_file import Inventory
from benkit.inventory.table.inventory_writer import writing_inventory
from benkit.tiff.raster import Raster
from benkit.tiff.read import decode_raster

_FINDING = ("band", "kind", "reason")
_STATISTICS = ("min", "mean", "std", "max")


@dataclass(frozen=True)
class InspectedBand:
    """One band of a patch: columns of its row in an inventory, and of its statistics.

    Where ``status`` is not ``ok``, all but it and ``detail`` are None; statistics are None without valid
    pixels.
    """

    status: str
    detail: str | None
    bytes: int | None
    height: int | None
    width: int | None
    pixel_size: float | None
    dtype: str | None
    nodata: float | None
    valid: int | None
    nodata_count: int | None
    min: float | None
    mean: float | None
    std: float | None
    max: float | None


@dataclass(frozen=True)
class Inspection:
    """A patch on disk and in the metadata, with its findings.

    Attributes
    ----------
    patch_id : str
    folder : Path or TarFolder
    name : PatchId or None
        The parsed patch id; None if it is invalid.
    geographic_bounds : tuple of float or None
        West, south, east, north in degrees, EPSG:4326.
    metadata : mapping of str to object, or None
        The patch's row, without ``patch_id``; None without metadata or if it is not in them.
    bands : mapping of str to InspectedBand
        In the order of the layout.
    findings : tuple of dict
        ``band`` (None where it is about the whole patch), ``kind`` and ``reason``, sorted.
    place : PatchFolder
        Its folders in the archive, and the layout of that.
    """

    patch_id: str
    folder: Path | TarFolder
    name: PatchId | None
    geographic_bounds: tuple[float, ...] | None
    metadata: Mapping[str, Any] | None
    bands: Mapping[str, InspectedBand] = field(repr=False)
    findings: tuple[dict[str, Any], ...]
    place: PatchFolder = field(repr=False)

    def _repr_html_(self) -> str:
        facts = [*self.metadata["labels"]] if self.metadata and self.metadata.get("labels") else []
        if self.name is not None:
            product = self.name.product
            facts = [f"{product.sensing_start:%Y-%m-%d}", product.season, product.tile.name, *facts]
        columns = ["status", "height", "width", "dtype", "nodata_count", *_STATISTICS]
        bands = [
            [name, *(getattr(band, column) for column in columns)]
            for name, band in self.bands.items()
        ]
        found = [[finding[key] for key in _FINDING] for finding in self.findings]
        return notebook_html(
            f"Inspection: {self.patch_id}",
            notebook_note(", ".join(map(str, facts))),
            notebook_table(["band", *columns], bands),
            notebook_table(_FINDING, found) if found else notebook_note("nothing found"),
            mark="bad" if found else "good",
        )


def inspect_folder(
    root: Path | TarFolder, found: PatchFolder, metadata: pa.Table | None = None
) -> Inspection:
    """Inspect one patch of an archive; a folder that holds no patch is refused."""
    folder = root / found.path
    own = None
    if metadata is not None:
        own = metadata.filter(pc.equal(metadata["patch_id"], found.patch_id))
    bands, findings = _scan_and_audit(root, found, own)
    name: PatchId | None
    try:
        name = parse_patch_id(found.patch_id)
        row = own if own else pa.table({"patch_id": [found.patch_id]})
        (bounds,) = footprint_table(row).bounds.tolist()
    except PatchIdError:
        name = bounds = None
        if all(band.status == "missing" for band in bands.values()):
            raise InputFormatError(
                f"{folder}: expected the folder of a patch, such as <root>/<product>/<patch id>, but "
                "its name is no patch id and it holds no band"
            ) from None
    return Inspection(
        patch_id=found.patch_id,
        folder=folder,
        name=name,
        geographic_bounds=bounds and tuple(bounds),
        metadata=own.drop_columns("patch_id").to_pylist()[0] if own else None,
        bands=bands,
        findings=findings,
        place=found,
    )


def read_pixels(inspection: Inspection) -> dict[str, NDArray]:
    """Pixels of the readable bands by name: (height, width) arrays in the file's data type."""
    folder, patch, layout = inspection.folder, inspection.place, inspection.place.layout
    readable = [name for name, band in inspection.bands.items() if band.status == "ok"]
    if layout.one_file:
        file = folder / layout.band_file(patch.name, "", patch.product)
        pixels = _raster(file).pixels if readable else ()
        return dict(zip(layout.band_names, pixels, strict=False))
    return {
        name: _raster(folder / layout.band_file(patch.name, name, patch.product)).pixels[0]
        for name in readable
    }


def _raster(file: Path | TarFolder) -> Raster:
    return decode_raster(file_content(file), str(file))


def _scan_and_audit(
    root: Path | TarFolder, patch: PatchFolder, own: pa.Table | None
) -> tuple[dict[str, InspectedBand], tuple[dict[str, Any], ...]]:
    """Bands and findings of an inventory of this patch alone."""
    known = pa.table({"patch_id": [patch.patch_id]}) if own is None else own
    columns = "status, detail, bytes, height, width, pixel_size, dtype, nodata, valid, nodata_count"
    with temporary_folder() as folder:
        path = folder / "inventory.parquet"
        with writing_inventory(path, patch.layout) as writer:
            writer.write(scan_patches(root, [patch]))
        inventory = Inventory(path)
        rows = inventory.query(f"SELECT band, {columns} FROM inventory WHERE band IS NOT NULL")
        statistics = band_statistics(inventory).bands
        findings = audit_inventory(inventory, known).findings
    found = {
        band: InspectedBand(*values, *(getattr(statistics[band], name) for name in _STATISTICS))
        for band, *values in rows
    }
    assert found.keys() == set(patch.layout.band_names), "every band has a row"
    rows = findings.select(list(_FINDING)).to_pylist()
    return {band: found[band] for band in patch.layout.band_names}, tuple(rows)
