import os
import sys
from contextlib import nullcontext

import pytest

from benkit.errors import OutputError
from benkit.files.writing.fill_folder import filling_folder


def fill(folder, content, overwrite=False):
    with filling_folder(folder, ["a", "b"], overwrite=overwrite) as new:
        for name in ("a", "b"):
            (new / name).write_text(content)


def test_a_folder_is_filled_beside_what_is_there(tmp_path):
    folder = tmp_path / "folder"
    fill(folder, "first")
    (folder / "other").touch()
    (folder / "a").unlink()
    with pytest.raises(OutputError, match="b: is there already"):
        fill(folder, "second")
    assert sorted(os.listdir(folder)) == ["b", "other"]
    fill(folder, "third", overwrite=True)
    assert [(folder / name).read_text() for name in ("a", "b", "other")] == ["third", "third", ""]
    assert sorted(os.listdir(folder)) == ["a", "b", "other"]
    assert os.listdir(tmp_path) == ["folder"]


def fill_while_another_does(folder, overwrite):
    with filling_folder(folder, ["a", "b"], overwrite=overwrite) as new:
        for name in ("a", "b"):
            (new / name).write_text("slow")
        fill(folder, "fast")


@pytest.mark.parametrize("overwrite", [False, True])
def test_two_that_fill_one_folder_do_not_mix(tmp_path, overwrite):
    folder = tmp_path / "folder"
    refused = pytest.raises(OutputError, match="a: is there already")
    with nullcontext() if overwrite else refused:
        fill_while_another_does(folder, overwrite)
    assert {(folder / name).read_text() for name in "ab"} == {"slow" if overwrite else "fast"}
    assert os.listdir(tmp_path) == ["folder"]


def test_a_reader_finds_each_file_whole_earlier_or_new(tmp_path):
    folder = tmp_path / "folder"
    fill(folder, "first")
    (folder / "other").write_text("mine")
    (folder / "sub").mkdir()
    folder.chmod(0o750)
    seen, looking, before = [], [True], folder.stat()

    def look(event, _):
        if looking and event in ("os.rename", "os.remove", "os.rmdir"):
            seen.append(tuple((folder / name).read_text() for name in ("a", "b", "other")))

    sys.addaudithook(look)
    fill(folder, "second", overwrite=True)
    looking.clear()
    assert sorted(set(seen), key=seen.index) == [
        ("first", "first", "mine"), ("second", "first", "mine"), ("second", "second", "mine"),
    ]  # fmt: skip
    assert os.path.samestat(before, folder.stat())
    assert folder.stat().st_mode & 0o777 == 0o750
    assert sorted(os.listdir(folder)) == ["a", "b", "other", "sub"]
    assert os.listdir(tmp_path) == ["folder"]


def test_a_folder_that_was_not_there_appears_whole(tmp_path):
    folder = tmp_path / "folder"
    seen, looking = set(), [True]

    def look(event, _):
        if looking and event in ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "open"):
            seen.add(tuple(sorted(os.listdir(folder))) if folder.exists() else None)

    sys.addaudithook(look)
    fill(folder, "first")
    looking.clear()
    assert seen == {None, ("a", "b")}


@pytest.mark.parametrize("where", ["beside", "inside"])
def test_what_a_killed_run_left_goes_with_the_next(tmp_path, where):
    folder = tmp_path / "folder"
    fill(folder, "first")
    left = (tmp_path if where == "beside" else folder) / ".folder.0123abcd.part"
    (left / "new").mkdir(parents=True)
    fill(folder, "second", overwrite=True)
    assert sorted(os.listdir(folder)) == ["a", "b"]
    assert os.listdir(tmp_path) == ["folder"]
