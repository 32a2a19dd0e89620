"""The public names for type checkers and editors; see ``__init__.py``."""

from benkit.audit import Audit as Audit, audit_inventory as audit_inventory
from benkit.engine import Engine as Engine
from benkit.errors import BenkitError as BenkitError
from benkit.evaluate import Evaluation as Evaluation, evaluate_split as evaluate_split
from benkit.footprint_geometry import footprint_table as footprint_table
from benkit.footprints import Footprints as Footprints, locate as locate
from benkit.inspect import (
    Inspection as Inspection,
    inspect_patch as inspect_patch,
    read_pixels as read_pixels,
)
from benkit.io.archive import find_file as find_file
from benkit.io.figure_file import write_figure as write_figure
from benkit.io.geoparquet import write_geoparquet as write_geoparquet
from benkit.io.geotiff import Raster as Raster, read_raster as read_raster
from benkit.io.inventory_file import Inventory as Inventory
from benkit.io.metadata_file import read_metadata as read_metadata
from benkit.io.page_file import write_page as write_page
from benkit.io.reference_maps import read_reference_maps as read_reference_maps
from benkit.io.split_files import read_sides as read_sides, write_sides as write_sides
from benkit.io.tables import (
    read_patch_list as read_patch_list,
    write_table as write_table,
)
from benkit.labels import (
    compare_labels as compare_labels,
    label_sets as label_sets,
    land_cover_labels as land_cover_labels,
)
from benkit.land_cover import LandCover as LandCover, measure_land_cover as measure_land_cover
from benkit.overlapping_maps import map_overlaps as map_overlaps
from benkit.overlaps import ground_groups as ground_groups, overlapping_pairs as overlapping_pairs
from benkit.patchify import patchify_scene as patchify_scene
from benkit.report.archive_report import report_page as report_page
from benkit.report.figures import draw_split as draw_split
from benkit.report.patch_figure import draw_patch as draw_patch
from benkit.report.web_map import web_map as web_map
from benkit.retile import retile_raster as retile_raster
from benkit.sample import make_sample as make_sample
from benkit.scan import (
    band_reader as band_reader,
    open_source as open_source,
    scan_archive as scan_archive,
)
from benkit.spec.bands import BANDS as BANDS
from benkit.spec.nomenclature import CLASSES as CLASSES, classes_of_codes as classes_of_codes
from benkit.spec.patch_id import parse_patch_id as parse_patch_id, parse_product as parse_product
from benkit.spec.tiles import parse_tile as parse_tile
from benkit.split import (
    Split as Split,
    shortfalls as shortfalls,
    split_folds as split_folds,
    split_patches as split_patches,
)
from benkit.stats import band_statistics as band_statistics
from benkit.summary import summarize as summarize

__version__: str
