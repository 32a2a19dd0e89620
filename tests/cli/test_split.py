"""What ``benkit split`` writes, says and refuses."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benkit.cli import main

PRODUCT = "S2A_MSIL2A_20170613T101031_N9999_R022_T33UUP"


@pytest.fixture
def metadata(tmp_path):
    path = tmp_path / "metadata.parquet"
    ids = [f"{PRODUCT}_{column:02d}_00" for column in range(0, 90, 10)]
    labels = [["Pastures"], *[["Inland waters"]] * 8]
    pq.write_table(pa.table({"patch_id": ids, "labels": labels, "split": ["test"] * 9}), path)
    return path


def call(capsys, *argv):
    """Exit status, and the texts on stdout and stderr."""
    status = main(["split", *map(str, argv)])
    return status, *capsys.readouterr()


def test_parquet_has_the_metadata_with_the_official_spelling_of_sides(capsys, metadata, tmp_path):
    output = tmp_path / "out.parquet"
    options = ["--test", "0.34", "--validation", "0.22", "--buffer", "1000"]
    status, _, err = call(capsys, metadata, "--output", output, *options)
    assert status == 0
    assert "no test patch has the label Pastures" in err
    table, before = pq.read_table(output), pq.read_table(metadata)
    assert table.select(["patch_id", "labels"]) == before.select(["patch_id", "labels"])
    assert table.column_names == ["patch_id", "labels", "split"]
    sides = table["split"].to_pylist()
    assert [sides.count(side) for side in ("train", "validation", "test")] == [4, 2, 3]


def test_each_fold_is_written_and_spoken_of(capsys, metadata, tmp_path):
    output = tmp_path / "fold.csv"
    status, out, err = call(capsys, metadata, "--output", output, "--folds", "3", "--json")
    assert status == 0
    assert [figures["test"] for figures in json.loads(out).values()] == [3, 3, 3]
    tested = [line.split(",")[1] for n in (1, 2, 3) for line in fold_lines(tmp_path, n)]
    assert len({patch for patch in tested if patch}) == 9
    lacking = [line for line in err.splitlines() if "no test patch has the label Pastures" in line]
    assert len(lacking) == 2
    assert all(line.startswith("benkit: fold ") for line in err.splitlines())


def fold_lines(folder, number):
    header, *lines = (folder / f"fold_{number}.csv").read_text().splitlines()
    assert header == "train,test"
    return lines


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--folds", "3", "--test", "0.25"], "expected --folds, or --test"),
        (["--folds", "3", "--validation", "0.1"], "expected --folds, or --test"),
        (["--folds", "1"], "expected at least 2 folds, but it is 1"),
        (["--compactness", "inf"], "expected a compactness from 0.001 to 1000"),
        (["--group-by", "labels"], "labels has lists"),
        (["--buffer", "-5"], "expected a buffer of at least 0 metres"),
        (["--time", "0"], "expected a time of more than 0 seconds, but it is 0.0"),
        (["--time", "nan", "--folds", "2"], "expected a time of more than 0 seconds"),
        (["--seed", "-1"], "expected a seed of at least 0"),
        (["--folds", "1000000000"], "expected at most 255 folds"),
        (["--folds", "10"], "expected patches for 10 folds, but the 9 patches form 9 units"),
        (["--folds", "10", "-q"], "ask for at most 9 of them"),
        (
            ["--buffer", "1e6", "-q"],
            "a buffer of 1,000,000 m, but it would be empty: the 9 patches form 9 units",
        ),
        (["--group-by", "split", "-q"], "metadata.parquet: expected patches for sides train, test"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, message, capsys, metadata, tmp_path):
    output = tmp_path / "split.csv"
    status, out, err = call(capsys, metadata, "--output", output, *options)
    assert (status, out) == (2, "")
    assert message in err
    assert [path.name for path in tmp_path.iterdir()] == ["metadata.parquet"]


def test_an_output_that_is_no_split_or_the_input_is_refused(capsys, metadata, tmp_path):
    before = metadata.read_bytes()
    for output, message in (
        (tmp_path / "a.txt", "ends with .csv or .parquet"),
        (metadata, "is an input of this call"),
    ):
        status, _, err = call(capsys, metadata, "--output", output)
        assert status == 2
        assert message in err
    assert metadata.read_bytes() == before
