"""Progress: off, on, or told to a callable."""

import io
import sys

import pytest

from benkit.engine.progress import reporter


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(("progress", "shown"), [(None, ""), (False, ""), (True, "3 of 3 patches")])
def test_progress_is_shown_only_if_it_is_on(monkeypatch, progress, shown):
    monkeypatch.setattr(sys, "stderr", Terminal())
    reporter(progress)(3, 3, 0)
    assert sys.stderr.getvalue().strip().startswith(shown)
    assert bool(sys.stderr.getvalue()) == bool(shown)


def test_a_callable_is_told_what_is_done_of_how_many_and_bytes():
    told = []
    reporter(lambda *counts: told.append(counts))(1, 2, 300)
    assert told == [(1, 2, 300)]
