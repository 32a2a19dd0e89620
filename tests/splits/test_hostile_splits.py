"""Splits that are broken: one line that names the file, whichever verb is asked."""

import pandas as pd
import pyarrow as pa
import pytest

from benkit.api.web_map import web_map
from benkit.cli import main
from benkit.errors import InputFormatError
from benkit.splits.split import Split, read_sides
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
    "a column of no side": (
        f"train,test,hold\n{IDS[0]},{IDS[1]},{IDS[2]}\n",
        "the column hold also lists patches",
    ),
    "val and validation": (
        f"train,val,validation,test\n{IDS[0]},{IDS[1]},,{IDS[2]}\n",
        "one column validation",
    ),
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


FOREIGN = {
    "numbers of rows": "train,test\n0,2\n1,3\n",
    "files": f"train,test\n{IDS[0]}_B02.tif,{IDS[1]}_B02.tif\n",
    "folders": f"train,test\nBigEarthNet-S2/{IDS[0]}/,BigEarthNet-S2/{IDS[1]}/\n",
    "lower case": f"train,test\n{IDS[0].lower()},{IDS[1].lower()}\n",
}


@pytest.mark.parametrize("case", FOREIGN)
def test_splits_of_no_patch_that_is_there_are_refused(capsys, whole, case):
    file = whole / "foreign.csv"
    file.write_text(FOREIGN[case])
    for call in calls_with_split(whole, file):
        assert main([str(word) for word in call]) == 2, call[0]
        out, err = capsys.readouterr()
        assert out == "" and len(err.splitlines()) == 1
        assert "is not in the metadata" in err or "but none of" in err
    assert not (whole / "out.html").exists()


def test_a_side_without_patches_is_no_layer_of_the_map(whole):
    page = web_map(whole / "whole.parquet", sides={"train": IDS[:2], "validation": [], "test": []})
    assert "side: train" in page and "side: test" not in page


def test_val_is_validation_and_the_index_of_pandas_is_no_side(whole):
    meant = {"train": IDS[:1], "validation": IDS[1:2], "test": IDS[2:3]}
    texts = [
        f"train,val,test\n{','.join(IDS[:3])}\n",
        f"Train,Val,Test\n{','.join(IDS[:3])}\n",
        f",train,val,test\n0,{','.join(IDS[:3])}\n",
        f"Unnamed: 0,train,validation,test\n0,{','.join(IDS[:3])}\n",
        f"train,val,test,\n{','.join(IDS[:3])},\n",
        f"train,val,test,note\n{','.join(IDS[:3])},made by hand\n",
        f"patch_id,split\n{IDS[0]},train\n{IDS[1]},val\n{IDS[2]},test\n",
        f",patch_id,split\n0,{IDS[0]},train\n1,{IDS[1]},val\n2,{IDS[2]},test\n",
    ]
    for text in texts:
        (whole / "other.csv").write_text(text)
        assert read_sides(whole / "other.csv") == meant, text
    assert Split({"train": IDS[:1], "val": IDS[1:2], "test": IDS[2:3]}).sides() == meant


def test_a_side_of_nulls_alone_is_empty(tmp_path):
    """pandas gives a column of which no value is there no type of its own."""
    frame = pd.DataFrame({"train": IDS[:2], "validation": [None, None], "test": [None, IDS[2]]})
    frame.to_parquet(tmp_path / "split.parquet")
    for source in (frame, tmp_path / "split.parquet"):
        sides = Split(source).sides()
        assert sides == {"train": IDS[:2], "validation": [], "test": IDS[2:3]}
