"""How figures and maps look: colours, markers and fonts."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = [
    "INK",
    "LAYER_COLOURS",
    "LINES",
    "MAP_COLOURS",
    "MUTED",
    "SIDE_COLOURS",
    "SIDE_MARKERS",
    "styled",
]

SIDE_COLOURS = {"train": "#56B4E9", "validation": "#999999", "test": "#D55E00"}
"""Sky blue and vermilion of the palette of Okabe and Ito [1]_, and grey: people with any colour vision
tell them apart.

References
----------
.. [1] M. Okabe, K. Ito, Color universal design, 2008, https://jfly.uni-koeln.de/color/
"""
LAYER_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Of the layers of the web map, in turn, from the same palette."""

MAP_COLOURS = {
    "sides": {"": "#8c959f", "train": "#0072b2", "validation": "#e69f00", "test": "#d55e00"},
    "seasons": {"spring": "#009e73", "summer": "#e69f00", "fall": "#d55e00", "winter": "#56b4e9"},
    "light": {"none": "#c9ced4", "few": "#cddef0", "many": "#053e82", "findings": "#be140a"},
    "dark": {"none": "#4a535d", "few": "#28425e", "many": "#8cc8ff", "findings": "#ff7864"},
}
"""Of the map of a report, whose script gets them as they are: patches by side ("" is none) and season;
cells from few to many patches or with findings, in the light and the dark scheme."""

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
