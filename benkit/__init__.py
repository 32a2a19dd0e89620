"""benkit: check, measure, re-tile, label and split Sentinel-2 patch archives.

The names below are the public ones. Each is loaded when it is first used, so that importing benkit
costs next to nothing.
"""

from importlib import import_module

__version__ = "0.1.0"

_VERBS = (
    "audit", "evaluate", "footprints", "inspect", "labels", "overlaps", "patchify", "report",
    "retile", "sample", "scan", "split", "stats", "summary", "web_map",
)  # fmt: skip
_HOMES = {
    **{verb: f"benkit.api.{verb}" for verb in _VERBS},
    "folds": "benkit.api.split",
    "Overlaps": "benkit.api.overlaps",
    "Audit": "benkit.inventory.audit",
    "audit_inventory": "benkit.inventory.audit",
    "Engine": "benkit.engine",
    "Evaluation": "benkit.splits.evaluate",
    "evaluate_split": "benkit.splits.evaluate",
    "BenkitError": "benkit.errors",
    "Footprints": "benkit.ground.footprints",
    "footprint_table": "benkit.ground.footprint_table",
    "locate": "benkit.ground.footprints",
    "find_file": "benkit.archive.listing",
    "Inspection": "benkit.inventory.inspect",
    "inspect_patch": "benkit.inventory.inspect",
    "read_pixels": "benkit.inventory.inspect",
    "draw_patch": "benkit.reporting.figures.patch_figure",
    "draw_split": "benkit.reporting.figures.split_figures",
    "write_figure": "benkit.files.writing.figure",
    "Inventory": "benkit.inventory.table.inventory_file",
    "Raster": "benkit.tiff.raster",
    "read_raster": "benkit.tiff.read",
    "read_reference_maps": "benkit.reference_maps.read",
    "read_metadata": "benkit.metadata.metadata_file",
    "read_patch_list": "benkit.metadata.patch_list",
    "read_sides": "benkit.splits.split_file",
    "write_sides": "benkit.splits.split_file",
    "write_table": "benkit.files.tables.table",
    "write_geoparquet": "benkit.files.tables.geoparquet",
    "compare_labels": "benkit.reference_maps.labels",
    "label_sets": "benkit.reference_maps.labels",
    "land_cover_labels": "benkit.reference_maps.labels",
    "LandCover": "benkit.reference_maps.land_cover",
    "measure_land_cover": "benkit.reference_maps.land_cover",
    "map_overlaps": "benkit.reference_maps.map_overlaps",
    "ground_groups": "benkit.ground.overlaps",
    "overlapping_pairs": "benkit.ground.overlaps",
    "write_page": "benkit.files.writing.replace",
    "report_page": "benkit.reporting.page.report",
    "band_reader": "benkit.inventory.scanning.scan",
    "retile_raster": "benkit.retiling.retile",
    "patchify_scene": "benkit.retiling.patchify",
    "make_sample": "benkit.samples",
    "open_source": "benkit.api.sources",
    "scan_archive": "benkit.inventory.scanning.scan",
    "split_patches": "benkit.splits.make",
    "BANDS": "benkit.domain.bands",
    "CLASSES": "benkit.domain.classes",
    "classes_of_codes": "benkit.domain.classes",
    "parse_patch_id": "benkit.domain.patch_names",
    "parse_product": "benkit.domain.patch_names",
    "parse_tile": "benkit.domain.tiles",
    "band_statistics": "benkit.inventory.statistics",
    "Split": "benkit.splits.make",
    "shortfalls": "benkit.splits.warnings",
    "split_folds": "benkit.splits.make",
    "summarize": "benkit.metadata.summary",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'benkit' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
