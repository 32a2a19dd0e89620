"""Patches with equal pixels: planted copies are found, none is false, and empty ones stand apart."""

import itertools
import shutil

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import rasterio

import benkit
from benkit.domain.layouts import BIGEARTHNET_S2
from benkit.inventory.table.schema import INVENTORY_SCHEMA
from tests.making import PRODUCT, Archive

BANDS = BIGEARTHNET_S2.band_names
OTHER_TILE = "S2B_MSIL2A_20170808T094029_N9999_R036_T35ULA"
ONE = benkit.Engine(workers=1)


def members(found, kind):
    """The groups of a kind: sets of product and patch."""
    groups = {}
    for row in found.table.to_pylist():
        if row["kind"] == kind:
            groups.setdefault(row["group"], set()).add((row["product"], row["patch_id"]))
    return sorted(map(sorted, groups.values()))


def copy_of(patch, root, product, name, without=(), **profile):
    """A copy of a patch's folder under other names, its files as they are or written anew."""
    target = root / product / name
    target.mkdir(parents=True)
    for file in patch.iterdir():
        band = file.stem.rpartition("_")[2]
        if band in without:
            continue
        path = target / f"{name}_{band}.tif"
        if not profile:
            shutil.copy(file, path)
            continue
        with rasterio.open(file) as source:
            with rasterio.open(path, "w", **(source.profile | profile)) as written:
                written.write(source.read())


def test_planted_copies_of_real_patches_are_all_found_and_none_is_false(real_archive, tmp_path):
    root = tmp_path / "archive"
    shutil.copytree(real_archive, root)
    assert benkit.duplicates(root, engine=ONE).total.patches == 0
    first, second, third, *_ = sorted(root.glob("*/*"))
    copy_of(first, root, first.parent.name, f"{first.parent.name}_90_89")
    copy_of(
        first, root, OTHER_TILE, f"{OTHER_TILE}_01_02", compress="deflate", predictor=2, crs=32635
    )
    copy_of(second, root, OTHER_TILE, f"{OTHER_TILE}_03_04", compress="zstd", tiled=True,
            blockxsize=16, blockysize=16)  # fmt: skip
    copy_of(third, root, PRODUCT, third.name)
    copy_of(third, root, PRODUCT, f"{PRODUCT}_05_06", without=BANDS[1:], compress="lzw")
    found = benkit.duplicates(root, engine=ONE)
    here = {patch.name: (patch.parent.name, patch.name) for patch in (first, second, third)}
    assert members(found, "all_bands") == sorted(
        [
            sorted([here[first.name], (first.parent.name, f"{first.parent.name}_90_89"),
                    (OTHER_TILE, f"{OTHER_TILE}_01_02")]),
            sorted([here[second.name], (OTHER_TILE, f"{OTHER_TILE}_03_04")]),
            sorted([here[third.name], (PRODUCT, third.name)]),
        ]
    )  # fmt: skip
    assert members(found, "some_bands") == [
        sorted([here[third.name], (PRODUCT, third.name), (PRODUCT, f"{PRODUCT}_05_06")])
    ]
    assert (found.total.patches, found.total.groups, found.total.across_sides) == (8, 4, None)
    assert {
        tuple(row["bands"]) for row in found.table.to_pylist() if row["kind"] == "some_bands"
    } == {(BANDS[0],)}


def noise(seed, side):
    return np.random.default_rng(seed).integers(1, 9000, (side, side), np.uint16)


def make(archive, name, seeds, **changed):
    """A patch whose bands are made of seeds, one for all or by band."""
    given = dict(seeds) if isinstance(seeds, dict) else dict.fromkeys(BANDS, seeds)
    bands = {}
    for band, seed in given.items():
        side = BIGEARTHNET_S2.bands[band].side
        bands[band] = {"pixels": noise(seed, side)}
    archive.patch(f"{PRODUCT}_{name}", **(bands | changed))


def test_groups_and_bands_are_those_of_all_pairs_of_patches(tmp_path):
    archive = Archive(tmp_path / "archive")
    generator = np.random.default_rng(5)
    seeds = {}
    for number in range(14):
        some = {band: int(generator.integers(0, 60)) for band in BANDS}
        if number % 4 == 3:
            some = seeds[number - 2]
        seeds[number] = some
        make(archive, f"00_{number:02d}", some)
    found = benkit.duplicates(archive.root, engine=ONE)
    equal = {n: set() for n in seeds}
    for a, b in itertools.permutations(seeds, 2):
        if seeds[a] != seeds[b]:
            equal[a] |= {band for band in BANDS if seeds[a][band] == seeds[b][band]}
    rows = found.table.to_pylist()
    partial = {row["patch_id"][-2:]: row["bands"] for row in rows if row["kind"] == "some_bands"}
    assert partial == {
        f"{n:02d}": [band for band in BANDS if band in equal[n]] for n in seeds if equal[n]
    }
    whole = members(found, "all_bands")
    assert [[patch[-2:] for _, patch in group] for group in whole] == [
        ["01", "03"], ["05", "07"], ["09", "11"],
    ]  # fmt: skip
    groups = [row["group"] for row in rows]
    assert groups == sorted(groups)
    assert {*groups} == {*range(1, found.total.groups + 1)}


