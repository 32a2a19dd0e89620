"""What describes a raster is in its parts, or is named as lost; GDAL and rasterio tell what is."""

import struct
import time
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.rpc import RPC
from rasterio.transform import Affine, from_origin

from benkit.cli import main
from benkit.engine import Engine
from benkit.errors import RasterError
from benkit.retiling.retile import retile
from tests.fuzz.seeds import variant
from tests.fuzz.tiff_mutations import with_entries

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
ONE = Engine(workers=1)
UTM = {"crs": "EPSG:32633", "transform": from_origin(300_000, 5_400_000, 10, 10)}
PIXELS = (np.arange(600, dtype=np.uint8) % 5).reshape(20, 30)
ASCII, SHORT = 2, 3


def write(path, pixels=PIXELS, describe=lambda target: None, **options):
    """A raster of one band, or of several, that a function describes before it is written."""
    pixels = pixels if pixels.ndim == 3 else pixels[np.newaxis]
    profile = {"driver": "GTiff", "count": len(pixels), "dtype": pixels.dtype} | UTM
    profile |= {"height": pixels.shape[1], "width": pixels.shape[2]} | options
    with rasterio.open(path, "w", **profile) as target:
        describe(target)
        target.write(pixels)
    return path


def write_vrt(path, *bands, extra="", place=True):
    """A virtual raster of the bands' data types and descriptions; their pixels are `PIXELS`."""
    write(path.parent / "pixels.tif")
    where = "<SRS>EPSG:32633</SRS><GeoTransform>300000,10,0,5400000,0,-10</GeoTransform>"
    source = (
        '<SimpleSource><SourceFilename relativeToVRT="1">pixels.tif</SourceFilename>'
        "<SourceBand>1</SourceBand></SimpleSource>"
    )
    rows = "".join(
        f'<VRTRasterBand dataType="{dtype}" band="{i}">{inner}{source}</VRTRasterBand>'.replace(
            "MASK", f'<MaskBand><VRTRasterBand dataType="Byte">{source}</VRTRasterBand></MaskBand>'
        )
        for i, (dtype, inner) in enumerate(bands, start=1)
    )
    path.write_text(
        f'<VRTDataset rasterXSize="30" rasterYSize="20">{where if place else ""}{extra}{rows}'
        "</VRTDataset>"
    )
    return path


def table(colours, alpha=255):
    """A colour table of so many entries for a virtual raster."""
    entries = (f'<Entry c1="{i % 256}" c2="7" c3="1" c4="{alpha}"/>' for i in range(colours))
    return f"<ColorInterp>Palette</ColorInterp><ColorTable>{''.join(entries)}</ColorTable>"


def cut(raster, **options):
    """The four parts of a raster, compared in pixels; and what they have lost."""
    done = retile(raster, raster.parent / "out", engine=ONE, **options)
    for file, row, column in zip(done.files, (0, 0, 10, 10), (0, 15, 0, 15), strict=True):
        with rasterio.open(raster) as source, rasterio.open(file) as part:
            expected = source.read(window=((row, row + 10), (column, column + 15)))
            np.testing.assert_array_equal(part.read(), expected)
    return done


def declared(path):
    """The text of the NO_DATA tag."""
    rasterio.shutil.copy(path, f"{path}.vrt", driver="VRT")
    text = Path(f"{path}.vrt").read_text()
    return text.partition("<NoDataValue>")[2].partition("<")[0] or None


