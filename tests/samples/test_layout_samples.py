"""Samples of every layout: what was planted is found, of every kind, and nothing else."""

import hashlib
import json
import re
from importlib.resources import files

import pyarrow.parquet as pq
import pytest
import rasterio

import benkit
from benkit.cli import main
from benkit.domain.layouts import BUILT_IN
from benkit.engine import Engine
from benkit.errors import InputFormatError, OptionError
from benkit.inventory.findings import KINDS, SISTER_KINDS

ONE = Engine(workers=1)
FILES = files("benkit.domain") / "layout_files"
SMALL = (
    "major-tom",
    "major-tom-grid",
)  # made with sides of a twelfth, as bands of 1068 pixels are large
OF_ALL = {"wrong_size", "not_part_of_dataset", "unreadable", "wrong_dtype", "wrong_nodata"}
OF_ALL |= {"stray_file", "not_scanned", "not_on_disk"}
FILE_A_BAND = {"missing_band", "crs_disagreement"}
FLOATS = {"with_no_data", "out_of_range"}
TOLD = {"invalid_patch_id", "mixed_offsets", "wrong_georeference"}
PLANTED = {
    "bigearthnet-s1": FILE_A_BAND
    | FLOATS
    | {"wrong_georeference", "misplaced", "invalid_patch_id"},
    "bigearthnet-v1-s2": FILE_A_BAND | {"invalid_patch_id", "wrong_georeference"},
    "bigearthnet-v1-s1": FILE_A_BAND | FLOATS | {"wrong_georeference", "invalid_patch_id"},
    "eurosat-ms": {"misplaced", "invalid_patch_id"},
    "ssl4eo-s12-s1": FILE_A_BAND | FLOATS | {"invalid_patch_id"},
    "ssl4eo-s12-s2c": FILE_A_BAND | {"invalid_patch_id"},
    "ssl4eo-s12-s2a": FILE_A_BAND | {"invalid_patch_id"},
    "major-tom": FILE_A_BAND | TOLD,
    "major-tom-grid": FILE_A_BAND | TOLD,
}
OWN = {
    "a folder a region": """\
name = "own"
folder = "{region}/{patch}"
file = "{patch}_{band}.tiff"
[every_band]
size = [24, 16]
pixel_size = 5
nodata = -9999
dtype = "int16"
range = [-50, 50]
[bands]
red = {}
nir = { size = [12, 8], pixel_size = 10 }
""",
    "a file a patch": """\
name = "own"
folder = ""
file = "{patch}.tif"
tells = "p{number}_{date}"
[every_band]
size = 9
dtype = "float64"
nodata = -1
unit = "reflectance"
range = [0, 1]
[bands]
only = {}
""",
    "one small band of bytes": """\
name = "own"
folder = "{year}/{patch}"
file = "{band}.tif"
id = "path"
labels = "json"
labels_file = "labels.json"
labels_key = "classes"
metadata_id = "key"
[every_band]
size = 1
dtype = "uint8"
[bands]
grey = { nodata = 20 }
""",
}


def small(name, tmp_path):
    """The layout by its name, or a description of the same with smaller bands."""
    if name not in SMALL:
        return name
    text = (FILES / f"{name}.toml").read_text("utf-8").replace(f'name = "{name}"', 'name = "small"')
    text = re.sub(r"(?<!_)size = (\d+)(?=[, ])", lambda size: f"size = {int(size[1]) // 22}", text)
    (tmp_path / "small.toml").write_text(text)
    return tmp_path / "small.toml"


def found_in(folder, layout, patches, seed=3):
    """What was planted, what the audit of it finds, and the patches in copies."""
    made = benkit.sample(folder, patches, seed, layout=layout, engine=ONE)
    inventory = folder.parent / "inventory.parquet"
    scanned = benkit.scan(
        folder / "archive", inventory, layout=None if layout in BUILT_IN else layout, engine=ONE
    )
    if layout in BUILT_IN:
        assert scanned.layout == layout, "the layout is recognised"
    assert (scanned.patches, made.patches) == (patches, patches)
    audit = benkit.audit(inventory, folder / "metadata.parquet")
    groups = benkit.duplicates(inventory).counts["all_bands"].groups
    return (
        dict(made.planted),
        {kind: n for kind, n in audit.counts.items() if n},
        made.copies,
        groups,
    )


