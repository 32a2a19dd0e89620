"""`--exclude` and `--where` of split, stats, summary, labels and report: as if filtered by hand."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

import benkit
from benkit.cli import main
from benkit.errors import InputFormatError, OptionError
from tests.making import PRODUCT, Archive, write_map

WINTER = "S2B_MSIL2A_20180105T100401_N9999_R122_T33UWP"
IDS = [f"{PRODUCT}_00_{row:02d}" for row in range(4)] + [f"{WINTER}_{row}0_00" for row in range(4)]
COUNTRIES = ["Austria", "Finland", None, "Austria"] * 2
AUSTRIA = [row for row, country in enumerate(COUNTRIES) if country == "Austria"]
LABELS = [["Pastures"], ["Arable land"], ["Pastures", "Inland waters"], ["Inland waters"]] * 2
DAMAGED = [IDS[0], IDS[5]]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Eight patches of two seasons, two of them damaged, an inventory, metadata and findings."""
    folder = tmp_path_factory.mktemp("made")
    archive = Archive(folder / "archive")
    for number, patch in enumerate(IDS):
        changed = {"B02": None} if patch == DAMAGED[0] else {}
        changed |= {"B03": {"pixels": np.full((9, 9), 7, np.uint16)}} if patch == DAMAGED[1] else {}
        archive.patch(patch, B04={"pixels": np.full((120, 120), number + 1, np.uint16)}, **changed)
    benkit.scan(archive.root, folder / "inventory.parquet", engine=benkit.Engine(workers=1))
    table = pa.table({"patch_id": IDS, "labels": LABELS, "country": COUNTRIES})
    pq.write_table(table, folder / "metadata.parquet")
    (folder / "maps").mkdir()
    for patch, (first, *_) in zip(IDS, LABELS, strict=True):
        code = {"Pastures": 231, "Arable land": 211, "Inland waters": 512}[first]
        square = shapely.box(0, 0, 1200, 1200)
        write_map(folder / "maps", patch, [code], [square])
    for suffix in ("parquet", "csv", "json"):
        benkit.audit(folder / "inventory.parquet", table, findings=folder / f"found.{suffix}")
    return folder


def by_hand(made, rows):
    return pq.read_table(made / "metadata.parquet").take(rows)


def test_a_summary_is_that_of_the_rows_chosen_by_hand(made):
    for where in ("country = 'Austria'", "country = 'Austria' AND season IN ('spring', 'winter')"):
        found = benkit.summary(made / "metadata.parquet", where=where)
        assert found == benkit.summary(by_hand(made, AUSTRIA))
    undamaged = [row for row, patch in enumerate(IDS) if patch not in DAMAGED]
    found = benkit.summary(made / "metadata.parquet", exclude=made / "found.csv")
    assert found == benkit.summary(by_hand(made, undamaged))


def test_a_split_is_that_of_the_rows_chosen_by_hand(made, tmp_path):
    options = {"where": "country IS NULL OR country = 'Austria'", "exclude": made / "found.parquet"}
    rows = [row for row, c in enumerate(COUNTRIES) if c != "Finland" and IDS[row] not in DAMAGED]
    benkit.split(made / "metadata.parquet", **options, output=tmp_path / "one.csv")
    benkit.split(by_hand(made, rows), output=tmp_path / "two.csv")
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()
    one = benkit.folds(made / "metadata.parquet", 2, **options)
    two = benkit.folds(by_hand(made, rows), 2)
    assert [fold.sides() for fold in one] == [fold.sides() for fold in two]


def test_findings_may_name_the_patches_of_a_sister_archive(made, tmp_path):
    table = pq.read_table(made / "metadata.parquet").append_column(
        "s1_name", pa.array([f"S1_{n}" for n in range(8)])
    )
    options = {
        "id_column": "s1_name",
        "exclude": pa.table({"patch_id": ["S1_0", "S1_5"], "kind": ["unreadable"] * 2}),
    }
    benkit.split(table, **options, output=tmp_path / "one.csv")
    benkit.split(
        table, id_column="s1_name", exclude=made / "found.csv", output=tmp_path / "two.csv"
    )
    kept = table.take([row for row, patch in enumerate(IDS) if patch not in DAMAGED])
    benkit.split(kept, id_column="s1_name", output=tmp_path / "three.csv")
    one, two, three = ((tmp_path / f"{n}.csv").read_text() for n in ("one", "two", "three"))
    assert one == two == three
    assert "S1_1" in one and "S1_0" not in one
    with pytest.raises(InputFormatError, match="none of 2, such as S1_0, is there"):
        benkit.split(table, exclude=options["exclude"])


@pytest.mark.parametrize("suffix", ["parquet", "csv", "json"])
def test_statistics_are_those_of_the_patches_without_findings(made, suffix):
    inventory, findings = made / "inventory.parquet", made / f"found.{suffix}"
    undamaged = [patch for patch in IDS if patch not in DAMAGED]
    assert benkit.stats(inventory, exclude=findings) == benkit.stats(inventory, undamaged)
    listed = benkit.stats(inventory, IDS[:3], exclude=findings)
    assert listed == benkit.stats(inventory, IDS[1:3])
    one_kind = benkit.stats(inventory, exclude=findings, exclude_kinds=["missing_band"])
    assert one_kind == benkit.stats(inventory, IDS[1:])


