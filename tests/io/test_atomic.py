import pytest

from benkit.errors import OutputError
from benkit.io.atomic import replacing


def test_appears_whole(tmp_path):
    target = tmp_path / "new" / "file.txt"
    with replacing(target) as part:
        assert part.parent == target.parent
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


def test_a_full_disk_is_a_clear_error():
    with pytest.raises(OutputError, match="No space left"), replacing_into_full() as file:
        file.write(b"x" * 10_000)


def replacing_into_full():
    """/dev/full refuses every byte, as a full disk does."""
    from contextlib import contextmanager
    from pathlib import Path
    from tempfile import TemporaryDirectory

    @contextmanager
    def opened():
        with TemporaryDirectory() as folder, replacing(Path(folder) / "x") as part:
            part.symlink_to("/dev/full")
            with part.open("wb") as file:
                yield file

    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    return opened()
