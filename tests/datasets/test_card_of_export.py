"""The card of an export: that of its own patches, with which verify agrees."""

import json

import pyarrow.parquet as pq
import pytest

import benkit
from benkit.cli import main

FILES = ("card.json", "card.md", "card.jsonld", "footprints.parquet")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A sample with errors, its inventory, its findings, and a split."""
    folder = tmp_path_factory.mktemp("made")
    benkit.sample(folder / "sample", patches=40)
    (folder / "sample" / "BigEarthNet-v2.0-S2-with-errors").rename(folder / "archive")
    benkit.scan(folder / "archive", folder / "inventory.parquet")
    (folder / "sample" / "metadata.parquet").rename(folder / "metadata.parquet")
    benkit.audit(
        folder / "inventory.parquet", folder / "metadata.parquet", findings=folder / "f.csv"
    )
    benkit.split(folder / "metadata.parquet", output=folder / "split.csv")
    return folder


def test_the_card_of_an_export_is_that_of_its_patches(made, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(made)
    clean = tmp_path / "clean"
    call = "export inventory.parquet --metadata metadata.parquet --exclude f.csv --split split.csv"
    assert main([*call.split(), "--output", str(clean), "--card", "--copy"]) == 0
    own = [
        "--metadata",
        str(clean / "metadata.parquet"),
        "--split",
        str(clean / "metadata.parquet"),
    ]
    for source in ("inventory.parquet", "BigEarthNet-S2"):
        assert main(["verify", str(clean / "card.json"), str(clean / source), *own]) == 0
    assert main(["verify", str(clean / "card.json"), "inventory.parquet"]) == 1
    again = benkit.card(clean / "inventory.parquet", clean / "metadata.parquet",
                        clean / "metadata.parquet", output=tmp_path / "again")  # fmt: skip
    assert (clean / "card.json").read_text("utf-8") == again.to_json()
    assert (clean / "card.md").read_bytes() == (tmp_path / "again" / "card.md").read_bytes()
    rows = pq.read_table(clean / "footprints.parquet").to_pylist()
    assert len(rows) == again.values["patches"]["described"] == again.values["pixels"]["patches"]
    assert all((clean / row["assets"]["B02"]["href"]).is_file() for row in rows)
    assert set(again.values["split"]["patches"]) == {"train", "test"}


def test_without_a_split_the_card_is_of_all_patches(made, tmp_path):
    inventory, metadata = made / "inventory.parquet", made / "metadata.parquet"
    benkit.export(inventory, tmp_path / "clean", metadata=metadata, card=True, copy=True)
    values = json.loads((tmp_path / "clean" / "card.json").read_text("utf-8"))
    assert values["split"] is None
    assert values["statistics"]["of"] == "all"
    assert all((tmp_path / "clean" / name).is_file() for name in FILES)
    benkit.export(inventory, tmp_path / "clean", metadata=metadata, copy=True, overwrite=True)
    assert not (tmp_path / "clean" / "card.json").exists()


def test_what_cannot_have_a_card_is_refused_before_anything_is_written(made, tmp_path):
    inventory, metadata, target = (
        made / "inventory.parquet",
        made / "metadata.parquet",
        tmp_path / "c",
    )
    with pytest.raises(benkit.OptionError, match="--card needs --metadata METADATA"):
        benkit.export(inventory, target, card=True, copy=True)
    with pytest.raises(benkit.OptionError, match=r"--card needs .* --sides column"):
        benkit.export(inventory, target, metadata=metadata, split=made / "split.csv",
                      sides="folders", card=True, copy=True)  # fmt: skip
    ids = benkit.Metadata(metadata).patch_ids.to_pylist()
    with pytest.raises(benkit.InputFormatError, match="expected patches of the train side"):
        benkit.export(inventory, target, metadata=metadata, card=True, copy=True,
                      split={"train": [], "test": ids[:9]})  # fmt: skip
    old = pq.read_table(inventory).drop_columns(["pixel_hash"])
    with pytest.raises(benkit.InputFormatError, match="with a pixel_hash of each band"):
        benkit.export(
            old, target, archive=made / "archive", metadata=metadata, card=True, copy=True
        )
    assert not list(tmp_path.iterdir())
