"""Files of metadata that are damaged, of another kind or too large: one line that names the file."""

import gzip
import re
import struct
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.feather
import pyarrow.orc
import pyarrow.parquet as pq
import pytest

from benkit.errors import InputFormatError, RasterError
from benkit.files.tables.table import read_table
from benkit.metadata.metadata_file import read_metadata
from benkit.reference_maps.land_cover import measure_land_cover
from benkit.tiff.read import read_raster
from tests.conftest import ROOT
from tests.hostile_tables import (
    IDS,
    PRODUCT,
    calls_with_metadata,
    calls_with_patches,
    columns,
    refused,
    write,
    write_whole,
)


@pytest.fixture
def whole(tmp_path):
    return write_whole(tmp_path)


def no_utf8(column, others):
    """A text that is no UTF-8, before others."""
    offsets, text = struct.pack("<ii", 0, 3), b"\xff\xfeA"
    bad = pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(offsets), pa.py_buffer(text)])
    if column == "labels":
        bad = pa.ListArray.from_arrays(pa.array([0, 1], pa.int32()), bad)
    return pa.concat_arrays([bad, pa.array(others, bad.type)])


@pytest.mark.parametrize("column", ["patch_id", "labels"])
def test_texts_that_are_not_utf8_are_refused(capsys, whole, column):
    others = {column: no_utf8(column, columns()[column][1:])}
    file = write(whole / "wrong.parquet", **others)
    calls = calls_with_metadata(whole, file) + calls_with_patches(whole, file)
    assert "expected a whole Parquet file, but it is damaged" in refused(capsys, calls, file)


def test_a_column_name_that_is_not_utf8_is_refused(capsys, whole):
    file = whole / "wrong.parquet"
    pq.write_table(pa.table({"patch_id": ["a"], "column": ["b"]}), file, store_schema=False)
    file.write_bytes(file.read_bytes().replace(b"column", b"\xff\xfelumn"))
    calls = calls_with_metadata(whole, file) + calls_with_patches(whole, file)
    assert "expected a whole Parquet file, but it is damaged" in refused(capsys, calls, file)


