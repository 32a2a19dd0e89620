"""What several verbs share: options, progress, output."""

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benkit.engine import ENGINES, Engine
from benkit.errors import OptionError

_SECONDS_BETWEEN_LINES = 5.0
_SECONDS_BETWEEN_UPDATES = 0.1


def add_workers(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--workers", type=int, metavar="N", help="processes; default one a core")


def add_scan_options(parser: argparse.ArgumentParser) -> None:
    add_workers(parser)
    parser.add_argument(
        "--engine", choices=ENGINES, default=ENGINES[0], help="where to read; default %(default)s"
    )
    parser.add_argument(
        "--ray-address",
        metavar="ADDRESS",
        help="a Ray cluster: auto or HOST:PORT; default one on this machine",
    )
    parser.add_argument("--no-progress", action="store_true", help="no progress on stderr")


def engine_of(arguments: argparse.Namespace) -> Engine:
    return Engine(arguments.engine, arguments.workers, arguments.ray_address)


def progress_of(arguments: argparse.Namespace) -> Callable[[int, int, int], None] | None:
    """Show the progress of a scan on stderr: one changing line on a terminal, else now and then."""
    if arguments.no_progress:
        return None
    terminal = sys.stderr.isatty()
    start = last = time.monotonic()

    def show_progress(done: int, total: int, size: int) -> None:
        nonlocal last
        now = time.monotonic()
        pause = _SECONDS_BETWEEN_UPDATES if terminal else _SECONDS_BETWEEN_LINES
        if now - last < pause and done < total:
            return
        last, seconds = now, max(now - start, 1e-9)
        left = seconds / max(done, 1) * (total - done)
        text = (
            f"{done:,} of {total:,} patches, {done / seconds:,.0f} patches/s, "
            f"{size / seconds / 1e6:,.0f} MB/s, {_duration(left)} left"
        )
        if terminal:
            print(f"\r{text:<78}", end="\n" if done == total else "", file=sys.stderr, flush=True)
        elif done < total:
            print(text, file=sys.stderr, flush=True)

    return show_progress


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}"


def show(arguments: argparse.Namespace, values: Mapping[str, Any]) -> None:
    """Print one JSON object, or a line a value."""
    if arguments.json:
        print(json.dumps(values, indent=2))
        return
    rows = list(_flat(values))
    width = max(len(name) for name, _ in rows)
    for name, text in rows:
        print(f"{name:<{width}}  {text:>14}")


def show_table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print a table: texts aligned left, numbers right."""
    texts = [list(header), *([_text(value) for value in row] for row in rows)]
    widths = [max(len(row[i]) for row in texts) for i in range(len(header))]
    sides = [
        "<" if all(isinstance(row[i], str) for row in rows) else ">" for i in range(len(header))
    ]
    for row in texts:
        cells = zip(row, sides, widths, strict=True)
        print("  ".join(f"{text:{side}{width}}" for text, side, width in cells).rstrip())


def _flat(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    rows = []
    for name, value in values.items():
        if isinstance(value, Mapping):
            rows += _flat(value, f"{prefix}{name} ")
        else:
            rows.append((f"{prefix}{name}".replace("_", " "), _text(value)))
    return rows


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool | str):
        return str(value)
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value)) or "none"
    if float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:,.4f}" if abs(value) < 10 else f"{value:,.2f}"


def fraction(text: str) -> float:
    """A number from 0 to 1, for argparse."""
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to 1, not {text}")
    return value


def grid(text: str) -> tuple[int, int]:
    """``ROWSxCOLUMNS``, for argparse."""
    rows, _, columns = text.partition("x")
    if not (rows.isdecimal() and columns.isdecimal()):
        raise argparse.ArgumentTypeError(f"expected ROWSxCOLUMNS such as 2x2, not {text}")
    return int(rows), int(columns)


def numbers(text: str) -> tuple[int, ...]:
    """Whole numbers with commas between them, for argparse."""
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected numbers such as 1,3, not {text}") from None


def require(condition: bool, message: str) -> None:
    """Refuse options that do not go together."""
    if not condition:
        raise OptionError(message)
