"""Members of tars against Python's tarfile, for each format that it and GNU tar write; damaged tars."""

import gzip
import io
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pyarrow as pa
import pytest

from benkit.errors import InputFormatError, MissingInputError
from benkit.files.tar.headers import BLOCK, TarBreakError
from benkit.files.tar.read_at import TarContent
from benkit.files.tar.stream import open_tar

NAMES = ["a/b/c.tif", "x" * 100, f"{'y' * 90}/{'z' * 150}/f.tif", "ü/ö.tif", "empty", "last"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files with short and long names, an empty one, links, a pipe, and bytes that are no UTF-8."""
    root = tmp_path_factory.mktemp("tar") / "top"
    for number, name in enumerate(NAMES):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(range(256)) * number * 2 if name != "empty" else b"")
    (root / "link").symlink_to("last")
    os.link(root / "last", root / "same")
    os.mkfifo(root / "pipe")
    return root


def ours(path: Path, *, hop: bool = False) -> list[tuple]:
    found = []
    with open_tar(path, hop=hop) as tar:
        for member in tar.members():
            is_file = not (member.is_folder or member.why_closed)
            content = bytes(tar.content(member)) if is_file else b""
            name = member.name.rstrip("/")
            found.append((name, member.is_folder, is_file, member.position, content))
    return found


def theirs(path: Path) -> list[tuple]:
    with tarfile.open(path) as tar:
        return [
            (
                member.name,
                member.isdir(),
                member.isreg(),
                member.offset_data,
                tar.extractfile(member).read() if member.isreg() else b"",
            )
            for member in tar
        ]


def packed(folder: Path, path: Path, *options: str) -> Path:
    """A tar by GNU tar; names that the format cannot hold are left out."""
    command = ["tar", *options, "-cf", str(path), "-C", str(folder.parent), folder.name]
    subprocess.run(command, capture_output=True)
    return path


@pytest.mark.parametrize("hop", [False, True])
@pytest.mark.parametrize("form", ["v7", "oldgnu", "gnu", "ustar", "posix"])
def test_members_of_gnu_tars(folder, tmp_path, form, hop):
    path = packed(folder, tmp_path / "a.tar", f"--format={form}")
    assert ours(path, hop=hop) == theirs(path)
    assert len(ours(path)) > 8


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_members_of_tars_by_python(folder, tmp_path, form):
    with tarfile.open(tmp_path / "a.tar", "w", format=form) as tar:
        tar.add(folder, "./top")
    assert ours(tmp_path / "a.tar") == theirs(tmp_path / "a.tar")


def test_pax_records_for_all_members_and_sizes_of_their_own(tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w", pax_headers={"comment": "für alle"}) as tar:
        info = tarfile.TarInfo("a.tif")
        info.size = 5
        info.pax_headers = {"size": "5", "path": "other/ä.tif"}
        tar.addfile(info, io.BytesIO(b"12345"))
    ((name, *_, content),) = ours(tmp_path / "a.tar")
    assert (name, content) == ("other/ä.tif", b"12345")


@pytest.mark.parametrize("codec", ["zstd", "gzip"])
def test_packed_tars_of_several_frames(folder, tmp_path, codec):
    plain = packed(folder, tmp_path / "a.tar").read_bytes()
    frames = [
        pa.compress(plain[start : start + 3000], codec, asbytes=True)
        for start in range(0, len(plain), 3000)
    ] if codec == "zstd" else [gzip.compress(plain[:4000]), gzip.compress(plain[4000:])]  # fmt: skip
    (tmp_path / "a.tar.packed").write_bytes(b"".join(frames))
    assert ours(tmp_path / "a.tar.packed") == ours(tmp_path / "a.tar")


@pytest.mark.skipif(not shutil.which("zstd"), reason="needs zstd")
def test_a_window_that_is_too_large_is_refused_with_what_to_do(tmp_path):
    command = ["zstd", "-q", "-1", "--long=31", "-o", str(tmp_path / "a.tar.zst")]
    subprocess.run(command, input=GOOD + END, check=True)  # of unknown length: it says its window
    with pytest.raises(InputFormatError, match=r"a.tar.zst: .*unpack it with zstd -d --long=31$"):
        ours(tmp_path / "a.tar.zst")


def test_tars_that_follow_one_another_are_one(folder, tmp_path):
    first = packed(folder, tmp_path / "a.tar")
    (tmp_path / "b.tar").write_bytes(first.read_bytes() * 2)
    names = [name for name, *_ in ours(first)]
    assert [name for name, *_ in ours(tmp_path / "b.tar")] == names * 2


def test_what_is_stored_with_holes_is_no_file(tmp_path):
    (tmp_path / "top").mkdir()
    with (tmp_path / "top" / "holes").open("wb") as file:
        file.seek(200_000)
        file.write(b"end")
    (tmp_path / "top" / "other").write_bytes(b"other")
    for form in ("gnu", "posix"):
        path = packed(tmp_path / "top", tmp_path / f"{form}.tar", "--sparse", f"--format={form}")
        with open_tar(path) as tar:
            found = {member.name: member.why_closed for member in tar.members()}
        assert "holes" in found.pop("top/holes")
        assert found == {"top/": None, "top/other": None}


def with_checksum(block: bytearray) -> bytes:
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def header(name: bytes = b"a.tif", size: bytes = b"00000000005\0", kind: bytes = b"0") -> bytes:
    block = bytearray(BLOCK)
    block[: len(name)], block[124 : 124 + len(size)] = name, size
    block[156:157], block[257:265] = kind, b"ustar\0" + b"00"
    return with_checksum(block)


GOOD = header() + b"12345".ljust(BLOCK, b"\0")
END = bytes(2 * BLOCK)


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        (b"", "ends in the middle, after 1,024 bytes"),
        (GOOD[:300], "ends in the middle"),
        (GOOD[:514], "ends in the middle"),
        (bytes([1]) + GOOD[1:], "checksum"),
        (header(size=b"77777777777\0"), "has 8,589,934,591 bytes"),
        (header(size=b"\x80" + b"\xff" * 11), "ends in the middle"),
        (header(size=b"\xff" * 12), "a number in it is none"),
        (header(size=b"1_000\0\0\0\0\0\0\0"), "a number in it is none"),
        (header(size=b"-0000000005\0"), "a number in it is none"),
        (header(kind=b"L", size=b"77777777777\0"), "claims 8,589,934,591 bytes"),
        (header(kind=b"x", size=b"00000000012\0") + b"99 path=a\n".ljust(BLOCK, b"\0"), "pax"),
        (
            header(kind=b"x", size=b"00000000013\0") + b"11 size=-1\n".ljust(BLOCK, b"\0") + GOOD,
            "gives no size",
        ),
        (END + b"garbage".ljust(BLOCK), "the header at byte 2,048 is damaged"),
    ],
)
def test_what_lies_before_a_break_is_given(tmp_path, rest, message):
    (tmp_path / "a.tar").write_bytes(GOOD + rest)
    with open_tar(tmp_path / "a.tar") as tar:
        members = tar.members()
        assert next(members).name == "a.tif"
        with pytest.raises(TarBreakError, match=message) as raised:
            list(members)
    assert str(raised.value).startswith(f"{tmp_path / 'a.tar'}: expected a whole tar, but ")


def test_a_packed_tar_that_is_cut_off(tmp_path):
    whole = pa.compress(GOOD + GOOD, "zstd", asbytes=True)
    (tmp_path / "a.tar.zst").write_bytes(whole[:-4])
    with open_tar(tmp_path / "a.tar.zst") as tar, pytest.raises(InputFormatError):
        list(tar.members())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"<!doctype html><title>404</title>", "a web page"),
        (b"PK\3\4" + bytes(1000), "ZIP"),
        (os.urandom(3000), "something else"),
    ],
)
def test_what_is_no_tar_is_refused(tmp_path, content, message):
    (tmp_path / "a.tar").write_bytes(content)
    with pytest.raises(InputFormatError, match=message):
        ours(tmp_path / "a.tar")


def test_a_tar_that_is_not_there(tmp_path):
    with pytest.raises(MissingInputError, match=r"a\.tar: expected a tar"):
        ours(tmp_path / "a.tar")
    with pytest.raises(InputFormatError, match="a folder"):
        ours(tmp_path)


def test_names_that_lead_out_have_no_way_and_absolute_ones_lead_below(tmp_path):
    blocks = [header(name) for name in (b"/etc/passwd", b"a/../../b", b"./a//b", b"\xff.tif")]
    content = b"".join(block + b"12345".ljust(BLOCK, b"\0") for block in blocks)
    (tmp_path / "a.tar").write_bytes(content + END)
    with open_tar(tmp_path / "a.tar") as tar:
        ways = [member.parts for member in tar.members()]
    assert ways == [["etc", "passwd"], None, ["a", "b"], ["\udcff.tif"]]


@pytest.mark.parametrize("form", ["gnu", "posix", "ustar", "v7"])
def test_files_are_read_at_their_place_only_under_their_name(folder, tmp_path, form):
    path = packed(folder, tmp_path / "a.tar", f"--format={form}")
    for name, _, is_file, position, content in ours(path):
        if is_file:
            assert TarContent(path, name, position).read_bytes(10_000) == content
            for other in ("other.tif", f"more{name.rpartition('/')[2]}", name[:-1]):
                with pytest.raises(InputFormatError, match="the tar was changed"):
                    TarContent(path, other, position).read_bytes(10_000)
