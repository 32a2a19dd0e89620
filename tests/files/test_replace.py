import os
from contextlib import contextmanager
from pathlib import Path

import pytest

from benkit.errors import OutputError
from benkit.files.writing.replace import replacing, replacing_folder
from benkit.files.writing.staging import holding


def test_appears_whole(tmp_path):
    target = tmp_path / "new" / "file.txt"
    with replacing(target) as part:
        assert part.name == target.name
        part.write_text("whole")
        assert not target.exists()
    assert target.read_text() == "whole"
    assert list(target.parent.iterdir()) == [target]


def write_half(target):
    with replacing(target) as part:
        part.write_text("half")
        raise LookupError


def test_an_earlier_file_stays_when_something_fails(tmp_path):
    target = tmp_path / "file.txt"
    target.write_text("old")
    with pytest.raises(LookupError):
        write_half(target)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(OutputError, match=r"file/below: cannot be written"),
        replacing(tmp_path / "file" / "below"),
    ):
        pass


@contextmanager
def into_full(target):
    with replacing(target) as part:
        part.symlink_to("/dev/full")
        with part.open("wb") as file:
            yield file


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_a_clear_error(tmp_path):
    """/dev/full refuses every byte, as a full disk does."""
    with pytest.raises(OutputError, match="No space left"), into_full(tmp_path / "x") as file:
        file.write(b"x" * 10_000)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("something", ["folder", "pipe"])
def test_only_a_file_is_replaced(tmp_path, something):
    target = tmp_path / something
    target.mkdir() if something == "folder" else os.mkfifo(target)
    with pytest.raises(OutputError, match="there is something else"), replacing(target):
        pytest.fail("refused before any work")
    assert list(tmp_path.iterdir()) == [target]


def test_a_link_stays_and_its_file_is_replaced(tmp_path):
    (tmp_path / "far").mkdir()
    link = tmp_path / "link.txt"
    link.symlink_to("far/file.txt")
    with replacing(link) as part:
        part.write_text("new")
    assert link.is_symlink()
    assert (tmp_path / "far" / "file.txt").read_text() == "new"


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_makes_is_not(tmp_path):
    target = tmp_path / "file.txt"
    dead, living = tmp_path / ".file.txt.0123abcd.part", tmp_path / ".file.txt.0123abce.part"
    another = tmp_path / ".file.txt.old.0123abcd.part"  # of file.txt.old
    for folder in (dead, living, another):
        (folder / "below").mkdir(parents=True)
    (tmp_path / ".file.txt.notes.part").write_text("somebody's")
    with holding(living), replacing(target) as part:
        part.write_text("new")
        assert not dead.exists()
        assert living.exists()
    assert sorted(os.listdir(tmp_path)) == [
        ".file.txt.0123abce.part", ".file.txt.notes.part", ".file.txt.old.0123abcd.part", "file.txt",
    ]  # fmt: skip


def test_two_writers_of_one_file_do_not_meet(tmp_path):
    target = tmp_path / "file.txt"
    with replacing(target) as first:
        with replacing(target) as second:
            first.write_text("first")
            second.write_text("second")
        assert target.read_text() == "second"
    assert target.read_text() == "first"
    assert list(tmp_path.iterdir()) == [target]


def make_folder(path, content):
    with replacing_folder(path) as new:
        (new / "file").write_text(content)


def test_a_folder_is_replaced_whole(tmp_path):
    target = tmp_path / "folder"
    make_folder(target, "old")
    (target / "more").touch()
    make_folder(target, "new")
    assert os.listdir(target) == ["file"]
    assert (target / "file").read_text() == "new"
    assert os.listdir(tmp_path) == ["folder"]


def fail_to_make_folder(path):
    with replacing_folder(path):
        raise LookupError


def test_a_folder_that_a_killed_process_had_moved_away_comes_back(tmp_path):
    target, stage = tmp_path / "folder", tmp_path / ".folder.0123abcd.part"
    make_folder(target, "old")
    stage.mkdir()
    target.rename(stage / "old0")  # here it was killed
    with pytest.raises(LookupError):
        fail_to_make_folder(target)
    assert (target / "file").read_text() == "old"
    assert os.listdir(tmp_path) == ["folder"]


def test_two_writers_of_one_folder_do_not_meet(tmp_path):
    target = tmp_path / "folder"
    make_folder(target, "old")
    with replacing_folder(target) as first:
        make_folder(target, "second")
        (first / "file").write_text("first")
    assert (target / "file").read_text() == "first"
    assert os.listdir(tmp_path) == ["folder"]
