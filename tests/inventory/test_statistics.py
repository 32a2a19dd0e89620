import statistics

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st

from benkit.api.inputs.sources import open_source
from benkit.domain.layouts import BIGEARTHNET_S2
from benkit.engine import Engine
from benkit.inventory.scanning.scan import scan
from benkit.inventory.statistics import band_statistics
from benkit.inventory.table.inventory_file import Inventory
from benkit.inventory.table.schema import INVENTORY_SCHEMA


def test_real_patches_equal_numpy(real_archive):
    with open_source(real_archive, engine=Engine(workers=1)) as inventory:
        result = band_statistics(inventory)
    assert result.absent == ()
    assert list(result.bands) == list(BIGEARTHNET_S2.bands)
    for band, figures in result.bands.items():
        pixels = []
        for file in sorted(real_archive.glob(f"*/*/*_{band}.tif")):
            with rasterio.open(file) as source:
                pixels.append(source.read(1).ravel())
        values = np.concatenate(pixels).astype(np.float64)
        values = values[values != 0]
        assert figures.count == len(values)
        assert figures.mean == pytest.approx(values.mean(), rel=1e-14)
        assert figures.std == pytest.approx(values.std(), rel=1e-12)
        assert (figures.min, figures.max) == (values.min(), values.max())


def test_subsets(real_archive, tmp_path):
    scan(real_archive, tmp_path / "inventory.parquet")
    inventory = Inventory(tmp_path / "inventory.parquet")
    patches = sorted(folder.name for folder in real_archive.glob("*/*"))
    some = band_statistics(inventory, [patches[0], patches[0], "nowhere"])
    assert some.absent == ("nowhere",)
    assert some.bands["B02"].count == 14_400
    rest = band_statistics(inventory, patches[1:])
    everything = band_statistics(inventory, patches)
    for band, figures in everything.bands.items():
        parts = (some.bands[band], rest.bands[band])
        assert figures.count == sum(part.count for part in parts)
        total = sum(part.mean * part.count for part in parts)
        assert figures.mean == pytest.approx(total / figures.count)
    nothing = band_statistics(inventory, [])
    assert nothing.bands["B02"].mean is None


def inventory_of(path, rows):
    """An inventory of one band a patch with some columns given and the rest empty."""
    blank = dict.fromkeys(INVENTORY_SCHEMA.names)
    blank |= {"band": "B02", "status": "ok", "product": "q", "dtype": "uint16"}
    blank |= {"width": 1, "height": 1, "nodata_count": 0}
    full = [blank | {"patch_id": f"p{number}"} | row for number, row in enumerate(rows)]
    pq.write_table(pa.Table.from_pylist(full, schema=INVENTORY_SCHEMA), path)
    return Inventory(path)


@settings(max_examples=30)
@given(st.lists(st.integers(0, 65535), min_size=1, max_size=30))
def test_one_pixel_a_row_equals_the_statistics_module(tmp_path_factory, values):
    rows = [
        {"valid": 1, "nodata_count": 0, "sum": v, "sum_sq": v * v, "min": v, "max": v}
        for v in values
    ]
    inventory = inventory_of(tmp_path_factory.getbasetemp() / "pixels.parquet", rows)
    figures = band_statistics(inventory).bands["B02"]
    assert figures.mean == pytest.approx(statistics.mean(values), rel=1e-15)
    assert figures.std == pytest.approx(statistics.pstdev(values), rel=1e-15)


def test_extreme_sums_of_a_whole_archive_do_not_overflow(tmp_path):
    pixels = 10_980**2
    top = 2**32 - 1
    row = {
        "valid": pixels, "nodata_count": 0, "sum": pixels * top, "sum_sq": pixels * top**2,
        "min": top, "max": top,
    }  # fmt: skip
    count = 100_000
    inventory = inventory_of(tmp_path / "inventory.parquet", [row] * count)
    figures = band_statistics(inventory).bands["B02"]
    assert figures.count == count * pixels
    assert (figures.mean, figures.std) == (top, 0)


@pytest.mark.parametrize("pixels", [3, 6, 12, 24])  # of which the rounded sum has another mean
def test_the_mean_of_rounded_sums_lies_in_the_range(tmp_path, pixels):
    row = {"valid": pixels, "float_sum": pixels * 0.1, "float_sum_sq": pixels * (0.1 * 0.1)}
    row |= {"min": 0.1, "max": 0.1, "dtype": "float64"}
    figures = band_statistics(inventory_of(tmp_path / "i.parquet", [row])).bands["B02"]
    assert (figures.mean, figures.std) == (0.1, 0)


def test_floating_point_bands_join_integer_ones(tmp_path):
    rows = [
        {"valid": 2, "sum": 4, "sum_sq": 10, "min": 1, "max": 3},
        {"valid": 2, "float_sum": 1.0, "float_sum_sq": 0.5, "min": 0.5, "max": 0.5},
    ]
    figures = band_statistics(inventory_of(tmp_path / "i.parquet", rows)).bands["B02"]
    assert figures.mean == 5 / 4
    assert figures.std == pytest.approx(np.std([1, 3, 0.5, 0.5]))
