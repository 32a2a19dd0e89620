import os
import signal
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from benkit.errors import OutputError
from benkit.files.writing import fill_folder
from benkit.files.writing.fill_folder import filling_folder
from tests.conftest import ROOT


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


@pytest.mark.skipif(sys.platform != "linux", reason="folders change places on Linux")
def test_a_reader_finds_the_earlier_files_or_the_new_ones(tmp_path, monkeypatch):
    folder = tmp_path / "folder"
    fill(folder, "first")
    (folder / "other").write_text("mine")
    (folder / "link").symlink_to("other")
    folder.chmod(0o750)
    seen, looking = set(), [True]

    def look(event, _):
        if looking and event in ("os.rename", "os.link", "os.remove", "os.chmod"):
            seen.add(tuple((folder / name).read_text() for name in ("a", "b", "other", "link")))

    sys.addaudithook(look)
    other = (folder / "other").stat()
    fill(folder, "second", overwrite=True)
    looking.clear()
    assert seen == {("first", "first", "mine", "mine"), ("second", "second", "mine", "mine")}
    assert os.path.samestat(other, (folder / "other").stat())
    assert (folder / "link").readlink() == Path("other")
    assert folder.stat().st_mode & 0o777 == 0o750
    assert os.listdir(tmp_path) == ["folder"]


def test_what_comes_while_the_folders_change_places_stays(tmp_path, monkeypatch):
    folder = tmp_path / "folder"
    fill(folder, "first")
    change_places = fill_folder.exchange

    def late(new, target):
        (target / "late").write_text("mine")
        return change_places(new, target)

    monkeypatch.setattr(fill_folder, "exchange", late)
    fill(folder, "second", overwrite=True)
    assert {(path.name, path.read_text()) for path in folder.iterdir()} == {
        ("a", "second"), ("b", "second"), ("late", "mine")
    }  # fmt: skip
    assert os.listdir(tmp_path) == ["folder"]


@pytest.mark.skipif(sys.platform != "linux", reason="folders change places on Linux")
def test_a_kill_right_after_the_folders_changed_places_loses_nothing(tmp_path):
    folder = tmp_path / "folder"
    fill(folder, "first")
    script = (
        "import os, signal\n"
        "from pathlib import Path\n"
        "from benkit.files.writing import fill_folder\n"
        "from tests.files.test_fill_folder import fill\n"
        "change_places = fill_folder.exchange\n"
        "def late(new, target):\n"
        "    (target / 'late').write_text('mine')\n"
        "    change_places(new, target)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "fill_folder.exchange = late\n"
        f"fill(Path({str(folder)!r}), 'second', overwrite=True)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    assert sorted(os.listdir(folder)) == ["a", "b"]
    assert (folder / "a").read_text() == "second"
    fill(folder, "third", overwrite=True)
    assert sorted(os.listdir(folder)) == ["a", "b", "late"]
    assert (folder / "late").read_text() == "mine"
    assert os.listdir(tmp_path) == ["folder"]


@pytest.mark.parametrize("why", ["a folder among them", "no exchange", "no links", "current"])
def test_where_folders_cannot_change_places_the_files_move(tmp_path, monkeypatch, why):
    folder = tmp_path / "folder"
    fill(folder, "first")
    (folder / "other").write_text("mine")
    if why == "a folder among them":
        (folder / "sub").mkdir()
    elif why == "current":
        monkeypatch.chdir(folder)
    elif why == "no exchange":
        monkeypatch.setattr(fill_folder, "exchange", lambda new, target: False)
    else:
        monkeypatch.setattr(os, "link", refuse)
    before = folder.stat()
    fill(folder, "second", overwrite=True)
    assert os.path.samestat(before, folder.stat())
    assert [(folder / name).read_text() for name in ("a", "b", "other")] == [
        *["second"] * 2,
        "mine",
    ]
    assert {*os.listdir(folder)} - {"sub"} == {"a", "b", "other"}
    assert os.listdir(tmp_path) == ["folder"]


def refuse(*_, **__):
    raise PermissionError
