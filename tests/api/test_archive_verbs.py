"""`audit`, `stats` and `inspect`, given paths, values or tables."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import rasterio

import benkit


def test_an_audit_is_the_same_of_every_form(inventories, metadata, table, tmp_path):
    first = benkit.audit(inventories[0], metadata, findings=tmp_path / "findings.parquet")
    assert pq.read_table(tmp_path / "findings.parquet") == first.findings
    assert first.counts["wrong_size"] > 0
    for source in inventories:
        assert benkit.audit(source, table) == first


def test_statistics_are_the_same_of_every_form(inventories):
    first, *others = [benkit.stats(source) for source in inventories]
    assert all(found == first for found in others)


def test_statistics_of_some_patches_are_those_of_their_pixels(inventory, archive, tmp_path):
    folders = sorted(archive.glob("*/*"))[:3]
    patches = [folder.name for folder in folders]
    pixels = []
    for folder in folders:
        for file in folder.glob("*_B02.tif"):
            with rasterio.open(file) as raster:
                band = raster.read(1)
                pixels.append(band[band != 0])
    flat = np.concatenate(pixels).astype(float)
    listed = pa.table({"patch_id": patches})
    pq.write_table(listed, tmp_path / "list.parquet")
    others = {"train": ["elsewhere"], "test": patches}
    found = [
        benkit.stats(inventory, patches),
        benkit.stats(inventory, listed),
        benkit.stats(inventory, tmp_path / "list.parquet"),
        benkit.stats(inventory, split=others, side="test"),
    ]
    assert all(one == found[0] for one in found)
    band = found[0].bands["B02"]
    assert (band.count, band.min, band.max) == (len(flat), flat.min(), flat.max())
    assert band.mean == pytest.approx(flat.mean(), rel=1e-12)
    assert band.std == pytest.approx(flat.std(), rel=1e-9)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"side": "train"}, "expected both or none"),
        ({"split": {"train": [], "test": []}}, "expected both or none"),
        ({"patches": [], "split": {"test": []}, "side": "test"}, "not both"),
        ({"split": {"test": []}, "side": "train"}, "the split: expected the side train"),
    ],
)
def test_statistics_of_what_cannot_be_meant_are_refused(inventory, options, message):
    with pytest.raises(benkit.BenkitError, match=message):
        benkit.stats(inventory, **options)


def test_a_patch_is_inspected_with_metadata_of_any_form(archive, metadata, table, tmp_path):
    folder = next(archive.glob("*/*"))
    drawn = tmp_path / "patch.png"
    by_id = benkit.inspect(folder.name, archive, str(metadata), figure=drawn)
    by_folder = benkit.inspect(folder, metadata=table)
    assert by_folder == by_id
    assert by_id.patch_id == folder.name
    assert drawn.read_bytes().startswith(b"\x89PNG")
