import os
import warnings
from io import FileIO
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st
from rasterio.errors import NotGeoreferencedWarning
from rasterio.transform import from_origin

from benkit.engine import Engine
from benkit.errors import MissingInputError, OptionError, OutputError, RasterError
from benkit.retiling.plain_part import opened_plain
from benkit.retiling.retile import part_suffixes, parts_of_grid, parts_of_size, retile
from benkit.retiling.window import Window
from benkit.tiff.plain import parse_header
from benkit.tiff.raster import RasterProfile

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
    assert len(set(part_suffixes(parts))) == len(parts)


@given(length=st.integers(1, 300), data=st.data())
def test_neighbours_share_the_overlap_and_nothing_is_lost(length, data):
    overlap = data.draw(st.integers(0, length - 1))
    if data.draw(st.booleans()):
        count = data.draw(st.integers(1, min(length - overlap, 40)))
        parts = parts_of_grid(length, length, count, 1, overlap=overlap)
        assert len(parts) == count
    else:
        size = data.draw(st.integers(overlap + 1, 400))
        parts = parts_of_size(length, length, (size, length), overlap=overlap)
        assert all(part.height == size for part in parts[:-1])
    ends = [(part.row, part.row + part.height) for part in parts]
    assert (ends[0][0], ends[-1][1]) == (0, length)
    for (_, end), (start, next_end) in pairwise(ends):
        assert end - start == overlap
        assert next_end > end


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 50), st.data())
def test_edges_are_kept_dropped_or_padded(height, width, size, data):
    overlap = data.draw(st.integers(0, size - 1))
    kept, padded = (
        parts_of_size(height, width, size, overlap=overlap, edge=edge) for edge in ("keep", "pad")
    )
    assert all((part.height, part.width) == (size, size) for part in padded)
    places = [(part.row, part.column) for part in kept]
    assert [(part.row, part.column) for part in padded] == places
    whole = [(part.row, part.column) for part in kept if (part.height, part.width) == (size, size)]
    if whole:
        dropped = parts_of_size(height, width, size, overlap=overlap, edge="drop")
        assert [(part.row, part.column) for part in dropped] == whole
        assert all((part.height, part.width) == (size, size) for part in dropped)
    else:
        with pytest.raises(OptionError, match="no whole part"):
            parts_of_size(height, width, size, overlap=overlap, edge="drop")


def test_names_run_row_by_row():
    assert part_suffixes(parts_of_grid(10, 10, 2, 3)) == ["_A", "_B", "_C", "_D", "_E", "_F"]
    assert part_suffixes(parts_of_grid(30, 30, 1, 27))[:2] == ["_0_0", "_0_1"]
    assert part_suffixes(parts_of_grid(30, 30, 4, 7))[6:8] == ["_0_6", "_1_0"]


@given(
    numbers=st.tuples(*[st.integers(-100, 100)] * 6),
    window=st.builds(Window, *[st.integers(0, 99)] * 2, *[st.integers(1, 99)] * 2),
    pixel=st.tuples(st.integers(0, 99), st.integers(0, 99)),
)
def test_a_pixel_of_a_part_lies_where_that_of_the_raster_lies(numbers, window, pixel):
    raster = RasterProfile(1, 200, 200, np.dtype("u1"), None, 32633, numbers)
    part = window.profile(raster)
    x, y = rasterio.Affine(*numbers) @ (pixel[1] + window.column, pixel[0] + window.row)
    assert part.corner(*pixel) == (x, y)
    assert (part.height, part.width) == (window.height, window.width)


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
    files = retile(raster, tmp_path).files
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
    files = retile(raster, tmp_path, tile_size=100).files
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
    files = retile(raster, tmp_path / "out", grid=(3, 2)).files
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
        assert not retile(raster, tmp_path / "out").georeferenced


