"""What verbs print: results on standard output, all else on standard error."""

import argparse
import json
import sys
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from benkit.engine.progress import width_of
from benkit.files.remote.location import Location
from benkit.files.safe_names import one_line

_GAP = "  "
_LEAST_ROOM = 20
_NUMBER_WIDTH = 14
_BYTES = {"bytes": "size", "bytes read": "read"}
_UNITS = {"_m": "m", "_bits": "bits"}


def note(text: str) -> None:
    """Tell people something that is no result."""
    print(f"benkit: {one_line(text)}", file=sys.stderr)


def note_written(output: Location | None) -> None:
    """Tell that an output is there, if one was asked for."""
    if output:
        note(f"{output} is written")


def show(arguments: argparse.Namespace, values: Mapping[str, Any]) -> None:
    """Print one JSON object, or a line a value: its name, numbers aligned right, their unit."""
    if arguments.json:
        print(json.dumps(values, indent=2))
        return
    rows = _flat(values)
    name_width = max(len(name) for name, _, _ in rows)
    for name, text, unit in rows:
        print(f"{name:<{name_width}}  {text:>{_NUMBER_WIDTH}} {unit}".rstrip())


def show_table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print a table: texts aligned left, numbers right; without a header if all of that is empty.

    On a terminal a last column of texts is broken into lines where it would leave the screen.
    """
    texts = [[_text(value) for value in row] for row in (header, *rows) if any(row)]
    widths = [max(len(row[i]) for row in texts) for i in range(len(header))]
    sides = [
        "<" if all(isinstance(row[i], str) for row in rows) else ">" for i in range(len(header))
    ]
    if sides[-1] == "<" and sys.stdout.isatty():
        room = width_of(sys.stdout) - sum(widths[:-1]) - len(_GAP) * len(widths[:-1])
        widths[-1] = min(widths[-1], max(room, _LEAST_ROOM))
    for *first, last in texts:
        for line in textwrap.wrap(last, widths[-1]) or [""]:
            cells = zip([*first, line], sides, widths, strict=True)
            print(_GAP.join(f"{text:{side}{width}}" for text, side, width in cells).rstrip())
            first = [""] * len(first)


def _flat(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str, str]]:
    """Name, text and unit of all values within."""
    rows = []
    for name, value in values.items():
        if isinstance(value, Mapping):
            rows += _flat(value, f"{prefix}{name} ")
        else:
            name, unit, value = _with_unit(name, value)
            rows.append((f"{prefix}{name}".replace("_", " "), _text(value), unit))
    return rows


def _with_unit(name: str, value: Any) -> tuple[str, str, Any]:
    """Name without unit, unit, and value in that unit."""
    if name == "seconds":
        return "time", "s", value
    if name in _BYTES:
        return _BYTES[name], "MB", value / 1e6
    for ending, unit in _UNITS.items():
        if name.endswith(ending):
            return name.removesuffix(ending), unit, value
    return name, "", value


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool | str):
        return one_line(str(value))
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value)) or "none"
    if float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:,.4f}" if abs(value) < 10 else f"{value:,.2f}"
