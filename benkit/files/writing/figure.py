"""Write figures, the same bytes for the same figure."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benkit.errors import OptionError
from benkit.files.writing.replace import replacing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# no name of the program and no time, by format
_METADATA = {
    "png": {"Software": None},
    "pdf": {"Creator": None, "Producer": None, "CreationDate": None},
    "svg": {"Creator": None, "Date": None},
}


def write_figure(figure: "Figure", path: str | os.PathLike[str]) -> None:
    """Write a figure as PNG (150 dots an inch), PDF or SVG, as the suffix says.

    Raises
    ------
    OptionError
        If the suffix is another one.
    OutputError
        If the file cannot be written.
    """
    import matplotlib as mpl

    path = Path(path)
    kind = path.suffix.removeprefix(".")
    if kind not in _METADATA:
        raise OptionError(f"{path}: expected a name that ends with .png, .pdf or .svg")
    fixed = {"svg.hashsalt": "benkit", "savefig.dpi": 150, "savefig.bbox": "standard"}
    with replacing(path) as part, mpl.rc_context():
        mpl.rcdefaults()  # whatever the settings of this machine are
        settings: Any = mpl.rcParams
        settings.update(fixed)
        figure.savefig(part, format=kind, metadata=_METADATA[kind])
