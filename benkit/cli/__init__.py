"""The command line: one thin module a verb, loaded only when it is called."""

import argparse
import errno
import gc
import io
import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext, redirect_stderr, suppress
from types import FrameType
from typing import NoReturn

from benkit import VERBS
from benkit.errors import BenkitError, advice_on, broken_import, lack_of_memory

__all__ = ["VERBS", "main", "program"]

_INTERRUPTED = 130
_OBJECTS_BETWEEN_COLLECTIONS = 100_000  # 700 by default: to look at all again and again takes long
_A_MOMENT, _UNTIL_AGAIN = 0.05, 1.0  # seconds
_WRONG = 2
_AROUND = 100  # characters of a text that are shown on both sides of what is wrong in it
_OF_WRITING = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def program() -> NoReturn:
    """Run the command line as a program of its own.

    It draws into files only, so that the backend and the settings of matplotlib that the caller has
    chosen, such as those of a notebook, need not be there.
    """
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    os.environ.pop("MPLBACKEND", None)
    os.environ["MATPLOTLIBRC"] = os.devnull
    if hasattr(signal, "setitimer"):  # not on Windows
        sys.unraisablehook = _raise_again
    status = main()
    if status == _INTERRUPTED:
        # All is tidied up; Python's own end could still die of the interrupt.
        with suppress(OSError):
            sys.stdout.flush()
        os._exit(status)
    sys.exit(status)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status.

    0: done. 1: `audit`, `diff` or `verify` found something. 2: the call or its input was wrong.
    130: interrupted.
    """
    argv = sys.argv[1:] if argv is None else list(argv)
    _open_closed_streams()
    interrupts = _catch_interrupts()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names of files may be no text at all
    verbose = False
    try:
        from benkit.cli.parsing import parse

        arguments = parse(argv, VERBS)
        verbose = arguments.verbose
        status = _run(arguments)
        return _interrupted() if interrupts else status
    except BrokenPipeError:  # the reader of our output has left
        _drop_output()
        return 0
    except KeyboardInterrupt:
        return _interrupted()
    except Exception as error:
        if interrupts:  # compiled modules may turn an interrupt into an error of another kind
            return _interrupted()
        text = _text_of(error)
        if text is None:
            raise
        _say(text)
        if verbose:
            import traceback

            traceback.print_exception(error)
        return _WRONG


def _text_of(error: Exception) -> str | None:
    """What is wrong and what to do; None if the mistake is ours."""
    if isinstance(error, UnicodeEncodeError):
        name = error.object[max(error.start - _AROUND, 0) : error.end + _AROUND]
        return f"{name!r}: expected a name in UTF-8; rename the file or folder"
    if isinstance(error, BenkitError):
        return str(error)
    if isinstance(error, OSError):
        nameless = error.errno in _OF_WRITING and not error.filename  # those of files name one
        if _output_is_lost() or nameless:
            return f"standard output: cannot be written: {error.strerror}; check where it goes"
        name = f"{error.filename}: " if error.filename else ""
        return f"{name}{error.strerror or error}; {advice_on(error)}"
    if isinstance(error, ImportError) and not (error.name or "").startswith("benkit"):
        broken = f"{broken_import(error)}; install benkit anew, with the libraries that it needs"
        return lack_of_memory(error) or broken
    return lack_of_memory(error)


def _output_is_lost() -> bool:
    """Whether standard output takes nothing any more; then nothing is written to it either."""
    try:
        sys.stdout.flush()
    except OSError:
        _drop_output()
        return True
    return False


def _drop_output() -> None:
    """Let what is still to be written to standard output go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _open_closed_streams() -> None:
    """Where the caller has closed standard output or error, let it go nowhere."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115


def _catch_interrupts() -> list[int]:
    """Let Ctrl-C and SIGTERM raise KeyboardInterrupt; returns a list of those that came."""
    came: list[int] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        again = number not in (signal.SIGINT, signal.SIGTERM)
        if again and _is_being_handled(sys.exc_info()[1]):
            return
        came.append(number)
        if hasattr(signal, "setitimer"):  # other code may take an interrupt for its own
            signal.setitimer(signal.ITIMER_REAL, _UNTIL_AGAIN, _UNTIL_AGAIN)
        raise KeyboardInterrupt

    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # as a shell has it behind &
        signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGTERM, interrupt)
    if hasattr(signal, "setitimer"):  # not on Windows
        signal.signal(signal.SIGALRM, interrupt)
    return came


def _is_being_handled(error: BaseException | None) -> bool:
    """Whether an error comes of an interrupt, so that what runs is already cleaning up."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return True
        error = error.__context__
    return False


def _raise_again(thrown_away: "sys.UnraisableHookArgs") -> None:
    """Interrupt this process in a moment if Python threw an interrupt away, destroying an object."""
    if isinstance(thrown_away.exc_value, KeyboardInterrupt):
        signal.setitimer(signal.ITIMER_REAL, _A_MOMENT, _UNTIL_AGAIN)
    else:
        sys.__unraisablehook__(thrown_away)


def _interrupted() -> int:
    """Say so, and let no further interrupt disturb the end."""
    for name in ("SIGINT", "SIGTERM", "SIGALRM"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, 0)
    _say("interrupted")
    return _INTERRUPTED


def _run(arguments: argparse.Namespace) -> int:
    from benkit.cli.common import check_outputs

    start = time.monotonic()
    with redirect_stderr(io.StringIO()) if arguments.quiet else nullcontext():
        check_outputs(arguments)
        status: int = arguments.run(arguments)
        sys.stdout.flush()
    if arguments.verbose:
        from benkit import __version__

        _say(f"version {__version__}, {time.monotonic() - start:,.2f} s")
    return status


def _say(text: str) -> None:
    from benkit.engine.progress import end_line
    from benkit.files.safe_names import one_line

    with suppress(OSError):  # nobody can be told
        end_line()
        print(f"benkit: {one_line(text)}", file=sys.stderr)