@pytest.mark.parametrize(
    ("dtype", "text"),
    [("UInt16", "-9999"), ("Byte", "256"), ("Byte", "nan"), ("Int16", "70000"), ("UInt16", "1.5"),
     ("Int8", "-129"), ("Float32", "-3.4e38"), ("Float64", "-1.7976931348623157e+308"),
     ("Int64", "-9999"), ("Float32", "nan"), ("UInt32", "4294967295")],
)  # fmt: skip
def test_a_value_that_no_pixel_can_have_is_still_declared(tmp_path, dtype, text):
    raster = write_vrt(tmp_path / "in.vrt", (dtype, f"<NoDataValue>{text}</NoDataValue>"))
    done = cut(raster)
    assert done.lost == ()
    for file in done.files:
        with rasterio.open(file) as part:
            kind = np.dtype(part.dtypes[0])
        value, meant = float(declared(file)), float(text)
        if kind.kind == "f":
            value, meant = kind.type(value), kind.type(meant)
        np.testing.assert_equal(value, meant)


@pytest.mark.parametrize(
    "number", ["9223372036854775807", "9007199254740993", "-9223372036854775808"]
)
def test_a_value_that_rasterio_cannot_write_is_lost_but_never_another(tmp_path, number):
    raster = write_vrt(tmp_path / "in.vrt", ("Int64", f"<NoDataValue>{number}</NoDataValue>"))
    done = cut(raster)
    assert done.lost == ("NO_DATA value",)
    assert [declared(file) for file in done.files] == [None] * 4


def test_bands_with_different_values_lose_them_and_one_of_them_keeps_its_own(tmp_path):
    values = ("<NoDataValue>3</NoDataValue>", "<NoDataValue>4</NoDataValue>")
    raster = write_vrt(tmp_path / "in.vrt", *(("Byte", value) for value in values))
    done = cut(raster)
    assert done.lost == ("NO_DATA value",)
    assert declared(done.files[0]) is None
    second = retile(raster, tmp_path / "second", bands=[2], engine=ONE)
    assert (second.lost, declared(second.files[0])) == ((), "4")


@pytest.mark.parametrize("options", [{}, {"crs": "EPSG:4326"}, {"compress": "deflate"}])
def test_pixels_that_are_points_stay_points_where_they_are(tmp_path, options):
    raster = write(
        tmp_path / "in.tif", describe=lambda to: to.update_tags(AREA_OR_POINT="Point"), **options
    )
    done = cut(raster)
    assert done.lost == ()
    with rasterio.open(raster) as source, rasterio.open(done.files[3]) as part:
        assert part.tags()["AREA_OR_POINT"] == source.tags()["AREA_OR_POINT"] == "Point"
        assert part.transform == from_origin(300_150, 5_399_900, 10, 10)


POINTS = [
    (0.0, 0.0, 10.0, 50.0),
    (0.0, 30.0, 11.0, 50.0),
    (20.0, 0.0, 10.0, 49.0),
    (19.5, 7.25, 10.5, 49.0),
]


@pytest.mark.parametrize("crs", [CRS.from_epsg(4326), CRS.from_epsg(32633), CRS()])
def test_ground_control_points_move_with_the_part(tmp_path, crs):
    def describe(to):
        to.gcps = [GroundControlPoint(*point, z=5) for point in POINTS], crs

    done = cut(write(tmp_path / "in.tif", describe=describe, crs=None, transform=None))
    assert (done.lacks, done.georeferenced, done.lost) == ("", True, ())
    for file, row, column in zip(done.files, (0, 0, 10, 10), (0, 15, 0, 15), strict=True):
        with rasterio.open(file) as part:
            points, system = part.gcps
            assert (system or CRS()) == crs
            found = [(point.row, point.col, point.x, point.y, point.z) for point in points]
            assert found == [(r - row, c - column, x, y, 5) for r, c, x, y in POINTS]


def test_ground_control_points_of_points_are_not_moved_by_a_pixel(tmp_path):
    text = (
        '<GCPList Projection="EPSG:4326">{}</GCPList>'
        '<Metadata><MDI key="AREA_OR_POINT">Point</MDI></Metadata>'
    )
    points = "".join(f'<GCP Pixel="{c}" Line="{r}" X="{x}" Y="{y}"/>' for r, c, x, y in POINTS)
    raster = write_vrt(
        tmp_path / "in.vrt",
        ("Byte", "<ColorInterp>Gray</ColorInterp>"),
        extra=text.format(points),
        place=False,
    )
    done = cut(raster)
    assert done.lost == ("AREA_OR_POINT",)
    with rasterio.open(done.files[3]) as part:
        assert [(p.row, p.col) for p in part.gcps[0]] == [(r - 10, c - 15) for r, c, *_ in POINTS]


