"""The first commands of the README, on a sample in the place of the download."""

import shutil

import pyarrow.parquet as pq

from benkit.cli import main
from tests.conftest import ROOT


def commands():
    """The calls of benkit in the README's second block, each in one line."""
    block = (ROOT / "README.md").read_text("utf-8").split("```sh\n")[2].partition("```")[0]
    return [line for line in block.replace("\\\n", "").splitlines() if line.startswith("benkit ")]


def test_six_commands_lead_from_a_download_to_a_training_table(sample, tmp_path, monkeypatch):
    shutil.copytree(sample / "BigEarthNet-v2.0-S2-with-errors", tmp_path / "BigEarthNet-S2")
    monkeypatch.chdir(tmp_path)
    metadata = pq.read_table(sample / "metadata.parquet")
    pq.write_table(metadata.slice(3), "metadata.parquet")
    pq.write_table(metadata.slice(0, 3), "metadata_for_patches_with_snow_cloud_or_shadow.parquet")
    statuses = [main(line.split()[1:]) for line in commands()]
    assert statuses == [0, 1, 0, 0, 0, 0]
    table = pq.read_table("clean/metadata.parquet")
    assert set(table["split"].to_pylist()) == {"train", "test"}
    assert all(table["labels"].to_pylist())
    on_disk = {path.name for path in (tmp_path / "clean" / "BigEarthNet-S2").glob("*/*")}
    assert on_disk == set(table["patch_id"].to_pylist())
    assert len(on_disk) > 40
    assert (tmp_path / "report.html").stat().st_size > 10_000
    assert (tmp_path / "statistics.csv").read_text().count("\n") == 13
