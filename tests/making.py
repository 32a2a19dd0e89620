"""What tests of several rooms are made of: patches, archives, reference maps, and names."""

import csv
import importlib.util
import io
import os
from datetime import datetime, timedelta
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import rasterio
import shapely
from hypothesis import strategies as st
from rasterio.transform import Affine

from benkit.api.inputs.sources import open_source
from benkit.domain.layouts import BIGEARTHNET_S2
from benkit.domain.patch_names import PatchId, Product, parse_patch_id
from benkit.domain.tiles import parse_tile
from benkit.engine import Engine
from benkit.inventory.audit import audit_inventory
from benkit.tiff.plain import encode

PRODUCT = "S2A_MSIL2A_20180506T100031_N9999_R122_T33UWP"

MAP_PRODUCT = "S2A_MSIL2A_20170613T101031_N9999_R022_T33UUP"
EXAMPLE = "S2B_MSIL2A_20170808T094029_N9999_R036_T35ULA_33_29"

SQUARE = shapely.box(0, 0, 1200, 1200)

tiles = st.sampled_from(["33UUP", "35ULA", "29SNC", "34WFS", "01CCV", "56HLH", "33NZA"]).map(
    parse_tile
)

products = st.builds(
    Product,
    mission=st.sampled_from(["S2A", "S2B", "S2C", "S2D"]),
    level=st.sampled_from(["MSIL2A", "MSIL1C"]),
    sensing_start=st.integers(0, 10**10).map(lambda s: datetime(1900, 1, 1) + timedelta(seconds=s)),
    baseline=st.integers(0, 9999).map("N{:04d}".format),
    orbit=st.integers(0, 999).map("R{:03d}".format),
    tile=tiles,
)

patch_ids = st.builds(PatchId, product=products, column=st.integers(0, 90), row=st.integers(0, 90))


class Archive:
    """An archive in the making: whole patches, each of which a test may damage."""

    def __init__(self, root):
        self.root = root
        root.mkdir()

    def patch(self, patch, folder=None, **changed):
        """Write a patch as its name promises; bands may be given other options, or None."""
        target = self.root / (folder or patch[:-6]) / patch
        target.mkdir(parents=True)
        for name, band in BIGEARTHNET_S2.bands.items():
            options = changed.get(name, {})
            if options is None:
                continue
            place = parse_patch_id(patch).footprint
            defaults = {
                "pixels": np.full((band.side, band.side), 9, np.uint16),
                "epsg": place.epsg, "x": place.x, "y": place.y, "pixel_size": band.pixel_size,
            }  # fmt: skip
            (target / f"{patch}_{name}.tif").write_bytes(encode(**(defaults | options)))
        return target

    def audit(self, *metadata):
        with open_source(self.root, engine=Engine(workers=1)) as inventory:
            return audit_inventory(
                inventory, pa.table({"patch_id": pa.array(metadata, pa.string())})
            )


def write_patch(root: Path, patch: str = f"{PRODUCT}_73_05", **changed: bytes | None) -> Path:
    """A whole patch of small ascending values; bands may be given other bytes or left out."""
    folder = root / patch[:-6] / patch
    folder.mkdir(parents=True)
    for name, band in BIGEARTHNET_S2.bands.items():
        pixels = np.arange(1, band.side**2 + 1, dtype=np.uint16).reshape(band.side, -1)
        content = encode(pixels, epsg=32633, x=587580, y=5394000, pixel_size=band.pixel_size)
        content = changed.get(name, content)
        if content is not None:
            (folder / f"{patch}_{name}.tif").write_bytes(content)
    return folder


def fill_archive(archive: Path, patches: int) -> Path:
    """Copies of one patch under as many names."""
    source = write_patch(archive)
    for number in range(patches - 1):
        name = f"{PRODUCT}_{number // 91:02d}_{number % 91:02d}"
        target = source.parent / name
        target.mkdir(exist_ok=True)
        for file in source.iterdir():
            os.link(file, target / file.name.replace("_73_05_", name[-6:] + "_"))
    return archive


def write_raster(
    path: Path, west, north, *, crs="EPSG:32633", pixel=(10, 10), size=(4, 4), bands=1
):
    """A raster in any reference system; pixels have a width and a height, the size columns and rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    profile = {"driver": "GTiff", "dtype": "uint16", "count": bands, "crs": crs}
    profile |= {"width": size[0], "height": size[1]}
    if west is not None:
        profile["transform"] = Affine(pixel[0], 0, west, 0, -pixel[1], north)
    with rasterio.open(path, "w", **profile) as target:
        target.write(np.full((bands, size[1], size[0]), 7, np.uint16))


def course_task(path: Path):
    """main.py, or a copy of it, as a module."""
    place = importlib.util.spec_from_file_location("course_task", path)
    module = importlib.util.module_from_spec(place)
    place.loader.exec_module(module)
    return module


def rows_of(path: Path) -> list[dict]:
    return pq.read_table(path).to_pylist()


def write_map(folder, patch, codes, shapes, *, crs=32633, dtype="int64", **options):
    """A reference map as geopandas writes it."""
    frame = gpd.GeoDataFrame({"DN": np.array(codes, dtype)}, geometry=list(shapes), crs=crs)
    frame.to_parquet(folder / f"{patch}_reference_map.parquet", **options)


def write_map_tiff(folder, patch, codes, **options):
    """A reference map of one band where the archive keeps it."""
    path = folder / MAP_PRODUCT / patch / f"{patch}_reference_map.tif"
    path.parent.mkdir(parents=True)
    profile = {"driver": "GTiff", "dtype": codes.dtype, "count": 1, "nodata": 0}
    profile |= {"height": codes.shape[0], "width": codes.shape[1], "crs": 32633}
    profile |= {"transform": Affine(10, 0, 300_000, 0, -10, 5_400_000)} | options
    with rasterio.open(path, "w", **profile) as target:
        for band in range(profile["count"]):
            target.write(codes, band + 1)
    return path


FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "'=1", "''-1", "a,=1", 'say "=1"']
"""Texts that a spreadsheet would run, and some that only look alike."""

ANY_TEXT = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="\0")),
    st.text("'=+-@\t\r\n,\"a", max_size=5),
)
"""Texts, some of which begin as formulas do."""


def cells_of(path):
    """The cells of a CSV file, row by row, as Python reads them."""
    return list(csv.reader(io.StringIO(path.read_bytes().decode(), newline="")))
