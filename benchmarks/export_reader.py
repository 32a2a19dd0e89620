"""Does a loader that knows nothing of benkit read every patch of an export?

    PYTHONPATH=. .venv/bin/python benchmarks/export_reader.py [--patches 2000] [--python PYTHON]

Makes an environment of its own with torchgeo (or takes PYTHON, which has it), a sample with errors, and
of that an export without the patches that the audit names. torchgeo's BigEarthNetV2 reads both, patch by
patch. Ends with 1 if it fails on one patch of the export, or gives another shape than twelve bands,
a map and 19 labels. Where torchgeo cannot be installed, the reason is said and nothing is measured.
The environment takes 6 GB, and minutes to make: on Linux the package index has torch with CUDA alone.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PLACE = Path(os.environ.get("BENKIT_BENCHMARKS", ROOT / "untracked-files"))
SHAPES = {"image": (12, 120, 120), "mask": (1, 120, 120), "label": (19,)}
NEEDED = ("torchgeo", "pyarrow", "requests")  # the last of which it imports but does not declare
SPLITS = ("train", "val", "test")


def read(root: str) -> None:
    """In the other environment: read every patch, and print what came of it as JSON."""
    loader = import_module("torchgeo.datasets").BigEarthNetV2
    found: Counter[str] = Counter()
    patches = []
    for split in SPLITS:
        dataset = loader(root, split=split, bands="s2")
        for number in range(len(dataset)):
            try:
                sample = dataset[number]
                shapes = {name: tuple(sample[name].shape) for name in SHAPES}
                kind = "read" if shapes == SHAPES else "wrong shape"
            except Exception as error:
                kind = f"error {type(error).__name__}"
            found[kind] += 1
            patches.append((str(dataset.metadata_df["patch_id"][number]), kind))
    print(json.dumps({"found": found, "patches": patches}))


def read_by_torchgeo(python: Path, folder: Path, root: Path, archive: str) -> dict:
    """What torchgeo makes of an archive, in the folders that it looks for."""
    root.mkdir()
    (root / "BigEarthNet-S1").mkdir()  # looked for, though no band of it is read
    for name, target in {
        "BigEarthNet-S2": archive,
        "Reference_Maps": "Reference_Maps",
        "metadata.parquet": "metadata.parquet",
    }.items():
        (root / name).symlink_to(folder / target)
    done = subprocess.run(
        [python, "-P", __file__, "--read", str(root)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def main(patches: int, python: Path | None) -> int:
    sys.path.insert(0, str(ROOT))
    from environments import can_import, environment  # not in the other environment, which lacks it

    import benkit

    if python and not can_import(python, "torchgeo.datasets"):
        sys.exit(f"{python}: expected a Python that has torchgeo")
    found = python or environment(PLACE / "torchgeo-environment", "torchgeo.datasets", NEEDED)
    if isinstance(found, str):
        print(f"skipped: torchgeo cannot be installed here: {found}")
        return 0
    PLACE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="export-reader-", dir=PLACE) as name:
        folder = Path(name)
        sample, clean = folder / "sample", folder / "clean"
        benkit.sample(sample, patches)
        archive = next(sample.glob("BigEarthNet*"))
        metadata, inventory = sample / "metadata.parquet", folder / "inventory.parquet"
        benkit.scan(archive, inventory)
        findings = benkit.audit(inventory, metadata).findings
        maps = sample / "Reference_Maps"
        made = benkit.export(
            inventory, clean, metadata=metadata, exclude=findings, reference_maps=maps
        )
        before = read_by_torchgeo(found, sample, folder / "before", archive.name)
        after = read_by_torchgeo(found, clean, folder / "after", "BigEarthNet-S2")
    damaged = set(findings["patch_id"].to_pylist())
    unnoticed = sum(kind == "read" and patch in damaged for patch, kind in before["patches"])
    print(f"{patches:,} patches, {made.left_out:,} left out, {made.patches:,} exported")
    print(f"the archive: {before['found']}, of those read {unnoticed:,} are damaged")
    print(f"the export: {after['found']}")
    return int(after["found"] != {"read": made.patches})


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--patches", type=int, default=2000)
    parser.add_argument("--python", type=Path)
    parser.add_argument("--read", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.read:
        read(options.read)
    else:
        sys.exit(main(options.patches, options.python))