def test_a_transform_goes_before_ground_control_points_which_are_lost(tmp_path):
    points = "".join(f'<GCP Pixel="{c}" Line="{r}" X="{x}" Y="{y}"/>' for r, c, x, y in POINTS)
    raster = write_vrt(tmp_path / "in.vrt", ("Byte", ""), extra=f"<GCPList>{points}</GCPList>")
    done = cut(raster)
    assert done.lost == ("ground control points",)
    with rasterio.open(done.files[3]) as part:
        assert part.transform == from_origin(300_150, 5_399_900, 10, 10)


COEFFICIENTS = RPC(
    height_off=1, height_scale=2, lat_off=3.25, lat_scale=4, line_off=10, line_scale=20, long_off=1,
    long_scale=2, samp_off=7.5, samp_scale=8, line_num_coeff=[0.123456789012345] * 20,
    line_den_coeff=[1.0, *[1e-7] * 19], samp_num_coeff=[2.0] * 20, samp_den_coeff=[1.0] * 20,
)  # fmt: skip


@pytest.mark.parametrize("place", [UTM, {"crs": None, "transform": None}])
def test_rpcs_move_with_the_part(tmp_path, place):
    def describe(to):
        to.rpcs = COEFFICIENTS

    done = cut(write(tmp_path / "in.tif", describe=describe, **place))
    assert (done.lacks, done.lost) == ("", ())
    with rasterio.open(done.files[3]) as part:
        assert (part.rpcs.line_off, part.rpcs.samp_off) == (0, -7.5)
        for name in (
            "line_num_coeff",
            "line_den_coeff",
            "samp_num_coeff",
            "samp_den_coeff",
            "lat_off",
        ):
            assert getattr(part.rpcs, name) == getattr(COEFFICIENTS, name)
    assert {file.suffix for file in (tmp_path / "out").iterdir()} == {".tif"}


@pytest.mark.parametrize(
    ("place", "lacks", "said"),
    [
        ({"crs": None, "transform": None}, "a georeference", "does not say where it lies"),
        ({"crs": None}, "a CRS", "lacks a CRS"),
        ({"transform": None}, "a transform", "lacks a transform"),
        ({}, "", ""),
    ],
)
def test_what_is_missing_of_a_georeference_is_named(tmp_path, capsys, place, lacks, said):
    raster = write(tmp_path / "in.tif", np.stack([PIXELS] * 2), **place)
    assert cut(raster).lacks == lacks
    assert main(["retile", str(raster), "--output", str(tmp_path / "again")]) == 0
    err = capsys.readouterr().err
    assert (said in err) if said else err == ""


def test_geolocation_arrays_are_lost_and_named(tmp_path, capsys):
    arrays = '<Metadata domain="GEOLOCATION"><MDI key="X_DATASET">lon.tif</MDI></Metadata>'
    raster = write_vrt(tmp_path / "in.vrt", ("Byte", ""), extra=arrays, place=False)
    assert main(["retile", str(raster), "--output", str(tmp_path / "out")]) == 0
    err = capsys.readouterr().err
    assert "geolocation array" in err and "does not say where" not in err