def test_every_odd_raster_is_cut_or_refused(shared_data, tmp_path):
    cut = refused = 0
    for raster in sorted((shared_data / "odd-tiffs").glob("*.tif")):
        try:
            cut += len(retile(raster, tmp_path / raster.stem, grid=(1, 1)).files)
        except RasterError:
            refused += 1
    assert cut + refused == 76
    assert cut >= 60
    assert not list(tmp_path.rglob("*.part")), "nothing half-written stays"


UTM = {"crs": "EPSG:32633", "transform": from_origin(300_000, 5_400_000, 10, 10)}


def random_pixels(*shape, dtype=np.uint16):
    return np.random.default_rng(7).integers(1, 250, shape).astype(dtype)


@pytest.mark.parametrize(("bands", "nodata"), [(1, 0), (1, None), (2, 77)])
def test_padding_is_no_data(tmp_path, bands, nodata):
    pixels = random_pixels(bands, 50, 70)
    raster = write(tmp_path / "in.tif", pixels, nodata=nodata, **UTM)
    done = retile(raster, tmp_path / "out", tile_size=40, overlap=8, edge="pad")
    assert done.unmarked_padding is (nodata is None)
    padded = np.full((bands, 72, 72), nodata or 0, np.uint16)
    padded[:, :50, :70] = pixels
    assert len(done.files) == 4
    for file, (row, column) in zip(done.files, ((0, 0), (0, 32), (32, 0), (32, 32)), strict=True):
        with rasterio.open(file) as part:
            expected = padded[:, row : row + 40, column : column + 40]
            np.testing.assert_array_equal(part.read(), expected)
            assert part.transform == from_origin(
                300_000 + 10 * column, 5_400_000 - 10 * row, 10, 10
            )
            assert part.nodata == nodata


@pytest.mark.parametrize(
    ("crs", "transform", "metres", "shape"),
    [
        ("EPSG:32633", rasterio.Affine(10.00000000000001, 0, 0, 0, -9.999995, 0), 600, (60, 60)),
        ("EPSG:32633", rasterio.Affine(10, 0, 0, 0, -20, 0), 600, (30, 60)),
        ("EPSG:32633", rasterio.Affine(6, 8, 0, 8, -6, 0), 300, (30, 30)),  # rotated, 10 m
        ("EPSG:2263", rasterio.Affine(100, 0, 0, 0, -100, 0), 1219.202438404877, (40, 40)),
    ],
    ids=["rounded", "oblong", "rotated", "feet"],
)
def test_parts_of_so_many_metres(tmp_path, crs, transform, metres, shape):
    pixels = random_pixels(1, 60, 60)
    raster = write(tmp_path / "in.tif", pixels, crs=crs, transform=transform)
    files = retile(raster, tmp_path / "out", tile_metres=metres).files
    with rasterio.open(files[0]) as first, rasterio.open(files[-1]) as last:
        assert first.shape == shape
        np.testing.assert_array_equal(first.read(), pixels[:, : shape[0], : shape[1]])
        row, column = 60 - last.height, 60 - last.width
        assert last.transform @ (0, 0) == pytest.approx(transform @ (column, row))


def test_some_bands_in_another_order(tmp_path):
    pixels = random_pixels(3, 20, 20)
    raster = write(tmp_path / "in.tif", pixels, photometric="rgb", **UTM)
    with rasterio.open(raster, "r+") as target:
        target.offsets = (1.0, 2.0, 3.0)
    (file,) = retile(raster, tmp_path / "out", grid=(1, 1), bands=[3, 1]).files
    with rasterio.open(file) as part:
        np.testing.assert_array_equal(part.read(), pixels[[2, 0]])
        assert part.descriptions == ("band 2", "band 0")
        assert part.offsets == (3.0, 1.0)


