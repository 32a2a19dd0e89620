"""Progress of long work: one changing line on a terminal, else a line on stderr now and then."""

import os
import sys
import time
from collections.abc import Callable

Report = Callable[[int, int, int], None]

Progress = bool | Report | None
"""Off (None or False), on (True: shown on stderr), or a callable with (done, of, bytes).

It is called with the number of patches, maps, files or starts of a search that are done, of all of them,
and of bytes that were read, 0 where nobody counts them. A search for a given time counts its seconds.
"""

Text = Callable[[int, int, int, float, int], str]
"""What is shown, given what a `Report` is given, seconds since the beginning, and columns."""

_SECONDS_BETWEEN_LINES = 5.0
_SECONDS_BETWEEN_UPDATES = 0.1
_USUAL_WIDTH = 80

_open_line = False


def reporter(progress: Progress, text_of: Text | None = None) -> Report:
    """The callable that long work calls when a part of it is done, for a `Progress` argument.

    What is shown is in the words of ``text_of``, by default those of `progress_text`.
    """
    text_of = text_of or progress_text
    if callable(progress):
        return progress
    if not progress:
        return lambda done, total, size: None
    terminal = sys.stderr.isatty()
    start = last = time.monotonic()

    def show_progress(done: int, total: int, size: int) -> None:
        nonlocal last
        global _open_line
        now = time.monotonic()
        pause = _SECONDS_BETWEEN_UPDATES if terminal else _SECONDS_BETWEEN_LINES
        if now - last < pause and done < total:
            return
        last, seconds = now, max(now - start, 1e-9)
        if terminal:
            room = width_of(sys.stderr) - 1
            text = text_of(done, total, size, seconds, room)
            print(f"\r{text:<{room}}", end="", file=sys.stderr)
            _open_line = True
            if done == total:
                end_line()
            sys.stderr.flush()
        elif done < total:
            text = text_of(done, total, size, seconds, _USUAL_WIDTH)
            print(text, file=sys.stderr, flush=True)

    return show_progress


def end_line() -> None:
    """End the changing line, so that what is said next has a line of its own."""
    global _open_line
    if _open_line:
        print(file=sys.stderr)
        _open_line = False


def width_of(stream: object) -> int:
    """Columns of the terminal that a stream writes to; 80 if it does not say."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or _USUAL_WIDTH  # type: ignore[attr-defined]
    except (AttributeError, OSError, ValueError):
        return _USUAL_WIDTH


def progress_text(done: int, total: int, size: int, seconds: float, room: int) -> str:
    """Counts, speed and time left, as much as there is room for."""
    left = f"{_duration(seconds / max(done, 1) * (total - done))} left"
    speed = f"{done / seconds:,.0f} patches/s"
    bytes_speed = [f"{size / seconds / 1e6:,.0f} MB/s"] if size else []
    parts = [f"{done:,} of {total:,} patches", speed, *bytes_speed, left]
    while len(", ".join(parts)) > room and len(parts) > 1:
        parts.pop(-2 if len(parts) > 2 else -1)
    return ", ".join(parts)[:room]


def bytes_text(done: int, total: int, size: int, seconds: float, room: int) -> str:
    """The same where bytes are what is counted."""
    left = f"{_duration(seconds / max(done, 1) * (total - done))} left"
    share = f"{done / 1e6:,.0f} of {total / 1e6:,.0f} MB"
    return f"{share}, {done / seconds / 1e6:,.0f} MB/s, {left}"[:room]


def checks_text(done: int, total: int, size: int, seconds: float, room: int) -> str:
    """The same where queries of an inventory are what is counted."""
    left = f"{_duration(seconds / max(done, 1) * (total - done))} left" if done else ""
    return ", ".join(filter(None, [f"{done:,} of {total:,} checks", left]))[:room]


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}"
