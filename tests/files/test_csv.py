"""CSV as people have it: what is plainly meant is read, all else refused with the line."""

import bz2
import gzip
import lzma

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
    "lines of blanks": f" \n\t\n{PLAIN}   \n".replace(f"{B}", f" \t\n{B}"),
    "lines of separators": f",,\r\n,\r\n{PLAIN}".replace(f"{B}", f",,,,\n{B}") + ",",
    "lines of semicolons": f";;\n{PLAIN};\n".replace(",", ";"),
    "a comma in a name": f'train;"note, x";validation;"test"\n{A};1,5;;{C}\n{B};2;;{D}\n',
    "commas in a name and a value": f"train;a,b;validation;test\n{A};1,5;;{C}\n{B};2,5;;{D}\n",
    "a comma in a name beside tabs": f"train\ta,b\tvalidation\ttest\n{A}\t1\t\t{C}\n{B}\t2\t\t{D}\n",
    "NA of R": f'"train","validation","test"\n"{A}",NA,"{C}"\n"{B}",NA,"{D}"\n',
    "no value": f"train,validation,test\n{A},nan,{C}\n{B},NULL,{D}\nNaN,None,<NA>\n",
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


def test_a_patch_without_a_side_or_an_id_is_said_in_any_of_these_words(tmp_path):
    for nothing in ("", "NA", "nan", "NULL", " None "):
        (tmp_path / "s.csv").write_text(f"patch_id,split\n{A},train\n{B},{nothing}\n{C},test\n")
        assert read_sides(tmp_path / "s.csv") == {"train": [A], "test": [C]}
        (tmp_path / "l.csv").write_text(f"tile,patch_id\nx,{A}\nx,{nothing}\n")
        assert read_patch_list(tmp_path / "l.csv") == [A]
        (tmp_path / "s.csv").write_text(f"patch_id,split\n{A},train\n{nothing},test\n")
        with pytest.raises(
            InputFormatError, match="1 of 2 rows have none, the first of them row 2"
        ):
            read_sides(tmp_path / "s.csv")


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
    "nothing": ("", "there is no line with a value"),
    "blanks": (b"\xef\xbb\xbf \r\n,;\r\n", "there is no line with a value"),
    "too wide below": (f"\n ,\ntrain,test\n \n{A},{B},x\n", "line 5 has 3 values instead of 2"),
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


OTHERS = {
    "a workbook of an old Excel; export it": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    "compressed with bzip2; unpack it": bz2.compress(PLAIN.encode()),
    "compressed with xz; unpack it": lzma.compress(PLAIN.encode()),
    "compressed with Zstandard; unpack it": b"\x28\xb5\x2f\xfd",
}


@pytest.mark.parametrize("message", OTHERS)
def test_what_must_be_unpacked_or_exported_first_is_named(tmp_path, message):
    for name in ("s.csv", "s.csv.xz"):
        (tmp_path / name).write_bytes(OTHERS[message])
        with pytest.raises(InputFormatError) as caught:
            read_sides(tmp_path / name)
        assert str(caught.value) == (
            f"{tmp_path / name}: expected comma-separated values, but it is {message}"
        )
