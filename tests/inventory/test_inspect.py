import io

import numpy as np
import pyarrow as pa
import pytest
import rasterio

from benkit.api.inspect import inspect
from benkit.domain.layouts import BIGEARTHNET_S2
from benkit.errors import InputFormatError, MissingInputError, OptionError
from benkit.files.writing.figure import write_figure
from benkit.inventory.inspect import read_pixels
from benkit.reporting.figures.patch_figure import draw_patch
from tests.making import PRODUCT, Archive

REAL = "S2A_MSIL2A_20170613T101031_N9999_R022_T33UUP_75_43"


def test_a_real_patch_as_rasterio_sees_it(real_archive):
    inspection = inspect(REAL, real_archive)
    assert inspection.findings == ()
    assert list(inspection.bands) == list(BIGEARTHNET_S2.band_names)
    for name, band in inspection.bands.items():
        path = inspection.folder / f"{REAL}_{name}.tif"
        with rasterio.open(path) as source:
            pixels, bounds = source.read(1), source.bounds
            assert (band.height, band.width) == source.shape
            assert (band.pixel_size, band.nodata) == (source.res[0], source.nodata)
        assert (band.min, band.max) == (pixels.min(), pixels.max())
        assert band.mean == pytest.approx(pixels.mean(), rel=1e-12)
        assert band.std == pytest.approx(pixels.std(), rel=1e-12)
        assert (band.valid, band.nodata_count) == (pixels.size, 0)
        assert band.bytes == path.stat().st_size
        ground = inspection.name.footprint
        assert (ground.x, ground.y) == (bounds.left, bounds.top)
        assert np.array_equal(read_pixels(inspection)[name], pixels)
    by_folder = inspect(inspection.folder)
    assert by_folder.bands == inspection.bands
    assert by_folder.patch_id == REAL


def test_metadata_tell_labels_and_whether_the_patch_belongs(real_archive):
    metadata = pa.table({"patch_id": [REAL], "labels": [["Pastures"]], "country": ["Austria"]})
    known = inspect(REAL, real_archive, metadata)
    assert known.metadata == {"labels": ["Pastures"], "country": "Austria"}
    unknown = inspect(REAL, real_archive, metadata.slice(0, 0))
    assert unknown.metadata is None
    assert [finding["kind"] for finding in unknown.findings] == ["not_part_of_dataset"]


@pytest.fixture
def damaged(tmp_path):
    archive = Archive(tmp_path / "archive")
    archive.patch(f"{PRODUCT}_00_00", B02=None)
    return archive.root


def test_damage_is_found_and_drawn(damaged):
    inspection = inspect(f"{PRODUCT}_00_00", damaged)
    assert [(f["band"], f["kind"]) for f in inspection.findings] == [("B02", "missing_band")]
    assert inspection.bands["B02"].status == "missing"
    figure = draw_patch(inspection, read_pixels(inspection))
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert len(titles) == 14
    texts = {
        axes.get_title(loc="left")[:4]: [text.get_text() for text in axes.texts]
        for axes in figure.axes
    }
    assert texts["B02 "] == ["missing"]
    assert texts["true"] == ["needs B02"]


def test_what_is_no_patch_is_refused(damaged, tmp_path):
    with pytest.raises(OptionError, match="name the archive"):
        inspect(f"{PRODUCT}_00_00")
    with pytest.raises(MissingInputError, match="_05_05"):
        inspect(f"{PRODUCT}_05_05", damaged)
    with pytest.raises(MissingInputError, match="nothing"):
        inspect(f"{PRODUCT}_00_00", tmp_path / "nowhere")
    with pytest.raises(InputFormatError, match="no patch id"):
        inspect(damaged)


def test_a_patch_in_the_folder_of_another_product_is_found(tmp_path):
    archive = Archive(tmp_path / "archive")
    archive.patch(f"{PRODUCT}_00_00")
    other = PRODUCT.replace("S2A", "S2B")
    (archive.root / PRODUCT).rename(archive.root / other)
    inspection = inspect(f"{PRODUCT}_00_00", archive.root)
    assert inspection.folder.parent.name == other
    assert [finding["kind"] for finding in inspection.findings] == ["misplaced"]


