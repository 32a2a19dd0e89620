"""Read CSV as people have it: separators, encodings, blanks and empty lines of many programs.

The separator is the comma, semicolon or tab that parts the header and the line below it into the same
number of values, the most; the text is UTF-8, or what a byte order mark says. Lines of nothing but
blanks and separators are empty. Everything else is refused with the line and what stands there.
"""

import csv
import gzip
import io
import re
import zlib
from functools import reduce
from itertools import islice
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from benkit.errors import InputFormatError, first_line
from benkit.files.limits import LARGEST_TABLE
from benkit.files.remote.location import Location
from benkit.files.safe_names import one_line
from benkit.files.tables.csv_guard import open_cells
from benkit.files.tables.parquet import too_large

if TYPE_CHECKING:
    import _csv

_GZIP_MAGIC = b"\x1f\x8b"
_SEPARATORS = ",;\t"
_MARKS = {  # those of UTF-32 begin as those of UTF-16
    b"\xff\xfe\0\0": "utf-32",
    b"\0\0\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
_UTF8_MARK = b"\xef\xbb\xbf"
_SEPARATOR_LINE = re.compile(rb"sep=[^\r\n]\r?\n", re.IGNORECASE)  # Excel's first line
_COMMENT = re.compile(r"#\s*(?=\S)")  # before the header that numpy.savetxt writes
_BLANK_AND_QUOTE = re.compile(rb'(?:^|[,;\t])[ \t]+"', re.MULTILINE)
_EMPTY_LINE = re.compile(rb"([\r\n])[ \t,;]+(?=[\r\n])")
_HEAD = 1_000_000  # bytes within which the header ends
_LONGEST_SHOWN = 200


def is_csv(path: Location) -> bool:
    """Whether a name says so, gzipped or not."""
    return any(suffix.lower() in (".csv", ".tsv") for suffix in path.suffixes)


def parse_csv(path: Location, content: bytes) -> pa.Table:
    """The table of a CSV file, gzipped or not, all of whose fields are texts.

    Blanks around the names of columns, lines and unnamed columns without any value, and apostrophes
    as `csv_guard` writes them are left out.

    Raises
    ------
    InputFormatError
        If it is no such file, or unpacks into too much.
    """
    content = _as_utf8(path, _unzipped(path, content))
    if mark := _SEPARATOR_LINE.match(content):
        content = content[mark.end() :]
    if not content.endswith((b"\n", b"\r")):
        content += b"\n"  # without it Arrow takes a header alone for nothing
    content = _EMPTY_LINE.sub(rb"\1", b"\n" + content)[
        1:
    ]  # the line stays, so that all keep numbers
    separator, width = _separator(content)
    try:
        if b' "' in content and _BLANK_AND_QUOTE.search(content):  # which Arrow takes for texts
            rows = list(filter(None, _reader(content.decode(), separator)))
            columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
            table = pa.table(columns, [str(number) for number in range(width)])
        else:
            table = _read_with_arrow(content, separator, width)
    except (pa.ArrowException, UnicodeDecodeError, ValueError, csv.Error) as error:
        raise InputFormatError(
            f"{path}: expected comma-separated values in UTF-8 with a header line; "
            f"{_what_is_wrong(content, separator) or first_line(error)}"
        ) from None
    return _without_nothing(_named(table))


def _unzipped(path: Location, content: bytes) -> bytes:
    if path.suffix.lower() == ".gz" and content[:2] != _GZIP_MAGIC:
        raise InputFormatError(f"{path}: expected a gzipped file, but it does not begin as one")
    try:
        if content[:2] == _GZIP_MAGIC:
            content = gzip.GzipFile(fileobj=io.BytesIO(content)).read(LARGEST_TABLE + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InputFormatError(
            f"{path}: expected a whole gzipped file, but it is damaged ({first_line(error)}); "
            "download or copy it again"
        ) from None
    if len(content) > LARGEST_TABLE:
        raise too_large(path, "it is larger")
    return content


def _as_utf8(path: Location, content: bytes) -> bytes:
    """The same text in UTF-8, without a byte order mark."""
    encoding = next((name for mark, name in _MARKS.items() if content.startswith(mark)), "")
    try:
        if encoding:
            return content.decode(encoding).encode()
    except UnicodeError as error:
        raise InputFormatError(
            f"{path}: expected comma-separated values, but it begins as {encoding.upper()} "
            f"and is not ({error}); save it as UTF-8"
        ) from None
    if b"\0" in content[:2]:
        raise InputFormatError(
            f"{path}: expected comma-separated values in UTF-8, but it begins with a NUL, as UTF-16 "
            "without a byte order mark; save it as UTF-8"
        )
    return content.removeprefix(_UTF8_MARK)


def _reader(text: str, separator: str) -> "_csv.Reader":
    stream = io.StringIO(text, newline="")
    return csv.reader(stream, delimiter=separator, skipinitialspace=True, strict=True)


def _separator(content: bytes) -> tuple[str, int]:
    """What stands between the names of the columns, and their number."""
    head = content[:_HEAD].decode(errors="replace")
    widths, same = {}, {}
    for separator in _SEPARATORS:
        try:
            first, *below = islice(filter(None, _reader(head, separator)), 2)
        except (csv.Error, ValueError):  # of a text without a line
            first, below = [], []
        widths[separator] = len(first)
        same[separator] = len(first) * all(len(row) == len(first) for row in below)
    parting = [one for one in _SEPARATORS if widths[one] > 1]
    found = max(parting, key=lambda one: same[one], default=",")
    return found, max(widths[found], 1)


def _read_with_arrow(content: bytes, separator: str, width: int) -> pa.Table:
    """All lines, the header among them."""
    names = [f"f{number}" for number in range(width)]  # as Arrow calls them
    return pa_csv.read_csv(
        pa.BufferReader(content),
        # One thread counts lines, and none outlives Python.
        read_options=pa_csv.ReadOptions(use_threads=False, autogenerate_column_names=True),
        parse_options=pa_csv.ParseOptions(delimiter=separator, newlines_in_values=True),
        convert_options=pa_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
    )


def _what_is_wrong(content: bytes, separator: str) -> str | None:
    """The first line that does not fit, and what stands there."""
    try:
        reader = _reader(content.decode(), separator)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return f"line {line} has the byte 0x{content[error.start]:02x}; save it as UTF-8"
    width = None
    try:
        for row in filter(None, reader):
            width = len(row) if width is None else width
            if len(row) != width:
                shown = one_line(separator.join(row)[:_LONGEST_SHOWN])
                values = f"{len(row)} value{'s' * (len(row) != 1)} instead of {width}"
                return f"line {reader.line_num} has {values}: {shown}"
    except csv.Error as error:
        return f"line {reader.line_num}: {first_line(error)}"
    return "there is no line with a value" if width is None else None


def _named(table: pa.Table) -> pa.Table:
    """The lines below the first, which names the columns."""
    columns = [open_cells(column.cast(pa.string())) for column in table.columns]
    names = [column[0].as_py().strip() for column in columns]
    names[0] = _COMMENT.sub("", names[0], count=1)
    return pa.table([column.slice(1) for column in columns], names)


def _without_nothing(table: pa.Table) -> pa.Table:
    """Without lines that hold blanks only, and without such columns where they have no name."""
    blank = [pc.equal(pc.utf8_trim_whitespace(column), "") for column in table.columns]
    table = table.filter(pc.invert(reduce(pc.and_, blank)))
    kept = [
        index
        for index, name in enumerate(table.column_names)
        if name or not pc.all(blank[index], min_count=0).as_py()
    ]
    return table.select(kept)
