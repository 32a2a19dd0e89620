"""benkit: check, measure, re-tile, label and split Sentinel-2 patch archives.

The names below are the public ones. Each is loaded when it is first used, so that importing benkit
costs next to nothing. docs/api.md lists them, one line each.
"""

TYPE_CHECKING = False  # type checkers take it as true; typing takes half the time of an import
__version__ = "0.2.0"

VERBS = {
    "sample": "make a small synthetic archive to try everything on",
    "scan": "read every pixel of an archive once into an inventory",
    "audit": "check whether an archive is whole and correct",
    "inspect": "everything about one patch",
    "duplicates": "patches with equal pixels, also across a split",
    "diff": "what changed from one archive to another",
    "stats": "mean and standard deviation of the bands",
    "summary": "seasons and labels of the metadata",
    "labels": "classes and land cover of reference maps",
    "footprints": "where the patches lie, as GeoParquet, GeoJSON or GeoPackage",
    "overlaps": "which patches show the same ground",
    "split": "train and test sides that a score can be trusted on",
    "evaluate": "judge a split: shared ground, distances, balance",
    "export": "an archive of chosen, clean patches, as links or copies",
    "card": "hashes, counts, split and statistics of data, to be cited",
    "verify": "whether data and split are those of a card",
    "report": "one HTML page: whether all is well, what there is, and where",
    "map": "a map for the browser, with map tiles where there is a network",
    "retile": "cut a raster into parts that keep its georeference",
    "patchify": "cut a Sentinel-2 product into an archive of patches",
    "completion": "let bash, zsh or fish complete verbs and options",
}
"""The verbs in the order of work, and what each does."""

_NAMES = {
    "api.overlaps": "Overlaps",
    "api.patch_dataset": "PatchDataset",
    "api.split": "folds",
    "api.web_map": "web_map",
    "archive.open_patch": "open_patch",
    "datasets.exporting.exported": "Export",
    "datasets.cards.card": "Card",
    "datasets.cards.verification": "Verification",
    "domain.classes": "class_order",
    "domain.layout": "Layout",
    "domain.layouts": "BIGEARTHNET_S2",
    "domain.patch_names": "parse_patch_id parse_product",
    "domain.tiles": "parse_tile",
    "engine": "Engine",
    "errors": "AccessError BenkitError InputFormatError MissingColumnError MissingInputError "
    "OptionError OutputError PatchIdError RasterError RemoteError WorkerError",
    "files.remote.location": "as_location",
    "files.remote.retry": "Retry",
    "ground.footprint_table": "FootprintTable",
    "inventory.audit": "Audit",
    "inventory.diff": "Diff",
    "inventory.duplicates": "Duplicates",
    "inventory.inspect": "Inspection",
    "inventory.statistics": "Statistics",
    "inventory.table.inventory_file": "Inventory",
    "metadata.metadata": "Metadata",
    "metadata.summary": "Summary",
    "reference_maps.labels": "LabelSets",
    "inventory.scanning.scan": "scan",
    "samples.sample": "sample",
    "retiling.retile": "retile",
    "retiling.patchify": "patchify",
    "splits.evaluation": "Evaluation",
    "splits.split": "Split",
    "tiff.raster": "Raster",
    "tiff.read": "read_raster",
}
"""The public names by the module that they lie in, beside those of the verbs."""

_OLD = {
    "BANDS": ("domain.layouts", "BIGEARTHNET_S2"),
    "CLASSES": ("domain.classes", "class_order"),
    "Footprints": ("ground.footprints", "Metadata"),
    "LandCover": ("reference_maps.land_cover", "labels"),
    "audit_inventory": ("inventory.audit", "audit"),
    "band_reader": ("inventory.scanning.scan", "open_patch"),
    "band_statistics": ("inventory.statistics", "stats"),
    "classes_of_codes": ("domain.classes", "labels"),
    "compare_labels": ("reference_maps.labels", "labels"),
    "draw_patch": ("reporting.figures.patch_figure", "inspect"),
    "draw_split": ("reporting.figures.split_figures", "evaluate"),
    "evaluate_split": ("splits.evaluate", "evaluate"),
    "find_file": ("archive.listing", "pathlib.Path.rglob"),
    "footprint_table": ("ground.footprint_table", "footprints"),
    "ground_groups": ("ground.overlaps", "overlaps"),
    "inspect_patch": ("api.inspect", "inspect"),
    "label_sets": ("reference_maps.labels", "labels"),
    "land_cover_labels": ("reference_maps.labels", "labels"),
    "locate": ("ground.footprints", "Metadata"),
    "make_sample": ("samples.sample", "sample"),
    "map_overlaps": ("reference_maps.map_overlaps", "overlaps"),
    "measure_land_cover": ("reference_maps.land_cover", "labels"),
    "open_source": ("api.inputs.sources", "Inventory"),
    "overlapping_pairs": ("ground.overlaps", "overlaps"),
    "patchify_scene": ("retiling.patchify", "patchify"),
    "read_metadata": ("metadata.metadata_file", "Metadata"),
    "read_patch_list": ("metadata.patch_list", "stats"),
    "read_pixels": ("inventory.inspect", "open_patch"),
    "read_reference_maps": ("reference_maps.read", "labels"),
    "read_sides": ("splits.split", "Split"),
    "report_page": ("reporting.page.report", "report"),
    "retile_raster": ("retiling.retile", "retile"),
    "scan_archive": ("inventory.scanning.scan", "scan"),
    "shortfalls": ("splits.warnings", "split"),
    "split_folds": ("splits.make", "folds"),
    "split_patches": ("splits.make", "split"),
    "summarize": ("metadata.summary", "summary"),
    "write_figure": ("files.writing.figure", "inspect"),
    "write_geoparquet": ("files.tables.geoparquet", "footprints"),
    "write_page": ("files.writing.replace", "report"),
    "write_sides": ("splits.split_file", "split"),
    "write_table": ("files.tables.table", "pyarrow.parquet.write_table"),
}
"""Deprecated names, which version 0.3.0 drops: the module of each, and what to use instead."""

