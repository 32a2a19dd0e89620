"""What the page opens with: pictures by label and season, one sentence, what to do next."""

import base64
import io
import json
import re
import shlex
import shutil
from collections import Counter
from html import unescape

import matplotlib.image
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import rasterio

import benkit
from benkit.cli import main
from benkit.domain.patch_names import parse_patch_id
from benkit.reporting.page.report import report_page
from benkit.tiff.raster import Raster, RasterProfile
from tests.remote import web_server

PICTURE = re.compile(
    r'<img alt="([^"]*)" title="[^"]*" data-patch="([^"]*)"[^>]*src="data:image/webp;base64,([^"]*)"'
)
LINES = re.compile('<pre class="commands">(.*?)</pre>')


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    folder = tmp_path_factory.mktemp("contact sheet")
    benkit.sample(folder / "a sample", patches=60)
    archive = folder / "a sample" / "BigEarthNet-v2.0-S2-with-errors"
    benkit.scan(archive, folder / "inventory.parquet")
    return folder / "a sample"


@pytest.fixture(scope="module")
def parts(sample):
    """Archive, metadata and inventory."""
    return (
        sample / "BigEarthNet-v2.0-S2-with-errors",
        sample / "metadata.parquet",
        sample.parent / "inventory.parquet",
    )


@pytest.fixture(scope="module")
def page(parts):
    archive, metadata, inventory = parts
    return benkit.report(metadata, inventory, archive=archive)


def commands(page, section):
    """The command lines of a section, as words."""
    text = page[page.index(f'<section id="{section}">') :]
    blocks = LINES.findall(text[: text.index("</section>")])
    lines = [line for block in blocks for line in re.findall("<code>(.*?)</code>", block)]
    return [shlex.split(unescape(re.sub("</?span>", "", line))) for line in lines]


def fnv(text):
    """FNV-1a of 64 bits by its definition, its halves put together."""
    found = 14695981039346656037
    for byte in text.encode():
        found = (found ^ byte) * 1099511628211 % 2**64
    return found ^ (found >> 32)


def test_the_page_opens_with_sound_patches_of_each_label_and_season(page, parts):
    _, metadata, inventory = parts
    assert page.index('<section id="archive">') < page.index('<section id="verdict">')
    rows = benkit.Metadata(metadata).table.to_pylist()
    bad = set(benkit.audit(inventory, metadata).findings["patch_id"].to_pylist())
    labels = {row["patch_id"]: row["labels"] for row in rows if row["patch_id"] not in bad}
    season = {patch: parse_patch_id(patch).product.season for patch in labels}
    shown = {tuple(alt.rsplit(", ", 2)[:2]): patch for alt, patch, _ in PICTURE.findall(page)}
    assert {(unescape(label), when) for label, when in shown} == {
        (label, season[patch]) for patch, own in labels.items() for label in own
    }
    for (label, when), patch in shown.items():
        assert unescape(label) in labels[patch]
        assert season[patch] == when
    count = Counter(label for own in labels.values() for label in own)
    rarest = max(label for label in count if count[label] == min(count.values()))
    for when in {season[patch] for patch, own in labels.items() if rarest in own}:
        own = [patch for patch in labels if rarest in labels[patch] and season[patch] == when]
        assert shown[rarest, when] == min(own, key=fnv)


def test_its_pictures_are_those_of_the_files_and_the_same_each_time(page, parts):
    archive, metadata, inventory = parts
    again = benkit.report(metadata, inventory, archive=archive)
    assert PICTURE.findall(again) == PICTURE.findall(page)
    _, patch, content = PICTURE.findall(page)[0]
    (folder,) = archive.glob(f"*/{patch}")
    bands = []
    for band in ("B04", "B03", "B02"):
        with rasterio.open(folder / f"{patch}_{band}.tif") as file:
            bands.append(file.read(1))
    expected = np.stack(bands, -1) / np.percentile(np.stack(bands), 98)
    picture = matplotlib.image.imread(io.BytesIO(base64.b64decode(content)), format="webp") / 255
    assert picture.shape == (120, 120, 3)
    assert np.abs(picture - np.clip(expected, 0, 1)).mean() < 0.03


