"""CSV as people have it: what is plainly meant is read, all else refused with the line."""

import gzip

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import benkit
from benkit.cli import main
from benkit.errors import InputFormatError
from benkit.files.tables.table import read_table
from benkit.metadata.patch_list import read_patch_list
from benkit.splits.split import read_sides
from tests.making import PRODUCT

A, B, C, D = (f"{PRODUCT}_10_{row}" for row in (10, 30, 50, 70))
SIDES = {"train": [A, B], "validation": [], "test": [C, D]}

PLAIN = f"train,validation,test\n{A},,{C}\n{B},,{D}\n"
MEANT = {
    "blanks": f"train, validation, test\n{A}, , {C}\n {B} ,, {D}\n",
    "semicolons": PLAIN.replace(",", ";"),
    "tabs": PLAIN.replace(",", "\t"),
    "semicolons and blanks": PLAIN.replace(",", " ; "),
    "the separator of Excel": "sep=;\r\n" + PLAIN.replace(",", ";"),
    "lines of Windows": PLAIN.replace("\n", "\r\n"),
    "lines of an old Mac": PLAIN.replace("\n", "\r"),
    "no end of the last line": PLAIN.rstrip(),
    "empty columns": PLAIN.replace("\n", ",,\n"),
    "empty lines": PLAIN.replace("\n", "\n\n") + ",,\n , ,\n",
    "a leading empty line": "\n" + PLAIN,
    "quotes": f'"train","validation","test"\n"{A}","","{C}"\n"{B}","","{D}"\n',
    "blanks before quotes": f'"train", "validation", "test"\n"{A}",  "", "{C}"\n{B}, , "{D}"\n',
    "capitals": PLAIN.replace("train", "Train").replace("test", "TEST"),
    "numpy.savetxt": f"# train, validation, test\n{A}, , {C}\n{B}, , {D}\n",
    "an index": f",train,validation,test\n0,{A},,{C}\n1,{B},,{D}\n",
    "another column": f"train,note,validation,test\n{A},x;y,,{C}\n{B},,,{D}\n",
    "a column without a name": f"train,,validation,test\n{A},x;y,,{C}\n{B},,,{D}\n",
}
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le mark", "utf-16-be mark")


def encoded(text, encoding):
    if encoding.endswith(" mark"):
        return ("\ufeff" + text).encode(encoding.removesuffix(" mark"))
    return text.encode(encoding)


@pytest.mark.parametrize("name", ["s.csv", "s.csv.gz", "S.CSV", "s.tsv"])
@pytest.mark.parametrize("case", MEANT)
def test_a_split_is_read_where_its_meaning_is_plain(tmp_path, case, name):
    for encoding in ENCODINGS:
        content = encoded(MEANT[case], encoding)
        (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
        assert read_sides(tmp_path / name) == SIDES, encoding


@pytest.mark.parametrize("separator", [",", ";", "\t", ", "])
def test_a_list_of_patches_may_have_any_of_these_separators(tmp_path, separator):
    rows = [("tile", "Patch_ID", ""), ("x", A, ""), ("", "", ""), ("y, z", f" {B}", " ")]
    text = "".join(separator.join(f'"{c}"' if "," in c else c for c in row) + "\n" for row in rows)
    (tmp_path / "list.csv.gz").write_bytes(gzip.compress(text.encode("utf-16")))
    assert read_patch_list(tmp_path / "list.csv.gz") == [A, B]


def test_a_split_without_validation_patches_is_judged(tmp_path, capsys):
    pq.write_table(
        pa.table({"patch_id": [A, B, C, D], "labels": [["Pastures"]] * 4}), tmp_path / "m.parquet"
    )
    for case in ("blanks", "semicolons", "empty columns"):
        (tmp_path / "s.csv").write_text(MEANT[case])
        call = ["evaluate", str(tmp_path / "s.csv"), "--metadata", str(tmp_path / "m.parquet")]
        assert main([*call, "--json"]) == 0
        assert '"train": 2,\n  "test": 2,' in capsys.readouterr().out
    assert benkit.evaluate(tmp_path / "s.csv", tmp_path / "m.parquet").validation.patches == 0


@pytest.mark.parametrize("text", ["train;test", "Train\tTest\n", "train, test\r\n"])
def test_a_header_alone_is_a_split_without_patches(tmp_path, text):
    (tmp_path / "s.csv").write_text(text)
    assert read_sides(tmp_path / "s.csv") == {"train": [], "test": []}


def test_texts_that_look_like_something_else_stay_texts(tmp_path):
    (tmp_path / "t.csv").write_text("a , b,  c\n007,true,2018-01-01\n, ,NaN\n")
    assert read_table(tmp_path / "t.csv").to_pylist() == [
        {"a": "007", "b": "true", "c": "2018-01-01"},
        {"a": "", "b": " ", "c": "NaN"},
    ]


REFUSED = {
    "too many values": (f"train,test\n{A},{B}\n\n{C},{D},x\n", f"line 4 has 3 values instead of 2: {C}"),
    "too few values": (f"train;test\n{A}\n", f"line 2 has 1 value instead of 2: {A}"),
    "another separator below": (f"train,test\n{A};{B}\n", f"instead of 2: {A};{B}"),
    "Latin-1": (f"train,test\n{A},é\n".encode("latin-1"), "line 2 has the byte 0xe9; save it as UTF-8"),
    "an open quote": (f'train,test\n{A}, "{B}\n', "line 2: unexpected end of data"),
    "no mark": (PLAIN.encode("utf-16-le"), "as UTF-16 without a byte order mark"),
    "half a text": (PLAIN.encode("utf-16")[:-1], "it begins as UTF-16 and is not"),
    "bars": (PLAIN.replace(",", "|"), "there is train|validation|test"),
    "another list": (f"train,dev,test\n{A},{B},{C}\n", "but the column dev also lists patches"),
    "no header": (f"{A},{B}\n", f"but there is {A}, {B}"),
}  # fmt: skip


@pytest.mark.parametrize("name", ["s.csv", "s.csv.gz"])
@pytest.mark.parametrize("case", REFUSED)
def test_all_else_is_refused_with_what_was_seen(tmp_path, case, name):
    text, message = REFUSED[case]
    content = text.encode() if isinstance(text, str) else text
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    with pytest.raises(InputFormatError) as caught:
        read_sides(tmp_path / name)
    assert str(tmp_path / name) in str(caught.value)
    assert message in str(caught.value)
