"""Inventories that cannot be right: one line that names the file, whichever verb is asked."""

import os
import struct
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benkit.api.card import card
from benkit.cli import main
from benkit.engine import Engine
from benkit.inventory.scanning.scan import scan
from benkit.inventory.table.inventory_file import Inventory
from benkit.inventory.table.schema import INVENTORY_SCHEMA
from tests.making import PRODUCT, Archive

PATCHES = [f"{PRODUCT}_00_00", f"{PRODUCT}_00_01"]
TEXTS = [field.name for field in INVENTORY_SCHEMA if field.type == pa.string()]
NUMBERS = [field.name for field in INVENTORY_SCHEMA if field.type != pa.string()]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """An inventory of two patches that are whole, and metadata of them."""
    folder = tmp_path_factory.mktemp("whole")
    archive = Archive(folder / "archive")
    for patch in PATCHES:
        archive.patch(patch)
    scan(archive.root, folder / "inventory.parquet", engine=Engine(workers=1))
    labels = [["Pastures"], ["Inland waters"]]
    pq.write_table(pa.table({"patch_id": PATCHES, "labels": labels}), folder / "metadata.parquet")
    card(folder / "inventory.parquet", folder / "metadata.parquet", output=folder / "card.json")
    return folder


@pytest.fixture
def calls(whole, tmp_path):
    """Every call that takes an inventory."""
    metadata, source = str(whole / "metadata.parquet"), str(tmp_path / "inventory.parquet")
    page = ["--output", str(tmp_path / "page.html"), "--no-progress"]
    return {
        "stats": ["stats", source],
        "duplicates": ["duplicates", source],
        "card": ["card", source, "--metadata", metadata, "--output", str(tmp_path / "card")],
        "verify": ["verify", str(whole / "card.json"), source],
        "diff": ["diff", str(whole / "inventory.parquet"), source],
        "audit": ["audit", source, "--metadata", metadata, "--fail-on", "none"],
        "report": ["report", source, "--metadata", metadata, *page],
        "map": ["map", source, "--metadata", metadata, *page],
    }


def refused(calls, capsys, file):
    """The line that all verbs say of a file."""
    lines = set()
    for verb, call in calls.items():
        assert main(call) == 2, verb
        lines |= set(capsys.readouterr().err.splitlines())
    (line,) = lines
    assert line.startswith(f"benkit: {file}: expected ")
    return line


def changed(whole, file, name, values):
    """The whole inventory with other values in a column, which are one for all rows or one a row."""
    table = pq.read_table(whole / "inventory.parquet")
    if not isinstance(values, pa.Array):
        values = pa.array([values] * len(table))
    pq.write_table(table.set_column(table.column_names.index(name), name, values), file)


WRONG_TYPES = {
    **dict.fromkeys(TEXTS, 1),
    **dict.fromkeys(NUMBERS, "text"),
    "band": b"B02",
    "detail": {"a": 1},
    "status": 1.5,
    "valid": [1],
    "min": True,
    "max": np.datetime64("2018-01-01", "ms"),
    "sum_sq": Decimal("1.25"),
}


@pytest.mark.parametrize("name", WRONG_TYPES)
def test_columns_of_other_types(whole, calls, capsys, tmp_path, name):
    file = tmp_path / "inventory.parquet"
    changed(whole, file, name, WRONG_TYPES[name])
    assert f" in the column {name}, but its type is " in refused(calls, capsys, file)


WRONG_ROWS = {
    "no status": ("status", None, "its status is none of"),
    "another status": ("status", "OK", "its status is none of"),
    "no patch": ("patch_id", None, "it has no patch, product or band"),
    "no product": ("product", None, "it has no patch, product or band"),
    "no band": ("band", None, "it has no patch, product or band"),
    "another band": ("band", "B10", "it has no patch, product or band"),
    "a stray of a band": ("status", "stray", "it should name no band"),
    "unreadable without a reason": ("status", "unreadable", "it has no detail"),
    "no data type": ("dtype", None, "it has no data type, size"),
    "no width": ("width", None, "it has no data type, size"),
    "no height": ("height", 0, "it has no data type, size"),
    "fewer than no pixels": ("valid", -1, "it has no data type, size"),
    "no numbers of pixels": ("nodata_count", None, "it has no data type, size"),
    "no minimum": ("min", None, "it has no sums"),
    "no maximum": ("max", float("nan"), "it has no sums"),
    "endless": ("max", float("inf"), "it has no sums"),
    "no sum": ("sum", None, "it has no sums"),
    "no squares": ("sum_sq", None, "it has no sums"),
    "two sums": ("float_sum", 1.0, "it has no sums"),
    "sum beyond the range": ("sum", 1, "its sums do not fit"),
    "sum of more pixels": ("valid", 2**40, "its sums do not fit"),
    "too few squares": ("sum_sq", Decimal(1), "its sums do not fit"),
    "too many squares": ("sum_sq", Decimal(10**30), "its sums do not fit"),
    "a range the wrong way": ("min", 1e9, "its sums do not fit"),
    "a part of a pixel": ("width", 119.5, "its width is 119.5, which is no int32"),
    "a number that is too large": ("epsg", 2**40, "which is no int32"),
    "not a number": ("height", float("nan"), "its height is nan, which is no int32"),
}


