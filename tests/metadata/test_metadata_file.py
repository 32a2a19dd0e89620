import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benkit.errors import InputFormatError, MissingInputError
from benkit.metadata.metadata_file import read_metadata


def parquet(path, **columns):
    pq.write_table(pa.table(columns), path)
    return path


def test_metadata_of_other_arrow_types(tmp_path):
    ids = pa.array(["a", "b"]).dictionary_encode()
    labels = pa.array([["x"], []], pa.large_list(pa.large_string()))
    table = read_metadata(
        parquet(tmp_path / "m.parquet", labels=labels, patch_id=ids, extra=[1, 2])
    )
    assert table.schema.field("patch_id").type == pa.string()
    assert table.schema.field("labels").type == pa.list_(pa.string())
    assert table.column_names == ["labels", "patch_id", "extra"]


LABELS = pa.array([["x"], ["y"]])


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"patch_id": ["a", "b"]}, "expected the column labels"),
        ({"labels": LABELS}, "expected the column patch_id"),
        ({"patch_id": [1, 2], "labels": LABELS}, "expected strings in the column patch_id"),
        ({"patch_id": ["a", None], "labels": LABELS}, "1 of 2 rows have none"),
        ({"patch_id": ["a", "a"], "labels": LABELS}, "a is repeated"),
        ({"patch_id": ["a", "b"], "labels": ["x", "y"]}, "expected a list of strings"),
    ],
)
def test_metadata_that_is_something_else_is_refused(tmp_path, columns, message):
    path = parquet(tmp_path / "metadata.parquet", **columns)
    with pytest.raises(InputFormatError, match=message) as caught:
        read_metadata(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_missing_and_damaged_files_are_refused(tmp_path):
    with pytest.raises(MissingInputError, match="there is nothing"):
        read_metadata(tmp_path / "none.parquet")
    with pytest.raises(InputFormatError, match="it is a folder"):
        read_metadata(tmp_path)
    whole = parquet(tmp_path / "m.parquet", patch_id=["a", "b"], labels=LABELS).read_bytes()
    cut = tmp_path / "cut.parquet"
    for length in (0, 3, 4, 10, len(whole) // 2, len(whole) - 1):
        cut.write_bytes(whole[:length])
        with pytest.raises(InputFormatError, match=r"cut\.parquet: expected a"):
            read_metadata(cut)
