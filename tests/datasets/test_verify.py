"""Whether data are those of a card: what differs is named, and no card is taken that is none."""

import json
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import rasterio

import benkit
from benkit.cli import main

ONE = benkit.Engine(workers=1)


@pytest.fixture(scope="module")
def made(real_archive, tmp_path_factory):
    """The nine real patches, their inventory, made-up labels, a split, and their card."""
    folder = tmp_path_factory.mktemp("made")
    shutil.copytree(real_archive, folder / "archive")
    benkit.scan(folder / "archive", folder / "i.parquet", engine=ONE)
    ids = sorted(path.name for path in real_archive.glob("*/*"))
    labels = [["Pastures"], ["Marine waters", "Pastures"], []] * 3
    pq.write_table(pa.table({"patch_id": ids, "labels": labels}), folder / "metadata.parquet")
    benkit.Split({"train": ids[:6], "test": ids[6:]}).write(folder / "split.csv")
    benkit.card(
        folder / "i.parquet", folder / "metadata.parquet", folder / "split.csv",
        output=folder / "card.json",
    )  # fmt: skip
    return folder


@pytest.fixture
def ids(made):
    return pq.read_table(made / "metadata.parquet")["patch_id"].to_pylist()


def verified(made, source, *options):
    return ["verify", *map(str, (made / "card.json", source, *options)), "--no-progress"]


