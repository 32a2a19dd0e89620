"""The list of promises names tests and commands that exist."""

import re

import pytest

from tests.conftest import ROOT

DOCUMENTS = ("docs/reliability.md", "docs/hostile-input.md", "docs/field-cases.md", "SECURITY.md")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_what_the_documents_name_is_there(document):
    text = (ROOT / document).read_text("utf-8")
    paths = set(re.findall(r"`((?:tests|benchmarks|docs)/[\w/.-]+)(?:::\w+)?`", text))
    paths |= {
        module.replace(".", "/") + ".py" for module in re.findall(r"-m (tests\.[\w.]+)", text)
    }
    links = {
        f"{document.rpartition('/')[0]}/{link}" for link in re.findall(r"\]\(([^:)]+)\)", text)
    }
    missing = sorted(
        path
        for path in paths | {link.lstrip("/") for link in links}
        if not (ROOT / path).exists() and not (ROOT / path.removesuffix(".py")).is_dir()
    )
    assert missing == []


def test_every_promise_has_a_test():
    text = (ROOT / "docs" / "reliability.md").read_text("utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    promises = [row for row in rows if not row.startswith(("| promise", "| what", "| verb"))]
    tables = text.split("## Measured")[0]
    assert len(promises) >= 12
    assert all("`tests/" in row for row in promises if row in tables)


@pytest.mark.parametrize(("document", "least"), [("hostile-input.md", 30), ("field-cases.md", 20)])
def test_every_test_that_is_named_is_there(document, least):
    text = (ROOT / "docs" / document).read_text("utf-8")
    named = re.findall(r"`(tests/[\w/.-]+)::(\w+)`", text)
    assert len(named) >= least
    missing = [
        f"{file}::{name}"
        for file, name in named
        if f"def {name}(" not in (ROOT / file).read_text("utf-8")
    ]
    assert missing == []


def test_every_broken_input_has_a_test():
    text = (ROOT / "docs" / "hostile-input.md").read_text("utf-8").split("## Measured")[0]
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    inputs = [row for row in rows if not row.startswith("| input")]
    assert len(inputs) >= 30
    assert [row for row in inputs if "`tests/" not in row.rpartition(" | ")[2]] == []