@pytest.mark.parametrize("wanted", [None, "none", "deflate", "lzw", "zstd"])
@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_compression_is_kept_unless_told_otherwise(tmp_path, wanted, dtype):
    pixels = random_pixels(1, 90, 90, dtype=dtype)
    raster = write(
        tmp_path / "in.tif", pixels, compress="lzw", predictor=2 if dtype == "uint16" else 3
    )
    files = retile(raster, tmp_path / "out", compression=wanted).files
    np.testing.assert_array_equal(stitched(files, 2, 2), pixels)
    for file in files:
        with rasterio.open(file) as part:
            found = part.compression.name if part.compression else "none"
            assert found == (wanted or "lzw")
            if found != "none":
                predictor = part.tags(ns="IMAGE_STRUCTURE")["PREDICTOR"]
                assert predictor == ("2" if dtype == "uint16" else "3")


def test_colours_mask_and_units_are_kept_and_statistics_are_not(tmp_path):
    pixels = random_pixels(1, 30, 30, dtype="uint8")
    mask = np.zeros((30, 30), np.uint8)
    mask[3:20, 5:30] = 255
    colours = {i: (i, 255 - i, i // 2, 255) for i in range(256)}
    raster = tmp_path / "in.tif"
    profile = {"driver": "GTiff", "height": 30, "width": 30, "count": 1, "dtype": "uint8"}
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
        rasterio.open(raster, "w", **profile, **UTM) as to,
    ):
        to.write(pixels)
        to.write_mask(mask)
        to.write_colormap(1, colours)
        to.units = ("K",)
        to.update_tags(1, STATISTICS_MAXIMUM="249", sensor="MSI")
    files = retile(raster, tmp_path / "out", tile_size=20, edge="pad").files
    for file, (row, column) in zip(files, ((0, 0), (0, 20), (20, 0), (20, 20)), strict=True):
        with rasterio.open(file) as part:
            expected = np.zeros((20, 20), np.uint8)
            inside = mask[row : row + 20, column : column + 20]
            expected[: inside.shape[0], : inside.shape[1]] = inside
            np.testing.assert_array_equal(part.read_masks(1), expected)
            assert part.colormap(1) == colours
            assert part.units == ("K",)
            assert part.tags(1) == {"sensor": "MSI"}
    assert all(file.suffix == ".tif" for file in (tmp_path / "out").iterdir())


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "int32", "float32", "float64"])
@pytest.mark.parametrize("nodata", [None, 3])
def test_plain_files_are_cut_by_hand_as_by_gdal(tmp_path, dtype, nodata):
    """A file beside the raster makes GDAL open it; then only the first part is written by GDAL."""
    raster = tmp_path / "in.tif"
    pixels = random_pixels(1, 100, 130, dtype=dtype)
    profile = {"driver": "GTiff", "count": 1, "dtype": dtype, "crs": UTM["crs"], "nodata": nodata}
    with rasterio.open(
        raster, "w", height=100, width=130, **profile, transform=UTM["transform"]
    ) as target:
        target.write(pixels)
    plain = parse_header(raster.read_bytes())
    assert (plain is None) == (dtype.startswith("float") and nodata == 3)
    by_hand = retile(raster, tmp_path / "by-hand", tile_size=30, edge="pad").files
    Path(f"{raster}.aux.xml").write_text("<PAMDataset></PAMDataset>")
    by_both = retile(raster, tmp_path / "by-both", tile_size=30, edge="pad").files
    padded = np.full((1, 120, 150), nodata or 0, dtype)
    padded[:, :100, :130] = pixels
    places = [(row, column) for row in range(0, 100, 30) for column in range(0, 130, 30)]
    assert len(by_hand) == len(by_both) == 20
    for (row, column), a, b in zip(places, by_hand, by_both, strict=True):
        place = from_origin(300_000 + 10 * column, 5_400_000 - 10 * row, 10, 10)
        by_gdal = tmp_path / "by-gdal.tif"
        with rasterio.open(by_gdal, "w", height=30, width=30, **profile, transform=place) as target:
            target.write(padded[:, row : row + 30, column : column + 30])
        assert a.read_bytes() == b.read_bytes() == by_gdal.read_bytes()