def test_the_picture_shows_the_pixels_and_is_the_same_every_time(real_archive, tmp_path):
    inspection = inspect(REAL, real_archive)
    pixels = read_pixels(inspection)
    for name in ("a.png", "b.png"):
        write_figure(draw_patch(inspection, pixels), tmp_path / name)
    content = (tmp_path / "a.png").read_bytes()
    assert content == (tmp_path / "b.png").read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    assert b"Software" not in content
    true_colour, false_colour, first = draw_patch(inspection, pixels).axes[:3]
    shown = true_colour.images[0].get_array()
    layers = np.stack([pixels[band] for band in ("B04", "B03", "B02")], -1).astype(float)
    assert np.allclose(shown, np.clip(layers / np.percentile(layers, 98), 0, 1))
    near_infrared = false_colour.images[0].get_array()[..., 0]
    low, high = np.percentile(pixels["B08"], (2, 98))
    assert np.allclose(near_infrared, np.clip((pixels["B08"] - low) / (high - low), 0, 1))
    assert first.images[0].get_array().shape == (20, 20)


def test_a_label_with_dollar_signs_is_no_formula(real_archive, tmp_path):
    label = "$\\frac{1 x$ a"
    inspection = inspect(REAL, real_archive, pa.table({"patch_id": [REAL], "labels": [[label]]}))
    figure = draw_patch(inspection, read_pixels(inspection))
    assert any(label in text.get_text() for text in figure.texts)
    write_figure(figure, tmp_path / "patch.png")


def test_pixels_without_a_measurement_are_magenta(real_archive):
    inspection = inspect(REAL, real_archive)
    pixels = {band: values.copy() for band, values in read_pixels(inspection).items()}
    pixels["B03"][5, 7] = 0
    axes = draw_patch(inspection, pixels).axes[0]
    assert axes.images[0].get_array()[5, 7].tolist() == [1.0, 0.0, 1.0]
    figure = draw_patch(inspection, pixels)
    image = figure.axes[2 + BIGEARTHNET_S2.band_names.index("B03")].images[0]
    assert np.allclose(image.to_rgba(image.get_array())[5, 7, :3], [1.0, 0.0, 1.0])
    buffer = io.BytesIO()
    figure.savefig(buffer)
    assert buffer.tell() > 0


def test_pictures_of_other_layouts_are_in_colour(shared_data):
    titles = {}
    for name, folder in (
        ("s2", "SSL4EO-S12/s2a/0000200/20200604T054639_20200604T054831_T43RCP"),
        ("s1", "BigEarthNet-S1/S1A_IW_GRDH_1SDV_20170613T165043"),
    ):
        place = shared_data / folder
        inspection = inspect(place if name == "s2" else next(place.iterdir()))
        pixels = read_pixels(inspection)
        axes = draw_patch(inspection, pixels).axes
        titles[name] = [one.get_title(loc="left") for one in axes[:3]]
        shown = axes[0].images[0].get_array()
        if name == "s2":
            red, green, blue = (pixels[band].astype(float) for band in ("B4", "B3", "B2"))
            most = np.percentile(np.stack([red, green, blue]), 98)
            np.testing.assert_allclose(shown[..., 0], np.clip(red / most, 0, 1))
        else:
            ratio = pixels["VV"].astype(float) - pixels["VH"]
            low, high = np.percentile(ratio, (2, 98))
            np.testing.assert_allclose(
                shown[..., 2], np.clip((ratio - low) / (high - low), 0, 1), atol=1e-9
            )
    assert titles["s2"][:2] == ["true colour: B4, B3, B2", "false colour: B8, B4, B3"]
    assert titles["s1"] == ["radar: VV, VH, VV - VH", "VV", "VH"]
