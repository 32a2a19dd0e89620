import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benkit.errors import InputFormatError
from benkit.splits.split import read_sides
from benkit.splits.split_file import write_sides
from tests.making import ANY_TEXT, FORMULAS, cells_of


def test_sides_of_any_length_survive_a_round_trip(tmp_path):
    sides = {"train": ["a", "b", "c"], "validation": [], "test": ["d"]}
    write_sides(sides, tmp_path / "split.csv")
    assert (tmp_path / "split.csv").read_bytes() == b"train,validation,test\na,,d\nb,,\nc,,\n"
    assert read_sides(tmp_path / "split.csv") == sides


def test_sides_of_the_official_metadata(shared_data):
    sides = read_sides(shared_data / "metadata.parquet")
    assert sorted(sides) == ["test", "train", "validation"]
    assert sum(map(len, sides.values())) == 480_038


def test_what_is_no_split_is_refused(tmp_path):
    path = tmp_path / "m.parquet"
    pq.write_table(pa.table({"patch_id": ["a"]}), path)
    with pytest.raises(InputFormatError, match="expected a split"):
        read_sides(path)


def test_no_cell_of_a_split_begins_a_formula(tmp_path):
    ids = [text for text in FORMULAS if text == text.strip()]
    write_sides({"train": ids, "test": ["-2"]}, tmp_path / "split.csv")
    cells = cells_of(tmp_path / "split.csv")
    assert all(cell[:1] not in tuple("=+-@\t\r") for row in cells for cell in row)
    assert read_sides(tmp_path / "split.csv") == {"train": ids, "test": ["-2"]}


NO_VALUE = {"", "na", "n/a", "nan", "null", "none", "<na>"}
NAMES = ANY_TEXT.map(str.strip).filter(lambda name: name.lower() not in NO_VALUE)


@given(st.lists(NAMES, min_size=1, unique=True))
def test_every_patch_id_survives_a_split(tmp_path_factory, ids):
    path = tmp_path_factory.getbasetemp() / "any-split.csv"
    write_sides({"train": ids, "test": []}, path)
    assert read_sides(path) == {"train": ids, "test": []}