def test_damaged_bytes_are_refused(capsys, whole):
    file = write(whole / "wrong.parquet")
    content = file.read_bytes()
    calls = calls_with_metadata(whole, file) + calls_with_patches(whole, file)
    for text in (
        content[:4],
        content[: len(content) // 2],
        content[:-1],
        content[:-8] + struct.pack("<I", 2**31 - 1) + b"PAR1",
        content[:20] + b"\xff" * 60 + content[80:],
        content[:-300] + b"\xff" * 40 + content[-260:],
    ):
        file.write_bytes(text)
        assert "expected a whole Parquet file, but it is damaged" in refused(capsys, calls, file)


def change_every_byte_of_the_footer(name):
    """Read metadata with each byte of the footer changed: each is read, or refused."""
    file = Path(name)
    content = file.read_bytes()
    first = len(content) - 8 - struct.unpack("<I", content[-8:-4])[0]
    for place in range(first, len(content)):
        changed = bytes([content[place] ^ 1])
        file.write_bytes(content[:place] + changed + content[place + 1 :])
        with suppress(InputFormatError):
            read_metadata(file)


def test_no_changed_byte_of_a_footer_ends_the_interpreter(whole):
    file = write(whole / "wrong.parquet")
    code = f"import sys; from {__name__} import *; change_every_byte_of_the_footer(sys.argv[1])"
    command = [sys.executable, "-c", code, str(file)]
    done = subprocess.run(command, cwd=ROOT, timeout=100, check=False, capture_output=True)
    assert done.returncode == 0, done.stderr


def test_files_of_other_kinds_are_refused(capsys, whole):
    file = whole / "wrong.parquet"
    table = pa.table({"patch_id": IDS})
    calls = calls_with_metadata(whole, file) + calls_with_patches(whole, file)
    pa.orc.write_table(table, file)
    assert "expected a Parquet file, but it does not begin as one" in refused(capsys, calls, file)
    pa.feather.write_feather(table, file)
    assert "expected a Parquet file, but it does not begin as one" in refused(capsys, calls, file)
    for text in (b"", b"patch_id\n", b"{}", gzip.compress(b"patch_id\n"), b"\x80\x04K\x01."):
        file.write_bytes(text)
        assert "expected a Parquet file, but" in refused(capsys, calls, file)
    file.unlink()
    file.symlink_to(file)
    assert "Too many levels of symbolic links" in refused(capsys, calls, file)
    file.unlink()
    file.mkdir()
    calls = calls_with_metadata(whole, file)
    del calls[8]  # an empty folder in the place of an inventory is an archive
    assert "expected a file, but it is a folder" in refused(capsys, calls, file)


def test_what_unpacks_into_too_much_is_refused(capsys, whole, monkeypatch):
    monkeypatch.setattr("benkit.files.tables.parquet.LARGEST_TABLE", 2**16)
    monkeypatch.setattr("benkit.files.tables.parquet.MOST_ROWS", 10_000)
    file = whole / "wrong.parquet"
    calls = calls_with_metadata(whole, file) + calls_with_patches(whole, file)
    # The same text in every row takes next to nothing, with and without a dictionary for Arrow.
    for texts in (pa.array(["x" * 1000] * 500), pa.array(["x" * 1000] * 500).dictionary_encode()):
        pq.write_table(pa.table({"patch_id": texts, "labels": [[]] * 500}), file)
        assert file.stat().st_size < 2**13
        assert "but it unpacks into more" in refused(capsys, calls, file)
    pq.write_table(pa.table({"patch_id": ["0" * 2**17]}), file, compression="zstd")
    assert "but it unpacks into more" in refused(capsys, calls, file)
    pq.write_table(pa.table({"patch_id": ["x"] * 10_001}), file)
    assert "at most 10,000 rows, but it has 10,001" in refused(capsys, calls, file)


def test_what_has_no_end_is_refused(capsys, whole, monkeypatch):
    monkeypatch.setattr("benkit.files.tables.parquet.LARGEST_TABLE", 2**16)
    for module in ("table", "csv_file"):
        monkeypatch.setattr(f"benkit.files.tables.{module}.LARGEST_TABLE", 2**16)
    file = whole / "wrong.csv.gz"
    file.write_bytes(gzip.compress(b"patch_id\n" + b"0" * 2**17))
    assert "but it is larger" in refused(capsys, calls_with_patches(whole, file), file)
    file.unlink()
    file.symlink_to("/dev/zero")
    assert "but it is larger" in refused(capsys, calls_with_patches(whole, file), file)


def test_tables_that_could_unpack_into_too_much_are_read_all_the_same(whole, monkeypatch):
    file = whole / "large.parquet"
    ids = [f"{PRODUCT}_{row // 90:02d}_{row % 90:02d}" for row in range(1500)]
    labels = [["a"], [], ["b", "a"]] * 500
    country = pa.array(["a", None, "b"] * 500).dictionary_encode()
    write(file, patch_id=ids, labels=labels, country=country, split=None)
    expected = read_metadata(file)
    assert expected["country"].type == pa.string()
    monkeypatch.setattr("benkit.files.tables.parquet.LARGEST_TABLE", 2**18)
    assert read_metadata(file).equals(expected)


OTHER_FORMATS = {
    "the pointer that Git LFS has put": b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n",
    "a web page": b"<!DOCTYPE html><html><body>403 Forbidden</body></html>",
    "a ZIP archive, as workbooks of Excel are; unpack or export it": b"PK\3\4 and more",
    "an Arrow (Feather) file": b"ARROW1\0\0",
    "it is JSON": b'{"train": ["a"], "test": ["b"]}',
}


@pytest.mark.parametrize("said", OTHER_FORMATS)
@pytest.mark.parametrize("name", ["table.parquet", "table.csv", "table.csv.zip", "table.txt"])
def test_what_was_put_in_the_place_of_a_table_is_named(tmp_path, said, name):
    (tmp_path / name).write_bytes(OTHER_FORMATS[said])
    with pytest.raises(InputFormatError, match=re.escape(said)):
        read_table(tmp_path / name)


def test_what_was_put_in_the_place_of_a_raster_or_a_map_is_named(tmp_path):
    pointer = OTHER_FORMATS["the pointer that Git LFS has put"]
    (tmp_path / "B02.tif").write_bytes(pointer)
    with pytest.raises(RasterError, match=r"GeoTIFF: it is the pointer .* `git lfs pull`"):
        read_raster(tmp_path / "B02.tif")
    (tmp_path / "a_reference_map.parquet").write_bytes(pointer)
    with pytest.raises(InputFormatError, match="GeoParquet file, but it is the pointer"):
        measure_land_cover(tmp_path)
