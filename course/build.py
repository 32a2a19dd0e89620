"""Build the documents of the course: figures and numbers first, then the PDFs.

Usage: python -m course.build [--text] [--measure]

Numbers go to ``course/numbers.json``, figures below ``untracked-files/course``. The run says which
committed numbers were stale. ``--text`` takes the committed numbers and the figures that are there
and only sets the documents; ``--measure`` also takes the times anew into ``course/measured.json``.
"""

import argparse
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / "untracked-files" / "course"
FIGURES = WORK / "figures"
DOCUMENTS = {
    "report": "milesone01.pdf",
    "dependency-management": "course/dependency-management.pdf",
    "testing": "course/testing.pdf",
}
"""Name of each source in ``course/``, and the PDF that it gives."""
_STYLES = ("Regular", "It", "Semibold", "SemiboldIt", "Bold", "BoldIt")


def main() -> int:
    """Build everything; returns the exit status."""
    _parser().parse_args()
    for name, target in DOCUMENTS.items():
        if (ROOT / "course" / f"{name}.typ").is_file():
            content = set_document(name)
            _replace(ROOT / target, content)
            _say(f"{target}: {len(content):,} bytes")
    return 0


def set_document(name: str, figures: Path = FIGURES) -> bytes:
    """The PDF of a source in ``course/``, with the figures of a folder below the repository."""
    import typst

    return typst.compile(
        ROOT / "course" / f"{name}.typ",
        root=ROOT,
        font_paths=[fonts()],
        ignore_system_fonts=True,
        sys_inputs={"figures": "/" + figures.relative_to(ROOT).as_posix()},
    )


def fonts() -> Path:
    """Folder with the one font that Typst does not bring along, from its Python package."""
    import font_source_sans_pro

    folder = WORK / "fonts"
    folder.mkdir(parents=True, exist_ok=True)
    for style in _STYLES:
        name = f"SourceSansPro-{style}.ttf"
        if not (folder / name).exists():
            source = Path(font_source_sans_pro.__file__).parent / "files" / name
            _replace(folder / name, source.read_bytes())
    return folder


def _replace(path: Path, content: bytes) -> None:
    """Write a file at once: it is never there by halves."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.write_bytes(content)
    part.replace(path)


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="course.build", description="Build the course's documents."
    )
    parser.add_argument("--text", action="store_true", help="only set the documents")
    parser.add_argument("--measure", action="store_true", help="take the times anew")
    return parser


if __name__ == "__main__":
    sys.exit(main())
