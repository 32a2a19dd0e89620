"""Statistics of bands in decibels as linear power, held against `math.fsum` and exact decimals."""

import math
from decimal import Decimal, localcontext

import numpy as np
import pytest
import rasterio

import benkit
from benkit.cli import main
from benkit.domain.layout import Band
from benkit.engine import Engine
from benkit.errors import BenkitError
from benkit.inventory.scanning.linear_power import linear_power, linear_sums
from tests.making import rows_of

ONE = Engine(workers=1)


@pytest.fixture
def s1_archive(tmp_path):
    name = "S1A_IW_GRDH_1SDV_20170613T165043"
    for patch in (f"{name}_33UUP_26_57", f"{name}_33UUP_26_58"):
        folder = tmp_path / "archive" / name / patch
        folder.mkdir(parents=True)
        for number, band in enumerate(("VV", "VH")):
            profile = {
                "driver": "GTiff",
                "dtype": "float32",
                "count": 1,
                "height": 120,
                "width": 120,
            }
            profile |= {"crs": "EPSG:32633", "transform": rasterio.Affine(10, 0, 0, 0, -10, 0)}
            with rasterio.open(folder / f"{patch}_{band}.tif", "w", **profile) as target:
                target.write(np.full((120, 120), -12 - number, np.float32), 1)
    return tmp_path / "archive"


def test_the_power_is_that_of_decimals():
    numbers = np.random.default_rng(1).uniform(-1500, 1500, 400)
    with localcontext() as context:
        context.prec = 40
        exact = [Decimal(10) ** (Decimal(float(x)) / 10) for x in numbers]
        errors = [
            abs(Decimal(float(a)) / b - 1)
            for a, b in zip(linear_power(numbers), exact, strict=True)
        ]
    assert max(errors) < Decimal("1e-15")


def test_known_bits():
    found = linear_power(np.array([-12.34567, 0.001, 3.0103, 17.5, -0.0]))
    assert [value.hex() for value in found.tolist()] == [
        "0x1.dd55aa5b622ecp-5",
        "0x1.000f178aa2197p+0",
        "0x1.0000002ae194ep+1",
        "0x1.c1df80dec17b0p+5",
        "0x1.0000000000000p+0",
    ]


def test_sums_are_those_of_fsum_over_valid_pixels():
    rows = np.random.default_rng(2).normal(-12, 5, (5, 777)).astype(np.float32)
    rows[1, :3], rows[2, 5], rows[3] = np.nan, -9999, 2000
    sums, sums_sq = linear_sums(rows, -9999, Band("VV", 1, 777, unit="dB"))
    assert np.isnan([sums[3], sums_sq[3]]).all(), "beyond what can be squared"
    for number in (0, 1, 2, 4):
        row = rows[number]
        terms = linear_power(row[np.isfinite(row) & (row != -9999)].astype(np.float64))
        assert sums[number] == math.fsum(terms)
        assert sums_sq[number] == math.fsum(terms * terms)


OWN = """\
name = "own"
folder = "{patch}"
file = "{band}.tif"
[every_band]
size = 16
dtype = "int16"
unit = "UNIT"
scale = 0.01
[bands]
HH = {}
"""


@pytest.mark.parametrize("compress", [None, "deflate"])
def test_scaled_integers_in_decibels(tmp_path, capsys, compress):
    pixels = np.random.default_rng(3).integers(-3000, 500, (3, 16, 16)).astype(np.int16)
    for number, values in enumerate(pixels):
        folder = tmp_path / "archive" / f"p{number}"
        folder.mkdir(parents=True)
        profile = {"driver": "GTiff", "dtype": "int16", "count": 1, "height": 16, "width": 16}
        profile |= {"crs": "EPSG:32633", "transform": rasterio.Affine(10, 0, 0, 0, -10, 0)}
        with rasterio.open(folder / "HH.tif", "w", **profile, compress=compress) as target:
            target.write(values, 1)
    (tmp_path / "own.toml").write_text(OWN.replace("UNIT", "dB"))
    inventory = tmp_path / "i.parquet"
    own = {"layout": tmp_path / "own.toml", "engine": ONE, "scale": "linear"}
    benkit.scan(tmp_path / "archive", inventory, **own)
    powers = [10 ** (value * 0.01 / 10) for value in pixels.ravel().tolist()]
    found = benkit.stats(inventory, scale="linear").bands["HH"]
    assert found.count == pixels.size
    assert found.mean == pytest.approx(math.fsum(powers) / len(powers), rel=1e-14)
    assert found.std == pytest.approx(np.std(powers), rel=1e-10)
    assert (found.min, found.max) == pytest.approx((min(powers), max(powers)), rel=1e-14)
    assert benkit.stats(inventory).bands["HH"].mean == pytest.approx(pixels.mean(), rel=1e-14)
    assert main(["stats", str(inventory)]) == 0
    assert (
        "mean to max in stored numbers: dB is 0.01 x (number), of valid" in capsys.readouterr().out
    )
    assert main(["stats", str(inventory), "--scale", "linear"]) == 0
    assert "mean to max in linear power, of valid pixels" in capsys.readouterr().out