def test_what_lies_beside_a_plain_file_counts(tmp_path):
    raster = tmp_path / "in.tif"
    profile = {"driver": "GTiff", "height": 20, "width": 20, "count": 1, "dtype": "uint8"}
    with rasterio.open(raster, "w", **profile, **UTM) as target:
        target.write(random_pixels(1, 20, 20, dtype="uint8"))
    Path(f"{raster}.aux.xml").write_text(
        '<PAMDataset><PAMRasterBand band="1"><Description>B02</Description></PAMRasterBand></PAMDataset>'
    )
    for file in retile(raster, tmp_path / "out").files:
        with rasterio.open(file) as part:
            assert part.descriptions == ("B02",)


@pytest.mark.parametrize("options", [{}, {"compress": "deflate", "tiled": True, "predictor": 2}])
def test_same_bytes_in_pieces_and_with_workers(tmp_path, monkeypatch, options):
    """Parts larger than what is held at a time, and rows of parts of which several are held."""
    pixels = random_pixels(1, 512, 512)
    raster = tmp_path / "in.tif"
    profile = {"driver": "GTiff", "height": 512, "width": 512, "count": 1, "dtype": "uint16"}
    with rasterio.open(raster, "w", **profile, **UTM, **options) as target:
        target.write(pixels)
    ways = {}
    for name, size, budget, workers in (
        ("whole", 100, 2**25, 1),
        ("parts", 100, 2**10, 1),
        ("rows", 100, 2**18, 1),
        ("workers", 100, 2**18, 2),
    ):
        monkeypatch.setattr("benkit.retiling.window.BYTES_AT_ONCE", budget)
        done = retile(
            raster, tmp_path / name, tile_size=size, overlap=20, engine=Engine(workers=workers)
        )
        ways[name] = {file.name: file.read_bytes() for file in done.files}
        assert len(done.files) == 49
    for name, files in ways.items():
        if not options or name != "parts":  # compressed strips may land in another order
            assert files == ways["whole"], name
    with rasterio.open(tmp_path / "parts" / "in_6_6.tif") as part:
        np.testing.assert_array_equal(part.read(), pixels[:, 480:, 480:])


class BadDisk(FileIO):
    """A file in which the last byte of everything that is written changes."""

    def write(self, content):
        return super().write(bytes([*content[:-1], content[-1] ^ 1]))


def test_what_reads_back_differently_is_refused(tmp_path, monkeypatch):
    raster = tmp_path / "in.tif"
    profile = {"driver": "GTiff", "height": 20, "width": 20, "count": 1, "dtype": "uint8"}
    with rasterio.open(raster, "w", **profile, **UTM) as target:
        target.write(random_pixels(1, 20, 20, dtype="uint8"))
    sound = Path.open
    monkeypatch.setattr(
        Path,
        "open",
        lambda path, mode="r", **options: (
            BadDisk(path, mode) if mode == "w+b" else sound(path, mode, **options)
        ),
    )
    with pytest.raises(OutputError, match=r"in_A\.tif: .* reads back differently"):
        retile(raster, tmp_path / "out")
    assert list(tmp_path.iterdir()) == [raster]


def test_a_raster_that_shrinks_while_it_is_read_is_an_error(tmp_path):
    raster = tmp_path / "in.tif"
    profile = {"driver": "GTiff", "height": 20, "width": 20, "count": 1, "dtype": "uint8"}
    with rasterio.open(raster, "w", **profile, **UTM) as target:
        target.write(random_pixels(1, 20, 20, dtype="uint8"))
    with opened_plain(raster) as source:
        os.truncate(raster, raster.stat().st_size - 10)
        assert source.read(Window(0, 0, 19, 20)).all()
        for window in (Window(0, 0, 20, 20), Window(19, 11, 1, 9)):
            with pytest.raises(RasterError, match=r"in\.tif: became shorter"):
                source.read(window)


@pytest.fixture
def small(tmp_path):
    """A raster of 4 x 4 pixels of a metre."""
    place = rasterio.Affine(1, 0, 5, 0, -1, 5)
    return write(
        tmp_path / "in.tif", np.ones((1, 4, 4), np.uint8), crs="EPSG:3035", transform=place
    )


