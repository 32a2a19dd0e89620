"""The documents of the course: as committed, they are what their sources and the data give now."""

import functools
import io
import json
import re
import shutil
from pathlib import Path

import pytest
from pypdf import PdfReader

from course import facts
from course.build import DOCUMENTS, set_document
from course.facts_file import NUMBERS, as_json, section
from tests.conftest import ROOT

EMPTY = '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"></svg>'


@pytest.fixture(scope="module")
def sources(tmp_path_factory) -> Path:
    """The sources with empty figures: figures have a fixed height and no text of their own."""
    root = tmp_path_factory.mktemp("documents")
    shutil.copytree(
        ROOT / "course", root / "course", ignore=shutil.ignore_patterns("__pycache__", "*.pdf")
    )
    figures = root / "untracked-files" / "course" / "figures"
    figures.mkdir(parents=True)
    for source in (root / "course").glob("*.typ"):
        for name in re.findall(r'drawing\(\s*"([^"]+)"', source.read_text("utf-8")):
            (figures / name).write_text(EMPTY, "utf-8")
    return root


@functools.cache
def text_of(content: bytes) -> list[str]:
    return [page.extract_text() for page in PdfReader(io.BytesIO(content)).pages]


def committed() -> bytes:
    return (ROOT / DOCUMENTS["report"]).read_bytes()


def test_the_rebuilt_report_says_what_the_committed_one_says(sources):
    content = set_document("report", sources)
    assert content == set_document("report", sources), "the same sources give the same bytes"
    assert text_of(content) == text_of(committed()), "run make course and commit what it gives"


def test_the_report_is_small_and_brings_its_fonts():
    content = committed()
    assert len(content) < 1_500_000
    found = 0
    for page in PdfReader(io.BytesIO(content)).pages:
        for font in page["/Resources"].get("/Font", {}).values():
            (descendant,) = font.get_object()["/DescendantFonts"]
            description = descendant.get_object()["/FontDescriptor"].get_object()
            assert "/FontFile2" in description or "/FontFile3" in description
            found += 1
    assert found


def test_the_report_has_all_its_sections():
    pages = text_of(committed())
    text = " ".join("\n".join(pages).split())
    assert 8 <= len(pages) <= 18
    for part in [
        "Contents",
        "1 Running the project",
        "2 Why the metadata are a Parquet file",
        "3 Re-tiling without losing the place",
        "4 Why patches overlap",
        "5 Splitting so that a score means something",
        "6 The answers of a run, and how they were checked",
        "References",
    ]:
        assert part in text, part
    for figure in range(1, 10):
        assert f"Figure {figure}. " in text, figure


def test_the_report_cites_everything_that_it_lists():
    report = (ROOT / "course" / "report.typ").read_text("utf-8")
    listed = re.findall(r"@\w+\{(\w+),", (ROOT / "course" / "references.bib").read_text("utf-8"))
    assert len(listed) > 20
    assert [key for key in listed if f"@{key}" not in report] == []


def test_words_on_the_screen_are_quoted_as_the_code_says_them():
    code = (ROOT / "main.py").read_text("utf-8") + (ROOT / "Makefile").read_text("utf-8")
    report = (ROOT / "course" / "report.typ").read_text("utf-8")
    for words in [
        "benkit needs Python 3.11 to 3.14; found",
        "is not there, so this run shows a synthetic sample",
        "is not installed; `make run` installs what is needed",
    ]:
        assert words in code, words
        assert words.replace("`", "") in report, words


def test_committed_numbers_are_what_the_official_metadata_give(shared_data, tmp_path):
    """The quick ones; ``make course`` computes all of them anew and names those that were stale."""
    numbers = section(NUMBERS)
    again = json.loads(as_json(facts.quick(tmp_path)))
    for part in again:
        assert numbers[part] == again[part], part