def test_the_mask_of_a_single_band_is_that_of_the_part(tmp_path):
    raster = write_vrt(tmp_path / "in.vrt", ("Byte", "MASK"), ("Byte", "MASK"), ("Byte", ""))
    with rasterio.open(raster) as source:
        assert source.mask_flag_enums[0] == []
    for bands in ([1], [2, 1]):
        done = retile(raster, tmp_path / str(bands[0]), bands=bands, engine=ONE)
        assert done.lost == ()
        with rasterio.open(done.files[3]) as part:
            np.testing.assert_array_equal(part.read_masks(1) == 0, PIXELS[10:, 15:] == 0)
    assert cut(raster).lost == ("masks of single bands",)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_colour_tables_of_few_bits_are_kept(tmp_path, bits):
    colours = {i: (i, 255 - i, 7, 255) for i in range(min(2**bits, 100))}
    raster = write(
        tmp_path / "in.tif", PIXELS & 2**bits - 1, lambda to: to.write_colormap(1, colours),
        photometric="palette", **({"nbits": bits} if bits < 8 else {}),
    )  # fmt: skip
    assert_colours_kept(raster, colours)


@pytest.mark.parametrize("driver", ["PNG", "HFA", "GIF", "BMP", "VRT"])
@pytest.mark.parametrize("entries", [5, 200])
def test_colour_tables_of_other_formats_are_kept(tmp_path, driver, entries):
    raster = tmp_path / "classes"
    rasterio.shutil.copy(
        write_vrt(tmp_path / "in.vrt", ("Byte", table(entries))), raster, driver=driver
    )
    assert_colours_kept(raster, {i: (i, 7, 1, 255) for i in range(entries)})


def assert_colours_kept(raster, colours):
    done = cut(raster)
    assert done.lost == ()
    for file in done.files:
        with rasterio.open(file) as part:
            assert part.colormap(1).items() >= colours.items()
            assert part.colorinterp[0].name == "palette"


@pytest.mark.parametrize(
    "bands",
    [
        [("Int16", table(5))],
        [("UInt32", table(5))],
        [("Byte", table(300))],
        [("Byte", table(5, alpha=128))],
        [("Byte", ""), ("Byte", table(5))],
    ],
    ids=["int16", "uint32", "300 colours", "transparent", "of the second band"],
)
def test_colours_that_no_geotiff_holds_are_lost_and_named(tmp_path, bands):
    assert "colours" in cut(write_vrt(tmp_path / "in.vrt", *bands)).lost


def test_a_palette_image_without_a_palette_is_cut(tmp_path):
    with_table = write(tmp_path / "in.tif", describe=lambda to: to.write_colormap(1, {1: (1, 2, 3)}),
                       photometric="palette").read_bytes()  # fmt: skip
    at = with_table.index(
        struct.pack("<HH", 320, SHORT)
    )  # the colour map's tag becomes an unknown one
    (tmp_path / "in.tif").write_bytes(
        with_table[:at] + struct.pack("<H", 321) + with_table[at + 2 :]
    )
    with rasterio.open(tmp_path / "in.tif") as source, pytest.raises(ValueError, match="NULL"):
        source.colormap(1)
    cut(tmp_path / "in.tif")
    cut(
        write_vrt(tmp_path / "in.vrt", ("Byte", "<ColorInterp>Palette</ColorInterp>")),
        overwrite=True,
    )


def test_a_crs_that_a_geotiff_holds_otherwise_is_no_fault_of_the_disk(tmp_path):
    rotated = "+proj=ob_tran +o_proj=longlat +o_lon_p=0 +o_lat_p=39.25 +lon_0=18 +R=6371229"
    place = from_origin(-10, 10, 0.1, 0.1)
    done = cut(
        write(tmp_path / "in.tif", crs=f"{rotated} +to_meter=0.0174532925199433", transform=place)
    )
    assert done.lost == ("CRS",)


GDAL_METADATA, RESOLUTION_UNIT = 42112, 296


