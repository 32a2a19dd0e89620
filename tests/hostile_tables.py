"""Broken metadata and splits: their makers, every call that takes them, and what they all say."""

import os

import pyarrow as pa
import pyarrow.parquet as pq

from benkit.cli import main
from benkit.domain.layouts import BIGEARTHNET_S2
from benkit.inventory.table.inventory_writer import writing_inventory

PRODUCT = "S2A_MSIL2A_20170613T101031_N9999_R022_T33UUP"
IDS = [f"{PRODUCT}_00_0{row}" for row in range(4)]
TEXTS = pa.list_(pa.string())
LABELS = pa.array([["Pastures"], ["Pastures", "Arable land"], [], ["Arable land"]], TEXTS)
SPLIT = ["train", "train", "test", None]


def write_whole(folder):
    """Metadata, a split and an inventory, which are whole."""
    write(folder / "whole.parquet")
    (folder / "whole.csv").write_text(f"train,test\n{IDS[0]},{IDS[1]}\n")
    with writing_inventory(folder / "inventory.parquet", BIGEARTHNET_S2):
        pass
    return folder


def columns(**others):
    """Columns of metadata with some of them replaced, or left out where None."""
    values = {"patch_id": IDS, "labels": LABELS, "split": SPLIT} | others
    return {name: column for name, column in values.items() if column is not None}


def write(path, **others):
    pq.write_table(pa.table(columns(**others)), path)
    return path


def calls_with_metadata(folder, file):
    """Every call that takes metadata."""
    inventory, split = folder / "inventory.parquet", folder / "whole.csv"
    return [
        ["summary", file],
        ["split", file, "--output", folder / "out.csv"],
        ["split", file, "--output", folder / "out.parquet", "--folds", "2"],
        ["evaluate", file],
        ["evaluate", split, "--metadata", file],
        ["footprints", file, "--output", folder / "out.parquet"],
        ["audit", inventory, "--metadata", file],
        ["report", inventory, "--metadata", file, "--output", folder / "out.html"],
        ["map", file, "--output", folder / "out.html"],
        ["map", inventory, "--metadata", file, "--output", folder / "out.html"],
        ["inspect", IDS[0], "--archive", folder, "--metadata", file],
    ]


def calls_with_patches(folder, file):
    """Every call that needs the ids only."""
    return [["overlaps", file]]


def calls_with_split(folder, file):
    """Every call that takes a split."""
    inventory, metadata = folder / "inventory.parquet", folder / "whole.parquet"
    page = ["--output", folder / "out.html"]
    return [
        ["evaluate", file, "--metadata", metadata],
        ["stats", inventory, "--split", file, "--side", "train"],
        ["report", inventory, "--metadata", metadata, "--split", file, *page],
        ["map", metadata, "--split", file, *page],
    ]


def refused(capsys, calls, file):
    """The one line that every call says of a file; nothing is written."""
    before = sorted(os.listdir(file.parent))
    lines = set()
    for call in calls:
        assert main([str(word) for word in call]) == 2, call[0]
        out, err = capsys.readouterr()
        assert out == ""
        assert len(err.splitlines()) == 1, err
        lines.add(err.strip().removesuffix("; name the metadata with --metadata"))
    assert sorted(os.listdir(file.parent)) == before
    (line,) = lines
    assert line.startswith(f"benkit: {file}: ")
    assert len(line) < len(str(file)) + 400
    return line
