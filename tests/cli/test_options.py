"""The options that verbs share, verb by verb."""

import pytest

from benkit.cli import VERBS
from benkit.cli.parsing import options_of, verb_parser

ALL = {"--json", "--no-progress", "--verbose", "--quiet"}
SHARED_OUT = {"--workers", "--engine", "--ray-address"}
OUTPUT = {"--output", "--overwrite"}
SOME = ALL | SHARED_OUT | OUTPUT
EXPECTED = {
    "sample": SHARED_OUT,
    "scan": SHARED_OUT | OUTPUT,
    "audit": SHARED_OUT | {"--overwrite"},  # of --findings
    "inspect": {"--overwrite"},  # of --figure
    "duplicates": SHARED_OUT | OUTPUT,
    "diff": SHARED_OUT | OUTPUT,
    "stats": SHARED_OUT | OUTPUT,
    "summary": OUTPUT,
    "labels": SHARED_OUT | OUTPUT,
    "footprints": OUTPUT,
    "overlaps": OUTPUT,
    "split": OUTPUT,
    "evaluate": {"--overwrite"},  # of --figures
    "export": SHARED_OUT | OUTPUT,
    "card": SHARED_OUT | OUTPUT,
    "verify": SHARED_OUT,
    "report": SHARED_OUT | OUTPUT,
    "map": SHARED_OUT | OUTPUT,
    "retile": SHARED_OUT | OUTPUT,
    "patchify": SHARED_OUT | OUTPUT,
    "completion": set(),
}


def test_every_verb_is_looked_at():
    assert EXPECTED.keys() == VERBS.keys()


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_has_the_options_that_fit_it(verb):
    names = {name for action in options_of(verb_parser(verb)) for name in action.option_strings}
    assert names & SOME == EXPECTED[verb] | ALL
    assert {"-v", "-q"} <= names
