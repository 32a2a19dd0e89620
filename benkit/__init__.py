"""benkit: check, measure, re-tile, label and split Sentinel-2 patch archives.

The names below are the public ones. Each is loaded when it is first used, so that importing benkit
costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.2.0"

VERBS = {
    "sample": "make a small synthetic archive to try everything on",
    "scan": "read every pixel of an archive once into an inventory",
    "audit": "check whether an archive is whole and correct",
    "inspect": "everything about one patch",
    "stats": "mean and standard deviation of the bands",
    "summary": "seasons and labels of the metadata",
    "labels": "classes and land cover of reference maps",
    "footprints": "where the patches lie, as GeoParquet",
    "overlaps": "which patches show the same ground",
    "split": "train and test sides that a score can be trusted on",
    "evaluate": "judge a split: shared ground, distances, balance",
    "report": "one HTML page: whether all is well, what there is, and where",
    "map": "a map for the browser, with map tiles from the internet",
    "retile": "cut a raster into parts that keep its georeference",
    "patchify": "cut a Sentinel-2 product into an archive of patches",
    "completion": "let bash or zsh complete verbs, options and paths",
}
"""The verbs in the order of work, and what each does."""

_NAMES = {
    "api.inspect": "inspect_patch",
    "api.overlaps": "Overlaps",
    "api.sources": "open_source",
    "api.split": "folds",
    "api.web_map": "web_map",
    "archive.listing": "find_file",
    "domain.layouts": "BANDS",
    "domain.classes": "CLASSES classes_of_codes",
    "domain.patch_names": "parse_patch_id parse_product",
    "domain.tiles": "parse_tile",
    "engine": "Engine",
    "errors": "BenkitError",
    "files.tables.geoparquet": "write_geoparquet",
    "files.tables.table": "write_table",
    "files.writing.figure": "write_figure",
    "files.writing.replace": "write_page",
    "ground.footprint_table": "footprint_table",
    "ground.footprints": "Footprints locate",
    "ground.overlaps": "ground_groups overlapping_pairs",
    "inventory.audit": "Audit audit_inventory",
    "inventory.inspect": "Inspection read_pixels",
    "inventory.scanning.scan": "band_reader scan_archive",
    "inventory.statistics": "band_statistics",
    "inventory.table.inventory_file": "Inventory",
    "metadata.metadata": "Metadata",
    "metadata.metadata_file": "read_metadata",
    "metadata.patch_list": "read_patch_list",
    "metadata.summary": "summarize",
    "reference_maps.labels": "compare_labels label_sets land_cover_labels",
    "reference_maps.land_cover": "LandCover measure_land_cover",
    "reference_maps.map_overlaps": "map_overlaps",
    "reference_maps.read": "read_reference_maps",
    "reporting.figures.patch_figure": "draw_patch",
    "reporting.figures.split_figures": "draw_split",
    "reporting.page.report": "report_page",
    "retiling.patchify": "patchify_scene",
    "retiling.retile": "retile_raster",
    "samples": "make_sample",
    "splits.evaluate": "Evaluation evaluate_split",
    "splits.make": "Split split_folds split_patches",
    "splits.split_file": "read_sides write_sides",
    "splits.warnings": "shortfalls",
    "tiff.raster": "Raster",
    "tiff.read": "read_raster",
}
"""The public names by the module that they lie in, beside those of the verbs."""

_HOMES = {
    **{verb: f"benkit.api.{verb}" for verb in VERBS if verb not in ("map", "completion")},
    **{name: f"benkit.{home}" for home, names in _NAMES.items() for name in names.split()},
}

__all__ = sorted(_HOMES)

if TYPE_CHECKING:  # the same names for type checkers and editors
    from benkit.api.audit import audit as audit
    from benkit.api.evaluate import evaluate as evaluate
    from benkit.api.footprints import footprints as footprints
    from benkit.api.inspect import inspect as inspect, inspect_patch as inspect_patch
    from benkit.api.labels import labels as labels
    from benkit.api.overlaps import Overlaps as Overlaps, overlaps as overlaps
    from benkit.api.patchify import patchify as patchify
    from benkit.api.report import report as report
    from benkit.api.retile import retile as retile
    from benkit.api.sample import sample as sample
    from benkit.api.scan import scan as scan
    from benkit.api.sources import open_source as open_source
    from benkit.api.split import folds as folds, split as split
    from benkit.api.stats import stats as stats
    from benkit.api.summary import summary as summary
    from benkit.api.web_map import web_map as web_map
    from benkit.archive.listing import find_file as find_file
    from benkit.domain.layouts import BANDS as BANDS
    from benkit.domain.classes import CLASSES as CLASSES, classes_of_codes as classes_of_codes
    from benkit.domain.patch_names import (
        parse_patch_id as parse_patch_id,
        parse_product as parse_product,
    )
    from benkit.domain.tiles import parse_tile as parse_tile
    from benkit.engine import Engine as Engine
    from benkit.errors import BenkitError as BenkitError
    from benkit.files.tables.geoparquet import write_geoparquet as write_geoparquet
    from benkit.files.tables.table import write_table as write_table
    from benkit.files.writing.figure import write_figure as write_figure
    from benkit.files.writing.replace import write_page as write_page
    from benkit.ground.footprint_table import footprint_table as footprint_table
    from benkit.ground.footprints import Footprints as Footprints, locate as locate
    from benkit.ground.overlaps import (
        ground_groups as ground_groups,
        overlapping_pairs as overlapping_pairs,
    )
    from benkit.inventory.audit import Audit as Audit, audit_inventory as audit_inventory
    from benkit.inventory.inspect import Inspection as Inspection, read_pixels as read_pixels
    from benkit.inventory.scanning.scan import (
        band_reader as band_reader,
        scan_archive as scan_archive,
    )
    from benkit.inventory.statistics import band_statistics as band_statistics
    from benkit.inventory.table.inventory_file import Inventory as Inventory
    from benkit.metadata.metadata import Metadata as Metadata
    from benkit.metadata.metadata_file import read_metadata as read_metadata
    from benkit.metadata.patch_list import read_patch_list as read_patch_list
    from benkit.metadata.summary import summarize as summarize
    from benkit.reference_maps.labels import (
        compare_labels as compare_labels,
        label_sets as label_sets,
        land_cover_labels as land_cover_labels,
    )
    from benkit.reference_maps.land_cover import (
        LandCover as LandCover,
        measure_land_cover as measure_land_cover,
    )
    from benkit.reference_maps.map_overlaps import map_overlaps as map_overlaps
    from benkit.reference_maps.read import read_reference_maps as read_reference_maps
    from benkit.reporting.figures.patch_figure import draw_patch as draw_patch
    from benkit.reporting.figures.split_figures import draw_split as draw_split
    from benkit.reporting.page.report import report_page as report_page
    from benkit.retiling.patchify import patchify_scene as patchify_scene
    from benkit.retiling.retile import retile_raster as retile_raster
    from benkit.samples import make_sample as make_sample
    from benkit.splits.evaluate import Evaluation as Evaluation, evaluate_split as evaluate_split
    from benkit.splits.make import (
        Split as Split,
        split_folds as split_folds,
        split_patches as split_patches,
    )
    from benkit.splits.split_file import read_sides as read_sides, write_sides as write_sides
    from benkit.splits.warnings import shortfalls as shortfalls
    from benkit.tiff.raster import Raster as Raster
    from benkit.tiff.read import read_raster as read_raster
else:

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module 'benkit' has no attribute {name!r}")
        value = getattr(import_module(_HOMES[name]), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