def test_one_sentence_tells_of_damage_that_opens_without_an_error(page, parts):
    _, metadata, inventory = parts
    audit = benkit.audit(inventory, metadata)
    rows = audit.findings.to_pylist()
    silent = {row["patch_id"] for row in rows if row["band"]}
    silent -= {row["patch_id"] for row in rows if row["kind"] in ("unreadable", "missing_band")}
    assert f"<strong>{len(silent)} damaged patches of {audit.patches} open without" in page


def test_each_red_answer_gives_commands_that_run(page, parts, tmp_path, monkeypatch, capsys):
    *_, inventory = parts
    monkeypatch.chdir(tmp_path)
    lines = commands(page, "verdict")
    assert [line[1] for line in lines] == ["audit", "export", "audit", "export"]
    for line in lines:
        assert line[2] == str(inventory)
        assert main([*line[1:], "--overwrite", "--quiet"]) == (line[1] == "audit"), line
    assert (tmp_path / "again.csv").is_file()
    assert len(benkit.audit("clean/inventory.parquet", "clean/metadata.parquet").findings) == 0


def test_commands_for_an_archive_whose_inventory_is_its_metadata_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    benkit.sample("sample", patches=20, layout="eurosat-ms")
    benkit.scan("sample/archive", "i.parquet")
    pq.write_table(benkit.audit("i.parquet").findings, "placeless.parquet")
    placeless = ["unreadable", "missing_band", "wrong_georeference"]
    page = benkit.report(
        "i.parquet", "i.parquet", archive="sample/archive",
        exclude="placeless.parquet", exclude_kinds=placeless,
    )  # fmt: skip
    lines = commands(page, "verdict")
    assert lines
    for line in lines:
        assert main([*line[1:], "--overwrite", "--quiet"]) in (0, 1), line
    inspect = json.loads(re.search('id="patch-facts">(.*?)</script>', page)[1])["inspect"]
    patch = benkit.Inventory("i.parquet").patch_ids[0].as_py()
    assert main(["inspect", patch, *shlex.split(inspect), "--quiet"]) == 0


def test_a_leaking_split_says_how_to_make_another(parts, tmp_path, monkeypatch):
    _, metadata, _ = parts
    monkeypatch.chdir(tmp_path)
    ids = benkit.Metadata(metadata).table["patch_id"].to_pylist()
    page = benkit.report(str(metadata), split={"train": ids[::2], "test": ids[1::2]})
    (line,) = commands(page, "verdict")
    assert line[:3] == ["benkit", "split", str(metadata)]
    assert main(line[1:]) == 0
    assert benkit.evaluate("new-split.csv", metadata).crossing_pairs == 0


def test_without_pixels_the_page_says_what_it_lacks_and_how_to_get_it(parts):
    _, metadata, inventory = parts
    page = benkit.report(str(metadata), str(inventory))
    assert "this page shows no pixels" in page
    assert not PICTURE.findall(page)
    expected = ["benkit", "report", str(inventory), "--archive", "ARCHIVE"]
    assert commands(page, "archive")[0][:5] == expected
    page = benkit.report(str(metadata))
    assert "neither pixels nor findings" in page
    assert commands(page, "archive")[0][:3] == ["benkit", "report", "ARCHIVE"]


def test_of_an_archive_at_a_distance_the_page_asks_for_a_copy(parts, tmp_path):
    archive, metadata = parts[0], str(parts[1])
    patch = benkit.Metadata(metadata).table["patch_id"][0].as_py()
    (folder,) = archive.glob(f"*/{patch}")
    shutil.copytree(folder, tmp_path / "archive" / folder.parent.name / patch)
    with web_server(tmp_path) as address:
        page = benkit.report(metadata, f"{address}/archive", subset=True)
    assert "The archive lies at a distance" in page
    assert not PICTURE.findall(page)
    (line,) = commands(page, "archive")
    assert line[:5] == ["benkit", "report", "ARCHIVE", "--metadata", metadata]
    inspect = json.loads(re.search('id="patch-facts">(.*?)</script>', page)[1])["inspect"]
    assert inspect.startswith("--archive ARCHIVE "), "no address, which inspect does not read"


