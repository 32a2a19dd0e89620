"""``benkit evaluate`` as a person calls it."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benkit.cli import main
from benkit.splits.split_file import write_sides

PRODUCT = "S2A_MSIL2A_20170613T101031_N9999_R022_T33UUP"
IDS = [f"{PRODUCT}_{column:02d}_{row:02d}" for column in range(6) for row in (0, 1)]
LONG = "Land principally occupied by agriculture, with significant areas of natural vegetation"


@pytest.fixture
def files(tmp_path):
    """Metadata with an official split of three sides, and CSV files of two and of three sides."""
    table = pa.table(
        {
            "patch_id": IDS,
            "labels": [[LONG, "Pastures"] if place % 2 else ["Pastures"] for place in range(12)],
            "split": ["train"] * 6 + ["validation"] * 3 + ["test"] * 3,
            "country": ["Austria", "Serbia"] * 6,
        }
    )
    pq.write_table(table, tmp_path / "metadata.parquet")
    write_sides({"train": IDS[4:], "test": IDS[:4]}, tmp_path / "two.csv")
    sides = {"train": IDS[4:], "validation": IDS[2:4], "test": IDS[:2]}
    write_sides(sides, tmp_path / "a_file_with_quite_a_long_name.csv")
    return tmp_path


def evaluate(capsys, *argv):
    """Exit status, standard output and standard error."""
    try:
        status = main(["evaluate", *map(str, argv)])
    except SystemExit as refused:
        status = refused.code
    found = capsys.readouterr()
    return status, found.out, found.err


def test_splits_stand_side_by_side_within_80_columns(capsys, files):
    metadata = files / "metadata.parquet"
    options = ["--metadata", metadata, "--against", "random", "--against", "official"]
    status, out, err = evaluate(capsys, files / "a_file_with_quite_a_long_name.csv", *options)
    lines = out.splitlines()
    assert status == 0
    assert max(map(len, lines)) <= 80
    assert {len(line) for line in lines if "%" in line or "side, judged" in line} == {80}
    assert lines[0].split() == ["split", "a_file_wi…", "same", "split", "random", "official"]
    assert lines[1].split()[-4:] == ["test", "validation", "test", "test"]
    assert lines[2].split()[-4:] == ["2", "2", "2", "3"]
    rows = {line[:32].strip(): line[32:] for line in lines}
    assert rows["train centre under 2.5 km"].split()[:2] == ["100.00", "%"]
    assert rows["nearest train: least"].split()[:4] == ["2.40", "km", "1.20", "km"]
    assert rows["Pastures"].split()[0] == "16.67"
    assert "same ground" not in err


def test_the_table_and_the_object_tell_the_same(capsys, files):
    call = [files / "two.csv", "--metadata", files / "metadata.parquet", "--against", "official"]
    values = json.loads(evaluate(capsys, *call, "--json")[1])
    assert list(values["against"]) == ["official"]
    official = values["against"]["official"]
    assert (official["train"], official["test"], official["validation"]) == (9, 3, None)
    assert values["label_shares"] == {LONG: 4 / 12, "Pastures": 4 / 12}
    rows = evaluate(capsys, *call)[1].splitlines()
    deviation = next(row.split()[-2:] for row in rows if row.startswith("label deviation"))
    assert deviation == [f"{one['label_rms']:.4f}" for one in (values, official)]
    assert len(values["nearest_train_m"]) == 5
    alone = json.loads(evaluate(capsys, *call[:3], "--json")[1])
    assert alone == {name: value for name, value in values.items() if name != "against"}


def test_metadata_may_be_the_split(capsys, files):
    metadata = files / "metadata.parquet"
    alone = json.loads(evaluate(capsys, metadata, "--json")[1])
    assert (alone["train"], alone["test"], alone["validation"]["patches"]) == (6, 3, 3)
    again = json.loads(evaluate(capsys, metadata, "--metadata", metadata, "--json")[1])
    assert again == alone
    merged = json.loads(evaluate(capsys, metadata, "--validation-as-train", "--json")[1])
    assert (merged["train"], merged["test"], merged["validation"]) == (9, 3, None)
    narrow = pq.read_table(metadata).select(["patch_id", "split"])
    pq.write_table(narrow, files / "narrow.parquet")
    call = [files / "narrow.parquet", "--metadata", metadata, "--json"]
    assert json.loads(evaluate(capsys, *call)[1]) == alone


def test_figures_are_drawn(capsys, files):
    folder = files / "figures"
    call = [files / "two.csv", "--metadata", files / "metadata.parquet", "--figures", folder]
    status, out, err = evaluate(capsys, *call)
    assert status == 0
    names = ["distances.png", "labels.png", "map.png"]
    assert sorted(path.name for path in folder.iterdir()) == names
    assert all(str(folder / name) in err for name in names)
    assert "random" not in out
    status, _, err = evaluate(capsys, *call[:-1], files / "two.csv")
    assert status == 2
    assert "two.csv" in err


def test_warnings_name_the_split(capsys, files):
    split = files / "poor.csv"
    split.write_text(f"train,test\n{IDS[0]},\n{IDS[2]},\n")
    status, _, err = evaluate(capsys, split, "--metadata", files / "metadata.parquet")
    assert status == 0
    assert err.splitlines() == [f"benkit: {split}: warning: the test side is empty"]
    split.write_text(f"train,test\n{IDS[0]},{IDS[1]}\n")
    err = evaluate(capsys, split, "--metadata", files / "metadata.parquet")[2]
    assert err == f"benkit: {split}: warning: no train patch has the label {LONG}\n"


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("train,test\na,b\n", [], "a of the side train is not in the metadata; name the metadata"),
        ("train,dev\na,b\n", [], "expected a split, with the columns train and test"),
        (f"train,test\n{IDS[0]},{IDS[0]}\n", [], "is on train and test; keep one"),
        (f"patch_id,split\n{IDS[0]},dev\n", [], "in the column split, but there is dev"),
        ("train,test\n", ["--against", "random", "--seed", "-1"], "expected a seed of at least 0"),
        ("train,test\n", ["--against", "best"], "choose from"),
        (None, [], "expected a file, but there is nothing"),
    ],
)
def test_wrong_input_is_told_in_one_line(capsys, files, content, options, message):
    split = files / "wrong.csv"
    if content is not None:
        split.write_text(content)
    call = [split, "--metadata", files / "metadata.parquet", *options]
    status, out, err = evaluate(capsys, *call)
    assert (status, out) == (2, "")
    assert message in err.splitlines()[-1]
    assert "Traceback" not in err


def test_what_is_missing_in_the_metadata_is_told(capsys, files):
    plain = pq.read_table(files / "metadata.parquet").drop_columns("split")
    pq.write_table(plain, files / "plain.parquet")
    call = [files / "two.csv", "--metadata", files / "plain.parquet", "--against", "official"]
    status, _, err = evaluate(capsys, *call)
    assert status == 2
    assert err.startswith(f"benkit: {files / 'plain.parquet'}: expected the sides in the column")
    status, _, err = evaluate(capsys, files / "two.csv")
    assert status == 2
    assert "name the metadata with --metadata" in err


def test_a_correlogram_is_written_as_the_suffix_says(capsys, files):
    call = [files / "two.csv", "--metadata", files / "metadata.parquet", "--correlogram"]
    heads = {"png": b"\x89PNG", "pdf": b"%PDF", "svg": b"<?xml", "parquet": b"PAR1"}
    for suffix in ("png", "pdf", "svg", "json", "csv", "parquet"):
        file = files / f"correlogram.{suffix}"
        status, out, err = evaluate(capsys, *call, file, "--json")
        assert status == 0
        assert f"{file} is written: labels of patches 0.9 to 1.2 km apart correlate by" not in err
        assert (
            f"{file} is written: how labels correlate over distance is not known: no class" in err
        )
        classes = json.loads(out)["correlogram"]["classes"]
        assert file.read_bytes().startswith(heads.get(suffix, b""))
    assert [row["pairs"] for row in classes[:2]] == [16, 10]
    assert json.loads((files / "correlogram.json").read_text()) == classes
    assert pq.read_table(files / "correlogram.parquet").to_pylist() == classes
    lines = (files / "correlogram.csv").read_text().splitlines()
    assert lines[0].replace('"', "") == "from_m,to_m,mean_m,pairs,drawn,correlation"
    assert len(lines) == len(classes) + 1
    assert "correlogram" not in json.loads(evaluate(capsys, *call[:3], "--json")[1])


def test_a_correlogram_of_another_kind_is_refused_before_any_work(capsys, files):
    for name in ("correlogram.gif", "correlogram", "correlogram.PNG"):
        call = ["nowhere.csv", "--metadata", "nowhere.parquet", "--correlogram", files / name]
        status, out, err = evaluate(capsys, *call)
        assert (status, out) == (2, "")
        kinds = ".png, .svg, .pdf, .json, .csv or .parquet"
        assert err == f"benkit: {files / name}: expected a name that ends with {kinds}\n"
    metadata = files / "metadata.parquet"
    status, _, err = evaluate(capsys, metadata, "--correlogram", metadata)
    assert status == 2
    assert "is an input of this call and would be replaced" in err
