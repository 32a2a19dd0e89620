"""Do the tools of others read the cards of benkit?

    PYTHONPATH=. .venv/bin/python benchmarks/croissant.py [--patches 300]

Makes two environments of their own, with mlcroissant, and with stac-geoparquet and pystac, a sample, and
of it two cards: one that says what Croissant recommends, and one that does not. `mlcroissant validate`
has to pass for both, without a warning for the first, and mlcroissant to read every record;
stac-geoparquet has to give an item that pystac takes for every patch. Ends with 1 if not. What cannot be
installed is skipped, and the reason is said.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from environments import environment

ROOT = Path(__file__).resolve().parents[1]
PLACE = Path(os.environ.get("BENKIT_BENCHMARKS", ROOT / "untracked-files"))
TOOLS = {"mlcroissant": ("mlcroissant[parquet]",), "stac_geoparquet": ("stac-geoparquet", "pystac")}
ABOUT = {
    "name": "A sample",
    "license": "https://example.org/license",
    "cite_as": "@misc{sample, title={A sample}}",
    "published": "2024-07-31",
    "url": "https://example.org/sample",
}
RECORDS = """
import sys, mlcroissant
data = mlcroissant.Dataset(sys.argv[1])
print({one.id: sum(1 for _ in data.records(one.id)) for one in data.metadata.record_sets})
"""
ITEMS = """
import json, sys
import pyarrow.parquet as pq, pystac, stac_geoparquet.arrow
table = pq.read_table(sys.argv[1])
items = [pystac.Item.from_dict(one) for one in stac_geoparquet.arrow.stac_table_to_items(table)]
stac = json.loads(pq.read_schema(sys.argv[1]).metadata[b"stac-geoparquet"])
collections = {key: pystac.Collection.from_dict(one) for key, one in stac["collections"].items()}
assert {item.collection_id for item in items} == set(collections)
assert all(len(item.assets) == 12 and item.datetime.tzinfo for item in items)
print(len(items))
"""


def validated(python: Path, card: Path) -> tuple[bool, int]:
    """Whether ``mlcroissant validate`` passes, and how many warnings it has."""
    command = [python.with_name("mlcroissant"), "validate", "--jsonld", str(card)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    warnings = done.stderr.count("  -  ")
    print(f"mlcroissant validate {card.parent.name}: {done.returncode}, {warnings} warnings")
    return done.returncode == 0, warnings


def printed(python: Path, code: str, file: Path) -> str | None:
    """What a script prints about a file; None if it fails."""
    command = [python, "-P", "-c", code, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stderr, file=sys.stderr)
        return None
    return done.stdout.splitlines()[-1]


def main(patches: int) -> int:
    sys.path.insert(0, str(ROOT))
    import benkit

    PLACE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="croissant-", dir=PLACE) as name:
        folder = Path(name)
        benkit.sample(folder / "sample", patches)
        (archive,) = (folder / "sample").glob("BigEarthNet*")
        metadata, inventory = folder / "sample" / "metadata.parquet", folder / "inventory.parquet"
        benkit.scan(archive, inventory)
        split = benkit.split(metadata)
        benkit.card(inventory, metadata, split, output=folder / "told", **ABOUT)
        made = benkit.card(inventory, metadata, output=folder / "untold")
        described = made.values["patches"]["described"]
        good = True
        for module, packages in TOOLS.items():
            python = environment(
                PLACE / f"{module.replace('_', '-')}-environment", f"{module}, pyarrow", packages
            )
            if isinstance(python, str):
                print(f"skipped: {' and '.join(packages)} cannot be installed here: {python}")
            elif module == "mlcroissant":
                good &= validated(python, folder / "told" / "card.jsonld") == (True, 0)
                good &= validated(python, folder / "untold" / "card.jsonld")[0]
                records = printed(python, RECORDS, folder / "told" / "card.jsonld")
                print(f"records: {records}")
                good &= records is not None and f"'patches': {described}}}" in records
            else:
                items = printed(python, ITEMS, folder / "told" / "footprints.parquet")
                print(f"STAC items: {items} of {described}")
                good &= items == str(described)
    return int(not good)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--patches", type=int, default=300)
    sys.exit(main(parser.parse_args().patches))
