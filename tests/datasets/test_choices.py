"""Which patches an export holds: conditions, boxes, splits, samples; and what to download again."""

import csv

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

import benkit
from benkit.cli import main
from benkit.datasets.sample_patches import sample_patches
from benkit.errors import InputFormatError, OptionError
from benkit.ground.box import in_box
from benkit.metadata.described import described, matching
from benkit.metadata.metadata import Metadata
from tests.making import PRODUCT, Archive

WINTER = "S2B_MSIL2A_20180105T100401_N9999_R122_T33UWP"
IDS = [f"{PRODUCT}_00_00", f"{PRODUCT}_00_01", f"{WINTER}_00_00", f"{WINTER}_10_20"]
COUNTRIES = ["Austria", "Finland", "Austria", None]


@pytest.fixture
def four(tmp_path):
    """Four patches of two seasons with metadata, of which one more is not on disk."""
    archive = Archive(tmp_path / "archive")
    for patch in IDS:
        archive.patch(patch)
    benkit.scan(archive.root, tmp_path / "inventory.parquet")
    ids = [*IDS, f"{WINTER}_30_30"]
    columns = {"patch_id": ids, "labels": [["a"], ["b"], ["a", "b"], [], ["a"]]}
    table = pa.table(columns | {"country": [*COUNTRIES, "Austria"], "split": ["train"] * 5})
    pq.write_table(table, tmp_path / "metadata.parquet")
    return tmp_path


def exported(folder, name="out", **choices):
    benkit.export(
        folder / "inventory.parquet", folder / name, metadata=folder / "metadata.parquet", **choices
    )
    return sorted(path.name for path in (folder / name / "BigEarthNet-S2").glob("*/*"))


@pytest.mark.parametrize(
    ("condition", "rows"),
    [
        ("country = 'Austria' AND season = 'winter'", [2]),
        ("date >= DATE '2018-05-01'", [0, 1]),
        ("tile = '33UWP' and mission = 'S2B'", [2, 3]),
        ("country IS NULL", [3]),
        ("country <> 'Finland'", [0, 2]),
        ("list_contains(labels, 'b') -- a comment", [1, 2]),
        ("longitude > 15.1 AND orbit = 'R122'", [3]),
    ],
)
def test_a_condition_chooses_by_metadata_and_by_what_ids_tell(four, condition, rows):
    assert exported(four, where=condition) == sorted(IDS[row] for row in rows)


@pytest.mark.parametrize(
    "condition",
    [
        "true; DROP TABLE patches",
        "true) UNION SELECT (true",
        "patch_id IN (SELECT patch_id FROM patches)",
        "EXISTS (FROM range(3))",
        "patch_id IN (FROM '{secret}')",
        "patch_id IN (SELECT content FROM read_text('{secret}'))",
        "patch_id IN (FROM planted)",
        "country = getenv('HOME')",
        "nothing = 1",
        "5",
        "country",
        "count(*) > 1",
        "",
        "/*",
    ],
)
def test_what_is_no_condition_is_refused(four, capsys, condition):
    planted = pa.table({"patch_id": IDS})  # a table of the caller, which a condition must not see
    assert len(planted) == 4
    (four / "secret.csv").write_text("content\nsecret\n")
    call = ["export", str(four / "inventory.parquet"), "--output", str(four / "out")]
    assert main([*call, "--where", condition.format(secret=four / "secret.csv")]) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("benkit: --where ")
    assert not (four / "out").exists()


def test_ids_that_tell_nothing_match_nothing():
    table = described(pa.array(["foo", IDS[0]]))
    assert matching(table, "season = 'spring'").tolist() == [False, True]
    assert matching(table, "season IS NULL").tolist() == [True, False]


def test_no_name_of_a_column_stands_in_the_way_of_a_condition():
    names = ["benkit_row", "_", "__", "Row", "patches"]
    table = pa.table({name: [name, "other", name] for name in names})
    for name in names:
        assert matching(table, f"{name} = 'other'").tolist() == [False, True, False]


def test_a_column_of_the_metadata_takes_the_place_of_what_ids_tell_in_any_case():
    ids = pa.array([f"{PRODUCT}_00_00"])
    table = described(ids, pa.table({"patch_id": ids, "Season": ["wet"], "TILE": ["mine"]}))
    assert matching(table, "season = 'wet' AND Season = 'wet' AND tile = 'mine'").tolist() == [True]


