"""benkit: check, measure, re-tile, label and split Sentinel-2 patch archives.

The names below are the public ones. Each is loaded when it is first used, so that importing benkit
costs next to nothing.
"""

from importlib import import_module

__version__ = "0.1.0"

_HOMES = {
    "Audit": "benkit.audit",
    "audit_inventory": "benkit.audit",
    "Engine": "benkit.engine",
    "Evaluation": "benkit.evaluate",
    "evaluate_split": "benkit.evaluate",
    "BenkitError": "benkit.errors",
    "Footprints": "benkit.footprints",
    "footprint_table": "benkit.footprint_geometry",
    "locate": "benkit.footprints",
    "find_file": "benkit.io.archive",
    "Inspection": "benkit.inspect",
    "inspect_patch": "benkit.inspect",
    "read_pixels": "benkit.inspect",
    "draw_patch": "benkit.report.patch_figure",
    "draw_split": "benkit.report.figures",
    "write_figure": "benkit.io.figure_file",
    "Inventory": "benkit.io.inventory_file",
    "Raster": "benkit.io.geotiff",
    "read_raster": "benkit.io.geotiff",
    "read_reference_maps": "benkit.io.reference_maps",
    "read_metadata": "benkit.io.metadata_file",
    "read_patch_list": "benkit.io.tables",
    "read_sides": "benkit.io.split_files",
    "write_sides": "benkit.io.split_files",
    "write_table": "benkit.io.tables",
    "write_geoparquet": "benkit.io.geoparquet",
    "compare_labels": "benkit.labels",
    "label_sets": "benkit.labels",
    "land_cover_labels": "benkit.labels",
    "LandCover": "benkit.land_cover",
    "measure_land_cover": "benkit.land_cover",
    "map_overlaps": "benkit.overlapping_maps",
    "ground_groups": "benkit.overlaps",
    "overlapping_pairs": "benkit.overlaps",
    "write_page": "benkit.io.page_file",
    "report_page": "benkit.report.archive_report",
    "web_map": "benkit.report.web_map",
    "band_reader": "benkit.scan",
    "retile_raster": "benkit.retile",
    "patchify_scene": "benkit.patchify",
    "make_sample": "benkit.sample",
    "open_source": "benkit.scan",
    "scan_archive": "benkit.scan",
    "split_patches": "benkit.split",
    "BANDS": "benkit.spec.bands",
    "CLASSES": "benkit.spec.nomenclature",
    "classes_of_codes": "benkit.spec.nomenclature",
    "parse_patch_id": "benkit.spec.patch_id",
    "parse_product": "benkit.spec.patch_id",
    "parse_tile": "benkit.spec.tiles",
    "band_statistics": "benkit.stats",
    "Split": "benkit.split",
    "shortfalls": "benkit.split",
    "split_folds": "benkit.split",
    "summarize": "benkit.summary",
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