@pytest.mark.parametrize("case", WRONG_ROWS)
def test_rows_that_cannot_be_right(whole, calls, capsys, tmp_path, case):
    name, value, message = WRONG_ROWS[case]
    file = tmp_path / "inventory.parquet"
    column = pq.read_table(whole / "inventory.parquet")[name].to_pylist()
    kind = None if isinstance(value, float) or value == 2**40 else INVENTORY_SCHEMA.field(name).type
    changed(whole, file, name, pa.array([*column[:3], value, *column[4:]], kind))
    line = refused(calls, capsys, file)
    assert message in line
    assert line.endswith("; scan the archive again")


def test_rows_that_come_twice(whole, calls, capsys, tmp_path):
    file = tmp_path / "inventory.parquet"
    table = pq.read_table(whole / "inventory.parquet")
    pq.write_table(pa.concat_tables([table, table.slice(17, 1)]), file)
    line = refused(calls, capsys, file)
    assert f"{PRODUCT}/{PATCHES[1]}: a band of it has several rows" in line


def test_bytes_that_are_damaged(whole, calls, capsys, tmp_path):
    file = tmp_path / "inventory.parquet"
    content = (whole / "inventory.parquet").read_bytes()
    footer = len(content) - 8 - struct.unpack("<I", content[-8:-4])[0]
    damaged = {
        "nothing": b"",
        "only the end": b"PAR1",
        "cut": content[: len(content) // 2],
        "one byte short": content[:-1],
        "length of the footer": content[:-8] + struct.pack("<I", 2**31 - 1) + b"PAR1",
        "pages": content[:20] + b"\xff" * (footer - 40) + content[footer - 20 :],
        "footer": content[: footer + 20] + b"\xff" * 40 + content[footer + 60 :],
        "text": b"patch_id,band\n",
    }
    for what, text in damaged.items():
        file.write_bytes(text)
        assert "expected a" in refused(calls, capsys, file), what


def test_what_is_no_file(calls, capsys, tmp_path):
    file = tmp_path / "inventory.parquet"
    os.mkfifo(file)
    assert "but it is a pipe" in refused(calls, capsys, file)
    file.unlink()
    file.symlink_to("/dev/zero")
    assert "but it is a device" in refused(calls, capsys, file)
    file.unlink()
    file.symlink_to(file)
    assert "Too many levels of symbolic links" in refused(calls, capsys, file)


def test_columns_that_are_missing_or_come_twice(whole, calls, capsys, tmp_path):
    file = tmp_path / "inventory.parquet"
    table = pq.read_table(whole / "inventory.parquet")
    pq.write_table(table.rename_columns({"band": "Band"}), file)
    assert "but it lacks the column band" in refused(calls, capsys, file)
    pq.write_table(table.append_column("band", table["band"]), file)
    assert "but there are several columns band" in refused(calls, capsys, file)


@pytest.mark.parametrize("kind", [pa.int64(), pa.uint16(), pa.float64(), pa.decimal128(20, 0)])
def test_numbers_of_other_types_that_are_whole(whole, tmp_path, kind):
    """As pandas and others write them."""
    file = tmp_path / "inventory.parquet"
    table = pq.read_table(whole / "inventory.parquet")
    for name in ("width", "height", "nodata_count"):
        table = table.set_column(table.column_names.index(name), name, table[name].cast(kind))
    table = table.set_column(table.column_names.index("detail"), "detail", pa.nulls(len(table)))
    pq.write_table(table, file)
    question = "SELECT * FROM inventory"
    assert Inventory(file).query(question) == Inventory(whole / "inventory.parquet").query(question)


@pytest.mark.parametrize("name", ["a[1]*?.parquet", "band=B02/inventory.parquet"])
def test_names_that_mean_something_to_a_database(whole, tmp_path, name):
    (tmp_path / "band=B02").mkdir()
    (tmp_path / name).write_bytes((whole / "inventory.parquet").read_bytes())
    (tmp_path / "a1bc.parquet").write_bytes(b"another")
    question = "SELECT band, count(*) FROM inventory GROUP BY band ORDER BY band"
    assert len(Inventory(tmp_path / name).query(question)) == 12
