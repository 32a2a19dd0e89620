"""`open_patch` beside rasterio and rioxarray, on real patches and on ones that cannot be opened."""

import numpy as np
import pytest
import rasterio
import rioxarray

import benkit
from benkit.errors import MissingInputError, OptionError, RasterError
from benkit.tiff.plain import encode
from tests.making import write_patch

BANDS_OF = {
    10: {"B02", "B03", "B04", "B08"},
    20: {"B05", "B06", "B07", "B8A", "B11", "B12"},
    60: {"B01", "B09"},
}


def test_real_patches_are_as_rasterio_reads_them(real_archive):
    folders = sorted(folder for folder in real_archive.glob("*/*") if folder.is_dir())
    assert folders
    for folder in folders:
        opened = benkit.open_patch(folder)
        assert {size: set(dataset.data_vars) for size, dataset in opened.items()} == BANDS_OF
        for size, dataset in opened.items():
            assert dataset.sizes == {"y": 1200 // size, "x": 1200 // size}
            for name, band in dataset.data_vars.items():
                with rasterio.open(folder / f"{folder.name}_{name}.tif") as raster:
                    assert np.array_equal(band.values, raster.read(1))
                    assert band.dtype == raster.dtypes[0]
                    assert band.rio.nodata == raster.nodata
                    assert band.rio.crs == dataset.rio.crs == raster.crs
                    assert dataset.rio.transform() == raster.transform
                    assert dataset.rio.bounds() == tuple(raster.bounds)
                    x, y = raster.xy(0, 0)
                    assert (float(band.x[0]), float(band.y[0])) == (x, y)


def test_bands_lie_on_one_grid_although_other_tools_have_rounded_their_corners(tmp_path):
    pixels = np.ones((60, 60), np.uint16)
    for x, opened in ((587_580.0009, True), (587_580.002, False)):
        other = encode(pixels, epsg=32633, x=x, y=5_394_000, pixel_size=20.00000000000001)
        folder = write_patch(tmp_path / str(opened), B07=other)
        if opened:
            assert float(benkit.open_patch(folder)[20].x[0]) == 587_590
        else:
            with pytest.raises(RasterError, match=r"B07\.tif: expected one band on the same grid"):
                benkit.open_patch(folder)


def test_pixels_within_a_millionth_are_the_same_although_their_far_corner_is_off(tmp_path):
    pixels = np.ones((120, 120), np.uint16)
    for size, opened in ((10.0000099, True), (10.000011, False)):
        place = {"epsg": 32633, "x": 587_580, "y": 5_394_000}
        folder = write_patch(tmp_path / str(size), B02=encode(pixels, pixel_size=size, **place))
        if opened:
            assert set(benkit.open_patch(folder)[10]) == {"B02", "B03", "B04", "B08"}
        else:
            with pytest.raises(RasterError, match="on the same grid"):
                benkit.open_patch(folder)


def test_a_band_is_what_rioxarray_opens(real_archive):
    folder = next(folder for folder in sorted(real_archive.glob("*/*")) if folder.is_dir())
    band = benkit.open_patch(str(folder))[60]["B01"]
    with rioxarray.open_rasterio(folder / f"{folder.name}_B01.tif") as other:
        other = other.isel(band=0, drop=True)
        assert band.equals(other)
        assert band.attrs["_FillValue"] == other.attrs["_FillValue"]
        assert band.spatial_ref.attrs == other.spatial_ref.attrs


def test_an_opened_patch_is_reprojected_and_written_with_its_georeference(real_archive, tmp_path):
    folder = next(folder for folder in sorted(real_archive.glob("*/*")) if folder.is_dir())
    dataset = benkit.open_patch(folder)[10]
    dataset["B02"].rio.to_raster(tmp_path / "B02.tif")
    with rasterio.open(tmp_path / "B02.tif") as again:
        assert again.crs == dataset.rio.crs
        assert again.transform == dataset.rio.transform()
        assert again.nodata == 0
    assert dataset.rio.reproject("EPSG:3035").rio.crs.to_epsg() == 3035


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"B05": None}, MissingInputError, "_B05.tif: expected a GeoTIFF"),
        ({"B05": b"II*\0"}, RasterError, "_B05.tif: cannot be read"),
        ({"B03": {"side": 60}}, RasterError, "_B03.tif: expected one band on the same grid"),
        ({"B03": {"epsg": 32634}}, RasterError, "_B03.tif: expected one band on the same grid"),
        ({"B03": {"x": 0}}, RasterError, "_B03.tif: expected one band on the same grid"),
    ],
)
def test_a_patch_with_a_damaged_band_is_refused(tmp_path, changed, error, message):
    options = {"epsg": 32633, "x": 587580, "y": 5394000, "pixel_size": 10}
    bands = {
        name: encode(
            np.ones((change.pop("side", 120),) * 2, np.uint16), **(options | change)
        ) if isinstance(change, dict) else change
        for name, change in changed.items()
    }  # fmt: skip
    folder = write_patch(tmp_path / "archive", **bands)
    with pytest.raises(error, match=message):
        benkit.open_patch(folder)


def test_what_is_no_folder_of_a_patch_is_refused(tmp_path):
    with pytest.raises(MissingInputError, match="expected the folder of a patch"):
        benkit.open_patch(tmp_path / "nowhere")
    with pytest.raises(OptionError, match="of the type int"):
        benkit.open_patch(5)
