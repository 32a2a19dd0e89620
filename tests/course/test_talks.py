"""The two talks and their guides: rebuilt from their sources, and quoting only what was run."""

import json
import re

import pytest
import typst

from course.build import set_document
from tests.conftest import ROOT

COURSE = ROOT / "course"


@pytest.mark.parametrize("name", ["dependency-management", "testing"])
def test_a_talk_is_what_its_sources_make(name):
    committed = (COURSE / f"{name}.pdf").read_bytes()
    stale = committed != set_document(name)  # pytest would compare the bytes for minutes
    assert not stale, f"course/{name}.pdf is stale: run make course"
    assert len(committed) < 1.5e6
    slides = typst.compile(
        COURSE / f"{name}.typ", root=ROOT, ignore_system_fonts=True, format="svg"
    )
    assert 12 <= len(slides) <= 16


@pytest.mark.parametrize("name", ["dependency", "testing"])
def test_facts_name_no_registry_and_no_path_of_a_machine(name):
    text = (COURSE / f"{name}_facts.json").read_text("utf-8")
    assert not re.search(r"https?://|/root|/tmp|/home|/Users", text)


@pytest.mark.parametrize(
    ("guide", "facts"), [("dependency-management", "dependency"), ("testing", "testing")]
)
def test_a_guide_quotes_only_what_was_run(guide, facts):
    text = (ROOT / "docs" / f"{guide}.md").read_text("utf-8")
    commands = json.loads((COURSE / f"{facts}_facts.json").read_text("utf-8"))["commands"]
    run = {f"$ {fact['command']}\n{fact['output']}\n" for fact in commands.values()}
    quoted = re.findall(r"```console\n(.*?)```", text, re.DOTALL)
    assert quoted
    assert set(quoted) <= run


def test_the_tables_of_the_guides_hold_the_recorded_facts():
    facts = json.loads((COURSE / "dependency_facts.json").read_text("utf-8"))
    guide = (ROOT / "docs" / "dependency-management.md").read_text("utf-8")
    for platform, rows in facts["platforms"]["table"].items():
        cells = [f"{row['with_wheel']} of {row['needed']}" for row in rows.values()]
        missing = sorted({name for row in rows.values() for name in row["missing"]})
        assert f"| {platform} | {' | '.join(cells)} | {', '.join(missing)} |" in guide
    facts = json.loads((COURSE / "testing_facts.json").read_text("utf-8"))
    guide = (ROOT / "docs" / "testing.md").read_text("utf-8")
    for mutation in facts["mutations"]:
        first = mutation["fell"][0].split("[")[0]
        row = f"| `{mutation['module']}` | `{mutation['changed']}` | `{first}` |"
        assert row in guide


def test_the_recorded_second_environment_is_the_one_of_the_file():
    recorded = json.loads((COURSE / "second_environment.json").read_text("utf-8"))
    environment = (ROOT / "environment.yml").read_text("utf-8")
    assert f"- python={recorded['python']} " in environment
    assert all(line in environment for line in recorded["pip_part"])
    assert recorded["same_answers"]
    assert recorded["make_run_same_answers"]
    assert recorded["pip_check"] == "No broken requirements found."
    guide = (ROOT / "docs" / "dependency-management.md").read_text("utf-8")
    others = recorded["others_same_answers"]
    assert others == {version: True for version in others if version in guide}
