"""How figures look: colours, markers and fonts."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["INK", "LINES", "MUTED", "SIDE_COLOURS", "SIDE_MARKERS", "styled"]

SIDE_COLOURS = {"train": "#56B4E9", "validation": "#999999", "test": "#D55E00"}
"""Sky blue and vermilion of the palette of Okabe and Ito [1]_, and grey: people with any colour vision
tell them apart.

References
----------
.. [1] M. Okabe, K. Ito, Color universal design, 2008, https://jfly.uni-koeln.de/color/
"""
SIDE_MARKERS = {"train": "s", "validation": "^", "test": "o"}
LINES = ("-", "--", ":", "-.")
INK, MUTED = "#222222", "#767676"

_STYLE = {
    "font.size": 9.0,
    "axes.titlesize": 10.0,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.6,
    "text.color": INK,
    "text.parse_math": False,  # a label with a $ is no formula
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
}


@contextmanager
def styled() -> Iterator[None]:
    """Make what is drawn look alike on every machine, whatever its own settings are."""
    import matplotlib as mpl

    with mpl.rc_context():
        mpl.rcdefaults()
        settings: Any = mpl.rcParams
        settings.update(_STYLE)
        yield
