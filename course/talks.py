"""Build the two talks from their Typst sources; the same sources give the same bytes.

.venv/bin/python course/talks.py
"""

from pathlib import Path

import typst

ROOT = Path(__file__).resolve().parents[1]
TALKS = ("dependency-management", "testing")
DATE = 1795392000  # 2026-11-23, what the file says about its making


def build(name: str) -> bytes:
    """The PDF of a talk, from ``course/<name>.typ``, with the fonts that come with Typst."""
    return typst.compile(
        ROOT / "course" / f"{name}.typ", root=ROOT, ignore_system_fonts=True, timestamp=DATE
    )


def main() -> None:
    """Write the PDFs beside their sources."""
    for name in TALKS:
        (ROOT / "course" / f"{name}.pdf").write_bytes(build(name))


if __name__ == "__main__":
    main()
