import gzip

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benkit.errors import InputFormatError
from benkit.metadata.patch_list import read_patch_list


@pytest.mark.parametrize("name", ["list.csv", "list.csv.gz", "list.parquet"])
def test_patch_lists(tmp_path, name):
    path = tmp_path / name
    if name.endswith("parquet"):
        pq.write_table(pa.table({"tile": ["t"] * 3, "patch_id": ["b", "a", "b"]}), path)
    else:
        content = b"\xef\xbb\xbftile,patch_id\r\nt,b\r\nt,a\r\nt,b\r\n"
        path.write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    assert read_patch_list(path) == ["b", "a"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("list.csv", b"", "expected comma-separated"),
        ("list.csv", b"tile\nx\n", "expected the column patch_id"),
        ("list.csv", b"tile,patch_id\n", "it names none"),
        ("list.csv", b"tile,patch_id\na,b,c\n", "expected comma-separated"),
        ("list.csv", b"\xff\xfe\x00\n\x00", "it begins as UTF-16 and is not"),
        ("list.csv.gz", b"tile,patch_id\na,b\n", "expected a gzipped file"),
        (
            "list.csv.gz",
            gzip.compress(b"tile,patch_id\na,b\n" * 99, mtime=0)[:-20],
            "it is damaged",
        ),
        ("list.txt", b"patch_id\na\n", "expected a Parquet file"),
    ],
)
def test_lists_that_are_something_else_are_refused(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputFormatError, match=message) as caught:
        read_patch_list(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
