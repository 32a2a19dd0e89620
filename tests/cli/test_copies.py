"""`duplicates` and `diff` on the command line."""

import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import benkit
from benkit.cli import main


@pytest.fixture
def twice(real_archive, tmp_path):
    """The real patches, one of them also under another name; and a split that parts the two."""
    root = tmp_path / "twice"
    shutil.copytree(real_archive, root)
    patch = min(root.glob("*/*"))
    copy = patch.with_name(f"{patch.parent.name}_00_00")
    copy.mkdir()
    for file in patch.iterdir():
        shutil.copy(file, copy / file.name.replace(patch.name, copy.name))
    table = pa.table({"patch_id": [patch.name, copy.name], "split": ["train", "test"]})
    pq.write_table(table, tmp_path / "split.parquet")
    benkit.scan(root, tmp_path / "twice.parquet")
    benkit.scan(real_archive, tmp_path / "once.parquet")
    return tmp_path


def test_duplicates_says_how_many(twice, run_json, capsys):
    inventory, output = twice / "twice.parquet", twice / "d.csv"
    values = {"patches": 2, "groups": 1, "across_sides": None}
    assert run_json("duplicates", inventory) == (0, values)
    call = ["duplicates", inventory, "--split", twice / "split.parquet", "--output", output]
    assert run_json(*call) == (0, values | {"across_sides": 1})
    assert len(output.read_text().splitlines()) == 3
    assert main(list(map(str, call))) == 0
    said = capsys.readouterr().out
    assert said.startswith("10 patches. 2 patches in 1 group have equal pixels in all bands. 1 of ")
    assert said.splitlines()[3].split()[-3:] == ["2", "1", "1"]
    assert "train" in said
    assert run_json("duplicates", twice / "once.parquet") == (
        0, {"patches": 0, "groups": 0, "across_sides": None},
    )  # fmt: skip
    assert main(["duplicates", str(twice / "once.parquet")]) == 0


def test_diff_ends_with_1_where_anything_differs(twice, run_json, capsys):
    once, more = twice / "once.parquet", twice / "twice.parquet"
    same = {"added": 0, "removed": 0, "changed": 0, "same": 9}
    assert run_json("diff", once, once) == (0, same)
    assert run_json("diff", once, more) == (1, same | {"added": 1})
    assert run_json("diff", more, once, "--output", twice / "d.json") == (1, same | {"removed": 1})
    assert main(["diff", str(more), str(once)]) == 1
    assert "removed  S2" in capsys.readouterr().out
    assert main(["diff", str(more), str(twice / "nothing")]) == 2
    assert "nothing: expected an inventory or the folder" in capsys.readouterr().err
