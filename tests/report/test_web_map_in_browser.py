"""The web map in a real browser; what it asks for outside comes from packages of the same libraries."""

import io
import os
import re
import shutil
import subprocess
import tarfile
from functools import cache
from mimetypes import guess_type

import numpy as np
import pytest
from matplotlib.image import imsave

import benkit

NPM = re.compile(r"https://cdn\.jsdelivr\.net/npm/((?:@[^/]+/)?[^@/]+@[^/]+)/(.+)")
JQUERY = re.compile(r"https://code\.jquery\.com/jquery-([0-9.]+)\.(min\.js)")
MARKERS = re.compile(r"https://cdnjs\.cloudflare\.com/.*/(leaflet\.awesome-markers\.(?:js|css))")
ICONS = re.compile(r".*/(bootstrap-glyphicons|leaflet\.awesome\.rotate\.min)\.css")
TILES = re.compile(r"https://tile\.openstreetmap\.org/[0-9]+/[0-9]+/[0-9]+\.png")
MAP = "Object.values(window).find((one) => one instanceof L.Map)"


def blank_tile():
    file = io.BytesIO()
    imsave(file, np.full((256, 256, 3), 230, np.uint8), format="png")
    return file.getvalue()


def package_of(url):
    """Package with its version, and the file in it, of an address; None if no package holds it."""
    if found := NPM.fullmatch(url):
        return found[1], found[2]
    if found := JQUERY.fullmatch(url):
        return f"jquery@{found[1]}", f"dist/jquery.{found[2]}"
    if found := MARKERS.fullmatch(url):
        return "leaflet.awesome-markers@2.0.5", f"dist/{found[1]}"
    return None


@pytest.fixture(scope="module", params=["patches", "cells"])
def web_map(request, tmp_path_factory):
    """The page of a sample with its findings and sides."""
    folder = tmp_path_factory.mktemp("web_map")
    benkit.make_sample(folder / "sample", patches=60)
    metadata = benkit.read_metadata(folder / "sample" / "metadata.parquet")
    benkit.scan_archive(
        folder / "sample" / "BigEarthNet-v2.0-S2-with-errors", folder / "inventory.parquet"
    )
    inventory = benkit.Inventory(folder / "inventory.parquet")
    findings = benkit.audit_inventory(inventory, metadata).findings
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "cells":
            patch.setattr("benkit.report.web_map.MOST_PATCHES", 10)
        page = benkit.web_map(metadata, findings, benkit.split_patches(metadata).sides())
    benkit.write_page(page, folder / "map.html")
    return folder / "map.html"


@pytest.fixture(scope="module")
def fetch(tmp_path_factory):
    """Called with a package and its version, gives the content of its files by name."""
    if shutil.which("npm") is None:
        reason = "needs npm for the libraries of the map; on Debian `apt-get install npm`"
        assert os.environ.get("CI") != "true", reason
        pytest.skip(reason)

    @cache
    def files_of(package):
        folder = tmp_path_factory.mktemp("npm")
        done = subprocess.run(
            ["npm", "pack", "--silent", package],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{package}: {done.stderr}"
        (archive,) = folder.iterdir()
        with tarfile.open(archive) as members:
            return {
                member.name.partition("/")[2]: members.extractfile(member).read()
                for member in members
                if member.isfile()
            }

    return files_of


@pytest.fixture
def page(browser, web_map, fetch):
    """The open map; unknown requests and words on the console are failures."""
    said, tile = [], blank_tile()

    def answer(route):
        url = route.request.url
        if found := package_of(url):
            package, name = found
            route.fulfill(body=fetch(package)[name], content_type=guess_type(name)[0])
        elif TILES.fullmatch(url):
            route.fulfill(body=tile, content_type="image/png")
        elif ICONS.fullmatch(url):
            route.fulfill(body="", content_type="text/css")
        else:
            said.append(f"nobody answers {url}")
            route.abort()

    with browser.new_context(viewport={"width": 1000, "height": 700}) as context:
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.route(re.compile("^https?:"), answer)
        page.goto(web_map.as_uri())
        page.wait_for_selector(".leaflet-tile-loaded", state="attached", timeout=20_000)
        yield page
    assert said == []


def test_layers_are_switched_on_and_off(page):
    page.hover(".leaflet-control-layers")
    names = [
        text.strip()
        for text in page.locator(".leaflet-control-layers-overlays label").all_inner_texts()
    ]
    for name in ("side: train", "side: test", "finding: with no data", "season: summer"):
        assert name in names
    shown = "Object.values(window).filter((one) => one instanceof L.FeatureGroup && "
    shown += f"{MAP}.hasLayer(one)).length"
    before = page.evaluate(shown)
    train = page.locator(".leaflet-control-layers-overlays label", has_text="side: train")
    train.click()
    assert page.evaluate(shown) < before
    train.click()
    assert page.evaluate(shown) == before
