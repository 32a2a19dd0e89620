"""Splits that are broken: one line that names the file, whichever verb is asked."""

import pyarrow as pa
import pytest

from benkit.errors import InputFormatError
from benkit.splits.split import read_sides
from tests.hostile_tables import IDS, calls_with_split, refused, write, write_whole


@pytest.fixture
def whole(tmp_path):
    return write_whole(tmp_path)


WRONG_SPLITS = {
    "twice on one side": (f"train,test\n{IDS[0]},{IDS[1]}\n{IDS[0]},\n", "is on train and train"),
    "on two sides": (f"train,test\n{IDS[0]},{IDS[0]}\n", f"but {IDS[0]} is on train and test"),
    "two rows": (f"patch_id,split\n{IDS[0]},train\n{IDS[0]},test\n", "is on train and test"),
    "no patch": (f"patch_id,split\n,train\n{IDS[0]},test\n", "but 1 of 2 rows have none"),
    "another side": (
        f"patch_id,split\n{IDS[1]},train\n{IDS[0]},Dev\n",
        "in the column split, but there is Dev in row 2",
    ),
    "two columns": (f"train,train,test\n{IDS[0]},{IDS[1]},{IDS[2]}\n", "expected one column train"),
    "two columns split": (f"patch_id,split,split\n{IDS[0]},train,test\n", "one column split"),
    "no side": ("patch_id\na\n", "expected a split, with the columns train and test or"),
    "nothing": ("", "expected comma-separated values"),
}


@pytest.mark.parametrize("case", WRONG_SPLITS)
def test_wrong_splits_are_refused(capsys, whole, case):
    text, message = WRONG_SPLITS[case]
    file = whole / "wrong.csv"
    file.write_text(text)
    assert message in refused(capsys, calls_with_split(whole, file), file)


@pytest.mark.parametrize(
    ("others", "message"),
    [
        ({"patch_id": [None, *IDS[1:]]}, "but 1 of 4 rows have none"),
        ({"patch_id": [1, 2, 3, 4]}, "expected strings in the column patch_id"),
        ({"split": [0, 1, 0, 1]}, "expected strings in the column split, but its type is int64"),
        ({"split": pa.nulls(4)}, "expected strings in the column split, but its type is null"),
        ({"split": ["a\n\x1b[31m"] * 4}, r"but there is a\n\x1b[31m"),
        ({"patch_id": IDS[:2] * 2, "split": ["train"] * 4}, "is on train and train"),
    ],
)
def test_wrong_splits_in_parquet_are_refused(capsys, whole, others, message):
    file = write(whole / "wrong.parquet", **others)
    assert message in refused(capsys, calls_with_split(whole, file), file)


def test_sides_in_capitals_and_with_blanks_are_meant(whole):
    (whole / "split.csv").write_text(
        f"Patch_ID , Split\n{IDS[0]} ,Train\n {IDS[1]}, TEST\n{IDS[2]},validation \n"
    )
    (whole / "sides.csv").write_text(f" Train, Validation ,TEST\n {IDS[0]}, {IDS[2]} ,{IDS[1]}\n")
    expected = {"train": IDS[:1], "validation": IDS[2:3], "test": IDS[1:2]}
    for name in ("split.csv", "sides.csv"):
        assert read_sides(whole / name) == expected
    (whole / "both.csv").write_text(f"train,Train,test\n{IDS[0]},{IDS[1]},{IDS[2]}\n")
    with pytest.raises(InputFormatError, match="expected one column train, but there are several"):
        read_sides(whole / "both.csv")


def test_patches_without_a_side_are_on_none(whole):
    sides = read_sides(whole / "whole.parquet")
    assert sides == {"train": IDS[:2], "test": IDS[2:3]}
    (whole / "blank.csv").write_text(f"train,test\n{IDS[0]},{IDS[1]}\n  ,\n,{IDS[2]}\n")
    assert read_sides(whole / "blank.csv") == {"train": IDS[:1], "test": IDS[1:3]}