@pytest.mark.parametrize(
    "text",
    [
        b'<GDALMetadata><Item name="x" sample="0" role="description">\xe9\xff</Item></GDALMetadata>',
        b'<GDALMetadata><Item name="\xe9">\xff</Item></GDALMetadata>',
    ],
)
def test_attributes_that_are_no_text_are_one_line_in_every_verb(tmp_path, capsys, text):
    entry = {GDAL_METADATA: (ASCII, len(text) + 1, text + b"\0")}
    (tmp_path / "in.tif").write_bytes(with_entries(variant(PIXELS, {"count": 2}), entry))
    status = main(["retile", str(tmp_path / "in.tif"), "--output", str(tmp_path / "out")])
    err = capsys.readouterr().err
    assert status == 0 or (status == 2 and err.startswith(f"benkit: {tmp_path / 'in.tif'}: cannot"))
    assert err.count("\n") <= 1
    assert not list(tmp_path.rglob("*.part"))


def test_errors_of_gdal_that_have_a_number_as_those_of_the_system_are_one_line(tmp_path):
    entry = {RESOLUTION_UNIT: (SHORT, 1, struct.pack("<H", 9))}
    (tmp_path / "in.tif").write_bytes(with_entries(variant(PIXELS, {}), entry))
    with pytest.raises(RasterError, match=r"in\.tif: cannot be read as a raster: .*ResolutionUnit"):
        cut(tmp_path / "in.tif")


@pytest.mark.parametrize("numbers", [(np.nan, 10, 3e5), (10, 10, np.inf), (0, 0, 0), (10, 0, 3e5)])
def test_a_transform_that_places_no_pixel_is_none_and_no_fault_of_the_disk(tmp_path, numbers):
    width, height, x = numbers
    place = Affine(width, 0, x, 0, -height, 5_400_000)
    done = cut(write(tmp_path / "in.tif", np.stack([PIXELS] * 2), transform=place))
    assert done.lacks == "a transform"
    with rasterio.open(done.files[3]) as part:
        assert part.transform.is_identity
        assert np.array_equal(part.read(1), PIXELS[10:, 15:])


def test_incomplete_rpcs_are_one_line(tmp_path):
    rpcs = '<Metadata domain="RPC"><MDI key="LINE_OFF">1</MDI></Metadata>'
    raster = write_vrt(tmp_path / "in.vrt", ("Byte", ""), extra=rpcs, place=False)
    with pytest.raises(RasterError, match=r"in\.vrt: cannot be read as a raster"):
        retile(raster, tmp_path / "out", engine=ONE)


def test_bands_of_different_data_types_are_refused_and_cut_one_by_one(tmp_path):
    raster = write_vrt(tmp_path / "in.vrt", ("Byte", ""), ("Float32", ""))
    with pytest.raises(RasterError, match=r"float32 and uint8; cut those of each type"):
        retile(raster, tmp_path / "out", engine=ONE)
    for band, dtype in ((1, "uint8"), (2, "float32")):
        done = retile(raster, tmp_path / dtype, bands=[band], engine=ONE)
        with rasterio.open(done.files[0]) as part:
            assert part.dtypes == (dtype,)


def test_a_raster_of_65535_bands_is_refused_in_a_second(tmp_path):
    options = {"height": 1, "width": 1, "dtype": "uint8", "interleave": "pixel", "driver": "GTiff"}
    with rasterio.open(tmp_path / "in.tif", "w", count=65_535, **options):
        pass
    start = time.perf_counter()
    with pytest.raises(RasterError, match=r"in\.tif: has 65,535 bands; expected at most 4,096"):
        retile(tmp_path / "in.tif", tmp_path / "out", engine=ONE)
    assert time.perf_counter() - start < 1


def test_a_raster_of_a_thousand_bands_is_cut(tmp_path):
    pixels = np.arange(4000, dtype=np.uint16).reshape(1000, 2, 2)
    done = retile(
        write(tmp_path / "in.tif", pixels, interleave="pixel"), tmp_path / "out", engine=ONE
    )
    with rasterio.open(done.files[3]) as part:
        np.testing.assert_array_equal(part.read().ravel(), np.arange(3, 4000, 4))