def test_the_same_data_are_the_same_in_whatever_form(made, capsys):
    options = ["--metadata", made / "metadata.parquet", "--split", made / "split.csv"]
    assert main(verified(made, made / "i.parquet", *options)) == 0
    assert capsys.readouterr() == ("the same: pixels, labels, split\n", "")
    assert main([*verified(made, made / "archive"), "--json"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out) == {
        "same": True, "differs": {}, "checked": ["pixels"], "not_checked": ["labels", "split"],
    }  # fmt: skip
    assert "the split of the card is not checked; --split FILE does" in said.err


def test_another_compression_is_the_same(made, tmp_path):
    shutil.copytree(made / "archive", tmp_path / "a")
    for file in list((tmp_path / "a").glob("*/*/*.tif"))[:5]:
        with rasterio.open(file) as source:
            pixels, profile = source.read(), source.profile | {"compress": "deflate"}
        file.unlink()
        with rasterio.open(file, "w", **profile) as target:
            target.write(pixels)
    assert benkit.verify(made / "card.json", tmp_path / "a", engine=ONE).same


def test_a_changed_pixel_differs_and_its_product_is_named(made, tmp_path, capsys):
    shutil.copytree(made / "archive", tmp_path / "a")
    file = min((tmp_path / "a").glob("*/*/*_B04.tif"))
    with rasterio.open(file, "r+") as raster:
        pixels = raster.read(1)
        pixels[3, 4] += 1
        raster.write(pixels, 1)
    assert main(verified(made, tmp_path / "a")) == 1
    said = capsys.readouterr().out
    product = file.parents[1].name
    number = len(list((tmp_path / "a" / product).iterdir()))
    assert "the pixels are not those of the card: they differ in 1 products" in said
    assert f"({product}), which have {number} patches in the card and {number} here" in said


def test_missing_and_added_patches_differ(made, tmp_path):
    shutil.copytree(made / "archive", tmp_path / "a")
    patch = min((tmp_path / "a").glob("*/*"))
    shutil.rmtree(patch)
    found = benkit.verify(made / "card.json", tmp_path / "a", engine=ONE)
    assert (found.same, list(found.differs)) == (False, ["pixels"])
    before = json.loads((made / "card.json").read_text())["pixels"]
    known = before["products"][patch.parent.name]["patches"]
    pixels = found.differs["pixels"]
    assert pixels["products"] == {patch.parent.name: {"card": known, "found": known - 1}}
    assert pixels["card"] == {"sha256": before["sha256"], "patches": 9}
    assert pixels["found"]["patches"] == 8


def test_a_band_that_cannot_be_read_any_more_differs(made, tmp_path):
    shutil.copytree(made / "archive", tmp_path / "a")
    file = min((tmp_path / "a").glob("*/*/*_B04.tif"))
    file.write_bytes(b"no raster")
    unreadable = benkit.verify(made / "card.json", tmp_path / "a", engine=ONE)
    file.unlink()
    missing = benkit.verify(made / "card.json", tmp_path / "a", engine=ONE)
    hashes = {one.differs["pixels"]["found"]["sha256"] for one in (unreadable, missing)}
    assert len(hashes) == 2


def test_changed_labels_and_sides_differ(made, ids, capsys):
    table = pq.read_table(made / "metadata.parquet")
    labels = [["Pastures"], *table["labels"].to_pylist()[:-1]]
    other = table.set_column(1, "labels", pa.array(labels))
    sides = {"train": ids[:5], "test": ids[5:]}
    found = benkit.verify(made / "card.json", made / "i.parquet", other, sides)
    assert set(found.differs) == {"labels", "split"}
    assert found.differs["split"]["found"]["patches"] == {"train": 5, "test": 4}
    assert found.sentences[1] == (
        "the split is not that of the card: it has 6 train, 3 test, and there are 5 train, 4 test"
    )
    moved = {"train": [*ids[1:6], ids[6]], "test": [ids[0], *ids[7:]]}
    assert not benkit.verify(made / "card.json", made / "i.parquet", split=moved).same
    turned = table.take(pa.array(np.arange(9)[::-1]))
    again = benkit.verify(made / "card.json", made / "i.parquet", turned)
    assert again.same
    assert repr(again) == "Verification: the same, of pixels, labels"
    assert repr(found) == "Verification: differs in labels, split, of pixels, labels, split"


def test_a_card_of_no_split_has_none_to_check(made):
    card = benkit.card(made / "i.parquet", made / "metadata.parquet")
    assert benkit.verify(card, made / "i.parquet", made / "metadata.parquet").not_checked == ()
    found = benkit.verify(card, made / "i.parquet", split=made / "split.csv")
    assert found.sentences == ["the card is of no split"]


def damaged(made, change):
    values = json.loads((made / "card.json").read_text())
    change(values)
    return json.dumps(values).encode()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda v: v["versions"].update(card=2), "of version 1, but its version is 2; use the"),
        (lambda v: v["versions"].update(card="x" * 999), 'but its version is "xxxx'),
        (lambda v: v.pop("versions"), "but it is other JSON"),
        (lambda v: v["pixels"].update(sha256="0" * 63), "but its part pixels is damaged"),
        (lambda v: v["pixels"].update(products=[]), "but its part pixels is damaged"),
        (lambda v: v["pixels"]["products"].update(x={}), "but its part pixels is damaged"),
        (lambda v: v["labels"].update(patches="9"), "but its part labels is damaged"),
        (lambda v: v.pop("split"), "but its part split is damaged"),
        (lambda v: v.update(split=[1]), "but its part split is damaged"),
        (lambda v: v["split"].update(patches={"train": None}), "but its part split is damaged"),
    ],
)
def test_a_damaged_card_is_one_clear_error(made, tmp_path, capsys, change, said):
    (tmp_path / "card.json").write_bytes(damaged(made, change))
    assert main(["verify", str(tmp_path / "card.json"), str(made / "i.parquet")]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"benkit: {tmp_path / 'card.json'}: expected ")
    assert said in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[" * 100_000, b"\xff\xfe", b"[]", b'"card"', b"null", b"1" * 9999, b"PAR1"],
)
def test_what_is_no_card_is_refused(made, tmp_path, capsys, content):
    (tmp_path / "card.json").write_bytes(content)
    assert main(["verify", str(tmp_path / "card.json"), str(made / "i.parquet")]) == 2
    error = capsys.readouterr().err
    assert "card.json: expected the JSON of a card" in error
    assert error.count("\n") == 1


def test_no_card_no_source_and_no_path_are_refused(made, tmp_path, capsys):
    assert main(["verify", str(tmp_path / "none.json"), str(made / "i.parquet")]) == 2
    assert "none.json: expected a file, but there is nothing" in capsys.readouterr().err
    assert main(verified(made, tmp_path / "none")) == 2
    assert "expected an inventory or the folder of an archive" in capsys.readouterr().err
    with pytest.raises(benkit.OptionError, match="expected card as a path, or a Card"):
        benkit.verify(5, made / "i.parquet")
