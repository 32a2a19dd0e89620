"""What CSV makes of values that it cannot hold: round trips that are run."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pyarrow.parquet as pq


def round_trips(work: Path) -> list[dict[str, str]]:
    """Send values through CSV, with pandas and its defaults; say what was written and what came back.

    The same values go through Parquet, in a file below ``work``, and have to come back equal.
    """
    cases: list[tuple[str, list[Any], str]] = [
        ("list", [["Arable land", "Pastures"]], "object"),
        ("null and empty text", ["", None], "object"),
        ("text of digits", ["007"], "object"),
        ("text NA", ["NA"], "object"),
        ("truth value, one unknown", [True, None], "boolean"),
        ("whole number, one unknown", [1, None], "Int64"),
        ("16-bit whole number", [65535], "uint16"),
        ("moment with a zone", [pandas.Timestamp("2017-06-13T10:10:31Z")], "datetime64[us, UTC]"),
    ]
    found = []
    for kind, values, dtype in cases:
        frame = pandas.DataFrame({"x": pandas.Series(values, dtype=dtype), "y": range(len(values))})
        text = frame.to_csv(index=False, lineterminator="\n")
        back = pandas.read_csv(io.StringIO(text))["x"]
        path = work / "case.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        frame.to_parquet(path)
        again = pq.read_table(path)["x"].to_pylist()
        expected = [None if value is pandas.NA else value for value in frame["x"].tolist()]
        assert again == expected, "Parquet gives back what it was given"
        found.append(
            {
                "kind": kind,
                "written": ", ".join(_shown(value) for value in values)
                + (f" ({dtype.split('[')[0]})" if dtype != "object" else ""),
                "text": text.split("\n", 1)[1].strip(),
                "back": ", ".join(_shown(value) for value in back.tolist())
                + (f" ({back.dtype})" if dtype != "object" else ""),
            }
        )
    found.append(_case_of_encoding())
    found.append(_case_of_delimiter())
    found.append(_case_of_quoting())
    found.append(_case_of_no_schema())
    return found


def _shown(value: Any) -> str:
    if isinstance(value, float) and np.isnan(value):
        return "NaN"
    if isinstance(value, (str, list)) or value is None:
        return repr(value)
    return str(value) if not hasattr(value, "isoformat") else value.isoformat()


def _case_of_encoding() -> dict[str, str]:
    content = "x\nÅland\n".encode()
    back = pandas.read_csv(io.BytesIO(content), encoding="cp1252")["x"].tolist()
    return {
        "kind": "encoding: written as UTF-8, read as Windows-1252",
        "written": "'Åland'",
        "text": "Åland",
        "back": repr(back[0]),
    }


def _case_of_delimiter() -> dict[str, str]:
    text = "x;y\n1,5;2\n"
    back = pandas.read_csv(io.StringIO(text))
    return {
        "kind": "delimiter and decimal sign of a German spreadsheet",
        "written": "x = 1.5, y = 2",
        "text": "1,5;2",
        "back": f"{back.columns[0]} = {back.iloc[0, 0]}, row name {back.index[0]}",
    }


def _case_of_quoting() -> dict[str, str]:
    text = 'x,y\n"5\\" pipe, wet",0\n'
    back = pandas.read_csv(io.StringIO(text))
    return {
        "kind": "quotes: escaped by a backslash, as some databases do, read as RFC 4180 has it",
        "written": "x = '5\" pipe, wet', y = 0",
        "text": text.split("\n")[1],
        "back": f"x = {back['x'].iloc[0]!r}, y = {back['y'].iloc[0]}, row name {back.index[0]!r}",
    }


def _case_of_no_schema() -> dict[str, str]:
    files = ["x\n1\n2\n", "x\n1\n2A\n"]
    backs = [pandas.read_csv(io.StringIO(text))["x"] for text in files]
    return {
        "kind": "no schema: one column in two files",
        "written": "'1', '2'; '1', '2A'",
        "text": "; ".join(text.split("\n", 1)[1].strip() for text in files),
        "back": "; ".join(
            f"{', '.join(_shown(value) for value in back.tolist())} ({back.dtype})"
            for back in backs
        ),
    }
