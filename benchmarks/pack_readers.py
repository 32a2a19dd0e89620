"""Do tools that know nothing of benkit read its packs?

    PYTHONPATH=. .venv/bin/python benchmarks/pack_readers.py [--datasets PYTHON] [--configilm PYTHON]

Exports the real patches of ../shared/data as Arrow files and as an LMDB. Hugging Face datasets reads
the first, ConfigILM's BENv2DataSet the other, each in an environment of its own (or in PYTHON, which
has it); their pixels are held against those of rasterio. Ends with 1 if one differs. Where a tool cannot
be installed, the reason is said and it is skipped. ConfigILM's environment takes 6 GB, and minutes to
make.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / ".." / "shared" / "data"
PLACE = Path(os.environ.get("BENKIT_BENCHMARKS", ROOT / "untracked-files"))
NEEDED = {
    "datasets": ("datasets", ("datasets",)),
    "configilm": (
        "pandas, pyarrow, configilm.extra.BENv2_utils",
        ("configilm", "lmdb", "pandas", "pyarrow<21", "safetensors", "torchvision"),  # of NumPy 1
    ),
}
BANDS = ("B02", "B03", "B04", "B08")


def read_by_datasets(pack: Path) -> dict[str, Any]:
    """What Hugging Face datasets reads: sums of the rows of pixels of some bands, by patch."""
    hf, arrow = import_module("datasets"), import_module("pyarrow")
    files = sorted(map(str, (pack / "BigEarthNet-S2").glob("*.arrow")))
    text = hf.Value("string")
    features = {"patch_id": text, "product": text, "labels": hf.List(text), "split": text}
    for field in arrow.ipc.open_file(files[0]).schema:
        if field.name not in features:  # it knows no tensors, but the list of their values
            value = hf.Value(str(field.type.value_type))
            features[field.name] = hf.List(value, length=field.type.storage_type.list_size)
    found = hf.load_dataset(
        "arrow",
        data_files=files,
        split="train",
        features=hf.Features(features),
        cache_dir=str(pack / "cache"),
    ).with_format("numpy")
    return {
        str(row["patch_id"]): [row[band].reshape(120, 120).sum(1).tolist() for band in BANDS]
        for row in found
    }


def read_by_configilm(pack: Path) -> dict[str, Any]:
    """The same by ConfigILM."""
    places = {
        "images_lmdb": pack / "BigEarthNet-S2",
        "metadata_parquet": pack / "metadata.parquet",
        "metadata_snow_cloud_parquet": None,
    }
    loader = import_module("configilm.extra.DataSets.BENv2_DataSet").BENv2DataSet
    found = loader(places, img_size=(4, 120, 120), return_extras=True, include_cloudy=False)
    order = found.channel_order
    rows = [found[number] for number in range(len(found))]
    return {
        key: [image[order.index(band)].double().sum(1).long().tolist() for band in BANDS]
        for image, _, key in rows
    }


READ = {"datasets": read_by_datasets, "configilm": read_by_configilm}


def by_rasterio(patch: str) -> list[list[int]]:
    import rasterio

    sums = []
    for band in BANDS:
        with rasterio.open(
            DATA / "BigEarthNet-S2" / patch[:-6] / patch / f"{patch}_{band}.tif"
        ) as file:
            sums.append(file.read(1).sum(1, dtype="int64").tolist())
    return sums


def tried(tool: str, python: Path | None, pack: Path) -> bool:
    """Whether a tool reads what rasterio reads, or cannot be tried; says which."""
    from environments import environment  # not there in the other environment

    modules, packages = NEEDED[tool]
    found = python or environment(PLACE / f"{tool}-environment", modules, packages)
    if isinstance(found, str):
        print(f"{tool}: skipped, it cannot be installed here: {found}")
        return True
    done = subprocess.run(
        [found, "-P", __file__, "--read", tool, str(pack)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        print(f"{tool}: fails: {done.stderr.strip().splitlines()[-1]}")
        return False
    patches = json.loads(done.stdout.splitlines()[-1])
    same = sum(sums == by_rasterio(patch) for patch, sums in patches.items())
    print(f"{tool}: {same} of {len(patches)} patches are as rasterio reads them")
    return same == len(patches) > 0


def main(pythons: dict[str, Path | None]) -> int:
    sys.path.insert(0, str(ROOT))
    import benkit

    PLACE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="pack-readers-", dir=PLACE) as name:
        folder = Path(name)
        archive, metadata = DATA / "BigEarthNet-S2", DATA / "metadata.parquet"
        benkit.scan(archive, folder / "inventory.parquet")
        good = []
        for tool, kind in (("datasets", "arrow"), ("configilm", "lmdb")):
            benkit.export(
                folder / "inventory.parquet", folder / kind, archive=archive, metadata=metadata,
                format=kind,
            )  # fmt: skip
            good.append(tried(tool, pythons[tool], folder / kind))
    return int(not all(good))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--datasets", type=Path)
    parser.add_argument("--configilm", type=Path)
    parser.add_argument("--read", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.read:
        print(json.dumps(READ[options.read[0]](Path(options.read[1]))))
    else:
        sys.exit(main({"datasets": options.datasets, "configilm": options.configilm}))