def test_patches_without_a_pixel_or_of_one_value_stand_apart(tmp_path):
    archive = Archive(tmp_path / "archive")
    empty = {
        name: {"pixels": np.zeros((band.side, band.side), np.uint16), "nodata": 0}
        for name, band in BIGEARTHNET_S2.bands.items()
    }
    for name in ("00", "01"):
        make(archive, f"00_{name}", {}, **empty)  # no valid pixel
        make(archive, f"01_{name}", {})  # 9 everywhere
        make(archive, f"02_{name}", {"B02": int(name)})  # 9 everywhere but in a band
        make(archive, f"03_{name}", {"B02": 7})  # the same, equal to each other
    found = benkit.duplicates(archive.root, engine=ONE)
    assert members(found, "no_valid_pixel") == [[(PRODUCT, f"{PRODUCT}_00_0{n}") for n in (0, 1)]]
    assert members(found, "one_value") == [[(PRODUCT, f"{PRODUCT}_01_0{n}") for n in (0, 1)]]
    assert members(found, "all_bands") == [[(PRODUCT, f"{PRODUCT}_03_0{n}") for n in (0, 1)]]
    assert members(found, "some_bands") == []
    assert found.apart == {"no_valid_pixel": 2, "one_value": 2}
    assert found.in_inventory == 8


def test_groups_across_the_sides_of_a_split_are_counted(tmp_path):
    archive = Archive(tmp_path / "archive")
    for name, seed in {
        "00_00": 1,
        "00_01": 1,
        "00_02": 2,
        "00_03": 2,
        "00_04": 3,
        "00_05": 3,
    }.items():
        make(archive, name, seed)
    ids = [f"{PRODUCT}_00_0{n}" for n in range(6)]
    benkit.scan(archive.root, tmp_path / "i.parquet")
    split = {"train": [ids[0], ids[2]], "test": [ids[1], ids[3][:-1] + "9"], "validation": ids[4:]}
    found = benkit.duplicates(tmp_path / "i.parquet", split, output=tmp_path / "d.csv")
    assert (found.total.patches, found.total.groups, found.total.across_sides) == (6, 3, 1)
    assert [row["side"] for row in found.table.to_pylist()] == [
        "train", "test", "train", None, "validation", "validation",
    ]  # fmt: skip
    assert repr(found) == "Duplicates: 6 of 6 patches in 3 groups, 1 across sides"
    assert (tmp_path / "d.csv").read_text().splitlines()[1].startswith('1,"all_bands","B01;B02;')
    with pytest.raises(
        benkit.InputFormatError, match="expected patches of the split, but none of 1"
    ):
        benkit.duplicates(tmp_path / "i.parquet", {"train": ["x"], "test": []})


def test_bands_that_are_not_there_or_cannot_be_read_are_no_equal_pixels(tmp_path):
    archive = Archive(tmp_path / "archive")
    make(archive, "00_00", 1, B02=None)
    make(archive, "00_01", 1, B02=None)
    make(archive, "00_02", 1)
    make(archive, "00_03", 2, **dict.fromkeys(BANDS[1:]))
    make(archive, "00_04", 3, **dict.fromkeys(BANDS[1:]))
    folder = make(archive, "00_05", 4) or archive.root / PRODUCT / f"{PRODUCT}_00_05"
    for file in folder.iterdir():
        file.write_bytes(b"II*\0")
    found = benkit.duplicates(archive.root, engine=ONE)
    assert [[patch[-2:] for _, patch in group] for group in members(found, "all_bands")] == [
        ["00", "01"]
    ]
    assert [[patch[-2:] for _, patch in group] for group in members(found, "some_bands")] == [
        ["00", "01", "02"]
    ]


def test_an_inventory_of_version_1_is_refused_as_it_does_not_tell(tmp_path, real_archive):
    benkit.scan(real_archive, tmp_path / "i.parquet")
    table = pq.read_table(tmp_path / "i.parquet")
    pq.write_table(table.select(INVENTORY_SCHEMA.names[:22]), tmp_path / "old.parquet")
    for call in (
        lambda: benkit.duplicates(tmp_path / "old.parquet"),
        lambda: benkit.diff(tmp_path / "i.parquet", tmp_path / "old.parquet"),
    ):
        with pytest.raises(
            benkit.InputFormatError,
            match=r"old\.parquet: .*a pixel_hash of each band.*scan .* again",
        ):
            call()


@pytest.mark.parametrize("copies", [2, 300])
def test_many_copies_of_a_few_patches_make_a_few_groups(tmp_path, real_archive, copies):
    benkit.scan(real_archive, tmp_path / "i.parquet")
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT i.* REPLACE (patch_id || '_' || n AS patch_id) "
            f"FROM '{tmp_path}/i.parquet' i, range({copies}) t(n)) "
            f"TO '{tmp_path}/many.parquet' (FORMAT parquet)"
        )
    found = benkit.duplicates(tmp_path / "many.parquet")
    assert found.counts["all_bands"].patches == 9 * copies
    assert found.counts["all_bands"].groups == 9
    assert found.counts["some_bands"].groups == 0
    assert pa.table(found).num_rows == 9 * copies