@pytest.mark.parametrize("name", PLANTED)
def test_the_audit_finds_exactly_what_was_planted(name, tmp_path):
    planted, found, copies, groups = found_in(tmp_path / "sample", small(name, tmp_path), 20)
    assert found == planted
    assert set(planted) == OF_ALL | PLANTED[name]
    assert (copies, groups) == (1, 1)


def test_every_built_in_layout_has_a_sample_and_every_kind_of_finding_is_planted():
    assert {*PLANTED, "bigearthnet-s2"} == {*BUILT_IN}
    planted_in_s2 = {kind.name for kind in KINDS.values() if kind.planted}
    assert set().union(OF_ALL, planted_in_s2, *PLANTED.values()) == {*KINDS}


@pytest.mark.parametrize("own", OWN)
def test_a_layout_of_ones_own_is_sampled_from_its_description(own, tmp_path):
    (tmp_path / "own.toml").write_text(OWN[own])
    planted, found, *_ = found_in(tmp_path / "sample", tmp_path / "own.toml", 30)
    assert found == planted
    assert OF_ALL | {"with_no_data"} <= set(planted)
    assert ("missing_band" in planted) == ("{band}" in OWN[own])


def test_every_variant_of_an_error_is_found(tmp_path):
    one, other = "size = 120\npixel_size = 10", "size = 6\npixel_size = 200"
    tiny = (FILES / "bigearthnet-s1.toml").read_text("utf-8").replace(one, other)
    for name, text in (("s1", tiny), ("own", OWN["a folder a region"])):
        text = text.replace('name = "bigearthnet-s1"', 'name = "tiny"')
        (tmp_path / f"{name}.toml").write_text(text)
        folder = tmp_path / name / "sample"
        planted, found, copies, groups = found_in(folder, tmp_path / f"{name}.toml", 640)
        assert found == planted
        assert planted["wrong_dtype"] == copies == groups == 3
        assert planted["crs_disagreement"] == 2


def test_files_are_as_those_of_the_real_archives(tmp_path):
    benkit.sample(tmp_path / "s1", 20, layout="bigearthnet-s1", engine=ONE)
    benkit.sample(tmp_path / "eurosat", 20, layout="eurosat-ms", engine=ONE)
    benkit.sample(tmp_path / "ssl4eo", 20, layout="ssl4eo-s12-s1", engine=ONE)
    vv = sorted((tmp_path / "s1").glob("archive/*/*/*_VV.tif"))[1]
    with rasterio.open(vv) as raster:
        assert (raster.dtypes, raster.nodata, raster.shape) == (("float32",), None, (120, 120))
        assert -25 < raster.read().min() < raster.read().max() < 0
    image = sorted((tmp_path / "eurosat").glob("archive/*/*_*.tif"))[1]
    with rasterio.open(image) as raster:
        assert (raster.count, raster.profile["interleave"]) == (13, "pixel")
        assert raster.res[0] != raster.res[1]
        assert 0 < raster.read().min() < raster.read().max() < 10_000
    folders = {path.parent.name for path in (tmp_path / "ssl4eo").glob("archive/*/S1*")}
    assert {f"{number:07d}" for number in range(5)} <= folders, "four dates of a location"
    dates = sorted((tmp_path / "ssl4eo").glob("archive/0000002/S1*/VV.tif"))
    with rasterio.open(dates[0]) as first, rasterio.open(dates[-1]) as last:
        assert first.crs.to_epsg() == 4326
        assert first.bounds == last.bounds
        assert (first.read() != last.read()).any()


def test_labels_lie_where_the_layout_says(tmp_path):
    for name, source in (("bigearthnet-v1-s2", "archive"), ("eurosat-ms", None)):
        benkit.sample(tmp_path / name, 20, layout=name, engine=ONE)
        benkit.scan(tmp_path / name / "archive", tmp_path / f"{name}.parquet", engine=ONE)
        given = pq.read_table(tmp_path / name / "metadata.parquet").to_pydict()
        of = dict(zip(given["patch_id"], given["labels"], strict=True))
        if source:
            for file in (tmp_path / name / "archive").glob("*/*_labels_metadata.json"):
                labels = json.loads(file.read_text())["labels"]
                assert labels == of.get(file.parent.name, labels) != []
        else:
            for file in (tmp_path / name / "archive").glob("*/*_*.tif"):
                said = of.get(file.stem)
                assert said is None or said == [file.stem.split("_")[0]]