def test_statistics_where_a_condition_holds_by_ids_and_by_metadata(made):
    inventory, metadata = made / "inventory.parquet", made / "metadata.parquet"
    winter = benkit.stats(inventory, where="season = 'winter'")
    assert winter.bands["B04"].count == 4 * 120 * 120
    assert winter.bands["B04"].mean == (5 + 6 + 7 + 8) / 4
    austria = benkit.stats(inventory, where="country = 'Austria'", metadata=metadata)
    assert austria.bands["B04"].mean == np.mean([row + 1 for row in AUSTRIA])
    with pytest.raises(OptionError, match="expected one condition over the columns"):
        benkit.stats(inventory, where="country = 'Austria'")
    with pytest.raises(OptionError, match="--metadata goes with --where"):
        benkit.stats(inventory, metadata=metadata)


def test_labels_are_those_of_the_maps_that_are_left(made):
    options = {"metadata": made / "metadata.parquet", "where": "country = 'Austria'"}
    found = benkit.labels(made / "maps", **options)
    assert found.table["patch_id"].to_pylist() == sorted(IDS[row] for row in AUSTRIA)
    assert (found.comparison.compared, found.comparison.without_map) == (4, 0)
    assert found.comparison.not_in_metadata == 0
    found = benkit.labels(made / "maps", exclude=made / "found.json")
    assert found.table["patch_id"].to_pylist() == sorted({*IDS} - {*DAMAGED})


def test_a_report_tells_of_what_is_left_and_says_what_is_not(made):
    split = benkit.split(made / "metadata.parquet")
    options = {"split": split, "reference_maps": made / "maps"}
    page = benkit.report(
        made / "metadata.parquet", made / "inventory.parquet", exclude=made / "found.csv", **options
    )
    assert "2 patches: 1 missing_band; 1 wrong_size" in page
    assert not any(patch in page for patch in DAMAGED)
    whole = benkit.report(made / "metadata.parquet", made / "inventory.parquet", **options)
    assert any(patch in whole for patch in DAMAGED)


def test_what_is_left_out_is_said_with_counts_on_stderr(made, capsys, monkeypatch):
    monkeypatch.chdir(made)
    call = ["stats", "inventory.parquet", "--exclude", "found.csv", "--where", "season = 'winter'"]
    assert main([*call, "--json"]) == 0
    printed = capsys.readouterr()
    assert "5 of 8 patches are left out: 4 not where season = 'winter'; 1 wrong_size" in printed.err
    assert json.loads(printed.out)["B04"]["count"] == 3 * 120 * 120
    assert main(["summary", "metadata.parquet", "--where", "true"]) == 0
    assert "0 of 8 patches are left out\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    "call",
    [
        ["summary", "metadata.parquet"],
        ["stats", "inventory.parquet"],
        ["labels", "maps"],
        ["split", "metadata.parquet", "--output", "no.csv"],
        ["report", "--metadata", "metadata.parquet", "--output", "no.html"],
    ],
)
def test_where_nothing_is_left_or_options_lack_their_fellows_that_is_an_error(
    made, call, capsys, monkeypatch
):
    monkeypatch.chdir(made)
    assert main([*call, "--where", "season = 'autumn'"]) == 2
    assert "none is left: 8 not where season = 'autumn'" in capsys.readouterr().err
    assert main([*call, "--exclude-kinds", "wrong_size"]) == 2
    assert "--exclude-kinds needs --exclude FINDINGS" in capsys.readouterr().err
    assert main([*call, "--exclude", "found.csv", "--exclude-kinds", "wrong"]) == 2
    assert "there is no kind of findings wrong" in capsys.readouterr().err
    assert not (made / "no.csv").exists() and not (made / "no.html").exists()


def test_findings_of_other_patches_or_of_no_known_form_are_refused(made, tmp_path):
    other = pa.table({"patch_id": [f"{PRODUCT}_70_70"], "band": ["B02"], "kind": ["wrong_size"]})
    for verb, source in ((benkit.summary, "metadata.parquet"), (benkit.stats, "inventory.parquet")):
        with pytest.raises(InputFormatError, match="patches of the findings, but none of 1"):
            verb(made / source, exclude=other)
    for text in ("{}", "[1]", "no", '[{"patch_id": "a"}, {"patch_id": 1}]'):
        (tmp_path / "bad.json").write_text(text)
        with pytest.raises(InputFormatError, match=r"bad\.json: expected a"):
            benkit.summary(made / "metadata.parquet", exclude=tmp_path / "bad.json")
    (tmp_path / "none.json").write_text("[]")
    whole = benkit.summary(made / "metadata.parquet", exclude=tmp_path / "none.json")
    assert whole == benkit.summary(made / "metadata.parquet")


def test_what_is_not_on_disk_is_left_out_of_metadata_and_what_is_foreign_of_inventories(made):
    table = pq.read_table(made / "metadata.parquet").slice(1)
    table = pa.concat_tables([table, table.slice(0, 1).set_column(0, "patch_id", [["x_00_00"]])])
    found = benkit.audit(made / "inventory.parquet", table)
    assert found.counts["not_on_disk"] == found.counts["not_part_of_dataset"] == 1
    kinds = ["not_on_disk", "not_part_of_dataset"]
    left = benkit.summary(table.slice(0, 7), exclude=found, exclude_kinds=kinds)
    assert left.patches == 7
    stats = benkit.stats(made / "inventory.parquet", exclude=found, exclude_kinds=kinds)
    assert stats == benkit.stats(made / "inventory.parquet", IDS[1:])
