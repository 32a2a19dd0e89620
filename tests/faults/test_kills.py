"""A few kills of each verb; `tests.faults.kills` makes many."""

import json
import subprocess
import sys

import pytest

from tests.conftest import ROOT

VERBS = ["scan", "split", "retile", "labels", "export", "arrow", "report"]


@pytest.mark.skipif(sys.platform != "linux", reason="finds processes through /proc")
def test_a_killed_verb_leaves_nothing_half_written():
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.kills", "--kills", "1", "--steps", "60", "--seed", "7",
         "--verbs", ",".join(VERBS)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout, done.stderr
    found = json.loads(done.stdout)
    assert list(found) == VERBS
    for verb, result in found.items():
        assert result["faults"] == [], verb
        assert result["kills at steps"] >= 2, verb
        assert {"absent", "earlier"} <= result["outputs afterwards"]["steps"].keys(), verb
    assert done.returncode == 0
