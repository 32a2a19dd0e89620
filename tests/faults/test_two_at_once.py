"""Two processes that write the same output: one wins, and what it writes is whole."""

import random
import subprocess
import sys
import time

import pytest

from benkit.cli import main
from tests.conftest import ROOT
from tests.faults.kills import content_of


@pytest.mark.skipif(sys.platform != "linux", reason="needs locks that end with their process")
@pytest.mark.parametrize("verb", ["scan", "split", "retile"])
def test_one_of_two_wins(verb, tmp_path):
    assert main(["sample", str(tmp_path / "sample"), "--patches", "60", "--quiet"]) == 0
    archive = next((tmp_path / "sample").glob("BigEarthNet*"))
    raster = next(archive.rglob("*_B02.tif"))
    calls = {
        "scan": [["scan", archive, "--workers", "1"], ["scan", archive, "--full", "--workers", "1"]],
        "split": [["split", tmp_path / "sample" / "metadata.parquet", "--seed", s] for s in "12"],
        "retile": [["retile", raster, "--overwrite", "--compress", c] for c in ("none", "lzw")],
    }[verb]  # fmt: skip
    name = "inventory.parquet" if verb == "scan" else "split.csv" if verb == "split" else "parts"
    whole = []
    for number, call in enumerate(calls):
        alone = tmp_path / str(number) / name
        assert main([*map(str, call), "--output", str(alone)]) == 0
        whole.append(content_of(alone))
    chance, output = random.Random(verb), tmp_path / "both" / name
    running = []
    for call in calls:
        command = [sys.executable, "-m", "benkit", *map(str, call), "--output", str(output)]
        running.append(subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ))  # fmt: skip
        time.sleep(chance.uniform(0, 0.3))
    said = [process.communicate(timeout=60)[1] for process in running]
    ended = sorted(process.returncode for process in running)
    assert ended in ([0, 0], [0, 2]), said
    assert ended == [0, 0] or (verb == "scan" and "another scan" in "".join(said)), said
    assert content_of(output) in whole
    assert not list(output.parent.rglob("*.part"))
