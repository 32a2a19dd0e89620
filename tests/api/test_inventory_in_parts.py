"""Every verb answers from an inventory in parts as from one in a file, byte for byte."""

import os

import numpy as np
import pytest

from benkit.api.patch_dataset import PatchDataset
from benkit.cli import main

ARCHIVE = "BigEarthNet-v2.0-S2-with-errors"
FORMS = ("in-parts", "one.parquet")
CALLS = {
    "audit": "audit {inventory} --metadata {metadata} --findings found.csv",
    "stats": "stats {inventory} --output stats.csv",
    "duplicates": "duplicates {inventory} --output copies.csv",
    "diff": "diff {inventory} {ground}/one.parquet --output changes.csv",
    "footprints": "footprints {inventory} --output footprints.parquet",
    "overlaps": "overlaps {inventory} --output pairs.csv",
    "summary": "summary {inventory} {metadata} --json",
    "split": "split {inventory} {metadata} --output split.csv",
    "evaluate": "evaluate {ground}/split.csv --metadata {inventory} --metadata {metadata} --json",
    "card": "card {inventory} --metadata {metadata} --output card",
    "verify": "verify {ground}/card/card.json {inventory} --json",
    "export": "export {inventory} --archive {archive} --patches {ground}/patches.csv --output clean",
    "pack": "export {inventory} --sample 5 --seed 1 --output pack --format arrow --json",
    "report": "report {inventory} --metadata {metadata} --output report.html",
    "map": "map {inventory} --metadata {metadata} --output map.html",
}


@pytest.fixture(scope="module")
def ground(sample, tmp_path_factory):
    ground = tmp_path_factory.mktemp("ground")
    metadata = f"{sample}/metadata.parquet"
    for name in ("in-parts/", "one.parquet"):
        call = ["scan", f"{sample}/{ARCHIVE}", "--output", f"{ground}/{name}", "--workers", "1"]
        assert main([*call, "--quiet"]) == 0
    one = f"{ground}/one.parquet"
    assert main(["card", one, "--metadata", metadata, "--output", f"{ground}/card", "-q"]) == 0
    assert main(["split", one, metadata, "--output", f"{ground}/split.csv", "-q"]) == 0
    patches = sorted(one for one in os.listdir(next((sample / ARCHIVE).glob("S2*"))))
    (ground / "patches.csv").write_text("\n".join(["patch_id", *patches]))
    return ground


@pytest.mark.parametrize("verb", CALLS)
def test_every_verb_answers_the_same(ground, sample, tmp_path, monkeypatch, capfd, verb):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    answers = []
    for form in FORMS:
        (tmp_path / form).mkdir()
        monkeypatch.chdir(tmp_path / form)
        call = CALLS[verb].format(
            inventory=ground / form,
            ground=ground,
            archive=sample / ARCHIVE,
            metadata=sample / "metadata.parquet",
        )
        status = main(call.split())
        printed = capfd.readouterr()
        assert status in (0, 1), printed.err
        files = {
            str(path.relative_to(tmp_path / form)): path.read_bytes()
            for path in (tmp_path / form).rglob("*")
            if path.is_file()
        }
        lines = [line for line in printed.out.splitlines() if not line.startswith(("time", "size"))]
        answers.append(
            (
                status,
                lines,
                {path: found.replace(form.encode(), b"") for path, found in files.items()},
            )
        )
    assert answers[0] == answers[1]


def test_a_dataset_gives_the_same_pixels(ground, sample):
    parts, one = (PatchDataset(ground / form, sample / ARCHIVE, findings="skip") for form in FORMS)
    assert len(parts) == len(one) > 0
    for number in (0, len(one) - 1):
        found, wanted = parts[number], one[number]
        assert found["patch_id"] == wanted["patch_id"]
        for band, pixels in wanted["image"].items():
            np.testing.assert_array_equal(found["image"][band], pixels)
