"""The bytes that the verbs write: the same on every machine, and from one version to the next.

A change of a digest here is a change that users notice: it comes with the reason in its commit.
"""

import hashlib
from pathlib import Path

from benkit.cli import main
from tests.course.assemble import assemble

SAMPLE = "benkit sample sample --patches 300"
WRITTEN = {
    SAMPLE: {"sample": "f82777023bb0060f"},
    "benkit scan sample/BigEarthNet-v2.0-S2-with-errors --output inventory.parquet": {
        "inventory.parquet": "e8a60ff842b4f80f"
    },
    "benkit audit inventory.parquet --metadata sample/metadata.parquet --findings found.csv": {
        "found.csv": "39edcea5e3ebde20"
    },
    "benkit audit inventory.parquet --metadata sample/metadata.parquet --findings f.parquet": {
        "f.parquet": "0ec3f879f29a88b8"
    },
    "benkit footprints sample/metadata.parquet --output footprints.parquet": {
        "footprints.parquet": "b66a65584af8cd6c"
    },
    "benkit overlaps sample/metadata.parquet --output pairs.parquet": {
        "pairs.parquet": "8026e9dfe15326b5"
    },
    "benkit overlaps sample/geoparquets --output pairs.csv": {"pairs.csv": "a0fc3c26a8778a39"},
    "benkit labels sample/geoparquets --metadata sample/metadata.parquet --output lab.parquet": {
        "lab.parquet": "99e774ce0b576cc6"
    },
    "benkit split sample/metadata.parquet --output split.csv": {"split.csv": "dae7c0844800d784"},
    "benkit split sample/metadata.parquet --validation 0.1 --buffer 2000 --output s.parquet": {
        "s.parquet": "ae590971460bb9d6"
    },
    "benkit card inventory.parquet --metadata sample/metadata.parquet --split split.csv --output c": {
        "c/card.json": "771171c855240ed6",
        "c/card.md": "40efe0861817be28",
        "c/card.jsonld": "09b1b13d8e7e3559",
        "c/footprints.parquet": "0819cb8c37bdc8aa",
    },
    "benkit split sample/metadata.parquet --folds 2 --output folds.csv": {
        "folds_1.csv": "d3335023ca14e529",
        "folds_2.csv": "5cb6d9057ba178bf",
    },
}
LISTED = "sample/patches_for_stats.csv.gz"
PRINTED = {
    "benkit audit inventory.parquet --metadata sample/metadata.parquet --json": "5bd867a17b3a84ef",
    "benkit stats inventory.parquet --json": "f2dddcee873c0be3",
    f"benkit stats inventory.parquet --patches {LISTED} --json": "0264646a2b5c65e0",
    "benkit summary sample/metadata.parquet --json": "1303dffafbe244db",
    "benkit labels sample/geoparquets --json": "555b507821388b19",
    "benkit overlaps sample/geoparquets --json": "87484184a368c124",
    "benkit overlaps sample/metadata.parquet --json": "ee1d0ec80c945603",
    "benkit evaluate split.csv --metadata sample/metadata.parquet --json": "d3c51b029e1ca43a",
}


def digest(path: Path) -> str:
    """Short digest of a file, or of all files in a folder with their names."""
    total = hashlib.sha256()
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if file.is_file():
            total.update(f"{file.relative_to(path).as_posix()} {file.stat().st_size}\n".encode())
            total.update(file.read_bytes())
    return total.hexdigest()[:16]


def call(line: str) -> None:
    """Run a verb that has to end as done, or as having found something."""
    assert main(line.split()[1:]) in (0, 1), line


def test_a_sample_and_what_the_verbs_make_of_it(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    written, printed = {}, {}
    for line, digests in WRITTEN.items():
        call(line)
        written[line] = {name: digest(tmp_path / name) for name in digests}
    for line in PRINTED:
        capsys.readouterr()
        call(line)
        printed[line] = hashlib.sha256(capsys.readouterr().out.encode()).hexdigest()[:16]
    assert (written, printed) == (WRITTEN, PRINTED)


def test_the_course_data_set(shared_data, tmp_path, monkeypatch):
    assemble(tmp_path, shared_data)
    monkeypatch.chdir(tmp_path)
    archive = "BigEarthNet-v2.0-S2-with-errors"
    call(f"benkit scan {archive} --output inventory.parquet")
    call("benkit split metadata.parquet --output split.csv")
    (raster,) = Path(archive).glob("*T35ULA/*T35ULA_33_29/*_B02.tif")
    call(f"benkit retile {raster} --output parts --grid 2x2")
    found = {name: digest(tmp_path / name) for name in ("inventory.parquet", "split.csv", "parts")}
    assert found == {
        "inventory.parquet": "0d0e1517fbf97408",
        "split.csv": "6324f535f8b97f60",
        "parts": "f8ee352f50b9b521",
    }