def assert_refused(raster, message, **options):
    """Nothing is written, and the message says what is wrong."""
    with pytest.raises(OptionError, match=message):
        retile(raster, raster.parent / "out", **options)
    assert not (raster.parent / "out").exists()


def test_a_raster_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(MissingInputError, match="no such file"):
        retile(tmp_path / "none.tif", tmp_path)


@pytest.mark.parametrize("grid", [(0, 1), (5, 1)])
def test_a_grid_with_more_parts_than_pixels_or_none_is_refused(small, grid):
    assert_refused(small, "a grid of .*expected 1 x 1 to 4 x 4, the raster's size", grid=grid)


def test_a_grid_that_leaves_nothing_beside_the_overlap_is_refused(small):
    assert_refused(small, "1 x 1 to 1 x 1, .* without the overlap", grid=(2, 2), overlap=3)


@pytest.mark.parametrize(
    "options", [{"grid": (1, 1), "tile_size": 2}, {"tile_size": 2, "tile_metres": 2}]
)
def test_more_than_one_way_to_cut_is_refused(small, options):
    assert_refused(small, "expected one of a grid, a tile size", **options)


def test_a_tile_of_no_pixels_is_refused(small):
    assert_refused(small, "a tile size of 0 pixels: expected 1 or more", tile_size=0)


def test_a_tile_of_no_whole_number_of_pixels_is_refused_with_the_difference(tmp_path):
    place = rasterio.Affine(10.0001, 0, 0, 0, -10, 0)
    raster = write(
        tmp_path / "in.tif", np.ones((1, 4, 4), np.uint8), crs="EPSG:3035", transform=place
    )
    assert_refused(raster, r"tile size of 20 m: .* 10 m high and 10\.0001 m wide", tile_metres=20)


@pytest.mark.parametrize("metres", [1.5, -1])
def test_a_tile_of_no_whole_number_of_pixels_is_refused(small, metres):
    assert_refused(small, "expected a whole number of pixels", tile_metres=metres)


def test_a_size_in_metres_of_a_raster_in_degrees_is_refused(tmp_path):
    place = rasterio.Affine(1, 0, 5, 0, -1, 5)
    degrees = write(
        tmp_path / "in.tif", np.ones((1, 4, 4), np.uint8), crs="EPSG:4326", transform=place
    )
    assert_refused(degrees, "no projected CRS", tile_metres=1)


@pytest.mark.parametrize("options", [{"tile_size": 2, "overlap": 2}, {"overlap": -1}])
def test_an_overlap_that_is_negative_or_a_whole_part_is_refused(small, options):
    assert_refused(small, "an overlap of .* pixels: expected 0 to", **options)


def test_dropping_every_part_is_refused(small):
    assert_refused(small, "no whole part of 5 x 5 pixels", tile_size=5, edge="drop")


def test_an_unknown_edge_is_refused(small):
    assert_refused(small, "edge fold: expected keep, drop, pad", tile_size=3, edge="fold")


def test_padding_a_grid_is_refused(small):
    assert_refused(small, "edge pad: .* go with a tile size", grid=(2, 2), edge="pad")


@pytest.mark.parametrize("bands", [[2], [0], []])
def test_bands_that_are_not_there_are_refused(small, bands):
    assert_refused(small, "has no band .* expected numbers from 1 to 1", bands=bands)


def test_a_compression_that_loses_something_is_refused(small):
    assert_refused(small, "compression jpeg: expected none, deflate", compression="jpeg")


def test_parts_that_are_there_are_replaced_on_demand_only(small, tmp_path):
    retile(small, tmp_path / "out")
    before = (tmp_path / "out" / "in_A.tif").read_bytes()
    with pytest.raises(OutputError, match=r"in_A\.tif: is there already"):
        retile(small, tmp_path / "out")
    retile(small, tmp_path / "out", overwrite=True)
    assert (tmp_path / "out" / "in_A.tif").read_bytes() == before
