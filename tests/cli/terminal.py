"""Run a program in a real terminal: a pseudo-terminal with a size, a keyboard and Ctrl-C."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

CTRL_C = b"\x03"
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def _let_interrupts_through() -> None:
    """Make the terminal the program's own, and undo what a shell does to programs behind it."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Terminal:
    """A program in a terminal of its own.

    Parameters
    ----------
    argv : sequence of str
    columns : int
    environment : mapping, optional
        Added to this process's.
    folder : path, optional
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        columns: int = 80,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> None:
        self.text = ""
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        unset = {name: v for name, v in os.environ.items() if name not in ("COLUMNS", "NO_COLOR")}
        self.process = subprocess.Popen(
            argv,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=folder,
            env={**unset, "TERM": "xterm-256color", **(environment or {})},
            start_new_session=True,
            preexec_fn=_let_interrupts_through,
        )
        os.close(slave)

    def press(self, keys: bytes) -> None:
        """Type something."""
        os.write(self._master, keys)

    def read_until(self, text: str, seconds: float = 60) -> str:
        """Everything shown so far, once a text is among it."""
        end = time.monotonic() + seconds
        while text not in _ESCAPES.sub("", self.text):
            assert time.monotonic() < end, f"{text!r} is not in {self.text!r}"
            assert self._read(0.1), f"{text!r} is not in {self.text!r}"
        return self.text

    def finish(self, seconds: float = 60) -> int:
        """Read to the end; returns the exit status."""
        end = time.monotonic() + seconds
        while self._read(0.1):
            assert time.monotonic() < end, f"still at work after {self.text!r}"
        os.close(self._master)
        return self.process.wait(max(end - time.monotonic(), 1))

    def lines(self) -> list[str]:
        """What is to be seen in the end: of a line that was written anew, its last state."""
        return [line.rstrip("\r").split("\r")[-1] for line in self.text.split("\n")]

    def states(self) -> list[str]:
        """Every state of every line."""
        return [state for line in self.text.split("\n") for state in line.split("\r") if state]

    def _read(self, seconds: float) -> bool:
        """Read what there is; whether there may be more."""
        if not select.select([self._master], [], [], seconds)[0]:
            return True
        try:
            content = os.read(self._master, 65536)
        except OSError:  # Linux says that no program holds the other end any more
            return False
        self.text += content.decode("utf-8", "replace")
        return bool(content)
