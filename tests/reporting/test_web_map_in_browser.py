"""The web map in a real browser."""

import re

import pyarrow as pa
import pytest

import benkit
from benkit.ground.distance_plane import centre_degrees
from benkit.ground.footprints import locate
from benkit.reporting.web_map import web_map_page
from tests.reporting.map_page import MAP, opened_map

MIDDLE = (500, 350)  # of the window


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """What the map of a sample shows: metadata, findings and sides."""
    folder = tmp_path_factory.mktemp("sample")
    benkit.sample(folder / "sample", patches=60)
    metadata = benkit.Metadata(folder / "sample" / "metadata.parquet").table
    archive = folder / "sample" / "BigEarthNet-v2.0-S2-with-errors"
    findings = benkit.audit(archive, metadata).findings
    return metadata, findings, benkit.split(metadata).sides()


@pytest.fixture(scope="module", params=["patches", "cells"])
def web_map(request, shown, tmp_path_factory):
    """The page, with the patches one by one or joined into cells."""
    page = web_map_page(*shown, most_patches=10 if request.param == "cells" else 3000)
    file = tmp_path_factory.mktemp("web_map") / "map.html"
    file.write_text(page, "utf-8")
    return file


@pytest.fixture
def page(browser, web_map):
    with opened_map(browser, web_map) as (page, wrong):
        yield page
    assert wrong == []


def wait_until(page, condition):
    page.wait_for_function(condition, polling=20)  # frames may be rare on a busy machine


def test_layers_are_switched_on_and_off(page):
    page.hover(".leaflet-control-layers")
    names = [
        text.strip()
        for text in page.locator(".leaflet-control-layers-overlays label").all_inner_texts()
    ]
    for name in ("side: train", "side: test", "finding: with no data", "season: summer"):
        assert f"■ {name}" in names
    on = "Object.values(window).filter((one) => one instanceof L.FeatureGroup && "
    on += f"{MAP}.hasLayer(one)).length"
    before = page.evaluate(on)
    train = page.locator(".leaflet-control-layers-overlays label", has_text="side: train")
    train.click()
    assert page.evaluate(on) < before
    train.click()
    assert page.evaluate(on) == before


def test_it_zooms_and_moves(page):
    zoom = page.evaluate(f"{MAP}.getZoom()")
    page.click(".leaflet-control-zoom-in")
    wait_until(page, f"{MAP}.getZoom() === {zoom + 1}")
    centre = page.evaluate(f"{MAP}.getCenter().lng")
    x, y = MIDDLE
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 200, y, steps=4)
    page.mouse.up()
    wait_until(page, f"{MAP}.getCenter().lng > {centre}")


def test_a_click_tells_what_lies_there(page, web_map, shown):
    first = shown[0].slice(0, 1)
    ((longitude, latitude),) = centre_degrees(locate(first["patch_id"])).tolist()
    page.evaluate(f"{MAP}.setView([{latitude}, {longitude}], 14, {{animate: false}})")
    page.mouse.click(*MIDDLE)
    wait_until(page, "document.querySelector('.leaflet-popup-content')?.innerText.trim()")
    said = page.inner_text(".leaflet-popup-content")
    patch, label = first["patch_id"][0].as_py(), first["labels"][0][0].as_py()
    if patch in web_map.read_text("utf-8"):
        assert patch in said
        assert label in said
    else:
        assert re.search(r"layer\s+\w+: .+\s+patches\s+\d+ of \d+", said), said


def test_without_a_network_it_shows_outlines_and_layers_and_asks_for_nothing(browser, web_map):
    with opened_map(browser, web_map, offline=True) as (page, wrong):
        drawn = page.evaluate(
            "['outlines', 'overlay'].map((pane) => document.querySelector("
            "`.leaflet-${pane}-pane canvas`)).map((canvas) => [...canvas"
            ".getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data]"
            ".filter((value, place) => place % 4 === 3 && value).length)"
        )
        said = page.inner_text(".leaflet-control-attribution")
        page.hover(".leaflet-control-layers")
        icon = page.evaluate(
            "getComputedStyle(document.querySelector('.leaflet-control-layers-toggle')).backgroundImage"
        )
    assert drawn[0] > 2000, "coasts of Europe, in pixels"
    assert drawn[1] > 100, "patches"
    assert icon.startswith('url("data:image/png')
    assert "Natural Earth" in said
    assert "OpenStreetMap" not in said
    assert wrong == []


def test_a_patch_far_smaller_than_a_pixel_is_seen(browser, tmp_path):
    """Of one in Portugal and one in Finland, at each zoom from which both are in the window."""
    ids = [f"S2A_MSIL2A_20170701T093031_N9999_R136_T{tile}_10_10" for tile in ("29SNC", "35VPK")]
    metadata = {"patch_id": ids, "labels": [[], []]}
    (tmp_path / "map.html").write_text(web_map_page(pa.table(metadata)), "utf-8")
    seen = f"""([lng, lat]) => {{
      const map = {MAP}, canvas = document.querySelector('.leaflet-overlay-pane canvas');
      const at = map.latLngToContainerPoint([lat, lng]), box = canvas.getBoundingClientRect();
      const dense = canvas.width / box.width, x = at.x - box.left - 3, y = at.y - box.top - 3;
      const seen = canvas.getContext('2d').getImageData(x * dense, y * dense, 7, 7);
      return seen.data.some((value) => value);
    }}"""
    places = centre_degrees(locate(ids)).tolist()
    with opened_map(browser, tmp_path / "map.html", offline=True) as (page, _):
        for zoom in (4, 3, 2):
            page.evaluate(f"{MAP}.setZoom({zoom}, {{animate: false}})")
            page.wait_for_timeout(50)
            assert [page.evaluate(seen, place) for place in places] == [True, True], zoom


def test_tiles_come_with_the_network(browser, web_map):
    with opened_map(browser, web_map, offline=True) as (page, _):
        assert not page.query_selector(".leaflet-tile")
        page.evaluate("dispatchEvent(new Event('online'))")
        page.wait_for_selector(".leaflet-tile", state="attached")


def test_addresses_are_those_of_tiles_and_of_who_made_what(web_map):
    """Nothing is loaded but tiles, and the page's own policy keeps it so."""
    page = web_map.read_text("utf-8")
    found = set(
        re.findall(r"""(?:src|href)=["'](?!data:|#)([^"']+)|url\((?!data:|#)([^)]+)\)""", page)
    )
    assert {one or other for one, other in found} == {
        "https://leafletjs.com",
        "https://www.openstreetmap.org/copyright",
    }
    policy = re.search(r"Content-Security-Policy\" content=\"([^\"]+)", page)[1]
    assert "default-src 'none'" in policy
    assert re.findall(r"https?://\S+", policy) == ["https://tile.openstreetmap.org"]
    assert "THIS SOFTWARE IS PROVIDED BY THE COPYRIGHT HOLDERS" in page, "the licence of Leaflet"