def test_a_box_chooses_the_patches_whose_footprint_it_meets(four):
    geometry = benkit.footprints(pa.table({"patch_id": IDS})).to_geodataframe().geometry
    rng = np.random.default_rng(1)
    west, south, east, north = geometry.total_bounds
    for _ in range(200):
        x, y = rng.uniform(west - 0.1, east + 0.1, 2), rng.uniform(south - 0.1, north + 0.1, 2)
        box = [x.min(), y.min(), x.max(), y.max()]
        expected = geometry.intersects(shapely.box(*box)).tolist()
        assert in_box(pa.array(IDS), box).tolist() == expected
    inside = geometry[3].buffer(-0.001).bounds
    assert exported(four, bbox=inside) == [IDS[3]]


def test_a_box_may_lie_across_the_180th_meridian():
    tiles = ("01CCV", "60CWV", "33UWP")
    ids = [f"S2A_MSIL2A_20180506T100031_N9999_R122_T{tile}_50_50" for tile in tiles]
    west, south, east, north = 170, -90, -170, 90
    ids = pa.array([*ids, "foo"])
    assert in_box(ids, [west, south, east, north]).tolist() == [True, True, False, False]
    assert in_box(ids, [east, south, west, north]).tolist() == [False, False, True, False]


@pytest.mark.parametrize("box", ["9 50 8 40", "0 91 1 92", "0 0 0 1", "nan 0 1 1", "0 0 181 1"])
def test_a_box_that_is_none_is_refused(four, capsys, box):
    call = ["export", str(four / "inventory.parquet"), "--output", str(four / "out")]
    assert main([*call, "--bbox", *box.split()]) == 2
    assert "expected west, south, east and north" in capsys.readouterr().err


def test_the_sides_of_a_split_become_a_column(four):
    split = {"train": [IDS[0]], "validation": [IDS[3]], "test": [IDS[2]]}
    assert exported(four, split=split) == sorted([IDS[0], IDS[2], IDS[3]])
    table = pq.read_table(four / "out" / "metadata.parquet", columns=["patch_id", "split"])
    sides = dict(zip(*(column.to_pylist() for column in table), strict=True))
    assert sides == {IDS[0]: "train", IDS[2]: "test", IDS[3]: "validation"}
    assert benkit.Split(four / "out" / "metadata.parquet").sides() == split


def test_the_sides_of_a_split_become_folders(four):
    split = {"train": [IDS[0], IDS[3]], "test": [IDS[2]]}
    benkit.export(four / "inventory.parquet", four / "out", split=split, sides="folders")
    for side, ids in split.items():
        there = sorted(path.name for path in (four / "out" / side / "BigEarthNet-S2").glob("*/*"))
        assert there == sorted(ids)
        metadata = pa.table({"patch_id": ids, "labels": [["a"]] * len(ids)})
        assert not len(benkit.audit(four / "out" / side / "inventory.parquet", metadata).findings)
    with pytest.raises(OptionError, match="--split needs --metadata METADATA"):
        benkit.export(four / "inventory.parquet", four / "no", split=split)
    with pytest.raises(InputFormatError, match="none of 1, such as foo, is there"):
        benkit.export(
            four / "inventory.parquet", four / "no", split={"train": ["foo"]}, sides="folders"
        )


def mixed(patches=3000, seed=0):
    """Metadata of two seasons and labels from frequent to rare, some of them together."""
    rng = np.random.default_rng(seed)
    ids = [
        f"{PRODUCT if i % 3 else WINTER}_{i % 91:02d}_{i // 91:02d}" for i in range(patches)
    ]  # winter for every third
    shares = {"a": 0.7, "b": 0.4, "c": 0.1, "d": 0.02, "e": 0.004}
    has = {name: rng.random(patches) < share for name, share in shares.items()}
    has["b"] |= has["d"]
    labels = [[name for name in shares if has[name][i]] for i in range(patches)]
    return pa.table({"patch_id": ids, "labels": labels})


def shares_of(table, chosen):
    """Number of patches of each season and label among those chosen."""
    metadata = Metadata(table)
    counts = [(c.names, c.count(chosen)) for c in (metadata.seasons, metadata.labels)]
    return {name: n for names, numbers in counts for name, n in zip(names, numbers, strict=True)}


