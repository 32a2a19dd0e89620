"""The public names for type checkers and editors; see ``__init__.py``."""

from benkit.api.audit import audit as audit
from benkit.api.evaluate import evaluate as evaluate
from benkit.api.footprints import footprints as footprints
from benkit.api.inspect import inspect as inspect
from benkit.api.labels import labels as labels
from benkit.api.patchify import patchify as patchify
from benkit.api.report import report as report
from benkit.api.retile import retile as retile
from benkit.api.sample import sample as sample
from benkit.api.scan import scan as scan
from benkit.api.stats import stats as stats
from benkit.api.summary import summary as summary
from benkit.api.web_map import web_map as web_map
from benkit.api.overlaps import Overlaps as Overlaps, overlaps as overlaps
from benkit.api.sources import open_source as open_source
from benkit.api.split import folds as folds, split as split
from benkit.inventory.audit import Audit as Audit, audit_inventory as audit_inventory
from benkit.engine import Engine as Engine
from benkit.errors import BenkitError as BenkitError
from benkit.splits.evaluate import Evaluation as Evaluation, evaluate_split as evaluate_split
from benkit.ground.footprint_table import footprint_table as footprint_table
from benkit.ground.footprints import Footprints as Footprints, locate as locate
from benkit.inventory.inspect import (
    Inspection as Inspection,
    inspect_patch as inspect_patch,
    read_pixels as read_pixels,
)
from benkit.archive.listing import find_file as find_file
from benkit.files.writing.figure import write_figure as write_figure
from benkit.files.tables.geoparquet import write_geoparquet as write_geoparquet
from benkit.tiff.raster import Raster as Raster
from benkit.tiff.read import read_raster as read_raster
from benkit.inventory.table.inventory_file import Inventory as Inventory
from benkit.metadata.metadata_file import read_metadata as read_metadata
from benkit.files.writing.replace import write_page as write_page
from benkit.reference_maps.read import read_reference_maps as read_reference_maps
from benkit.splits.split_file import read_sides as read_sides, write_sides as write_sides
from benkit.metadata.patch_list import read_patch_list as read_patch_list
from benkit.files.tables.table import write_table as write_table
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
from benkit.ground.overlaps import (
    ground_groups as ground_groups,
    overlapping_pairs as overlapping_pairs,
)
from benkit.retiling.patchify import patchify_scene as patchify_scene
from benkit.reporting.page.report import report_page as report_page
from benkit.reporting.figures.split_figures import draw_split as draw_split
from benkit.reporting.figures.patch_figure import draw_patch as draw_patch
from benkit.retiling.retile import retile_raster as retile_raster
from benkit.samples import make_sample as make_sample
from benkit.inventory.scanning.scan import (
    band_reader as band_reader,
    scan_archive as scan_archive,
)
from benkit.domain.bands import BANDS as BANDS
from benkit.domain.classes import CLASSES as CLASSES, classes_of_codes as classes_of_codes
from benkit.domain.patch_names import (
    parse_patch_id as parse_patch_id,
    parse_product as parse_product,
)
from benkit.domain.tiles import parse_tile as parse_tile
from benkit.splits.make import (
    Split as Split,
    split_folds as split_folds,
    split_patches as split_patches,
)
from benkit.inventory.statistics import band_statistics as band_statistics
from benkit.metadata.summary import summarize as summarize
from benkit.splits.warnings import shortfalls as shortfalls

__version__: str
