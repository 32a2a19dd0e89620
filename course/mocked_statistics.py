"""What a network is fed, with a mistake: one test replaces what is around it by mocks, one does not.

    .venv/bin/python -m pytest course/mocked_statistics.py

The first passes and the second fails, which is the point: this file is not among the project's tests.
"""

from unittest.mock import Mock

import numpy as np

import benkit


def normalised(file, band):
    """Pixels of a band with mean 0 and standard deviation 1 over the patches of the statistics."""
    pixels = benkit.read_raster(file).pixels[0].astype(float)
    return (pixels - band.std) / band.mean  # the mistake: each in the other's place


def test_with_mocks(monkeypatch):
    raster = Mock(pixels=np.ones((1, 120, 120)))
    monkeypatch.setattr(benkit, "read_raster", Mock(return_value=raster))
    picture = normalised("B02.tif", Mock(mean=1.0, std=1.0))
    benkit.read_raster.assert_called_once_with("B02.tif")
    assert picture.shape == (120, 120)


def test_with_a_real_archive_made_small(tmp_path):
    benkit.sample(tmp_path, patches=20)
    archive = tmp_path / "BigEarthNet-v2.0-S2-with-errors"
    findings = benkit.audit(archive, tmp_path / "metadata.parquet").findings
    damaged = findings["patch_id"].to_pylist()
    file = min(one for one in archive.rglob("*_B02.tif") if one.parent.name not in damaged)
    picture = normalised(file, benkit.stats(archive, [file.parent.name]).bands["B02"])
    assert abs(picture.mean()) < 1e-6