def digest(folder):
    total = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        total.update(f"{file.relative_to(folder).as_posix()}\0".encode() + file.read_bytes())
    return total.hexdigest()


def test_the_same_seed_gives_the_same_bytes_on_any_number_of_workers(tmp_path):
    for folder, seed, workers in (("one", 4, 1), ("two", 4, 2), ("other", 5, 1)):
        benkit.sample(
            tmp_path / folder, 20, seed, layout="bigearthnet-s1", engine=Engine(workers=workers)
        )
    assert digest(tmp_path / "one") == digest(tmp_path / "two") != digest(tmp_path / "other")


def test_both_halves_have_the_errors_between_them_that_were_planted(tmp_path, capsys):
    call = ["sample", str(tmp_path / "s"), "--patches", "40", "--s1", "--workers", "1", "--json"]
    assert main(call) == 0
    planted = json.loads(capsys.readouterr().out)
    s2, s1 = (tmp_path / "s" / f"BigEarthNet-v2.0-{half}-with-errors" for half in ("S2", "S1"))
    metadata = tmp_path / "s" / "metadata.parquet"
    found = benkit.audit(s2, metadata, s1=s1, engine=ONE)
    assert {kind: n for kind, n in found.counts.items() if n} == {
        kind: n for kind, n in planted.items() if kind != "patches"
    }
    assert {*SISTER_KINDS} < {*planted}
    assert set(found.days_between) <= {0, 1, 2, 3}
    alone = benkit.audit(s1, metadata, engine=ONE).counts
    said = ", ".join(f"{kind} {n}" for kind, n in alone.items() if n)
    readme = (tmp_path / "s" / "README.txt").read_text()
    assert sorted(said.split(", ")) == sorted(
        readme.partition("alone finds: ")[2].partition(".\n")[0].split(", ")
    )


REFUSED = {
    "no such layout": ("eurosat", OptionError, "expected a layout, bigearthnet-s2"),
    "bands that one file cannot hold": (
        OWN["a file a patch"] + "wide = { size = 18 }\n",
        OptionError,
        "expected bands of one size, data type and NO_DATA value",
    ),
    "bands that cover different ground": (
        OWN["a folder a region"].replace("[12, 8]", "[24, 16]"),
        OptionError,
        "expected bands of the same ground",
    ),
    "a value that no pixel can have": (
        OWN["a folder a region"].replace("-9999", "40000"),
        OptionError,
        "expected band red to have a NO_DATA value that int16 can hold, not 40000",
    ),
    "a range without a value": (
        OWN["a folder a region"].replace("[-50, 50]", "[0.2, 0.8]"),
        OptionError,
        "expected band red to have a range with values of int16, not from 0.2 to 0.8",
    ),
    "names that tell few patches apart": (
        OWN["a file a patch"].replace("p{number}_{date}", "p_{class}"),
        OptionError,
        "names that tell many patches apart, but p_{class} makes 10 different ones",
    ),
    "names that lead elsewhere": (
        OWN["one small band of bytes"].replace("grey", '"../../grey"'),
        InputFormatError,
        "is no name of a folder",
    ),
    "a form that ids have not": (
        OWN["one small band of bytes"].replace("id =", 'tells = "x{number}-{year}"\nid =', 1),
        InputFormatError,
        "expected tells to be the form of the ids",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_made_is_refused_and_leaves_nothing(case, tmp_path):
    text, error, message = REFUSED[case]
    (tmp_path / "own.toml").write_text(text)
    layout = text if "\n" not in text else tmp_path / "own.toml"
    with pytest.raises(error) as raised:
        benkit.sample(tmp_path / "sample", 20, layout=layout, engine=ONE)
    assert message in str(raised.value)
    assert [path.name for path in tmp_path.iterdir()] == ["own.toml"]


def test_the_other_half_is_of_bigearthnet_alone(tmp_path):
    with pytest.raises(
        OptionError, match=r"s1: expected the layout bigearthnet-s2, .* not eurosat-ms"
    ):
        benkit.sample(tmp_path / "sample", 20, layout="eurosat-ms", s1=True)
