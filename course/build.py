"""Build the documents of the course: figures and numbers first, then the PDFs.

Usage: python -m course.build [--text] [--measure]

Numbers go to ``course/facts.json``, figures and talks below ``untracked-files``. The run says which
committed numbers were stale. ``--text`` takes the committed numbers and the figures that are there
and only sets the documents; ``--measure`` also takes the times anew.
"""

import argparse
import json
import sys
from pathlib import Path

from course.facts_file import NUMBERS, TIMES, as_json, replace_file, section, write_section

ROOT = Path(__file__).resolve().parents[1]
HERE = ROOT / "course"
WORK = ROOT / "untracked-files" / "course"
FIGURES = WORK / "figures"
DOCUMENTS = {
    "report": "milesone01.pdf",
    "dependency-management": "untracked-files/dependency-management.pdf",
    "testing": "untracked-files/testing.pdf",
}
"""Name of each source in ``course/``, and the PDF that it gives."""
DATE = 1795392000  # 2026-11-23, what the files say about their making
_MOST_NAMES = 20  # of stale numbers
_STYLES = ("Regular", "It", "Semibold", "SemiboldIt", "Bold", "BoldIt")


def main() -> int:
    """Build everything; returns the exit status."""
    options = _parser().parse_args()
    if not options.text:
        from course.inputs import METADATA

        if not METADATA.is_file():
            _say(f"{METADATA}: expected the official metadata, which the report is computed from")
            return 2
        _compute(options.measure)
    for name, target in DOCUMENTS.items():
        if (HERE / f"{name}.typ").is_file():
            try:
                content = set_document(name)
            except RuntimeError as error:
                _say(f"course/{name}.typ: {error}; figures come from a run without --text")
                return 2
            replace_file(ROOT / target, content)
            _say(f"{target}: {len(content):,} bytes")
    return 0


def _compute(anew: bool) -> None:
    """Compute numbers, take the times anew if wanted, and draw the figures."""
    from course.drawings import draw_all
    from course.facts import changed, compute

    if anew:
        from course.measure import measure

        write_section(TIMES, measure(WORK))
    facts = compute(WORK)
    stale = changed(json.loads(as_json(facts.numbers)), section(NUMBERS))
    if stale:
        some = ", ".join(stale[:_MOST_NAMES])
        _say(f"{len(stale)} numbers of facts.json were not what they are now: {some}")
    write_section(NUMBERS, facts.numbers)
    draw_all(facts, section(TIMES), FIGURES, fonts())


def set_document(name: str, root: Path = ROOT) -> bytes:
    """The PDF of a source in ``course/``.

    Parameters
    ----------
    name : str
        As in `DOCUMENTS`.
    root : Path
        Folder with the sources in ``course/`` and the figures in ``untracked-files/course/figures``.

    Raises
    ------
    RuntimeError
        If Typst warns, of a font that is not there for instance.
    """
    import typst

    content, warnings = typst.compile_with_warnings(
        root / "course" / f"{name}.typ",
        root=root,
        font_paths=[fonts()],
        ignore_system_fonts=True,
        timestamp=DATE,
    )
    if warnings:
        raise RuntimeError("; ".join(str(one) for one in warnings))
    return content


def fonts() -> Path:
    """Folder with the one font that Typst does not bring along, from its Python package."""
    import font_source_sans_pro

    folder = WORK / "fonts"
    folder.mkdir(parents=True, exist_ok=True)
    for style in _STYLES:
        name = f"SourceSansPro-{style}.ttf"
        if not (folder / name).exists():
            source = Path(font_source_sans_pro.__file__).parent / "files" / name
            replace_file(folder / name, source.read_bytes())
    return folder


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
