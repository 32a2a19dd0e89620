"""The two talks and their guides: they can be built, and quote only what was run."""

import re

import pytest
import typst

from course.facts_file import DEPENDENCY, FACTS, SECOND_ENVIRONMENT, TESTING, section
from tests.conftest import ROOT

COURSE = ROOT / "course"


@pytest.mark.parametrize("name", ["dependency-management", "testing"])
def test_a_talk_is_set_without_a_warning_and_has_no_page_too_many(name):
    slides, warnings = typst.compile_with_warnings(
        COURSE / f"{name}.typ", root=ROOT, ignore_system_fonts=True, format="svg"
    )
    assert not warnings
    source = (COURSE / f"{name}.typ").read_text("utf-8")
    assert len(slides) == 1 + len(re.findall(r"^#slide\(", source, re.MULTILINE))


def test_facts_name_no_registry_and_no_path_of_a_machine():
    assert not re.search(r"https?://|/root|/tmp|/home|/Users", FACTS.read_text("utf-8"))


@pytest.mark.parametrize(
    ("guide", "facts"), [("dependency-management", DEPENDENCY), ("testing", TESTING)]
)
def test_a_guide_quotes_only_what_was_run(guide, facts):
    text = (ROOT / "docs" / f"{guide}.md").read_text("utf-8")
    commands = section(facts)["commands"]
    run = {f"$ {fact['command']}\n{fact['output']}\n" for fact in commands.values()}
    quoted = re.findall(r"```console\n(.*?)```", text, re.DOTALL)
    assert quoted
    assert set(quoted) <= run


def test_the_tables_of_the_guides_hold_the_recorded_facts():
    facts = section(DEPENDENCY)
    guide = (ROOT / "docs" / "dependency-management.md").read_text("utf-8")
    for platform, rows in facts["platforms"]["table"].items():
        cells = [f"{row['with_wheel']} of {row['needed']}" for row in rows.values()]
        missing = sorted({name for row in rows.values() for name in row["missing"]})
        assert f"| {platform} | {' | '.join(cells)} | {', '.join(missing)} |" in guide
    facts = section(TESTING)
    guide = (ROOT / "docs" / "testing.md").read_text("utf-8")
    for mutation in facts["mutations"]:
        first = mutation["fell"][0].split("[")[0]
        row = f"| `{mutation['module']}` | `{mutation['changed']}` | `{first}` |"
        assert row in guide


def test_the_recorded_second_environment_is_the_one_of_the_file():
    recorded = section(SECOND_ENVIRONMENT)
    environment = (ROOT / "environment.yml").read_text("utf-8")
    assert f"- python={recorded['python']} " in environment
    assert all(line in environment for line in recorded["pip_part"])
    assert recorded["same_answers"]
    assert recorded["make_run_same_answers"]
    assert recorded["pip_check"] == "No broken requirements found."
    guide = (ROOT / "docs" / "dependency-management.md").read_text("utf-8")
    others = recorded["others_same_answers"]
    assert others == {version: True for version in others if version in guide}