@pytest.mark.parametrize(("layout", "bands"), [
    ("eurosat-ms", "B04, B03, B02"), ("bigearthnet-s1", "VV, VH"),
])  # fmt: skip
def test_archives_of_other_layouts_open_with_their_pictures(tmp_path, layout, bands):
    benkit.sample(tmp_path / "sample", patches=20, layout=layout)
    (archive,) = (one for one in (tmp_path / "sample").iterdir() if one.is_dir())
    inventory = tmp_path / "inventory.parquet"
    benkit.scan(archive, inventory)
    ids = benkit.Inventory(inventory).patch_ids.to_pylist()
    metadata = [inventory, tmp_path / "sample" / "metadata.parquet"]
    bad = benkit.audit(inventory).findings
    page = benkit.report(metadata, inventory, archive=archive, exclude=bad)
    shown = PICTURE.findall(page)
    assert shown
    assert {patch for _, patch, _ in shown} <= set(ids)
    assert f"({bands})" in page


def test_a_page_stays_below_5_mb_and_says_which_pictures_it_leaves_out(tmp_path, parts):
    """720 patches with findings, whose pixels are noise, which no picture holds in few bytes."""
    _, metadata, inventory = parts
    rows, numbers = pq.read_table(inventory), np.random.default_rng(1)
    rows = rows.filter(pc.is_valid(rows["band"]))
    number = {patch: i for i, patch in enumerate(rows["patch_id"].unique().to_pylist())}
    place = rows.column_names.index("patch_id")
    many = [
        rows.set_column(place, "patch_id", pa.array([
            f"{patch[:-5]}{part:02d}_{number[patch]:02d}" for patch in rows["patch_id"].to_pylist()
        ]))
        for part in range(12)
    ]  # fmt: skip
    pq.write_table(pa.concat_tables([rows, *many]), tmp_path / "inventory.parquet")
    profile = RasterProfile(1, 120, 120, np.dtype("uint16"), None, 32633, None)

    def noise(patch, band):
        return Raster(numbers.integers(0, 4000, (1, 120, 120), np.uint16), profile, "plain")

    many = benkit.Inventory(tmp_path / "inventory.parquet")
    page = report_page(benkit.Metadata(metadata), inventory=many, read_band=noise)
    assert 4_500_000 < len(page.encode()) < 5_000_000
    facts = json.loads(re.search('id="patch-facts">(.*?)</script>', page)[1])
    assert f"{len(facts['pictures']):,} of 7" in facts["said"]


def sentence(page):
    return re.search("<strong>(.*?)</strong>", page)[1]


def test_the_sentence_is_another_where_nothing_is_silently_damaged(parts, tmp_path):
    """First all is well, then a patch is not there, then that is meant."""
    _, metadata, inventory = parts
    table = benkit.Metadata(metadata).table
    rows = pq.read_table(inventory)
    bad = benkit.audit(inventory, metadata).findings["patch_id"]
    keep = pc.and_(
        pc.is_in(rows["patch_id"], table["patch_id"]), pc.invert(pc.is_in(rows["patch_id"], bad))
    )
    sound = rows.filter(keep)
    ids = sound["patch_id"].unique()
    pq.write_table(sound, tmp_path / "i.parquet")
    own = table.filter(pc.is_in(table["patch_id"], ids))
    page = benkit.report(own, tmp_path / "i.parquet")
    assert sentence(page) == f"All {len(ids)} patches are whole and correct."
    without = sound.filter(pc.not_equal(sound["patch_id"], ids[0]))
    pq.write_table(without, tmp_path / "i.parquet")
    page = benkit.report(own, tmp_path / "i.parquet")
    assert sentence(page) == f"1 of {len(ids)} patches is not there as a whole."
    page = benkit.report(own, tmp_path / "i.parquet", subset=True)
    assert sentence(page) == f"All {len(ids) - 1} patches here are whole and correct."
