import os
import subprocess
import sys

import pyarrow.parquet as pq

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
    ready = pq.read_table(tmp_path / "ready.parquet")
    assert {len(target) for target in ready["target"].to_pylist()} == {19}
    labels = pq.read_table(tmp_path / "sample" / "metadata.parquet").to_pylist()
    number = {row["patch_id"]: len(row["labels"]) for row in labels}
    for row in ready.to_pylist():
        assert sum(row["target"]) == number[row["patch_id"]]