def test_real_sentinel_1_patches(shared_data, tmp_path, capsys):
    inventory = tmp_path / "i.parquet"
    benkit.scan(shared_data / "BigEarthNet-S1", inventory, scale="linear", engine=ONE)
    for row in rows_of(inventory):
        (file,) = (shared_data / "BigEarthNet-S1").rglob(f"*_{row['band']}.tif")
        with rasterio.open(file) as source:
            powers = 10 ** (source.read(1).astype(np.float64).ravel() / 10)
        assert row["linear_sum"] == pytest.approx(math.fsum(powers), rel=1e-15)
        assert row["linear_sum_sq"] == pytest.approx(math.fsum(powers * powers), rel=2e-15)
    assert main(["stats", str(inventory)]) == 0
    assert "mean to max in dB, of valid pixels" in capsys.readouterr().out


def test_without_the_scale_there_are_no_sums_and_stats_say_how_to_scan(s1_archive, capsys):
    inventory = s1_archive.parent / "i.parquet"
    benkit.scan(s1_archive, inventory, engine=ONE)
    assert {row["linear_sum"] or row["linear_sum_sq"] for row in rows_of(inventory)} == {None}
    assert main(["stats", str(inventory), "--scale", "linear"]) == 2
    error = capsys.readouterr().err
    assert "but 4 bands have none" in error and "scan the archive with --scale linear" in error
    assert error.count("\n") == 1
    assert main(["stats", str(s1_archive), "--scale", "linear", "-q"]) == 0, "of an archive it does"


def test_a_later_scan_takes_over_the_sums_that_it_needs_and_no_others(s1_archive):
    inventory, fresh = s1_archive.parent / "i.parquet", s1_archive.parent / "fresh.parquet"
    unchanged = []
    for scale in (None, "linear", "linear", None, None, "linear"):
        done = benkit.scan(s1_archive, inventory, scale=scale, engine=ONE)
        unchanged.append(done.unchanged)
        benkit.scan(s1_archive, fresh, scale=scale, engine=ONE, full=True)
        assert inventory.read_bytes() == fresh.read_bytes()
    assert unchanged == [0, 0, 2, 2, 2, 0]


def test_rows_of_an_interrupted_scan_without_the_sums_are_not_taken_for_such_with_them(s1_archive):
    inventory = s1_archive.parent / "i.parquet"

    def stop(*_):
        raise KeyboardInterrupt

    for interrupted, scale, taken_over in ((None, "linear", 0), ("linear", None, 2)):
        inventory.unlink(missing_ok=True)
        with pytest.raises(KeyboardInterrupt):
            benkit.scan(s1_archive, inventory, scale=interrupted, engine=ONE, progress=stop)
        assert benkit.scan(s1_archive, inventory, scale=scale, engine=ONE).unchanged == taken_over
        assert [row["linear_sum"] is None for row in rows_of(inventory)] == 4 * [scale is None]


def test_other_bands_have_no_linear_power(shared_data, tmp_path):
    benkit.scan(shared_data / "EuroSAT_MS", tmp_path / "i.parquet", engine=ONE)
    with pytest.raises(BenkitError, match=r"expected bands in dB .* B01 of the layout eurosat-ms"):
        benkit.stats(tmp_path / "i.parquet", scale="linear")
    with pytest.raises(BenkitError, match=r"expected bands in dB .* B01 of the layout eurosat-ms"):
        benkit.scan(shared_data / "EuroSAT_MS", tmp_path / "j.parquet", scale="linear", engine=ONE)
    assert not (tmp_path / "j.parquet").exists()
    with pytest.raises(BenkitError, match="scale cubic: expected linear"):
        benkit.stats(tmp_path / "i.parquet", scale="cubic")
