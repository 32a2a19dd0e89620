import os
import re
import subprocess
import sys

from tests.conftest import ROOT


def test_the_tutorial_runs_as_it_is(tmp_path):
    done = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "tutorial.py"), str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "share ground across sides: 0" in done.stdout
    score = r"split: F1 of the model (0\.\d\d), of copying the nearest train patch (0\.\d\d)"
    own, at_random = re.findall(score, done.stdout)
    assert own < at_random, "what a random split shows is in part that patches are copies of others"
