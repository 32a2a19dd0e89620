import warnings

import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st
from rasterio.errors import NotGeoreferencedWarning

from benkit.errors import MissingInputError, OptionError, OutputError, RasterError
from benkit.retile import parts_of_grid, parts_of_size, retile_raster

sizes = st.integers(1, 300)


def covered(parts, height, width):
    """How often the parts cover each pixel."""
    times = np.zeros((height, width), int)
    for part in parts:
        times[part.row : part.row + part.height, part.column : part.column + part.width] += 1
    return times


@given(height=sizes, width=sizes, data=st.data())
def test_a_grid_covers_every_pixel_exactly_once(height, width, data):
    rows, columns = (
        data.draw(st.integers(1, min(height, 12))),
        data.draw(st.integers(1, min(width, 12))),
    )
    parts = parts_of_grid(height, width, rows, columns)
    assert len(parts) == rows * columns
    assert (covered(parts, height, width) == 1).all()
    assert max(part.height for part in parts) - min(part.height for part in parts) <= 1
    assert max(part.width for part in parts) - min(part.width for part in parts) <= 1


@given(height=sizes, width=sizes, size=st.integers(1, 400))
def test_square_parts_cover_every_pixel_exactly_once(height, width, size):
    parts = parts_of_size(height, width, size)
    assert (covered(parts, height, width) == 1).all()
    assert len({part.suffix for part in parts}) == len(parts)


def test_names_run_row_by_row():
    assert [part.suffix for part in parts_of_grid(10, 10, 2, 3)] == [
        "_A",
        "_B",
        "_C",
        "_D",
        "_E",
        "_F",
    ]
    assert [part.suffix for part in parts_of_grid(30, 30, 1, 27)][:2] == ["_0_0", "_0_1"]


def stitched(files, rows, columns):
    grid = []
    for i in range(rows):
        line = []
        for file in files[i * columns : (i + 1) * columns]:
            with rasterio.open(file) as source:
                line.append(source.read())
        grid.append(np.concatenate(line, axis=2))
    return np.concatenate(grid, axis=1)


def test_four_squares_of_a_real_band(real_archive, tmp_path):
    raster = next(real_archive.glob("*T35ULA/*/*_B02.tif"))
    files = retile_raster(raster, tmp_path).files
    assert [file.name for file in files] == [f"{raster.stem}_{letter}.tif" for letter in "ABCD"]
    with rasterio.open(raster) as source:
        np.testing.assert_array_equal(stitched(files, 2, 2), source.read())
        left, top = source.transform.c, source.transform.f
        corners = [(left, top), (left + 600, top), (left, top - 600), (left + 600, top - 600)]
        for file, corner in zip(files, corners, strict=True):
            with rasterio.open(file) as part:
                assert part.shape == (60, 60)
                assert (part.transform.c, part.transform.f) == corner
                assert (part.res, part.crs, part.nodata) == (source.res, source.crs, source.nodata)
                assert (part.dtypes, part.count) == (source.dtypes, 1)


def test_a_compressed_scene_keeps_what_describes_it(shared_data, tmp_path):
    raster = next((shared_data / "scene").glob("*/B05.tif"))
    files = retile_raster(raster, tmp_path, tile_size=100).files
    assert len(files) == 36
    with rasterio.open(raster) as source:
        np.testing.assert_array_equal(stitched(files, 6, 6), source.read())
        for file in files:
            with rasterio.open(file) as part:
                right = (part.transform.c - source.transform.c) / source.res[0]
                down = (source.transform.f - part.transform.f) / source.res[1]
                assert (right % 100, down % 100) == (0, 0)
                assert (part.compression, part.nodata) == (source.compression, source.nodata)


def write(path, pixels, **options):
    profile = {"driver": "GTiff", "count": len(pixels), "dtype": pixels.dtype}
    profile |= {"height": pixels.shape[1], "width": pixels.shape[2]} | options
    with rasterio.open(path, "w", **profile) as target:
        target.write(pixels)
        target.descriptions = tuple(f"band {i}" for i in range(len(pixels)))
        target.scales, target.offsets = (0.5,) * len(pixels), (3.0,) * len(pixels)
    return path


@pytest.mark.parametrize(
    "options",
    [
        {"transform": rasterio.Affine(10, 2, 1000, 2, -10, 5000), "crs": "EPSG:32633"},
        {"transform": rasterio.Affine(0.1, 0, 10, 0, -0.2, 50), "crs": "EPSG:4326", "compress": "zstd"},
        {"transform": rasterio.Affine(1, 0, 0, 0, -1, 0), "crs": "EPSG:3035", "nodata": -9,
         "tiled": True, "blockxsize": 32, "blockysize": 16, "interleave": "pixel"},
    ],
)  # fmt: skip
def test_rotated_geographic_and_tiled_rasters(tmp_path, options):
    pixels = np.random.default_rng(1).integers(-99, 99, (3, 70, 90), np.int16)
    raster = write(tmp_path / "in.tif", pixels, **options)
    files = retile_raster(raster, tmp_path / "out", grid=(3, 2)).files
    np.testing.assert_array_equal(stitched(files, 3, 2), pixels)
    with rasterio.open(raster) as source, rasterio.open(files[-1]) as part:
        row, column = 2 * 70 // 3, 45
        assert part.transform @ (0, 0) == pytest.approx(source.transform @ (column, row))
        assert part.transform @ (45, 24) == pytest.approx(source.transform @ (90, 70))
        for name in (
            "crs",
            "nodata",
            "descriptions",
            "scales",
            "offsets",
            "compression",
            "interleaving",
        ):
            assert getattr(part, name) == getattr(source, name), name


def test_without_georeference(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        raster = write(tmp_path / "in.tif", np.ones((1, 4, 4), np.uint8))
        assert not retile_raster(raster, tmp_path / "out").georeferenced


def test_every_odd_raster_is_cut_or_refused(shared_data, tmp_path):
    cut = refused = 0
    for raster in sorted((shared_data / "odd-tiffs").glob("*.tif")):
        try:
            cut += len(retile_raster(raster, tmp_path / raster.stem, grid=(1, 1)).files)
        except RasterError:
            refused += 1
    assert cut + refused == 76
    assert cut >= 60
    assert not list(tmp_path.rglob("*.part")), "nothing half-written stays"


def test_wrong_calls(tmp_path):
    with pytest.raises(MissingInputError, match="no such file"):
        retile_raster(tmp_path / "none.tif", tmp_path)
    raster = write(tmp_path / "in.tif", np.ones((1, 4, 4), np.uint8), crs="EPSG:3035",
                   transform=rasterio.Affine(1, 0, 5, 0, -1, 5))  # fmt: skip
    for options in (
        {"grid": (0, 1)},
        {"grid": (5, 1)},
        {"tile_size": 0},
        {"grid": (1, 1), "tile_size": 2},
    ):
        with pytest.raises(OptionError):
            retile_raster(raster, tmp_path / "out", **options)
    retile_raster(raster, tmp_path / "out")
    before = (tmp_path / "out" / "in_A.tif").read_bytes()
    with pytest.raises(OutputError, match=r"in_A\.tif: is there already"):
        retile_raster(raster, tmp_path / "out")
    retile_raster(raster, tmp_path / "out", overwrite=True)
    assert (tmp_path / "out" / "in_A.tif").read_bytes() == before
