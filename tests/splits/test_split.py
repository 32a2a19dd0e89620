"""The value of a split: what it is made of, how it is shown and written, and what is refused."""

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benkit.errors import InputFormatError, OptionError
from benkit.splits.split import Split
from benkit.splits.split_file import SIDES, write_sides

TABLE = pa.table({"patch_id": list("abcde"), "split": ["test", "train", None, "train", ""]})
BY_SIDE = {"train": ["b", "d"], "test": ["a"]}
FORMS = {
    "pyarrow": lambda _: TABLE,
    "pandas": lambda _: TABLE.to_pandas(),
    "polars": lambda _: pl.from_arrow(TABLE),
    "duckdb": lambda _: duckdb.connect().from_arrow(TABLE),
    "a column a side": lambda _: pd.DataFrame({"test": ["a", ""], "train": ["b", "d"]}),
    "split": lambda _: Split(TABLE),
    "mapping": lambda _: {"test": ("a",), "train": np.array(["b", "d"])},
    "mapping of columns": lambda _: {"train": pa.chunked_array([["b"], ["d"]]), "test": {"a"}},
    "CSV": lambda folder: folder / "split.csv",
    "Parquet": lambda folder: str(folder / "split.parquet"),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_sides(form, tmp_path):
    Split(TABLE).write(tmp_path / "split.csv")
    Split(TABLE).write(tmp_path / "split.parquet")
    split = Split(FORMS[form](tmp_path))
    assert split.sides() == BY_SIDE
    assert list(split.sides()) == ["train", "test"]
    assert repr(split).startswith(f"Split: {len(split)} patches, train 2, test 1")
    assert "<table" in split._repr_html_()
    side = dict(zip(split.patch_ids, split.side.tolist(), strict=True))
    assert {patch for patch, name in side.items() if name == "train"} == {"b", "d"}
    assert Split(pl.DataFrame(split)).sides() == BY_SIDE


def test_a_split_of_many_patches_is_shown_in_a_line():
    ids = [f"S2A_MSIL2A_20170613T101031_N9999_R022_T33UUP_00_{number}" for number in range(5000)]
    split = Split({"train": ids[:3000], "validation": ids[3000:4000], "test": ids[4000:]})
    assert repr(split) == "Split: 5,000 patches, train 3,000, validation 1,000, test 1,000"
    assert len(split._repr_html_()) < 3000
    assert repr(Split(TABLE)) == "Split: 5 patches, train 2, test 1, left out 2"


def test_rows_follow_the_patches_of_metadata_and_sides_stay():
    split = Split(BY_SIDE | {"validation": ["c"]}, parts={"train": 0.5})
    assert split.names == SIDES
    ids = pa.array(list("edcba"))
    aligned = split.aligned(ids)
    assert aligned.patch_ids == tuple("edcba")
    assert aligned.side.tolist() == ["", "train", "validation", "train", "test"]
    assert aligned.sides() == {"train": ["d", "b"], "validation": ["c"], "test": ["a"]}
    assert aligned.aligned(ids) is aligned
    assert aligned.without_validation().sides() == {"train": ["d", "c", "b"], "test": ["a"]}
    with pytest.raises(InputFormatError, match="d of the side train is not in the metadata"):
        split.aligned(ids[2:])
    assert split.aligned(ids[2:], strict=False).side.tolist() == ["validation", "train", "test"]


def test_what_was_asked_for_stays_with_a_split_that_is_made_of_it():
    split = Split(Split(BY_SIDE, parts={"train": 0.75, "test": 0.25}))
    assert split.parts == {"train": 0.75, "test": 0.25}
    assert split.evaluation is None
    assert Split(BY_SIDE).parts == {}


def test_a_parquet_file_holds_the_metadata_too(tmp_path):
    metadata = pa.table({"patch_id": list("abcde"), "split": [0] * 5, "snow": range(5)})
    Split(TABLE).write(tmp_path / "split.parquet", metadata)
    written = pq.read_table(tmp_path / "split.parquet")
    assert written.column_names == ["patch_id", "snow", "split"]
    assert written["split"].to_pylist() == ["test", "train", None, "train", None]
    with pytest.raises(OptionError, match=r"ends with \.csv or \.parquet"):
        Split(TABLE).write(tmp_path / "split.json")


@pytest.mark.parametrize(
    ("sides", "message"),
    [
        ({"train": ["a"], "dev": ["b"]}, "expected the sides train, validation, test, but there is dev"),
        ({"train": ["a", "b"], "test": ["a"]}, "the split: .* but a is on train and test; keep one"),
        (pa.concat_tables([TABLE, TABLE]), "but .* is on .* and .*; keep one"),
        (pa.table({"patch_id": ["a"]}), "expected a split, with the columns train and test or"),
        (pa.table({"patch_id": ["a"], "split": ["dev"]}), "in the column split, but there is dev"),
    ],
)  # fmt: skip
def test_what_is_no_split_is_refused(sides, message):
    with pytest.raises(InputFormatError, match=message):
        Split(sides)


@pytest.mark.parametrize(
    ("sides", "message"),
    [
        ({"train": [1, 2], "test": []}, "expected the side train, as a list of patch ids, .* list"),
        ({"train": None}, "expected the side train, .* of the type NoneType"),
        (["a", "b"], "expected a split, as a path or as a table .* of the type list"),
    ],
)
def test_what_cannot_be_a_split_is_refused(sides, message):
    with pytest.raises(OptionError, match=message):
        Split(sides)


def test_a_file_that_has_a_patch_on_two_sides_is_named(tmp_path):
    write_sides({"train": ["a", "b"], "test": ["b"]}, tmp_path / "split.csv")
    with pytest.raises(InputFormatError, match="b is on train and test") as caught:
        Split(tmp_path / "split.csv")
    assert str(caught.value).startswith(f"{tmp_path / 'split.csv'}: ")
