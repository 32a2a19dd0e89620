"""What is public, and that paths may be texts."""

import inspect

import pyarrow as pa
import pyarrow.parquet as pq

import benkit
from benkit.cli import VERBS
from tests.making import PRODUCT, Archive


def test_every_verb_has_a_function_of_its_name():
    functions = {"map": "web_map"}
    for verb in VERBS.keys() - {"completion"}:
        assert inspect.isfunction(getattr(benkit, functions.get(verb, verb))), verb


def test_public_functions_take_paths_as_texts(tmp_path):
    archive = Archive(tmp_path / "archive")
    patches = [f"{PRODUCT}_00_00", f"{PRODUCT}_00_01"]
    for patch in patches:
        archive.patch(patch)
    table = pa.table({"patch_id": patches, "labels": [["Pastures"], ["Inland waters"]]})
    pq.write_table(table, tmp_path / "metadata.parquet")
    assert benkit.read_metadata(str(tmp_path / "metadata.parquet")).num_rows == 2
    split = str(tmp_path / "split.csv")
    benkit.write_sides({"train": patches[:1], "test": patches[1:]}, split)
    assert benkit.read_sides(split) == {"train": patches[:1], "test": patches[1:]}
    benkit.write_table(table, str(tmp_path / "table.csv"))
    assert benkit.read_patch_list(str(tmp_path / "table.csv")) == patches
    benkit.scan_archive(str(archive.root), str(tmp_path / "inventory.parquet"))
    inventory = benkit.Inventory(str(tmp_path / "inventory.parquet"))
    assert benkit.audit_inventory(inventory, table).patches == 2
    path = benkit.find_file(str(archive.root), f"{patches[1]}_B02.tif")
    assert benkit.read_raster(str(path)).pixels.shape == (1, 120, 120)
    assert benkit.inspect_patch(patches[0], str(archive.root)).patch_id == patches[0]
    footprints = benkit.footprint_table(table)
    benkit.write_geoparquet(footprints.table, str(tmp_path / "f.parquet"), epsg=4326)
