"""The card of a data set: its hashes, counts, statistics and weights, by hand; the same bytes always."""

import hashlib
import json
import shutil

import geopandas as gpd
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

import benkit
from benkit.cli import main
from benkit.domain.layouts import BIGEARTHNET_S2
from tests.making import PRODUCT, Archive

ONE = benkit.Engine(workers=1)
IDS = [f"{PRODUCT}_0{column}_00" for column in range(4)]
LABELS = [["Pastures", "Arable land"], ["Pastures"], ["Urban fabric", "Urban fabric"], []]
COUNTRIES = ["Austria", "Austria", "Finland", None]
SIDES = {"train": [IDS[0], IDS[1]], "validation": [IDS[2]], "test": [IDS[3]]}
FILES = {"card.json", "card.md", "card.jsonld", "footprints.parquet"}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Four patches of the pixels 10, 20, 30 and 40, the second without B02; inventory and metadata."""
    folder = tmp_path_factory.mktemp("data")
    archive = Archive(folder / "archive")
    for number, patch in enumerate(IDS):
        bands = {
            name: {"pixels": np.full((band.side, band.side), 10 * number + 10, np.uint16)}
            for name, band in BIGEARTHNET_S2.bands.items()
        }
        archive.patch(patch, **bands | ({"B02": None} if number == 1 else {}))
    benkit.scan(archive.root, folder / "i.parquet", engine=ONE)
    pq.write_table(table_of(range(4)), folder / "metadata.parquet")
    benkit.Split(SIDES).write(folder / "split.csv")
    return folder


def table_of(rows):
    columns = {"patch_id": IDS, "labels": LABELS, "country": COUNTRIES}
    return pa.table({name: [values[row] for row in rows] for name, values in columns.items()})


@pytest.fixture(scope="module")
def made(data):
    return benkit.card(data / "i.parquet", data / "metadata.parquet", data / "split.csv")


def sha256(lines):
    return hashlib.sha256("".join(f"{line}\n" for line in sorted(lines)).encode()).hexdigest()


def test_the_hash_of_the_pixels_is_that_of_sorted_lines(data, made):
    rows = pq.read_table(data / "i.parquet").to_pylist()
    lines = [
        f"{row['patch_id']} {row['band']} "
        + (f"{row['pixel_hash']:016x}" if row["status"] == "ok" else "missing")
        for row in rows
    ]
    assert lines.count(f"{IDS[1]} B02 missing") == 1
    assert made.values["pixels"] == {
        "sha256": sha256(lines),
        "patches": 4,
        "bands": 48,
        "products": {PRODUCT: {"patches": 4, "sha256": sha256(lines)}},
    }


def test_each_product_has_a_hash_of_its_own(real_archive, tmp_path):
    benkit.scan(real_archive, tmp_path / "i.parquet", engine=ONE)
    rows = pq.read_table(tmp_path / "i.parquet").to_pylist()
    ids = sorted({row["patch_id"] for row in rows})
    found = benkit.card(tmp_path / "i.parquet", pa.table({"patch_id": ids, "labels": [[]] * 9}))
    products = {row["product"] for row in rows}
    assert found.values["pixels"]["products"] == {
        product: {
            "patches": len({row["patch_id"] for row in rows if row["product"] == product}),
            "sha256": sha256(
                f"{row['patch_id']} {row['band']} {row['pixel_hash']:016x}"
                for row in rows
                if row["product"] == product
            ),
        }
        for product in products
    }


def test_the_hashes_of_labels_and_split_are_those_of_sorted_lines(made):
    labels = [f"{IDS[0]} Arable land", f"{IDS[0]} Pastures", f"{IDS[1]} Pastures"]
    labels += [f"{IDS[2]} Urban fabric", f"{IDS[3]} "]
    assert made.values["labels"] == {"sha256": sha256(labels), "patches": 4}
    split = [f"{patch} {side}" for side, patches in SIDES.items() for patch in patches]
    assert made.values["split"]["sha256"] == sha256(split)
    assert made.values["split"]["patches"] == {"train": 2, "validation": 1, "test": 1}
    assert set(made.values["lines"]) == {"pixels", "labels", "split"}


def test_counts_are_of_all_patches_and_of_each_side(made):
    counts = made.values["counts"]
    assert len(counts["label"]) == 19
    assert counts["label"]["Pastures"] == {"all": 2, "train": 2, "validation": 0, "test": 0}
    assert counts["label"]["Urban fabric"] == {"all": 1, "train": 0, "validation": 1, "test": 0}
    assert counts["label"]["Marine waters"]["all"] == 0
    assert counts["season"]["spring"]["all"] == 4
    assert counts["country"] == {
        "Austria": {"all": 2, "train": 2, "validation": 0, "test": 0},
        "Finland": {"all": 1, "train": 0, "validation": 1, "test": 0},
    }
    bands = {"read": 47, "missing": 1, "unreadable": 0, "with_no_data": 0}
    assert made.values["bands"] == bands


def test_statistics_are_those_of_the_train_side(data, made):
    found = made.values["statistics"]
    assert (found["of"], found["patches"]) == ("train", 2)
    assert found["bands"]["B03"] == {
        "unit": "digital number", "pixel_size_m": 10, "pixels": 2 * 120**2,
        "mean": 15.0, "std": 5.0, "min": 10.0, "max": 20.0,
    }  # fmt: skip
    assert found["bands"]["B02"]["pixels"] == 120**2
    stats = benkit.stats(data / "i.parquet", split=data / "split.csv", side="train")
    for name, band in stats.bands.items():
        one = found["bands"][name]
        assert (one["pixels"], one["mean"], one["std"]) == (band.count, band.mean, band.std)
    assert made.values["warnings"] == [*stats.warnings]


def test_class_weights_follow_their_formulas(made):
    found = made.values["class_weights"]
    assert (found["of"], found["patches"], found["classes"]) == ("train", 2, 2)
    balanced, positive = (found[name]["weights"] for name in ("inverse_frequency", "pos_weight"))
    assert (balanced["Pastures"], balanced["Arable land"]) == (2 / (2 * 2), 2 / (2 * 1))
    assert (positive["Pastures"], positive["Arable land"]) == (0.0, 1.0)
    assert balanced["Urban fabric"] is positive["Urban fabric"] is None


def test_the_classes_come_in_both_orders_by_name(made):
    assert made.values["class_order"] == {
        order: list(benkit.class_order(order)) for order in ("nomenclature", "alphabetical")
    }


def test_other_labels_have_the_alphabetical_order_alone(data):
    table = pa.table({"patch_id": IDS, "labels": [["b"], ["a"], ["c | <b>"], []]})
    found = benkit.card(data / "i.parquet", table)
    order = {"nomenclature": None, "alphabetical": ["a", "b", "c | <b>"]}
    assert found.values["class_order"] == order
    assert found.values["split"] is None
    assert found.values["statistics"]["of"] == found.values["class_weights"]["of"] == "all"
    assert found.values["statistics"]["bands"]["B03"]["mean"] == 25.0


def test_the_split_is_judged_as_by_evaluate(sample, tmp_path):
    benkit.scan(sample / "BigEarthNet-v2.0-S2-with-errors", tmp_path / "i.parquet", engine=ONE)
    metadata = sample / "metadata.parquet"
    split = benkit.split(metadata, output=tmp_path / "split.csv")
    found = benkit.card(tmp_path / "i.parquet", metadata, split).values["split"]["evaluation"]
    expected = json.loads(json.dumps(benkit.evaluate(split, metadata).to_dict()))
    assert found.keys() == expected.keys()
    assert found["leakage"] == pytest.approx(expected["leakage"], rel=1e-8)
    for name in ("label_rms", "js_divergence_bits", "season_deviation", "median_nearest_train_m"):
        assert found[name] == pytest.approx(expected[name], rel=1e-8)


def test_order_of_rows_engine_and_form_give_the_same_bytes(data, tmp_path):
    def written(name, source, metadata, split, **options):
        benkit.card(source, metadata, split, output=tmp_path / name, **options)
        assert {file.name for file in (tmp_path / name).iterdir()} == FILES
        return {file.name: file.read_bytes() for file in (tmp_path / name).iterdir()}

    first = written("first", data / "i.parquet", data / "metadata.parquet", data / "split.csv")
    rows = pq.read_table(data / "i.parquet")
    turned = rows.take(pa.array(np.arange(len(rows))[::-1]))
    sides = {side: SIDES[side][::-1] for side in ("test", "validation", "train")}
    assert written("second", turned, table_of([2, 0, 3, 1]), sides) == first
    threads = benkit.Engine(workers=2)
    assert (
        written("third", data / "archive", table_of(range(4)), benkit.Split(SIDES), engine=threads)
        == first
    )
    text = first["card.json"].decode() + first["card.jsonld"].decode() + first["card.md"].decode()
    assert str(data) not in text


def test_patches_that_are_not_described_or_not_there_are_counted(data):
    more = pa.table({"patch_id": [*IDS[1:], f"{PRODUCT}_50_50"], "labels": [["Pastures"]] * 4})
    sides = {"train": IDS[1:3], "test": [IDS[3], f"{PRODUCT}_50_50"]}
    found = benkit.card(data / "i.parquet", more, sides).values
    assert found["patches"] == {"described": 3, "not_in_metadata": 1, "not_on_disk": 1}
    assert found["split"]["not_on_disk"] == {"train": 0, "test": 1}
    assert found["counts"]["label"]["Pastures"] == {"all": 3, "train": 2, "test": 1}


@pytest.mark.parametrize(
    ("metadata", "split", "said"),
    [
        (
            pa.table({"patch_id": [f"{PRODUCT}_50_50"], "labels": [["a"]]}),
            None,
            "patches of the met",
        ),
        (None, {"train": [f"{PRODUCT}_50_50"], "test": IDS}, "is not in the metadata; name the"),
        (None, {"train": [], "test": IDS}, "expected patches of the train side"),
    ],
)
def test_data_of_others_are_refused(data, metadata, split, said):
    with pytest.raises(benkit.InputFormatError, match=said):
        benkit.card(data / "i.parquet", data / "metadata.parquet" if metadata is None else metadata,
                    split)  # fmt: skip


def test_an_inventory_that_knows_no_pixels_is_refused(data, tmp_path):
    table = pq.read_table(data / "i.parquet").drop_columns(["pixel_hash"])
    with pytest.raises(benkit.InputFormatError, match=r"with a pixel_hash of each.*scan"):
        benkit.card(table, data / "metadata.parquet")
    with pytest.raises(benkit.InputFormatError, match=r"with a pixel_hash of each.*scan"):
        benkit.verify(benkit.Card({"pixels": {}}), table)


def test_the_page_shows_names_as_they_are(data, tmp_path):
    hostile = "<script>|`x` *b*\n# c"
    table = pa.table({"patch_id": IDS, "labels": [[hostile]] * 4, "country": [hostile] * 4})
    benkit.card(data / "i.parquet", table, output=tmp_path / "c.md", name=hostile)
    text = (tmp_path / "c.md").read_text("utf-8")
    assert "<script" not in text
    shown = r"&lt;script&gt;\|\`x\` \*b\*\\n\# c"
    assert text.startswith(f"# {shown}\n")
    assert text.count(shown) == 4  # title, label and country counts, weights


def test_the_page_holds_what_the_json_does(data, tmp_path, made):
    benkit.card(
        data / "i.parquet", data / "metadata.parquet", data / "split.csv", output=tmp_path / "c.md"
    )
    text = (tmp_path / "c.md").read_text("utf-8")
    for what in ("pixels", "labels", "split"):
        assert f"`{made.values[what]['sha256']}`" in text
    assert "| B03 | 28,800 | 15.0 | 5.0 | 10.0 | 20.0 | digital number |" in text
    assert "| Pastures | 2 | 2 | 0 | 0 |" in text
    assert "| 15 | Pastures | 4 | 0.5 | 0.0 |" in text


def test_croissant_says_the_same_and_knows_the_other_files(data, tmp_path, made):
    about = {"name": "Four", "license": "https://example.org/l", "published": "2024-07-31"}
    benkit.card(
        data / "i.parquet", data / "metadata.parquet", data / "split.csv", output=tmp_path / "c",
        cite_as="@misc{x}", **about,
    )  # fmt: skip
    found = json.loads((tmp_path / "c" / "card.jsonld").read_text("utf-8"))
    assert found["conformsTo"] == "http://mlcommons.org/croissant/1.0"
    assert (found["name"], found["datePublished"]) == ("Four", "2024-07-31")
    assert found["identifier"] == f"sha256:{made.values['pixels']['sha256']}"
    for file in found["distribution"]:
        content = (tmp_path / "c" / file["contentUrl"]).read_bytes()
        assert file["sha256"] == hashlib.sha256(content).hexdigest()
    assert {file["name"] for file in found["distribution"]} == FILES - {"card.jsonld"}
    records = {one["name"]: one for one in found["recordSet"]}
    pastures = records["classes"]["data"][15]
    assert pastures["classes/label"] == "Pastures"
    assert (pastures["classes/alphabetical"], pastures["classes/nomenclature"]) == (15, 4)
    bands = {one["bands/band"]: one for one in records["bands"]["data"]}
    assert (bands["B03"]["bands/mean"], bands["B03"]["bands/pixels"]) == (15.0, 28_800)
    alone = json.loads((tmp_path / "c" / "card.json").read_text("utf-8"))
    assert alone["about"] == about | {"cite_as": "@misc{x}"}


def test_the_footprints_are_stac_items(data, tmp_path, made):
    output = tmp_path / "items.parquet"
    benkit.card(data / "i.parquet", data / "metadata.parquet", data / "split.csv", output=output)
    frame = gpd.read_parquet(output).set_index("id")
    assert frame.crs.to_epsg() == 4326
    squares = benkit.footprints(data / "metadata.parquet").to_geodataframe().set_index("patch_id")
    assert sorted(frame.index) == IDS
    assert frame.geometry.geom_equals(squares.geometry.loc[frame.index]).all()
    rows = {row["id"]: row for row in pq.read_table(output).to_pylist()}
    row = rows[IDS[0]]
    bounds = shapely.from_wkb(row["geometry"]).bounds
    assert tuple(row["bbox"][name] for name in ("xmin", "ymin", "xmax", "ymax")) == bounds
    assert (row["type"], row["stac_version"]) == ("Feature", "1.1.0")
    assert row["datetime"].isoformat() == "2018-05-06T10:00:31+00:00"
    assert (row["proj:code"], row["grid:code"]) == ("EPSG:32633", "MGRS-33UWP")
    west, north = (squares.loc[IDS[0], axis] for axis in ("x", "y"))
    assert row["proj:bbox"] == [west, north - 1200, west + 1200, north]
    assert row["assets"]["B8A"]["href"] == f"{PRODUCT}/{IDS[0]}/{IDS[0]}_B8A.tif"
    assert (data / "archive" / row["assets"]["B8A"]["href"]).is_file()
    assert [rows[patch]["split"] for patch in IDS] == ["train", "train", "validation", "test"]
    stac = json.loads(pq.read_schema(output).metadata[b"stac-geoparquet"])
    (collection,) = stac["collections"].values()
    assert (stac["version"], collection["type"]) == ("1.1.0", "Collection")
    assert {row["collection"] for row in rows.values()} == {collection["id"]}
    assert collection["extent"]["spatial"]["bbox"][0] == pytest.approx(frame.total_bounds)
    assert row["links"][0]["href"] == "./items.parquet"
    near = tuple(frame.geometry.loc[IDS[0]].buffer(-1e-4).bounds)
    assert IDS[0] in set(gpd.read_parquet(output, bbox=near)["id"])


@pytest.mark.parametrize("name", ["c.txt", "c.geojson", "c.parquet.gz", "file"])
def test_another_suffix_and_a_file_in_the_place_of_a_folder_are_refused(data, tmp_path, name):
    (tmp_path / "file").touch()
    with pytest.raises(benkit.OptionError, match=r"ends with \.json, \.md, .* or that of a folder"):
        benkit.card(data / "i.parquet", data / "metadata.parquet", output=tmp_path / name)


def test_the_side_that_metadata_give_is_none_of_a_card_without_a_split(data, tmp_path):
    table = table_of(range(4)).append_column("split", pa.array(["train"] * 4))
    benkit.card(data / "i.parquet", table, output=tmp_path / "c.parquet")
    assert "split" not in pq.read_schema(tmp_path / "c.parquet").names


def test_patches_whose_places_coordinates_tell_have_a_card_but_no_items(data, tmp_path):
    archive = tmp_path / "archive"
    for patch in ("one", "two"):
        shutil.copytree(data / "archive" / PRODUCT / IDS[0], archive / "product" / patch)
        for file in (archive / "product" / patch).iterdir():
            file.rename(file.with_name(file.name.replace(IDS[0], patch)))
    table = pa.table({"patch_id": ["one", "two"], "lon": [10.0, 11.0], "lat": [50.0, 50.0]})
    benkit.scan(archive, tmp_path / "i.parquet", engine=ONE)
    found = benkit.card(tmp_path / "i.parquet", table, {"train": ["one"], "test": ["two"]})
    assert found.values["split"]["evaluation"]["median_nearest_train_m"] == pytest.approx(
        71_700, rel=1e-2
    )
    with pytest.raises(benkit.InputFormatError, match="whose names tell their footprints"):
        benkit.card(tmp_path / "i.parquet", table, output=tmp_path / "c")
    assert not (tmp_path / "c").exists()


def test_a_date_that_is_none_is_refused(data):
    with pytest.raises(benkit.OptionError, match=r"--published 31\.7\.: expected a date"):
        benkit.card(data / "i.parquet", data / "metadata.parquet", published="31.7.")


def test_the_command_line_prints_the_card_and_replaces_only_what_it_may(
    data, tmp_path, capsys, made
):
    call = ["card", data / "i.parquet", "--metadata", data / "metadata.parquet"]
    call = [*map(str, call), "--split", str(data / "split.csv"), "--output", str(tmp_path / "c")]
    assert main([*call, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(made.to_json())
    (tmp_path / "c" / "card.md").write_text("earlier")
    assert main([*call, "--no-overwrite"]) == 2
    assert "card.json: is there already" in capsys.readouterr().err
    (tmp_path / "c" / "notes.txt").write_text("mine")
    assert main(call) == 0
    assert made.values["pixels"]["sha256"] in capsys.readouterr().out
    assert (tmp_path / "c" / "card.md").read_text("utf-8").startswith("# Card")
    assert (tmp_path / "c" / "notes.txt").is_file()