_HOMES = {
    **{verb: f"benkit.api.{verb}" for verb in VERBS if verb not in ("map", "completion")},
    **{name: f"benkit.{home}" for home, names in _NAMES.items() for name in names.split()},
}

__all__ = sorted(_HOMES)

if TYPE_CHECKING:  # the same names for type checkers and editors
    from benkit.api.audit import audit as audit
    from benkit.api.card import card as card
    from benkit.api.diff import diff as diff
    from benkit.api.duplicates import duplicates as duplicates
    from benkit.api.evaluate import evaluate as evaluate
    from benkit.api.export import export as export
    from benkit.api.footprints import footprints as footprints
    from benkit.api.inspect import inspect as inspect
    from benkit.api.labels import labels as labels
    from benkit.api.overlaps import Overlaps as Overlaps, overlaps as overlaps
    from benkit.api.patch_dataset import PatchDataset as PatchDataset
    from benkit.retiling.patchify import patchify as patchify
    from benkit.api.report import report as report
    from benkit.retiling.retile import retile as retile
    from benkit.samples.sample import sample as sample
    from benkit.inventory.scanning.scan import scan as scan
    from benkit.api.split import folds as folds, split as split
    from benkit.api.stats import stats as stats
    from benkit.api.summary import summary as summary
    from benkit.api.verify import verify as verify
    from benkit.api.web_map import web_map as web_map
    from benkit.archive.open_patch import open_patch as open_patch
    from benkit.datasets.exporting.exported import Export as Export
    from benkit.datasets.cards.card import Card as Card
    from benkit.datasets.cards.verification import Verification as Verification
    from benkit.domain.classes import class_order as class_order
    from benkit.domain.layout import Layout as Layout
    from benkit.domain.layouts import BIGEARTHNET_S2 as BIGEARTHNET_S2
    from benkit.domain.patch_names import (
        parse_patch_id as parse_patch_id,
        parse_product as parse_product,
    )
    from benkit.domain.tiles import parse_tile as parse_tile
    from benkit.engine import Engine as Engine
    from benkit.errors import (
        AccessError as AccessError,
        BenkitError as BenkitError,
        InputFormatError as InputFormatError,
        MissingColumnError as MissingColumnError,
        MissingInputError as MissingInputError,
        OptionError as OptionError,
        OutputError as OutputError,
        PatchIdError as PatchIdError,
        RasterError as RasterError,
        RemoteError as RemoteError,
        WorkerError as WorkerError,
    )
    from benkit.files.remote.location import as_location as as_location
    from benkit.files.remote.retry import Retry as Retry
    from benkit.ground.footprint_table import FootprintTable as FootprintTable
    from benkit.inventory.audit import Audit as Audit
    from benkit.inventory.diff import Diff as Diff
    from benkit.inventory.duplicates import Duplicates as Duplicates
    from benkit.inventory.inspect import Inspection as Inspection
    from benkit.inventory.statistics import Statistics as Statistics
    from benkit.inventory.table.inventory_file import Inventory as Inventory
    from benkit.metadata.metadata import Metadata as Metadata
    from benkit.metadata.summary import Summary as Summary
    from benkit.reference_maps.labels import LabelSets as LabelSets
    from benkit.splits.evaluation import Evaluation as Evaluation
    from benkit.splits.split import Split as Split
    from benkit.tiff.raster import Raster as Raster
    from benkit.tiff.read import read_raster as read_raster
else:

    def __getattr__(name: str) -> object:
        if name in _OLD:
            return _old(name)
        if name not in _HOMES:
            raise AttributeError(f"module 'benkit' has no attribute {name!r}")
        from importlib import import_module

        value = getattr(import_module(_HOMES[name]), name)
        globals()[name] = value
        return value


def _old(name: str) -> object:
    """What a deprecated name stands for; the new function where only the name has changed."""
    from importlib import import_module
    from warnings import warn

    home, new = _OLD[name]
    use = new if "." in new else f"benkit.{new}"
    text = f"benkit.{name} is deprecated and ends with version 0.3.0; use {use} (docs/api.md)"
    warn(text, DeprecationWarning, stacklevel=3)
    module = import_module(f"benkit.{home}")
    return getattr(module, name, None) or getattr(module, new)


def __dir__() -> list[str]:
    return __all__
