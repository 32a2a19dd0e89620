"""How figures and maps look: colours, markers and fonts."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = [
    "BAD",
    "INK",
    "LAYER_COLOURS",
    "LINE",
    "LINES",
    "MAP_COLOURS",
    "MUTED",
    "NO_DATA_COLOUR",
    "SIDE_COLOURS",
    "SIDE_MARKERS",
    "scheme_css",
    "styled",
]

SIDE_COLOURS = {"train": "#0072b2", "validation": "#e69f00", "test": "#b3401a"}
"""Blue and orange of the palette of Okabe and Ito [1]_, and a vermilion darker than theirs, which people
who see no red or no green tell apart from the orange better.

References
----------
.. [1] M. Okabe, K. Ito, Color universal design, 2008, https://jfly.uni-koeln.de/color/
"""
LAYER_COLOURS = ("#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#0072b2", "#e69f00")
"""Of the layers of the web map that are no sides, in turn, from the same palette."""

NO_DATA_COLOUR = "#ff00ff"
"""Of pixels without a measurement, in every picture."""

_SCHEMES = {
    "light": {
        "ground": "#ffffff", "raised": "#f4f5f7", "ink": "#1b1f24", "muted": "#57606a",
        "line": "#d0d7de", "accent": "#0b5cad", "good": "#1a7f37", "near": "#855300",
        "bad": "#b3261e", "bar": "#7aa7d6", "tint": "122 167 214",
    },
    "dark": {
        "ground": "#14181d", "raised": "#1e242b", "ink": "#e6e9ed", "muted": "#a5aeb8",
        "line": "#3a434d", "accent": "#7fb8f5", "good": "#5cc777", "near": "#e3b341",
        "bad": "#ff8a80", "bar": "#3f77b3", "tint": "42 88 136",
    },
}  # fmt: skip
"""Of the report by scheme and purpose; figures, which are printed, have those of the light one."""
INK, MUTED, LINE, BAD = (_SCHEMES["light"][name] for name in ("ink", "muted", "line", "bad"))

MAP_COLOURS = {
    "sides": {"": "#8c959f", **SIDE_COLOURS},
    "seasons": {"spring": "#7fc97f", "summer": "#e69f00", "fall": "#b3401a", "winter": "#0072b2"},
    "light": {"none": "#c9ced4", "few": "#8fb4de", "many": "#053e82", "findings": "#be140a"},
    "dark": {"none": "#4a535d", "few": "#3d6894", "many": "#8cc8ff", "findings": "#ff7864"},
}
"""Of the map of a report, whose script gets them as they are: patches by side ("" is none) and season;
cells from few to many patches or with findings, in the light and the dark scheme."""

SIDE_MARKERS = {"train": "s", "validation": "^", "test": "o"}
LINES = ("-", "--", ":", "-.")

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
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "text.color": INK,
    "text.parse_math": False,  # a label with a $ is no formula
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
}


def scheme_css() -> str:
    """The colours of a page as CSS variables, for the light and the dark scheme; paper is light."""
    light, dark = (
        " ".join(f"--{name}: {value};" for name, value in scheme.items())
        for scheme in _SCHEMES.values()
    )
    return (
        f":root {{ color-scheme: light dark; {light} }}\n"
        "@media screen and (prefers-color-scheme: dark) {\n"
        f"  :root:not([data-printing]) {{ {dark} }}\n}}\n"
    )


@contextmanager
def styled() -> Iterator[None]:
    """Make what is drawn look alike on every machine, whatever its own settings are."""
    import matplotlib as mpl

    with mpl.rc_context():
        mpl.rcdefaults()
        settings: Any = mpl.rcParams
        settings.update(_STYLE)
        yield