@pytest.mark.parametrize("number", [1, 100, 617, 2999, 3000])
def test_a_sample_holds_labels_and_seasons_in_the_shares_of_the_whole(number):
    table = mixed()
    chosen = sample_patches(Metadata(table), number, seed=3)
    assert chosen.sum() == number
    whole = shares_of(table, np.ones(len(table), bool))
    part = shares_of(table, chosen)
    for season in ("spring", "winter"):
        assert abs(part[season] - whole[season] * number / len(table)) <= 1
    for label in "abcde":
        expected = whole[label] * number / len(table)
        by_chance = np.sqrt(max(expected * (1 - expected / number), 1))
        assert abs(part[label] - expected) <= max(0.5 * by_chance, 2)


def test_a_sample_is_the_same_for_the_same_seed_whatever_the_order_of_the_rows():
    table = mixed()
    chosen = sample_patches(Metadata(table), 50, seed=3)
    ids = set(table.filter(pa.array(chosen))["patch_id"].to_pylist())
    order = np.random.default_rng(5).permutation(len(table))
    shuffled = table.take(pa.array(order))
    again = sample_patches(Metadata(shuffled), 50, seed=3)
    assert set(shuffled.filter(pa.array(again))["patch_id"].to_pylist()) == ids
    other = sample_patches(Metadata(table), 50, seed=4)
    assert set(table.filter(pa.array(other))["patch_id"].to_pylist()) != ids
    assert sorted(ids)[:2] == [f"{PRODUCT}_06_01", f"{PRODUCT}_09_02"]  # on every machine


def test_a_sample_is_of_what_the_other_options_choose(four):
    winter = exported(four, where="season = 'winter'", sample=1)
    assert len(winter) == 1
    assert winter[0].startswith(WINTER)
    with pytest.raises(OptionError, match="--sample 3: expected a number from 1 to the 2 patches"):
        exported(four, "no", where="season = 'winter'", sample=3)


def damaged(folder):
    """Damage a patch of spring and two of winter, and scan and audit again."""
    root = folder / "archive"
    (root / PRODUCT / IDS[1] / f"{IDS[1]}_B02.tif").write_bytes(b"nothing")
    (root / WINTER / IDS[2] / f"{IDS[2]}_B8A.tif").unlink()
    (root / WINTER / IDS[3] / "notes.txt").write_text("mine")
    benkit.scan(root, folder / "inventory.parquet")
    found = folder / "found.parquet"
    benkit.audit(folder / "inventory.parquet", folder / "metadata.parquet", findings=found)
    return found


def test_what_must_be_downloaded_again_is_listed_by_product(four):
    exported(four, exclude=damaged(four), missing=four / "missing.csv")
    with (four / "missing.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["product", "patch_id", "bands", "kinds"],
        [PRODUCT, IDS[1], "B02", "unreadable"],
        [WINTER, IDS[2], "B8A", "missing_band"],
        [WINTER, f"{WINTER}_30_30", "", "not_on_disk"],
    ]
    assert exported(four, "again", missing=four / "m.parquet") == sorted(IDS)
    assert pq.read_table(four / "m.parquet").to_pylist()[0]["patch_id"] == IDS[1]


def test_what_must_be_downloaded_again_is_of_the_chosen_patches(four):
    choice = {"where": "season = 'winter' AND country = 'Austria'"}
    found = damaged(four)
    with pytest.raises(InputFormatError, match=r"none is left: 3 not where .*; 1 missing_band"):
        exported(four, exclude=found, missing=four / "m.parquet", **choice)
    assert len(pq.read_table(four / "m.parquet")) == 2
    exported(
        four, exclude=found, exclude_kinds=["unreadable"], missing=four / "m.parquet", **choice
    )
    listed = pq.read_table(four / "m.parquet")["patch_id"].to_pylist()
    assert listed == [IDS[2], f"{WINTER}_30_30"]


def test_to_know_what_is_missing_takes_findings_or_metadata(four):
    with pytest.raises(OptionError, match="--missing needs --exclude FINDINGS"):
        benkit.export(four / "inventory.parquet", four / "out", missing=four / "missing.csv")
    with pytest.raises(OptionError, match=r"missing.txt: expected a name that ends with .parquet"):
        exported(four, missing=four / "missing.txt")
