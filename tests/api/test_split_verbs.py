"""`split`, `folds` and `evaluate`, given paths, values or tables."""

import csv
from itertools import zip_longest

import pyarrow.parquet as pq
import pytest

import benkit


def sides_of(path):
    """The columns of a CSV by name, without what fills them up."""
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    columns = zip_longest(*rows, fillvalue="")
    return {
        name: [one for one in column if one] for name, column in zip(header, columns, strict=True)
    }


def test_a_split_is_written_and_judged(metadata, table, tmp_path):
    made = benkit.split(metadata, test=0.3, output=tmp_path / "split.csv")
    sides = made.sides()
    assert sides_of(tmp_path / "split.csv") == sides
    assert benkit.split(table, test=0.3, output=tmp_path / "split.parquet").sides() == sides
    column = pq.read_table(tmp_path / "split.parquet")["split"].to_pylist()
    assert [column.count(name) for name in sides] == [len(ids) for ids in sides.values()]
    assert made.evaluation == benkit.evaluate(sides, table)


def test_an_evaluation_is_the_same_of_every_form(metadata, table, tmp_path):
    made = benkit.split(table, output=tmp_path / "split.csv")
    column = table.drop_columns("split") if "split" in table.column_names else table
    column = column.append_column("split", [made.side.tolist()])
    forms = [made, made.sides(), column, tmp_path / "split.csv", str(tmp_path / "split.csv")]
    for form in forms:
        for known in (metadata, table):
            assert benkit.evaluate(form, known) == made.evaluation
    assert benkit.evaluate(column) == made.evaluation


def test_an_evaluation_beside_others_holds_them(table):
    made = benkit.split(table)
    alone = benkit.evaluate(made, table).to_dict()
    found = benkit.evaluate(made, table, against=["random"], seed=3)
    assert list(found.against) == ["random"]
    random = found.against["random"]
    assert (random.train, random.test.patches) == (found.train, found.test.patches)
    assert found.to_dict() == alone | {"against": {"random": random.to_dict()}}


def test_each_fold_is_judged_as_if_it_were_alone(metadata, table, tmp_path):
    made = benkit.folds(metadata, 3, output=tmp_path / "fold.csv")
    tested = [patch for one in made for patch in one.sides()["test"]]
    assert sorted(tested) == sorted(table["patch_id"].to_pylist())
    for number, one in enumerate(made, 1):
        sides = sides_of(tmp_path / f"fold_{number}.csv")
        assert sides == one.sides()
        assert one.evaluation == benkit.evaluate(sides, table)


@pytest.mark.parametrize("verb", [benkit.split, lambda *a, **k: benkit.folds(*a, 2, **k)])
def test_a_file_that_is_no_split_is_refused_before_any_work(verb, tmp_path):
    with pytest.raises(ValueError, match="ends with"):
        verb("nowhere.parquet", output=tmp_path / "split.txt")


def test_a_patch_that_the_metadata_does_not_hold_is_told_with_the_split(table, tmp_path):
    sides = {"train": ["elsewhere"], "test": []}
    (tmp_path / "split.csv").write_text("train,test\nelsewhere,\n", "utf-8")
    with pytest.raises(ValueError, match=f"^{tmp_path}/split.csv: elsewhere .*made from$"):
        benkit.evaluate(tmp_path / "split.csv", table)
    with pytest.raises(ValueError, match=r"^elsewhere .*made from$"):
        benkit.evaluate(sides, table)
