"""``benkit inspect``."""

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benkit.cli.common import call
from benkit.cli.options import add_layout, add_metadata, picture_file
from benkit.cli.printing import note_written, show, show_table
from benkit.files.safe_names import one_line

if TYPE_CHECKING:
    from benkit.inventory.inspect import Inspection

EXAMPLE = """\
example: benkit inspect S2A_MSIL2A_20170613T101031_N9999_R022_T33UUP_75_43 \\
             --archive BigEarthNet-S2 --metadata metadata.parquet --figure patch.png

prints date, footprint, labels, all bands and all findings, and draws the bands into patch.png."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "patch",
        metavar="PATCH_DIR|PATCH_ID",
        help="a patch's folder, its file of all bands, or its id",
    )
    parser.add_argument(
        "--archive",
        type=Path,
        metavar="ROOT",
        help="folder or tar of the archive that holds the id",
    )
    add_layout(parser)
    add_metadata(parser, "--metadata")
    parser.add_argument(
        "--figure", type=picture_file, metavar="FILE", help="draw the bands: .png, .pdf or .svg"
    )


def run(arguments: argparse.Namespace) -> int:
    from benkit.api.inspect import inspect
    from benkit.inventory.findings import KINDS

    inspection = call(inspect, arguments)
    note_written(arguments.figure)
    if arguments.json:
        show(arguments, _values(inspection))
        return 0
    print(one_line(inspection.patch_id), end="\n\n")
    show_table(("", ""), list(_facts(inspection)))
    print()
    show_table(*_bands(inspection))
    print()
    if not inspection.findings:
        print("findings   none")
    else:
        rows = [
            (finding["band"] or "all", KINDS[finding["kind"]].title, finding["reason"])
            for finding in inspection.findings
        ]
        show_table(("band", "finding", "reason"), rows)
    return 0


def _values(inspection: "Inspection") -> dict[str, Any]:
    """The object for JSON."""
    values: dict[str, Any] = {
        "patch_id": inspection.patch_id,
        "folder": str(inspection.folder),
        "product": None,
        "sensing_time": None,
        "season": None,
        "tile": None,
        "column": None,
        "row": None,
        "footprint": None,
        "geographic_bounds": inspection.geographic_bounds,
    }
    name = inspection.name
    if name is not None:
        product = name.product
        values |= {"product": str(product), "season": product.season, "tile": product.tile.name}
        values |= {"sensing_time": f"{product.sensing_start.isoformat()}Z"}
        values |= {"column": name.column, "row": name.row, "footprint": asdict(name.footprint)}
    metadata = inspection.metadata
    values["metadata"] = None if metadata is None else {k: _plain(v) for k, v in metadata.items()}
    values["bands"] = {band: asdict(found) for band, found in inspection.bands.items()}
    return values | {"findings": list(inspection.findings)}


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | float | list | None) else str(value)


def _facts(inspection: "Inspection") -> Iterator[tuple[str, str]]:
    from benkit.domain.patch_names import PATCH_METRES

    name = inspection.name
    if name is not None:
        product, ground = name.product, name.footprint
        yield (
            "sensed",
            f"{product.sensing_start:%Y-%m-%d %H:%M:%S} UTC, {product.season}; {product.mission}, "
            f"orbit {product.orbit}, baseline {product.baseline}",
        )
        yield "tile", f"{product.tile.name}, column {name.column}, row {name.row}"
        yield (
            "footprint",
            f"EPSG:{ground.epsg}, x {ground.x:,} to {ground.x + PATCH_METRES:,} m, "
            f"y {ground.y - PATCH_METRES:,} to {ground.y:,} m",
        )
    else:
        told = inspection.place.layout.parts(inspection.patch_id) or {}
        yield "layout", inspection.place.layout.name
        yield "name", "; ".join(f"{part} {text}" for part, text in told.items()) or "tells nothing"
    if inspection.geographic_bounds is not None:
        west, south, east, north = inspection.geographic_bounds
        yield "", f"longitude {west:.4f}° to {east:.4f}°, latitude {south:.4f}° to {north:.4f}°"
    if inspection.metadata is not None:
        yield "labels", "; ".join(dict.fromkeys(inspection.metadata["labels"]) or ["none"])
        others = {k: v for k, v in inspection.metadata.items() if k != "labels" and v is not None}
        yield "metadata", "; ".join(f"{name} {value}" for name, value in others.items())
    yield "folder", str(inspection.folder)


def _bands(inspection: "Inspection") -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    header = ("band", "pixels", "metres", "type", "NO_DATA", "min", "mean", "std", "max", "bytes")
    rows = []
    for name, band in inspection.bands.items():
        size = f"{band.width} x {band.height}" if band.status == "ok" else band.status
        values = (band.nodata_count, band.min, band.mean, band.std, band.max, band.bytes)
        rows.append((name, size, band.pixel_size, band.dtype or "-", *values))
    return header, rows
