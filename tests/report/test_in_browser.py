"""The report in a real browser: Debian's chromium, without a network."""

import os
import shutil
import subprocess

import pytest

import benkit
from benkit.cli import main

INSTALL = ["apt-get", "install", "-y", "-qq", "chromium"]
HOW = "there is no chromium; install it, on Debian with `apt-get install chromium`"


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    if not shutil.which("chromium") and shutil.which("apt-get") and os.geteuid() == 0:
        for command in (["apt-get", "update", "-qq"], INSTALL):
            subprocess.run(command, check=False, capture_output=True)
    path = shutil.which("chromium")
    if path is None:
        assert os.environ.get("CI") != "true", HOW
        pytest.skip(HOW)
    with sync_playwright() as playwright:
        with playwright.chromium.launch(executable_path=path, args=["--no-sandbox"]) as launched:
            yield launched


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("browser")
    benkit.make_sample(folder / "sample", patches=60)
    archive = folder / "sample" / "BigEarthNet-v2.0-S2-with-errors"
    metadata = str(folder / "sample" / "metadata.parquet")
    assert main(["split", metadata, "--output", str(folder / "split.csv")]) == 0
    call = ["report", str(archive), "--metadata", metadata, "--split", str(folder / "split.csv")]
    call += ["--output", str(folder / "report.html"), "--no-progress", "--workers", "1"]
    assert main(call) == 0
    return folder / "report.html"


@pytest.fixture(params=[(400, "dark"), (1200, "light")], ids=["phone-dark", "wide-light"])
def page(request, browser, report):
    """The open page; whatever it says on the console is a failure."""
    width, scheme = request.param
    said = []
    with browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True
    ) as context:
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(report.as_uri())
        page.wait_for_selector("html[data-ready=yes]", timeout=20_000)
        yield page
    assert said == []


def test_nothing_reaches_beyond_the_window_and_colours_follow_the_scheme(page):
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    ground = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert ground == ("rgb(20, 24, 29)" if dark else "rgb(255, 255, 255)")


def test_findings_are_searched_and_sorted(page):
    rows = page.locator("#findings-list tbody tr")
    everything = page.inner_text(".said")
    page.fill("#findings-list input", "b09")
    assert page.inner_text(".said") != everything
    assert 0 < rows.count() < 25
    assert all("B09" in text for text in rows.all_inner_texts())
    page.click("#findings-list th:nth-child(4) button")
    reasons = page.locator("#findings-list tbody td:nth-child(4)").all_inner_texts()
    assert reasons == sorted(reasons)
    page.click("#findings-list th:nth-child(4) button")
    reasons = page.locator("#findings-list tbody td:nth-child(4)").all_inner_texts()
    assert reasons == sorted(reasons, reverse=True)
    page.fill("#findings-list input", "nowhere to be found")
    assert rows.count() == 0


def test_the_map_zooms_moves_and_tells_by_the_keyboard(page):
    page.locator(".map canvas").focus()
    scale = page.evaluate("patchMap.scale")
    page.keyboard.press("+")
    assert page.evaluate("patchMap.scale") == pytest.approx(scale / 2)
    centre = page.evaluate("patchMap.centre[0]")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("patchMap.centre[0]") > centre
    page.evaluate("patchMap.centre = [patchMap.x[0], patchMap.y[0]]; patchMap.draw()")
    page.keyboard.press("Enter")
    assert "patches" in page.inner_text(".popup")
    page.evaluate("patchMap.scale = 60; patchMap.draw()")
    page.keyboard.press("Enter")
    first = page.evaluate("patchMap.describe(0)")
    assert first in page.inner_text(".popup")
    page.keyboard.press("Escape")
    assert page.locator(".popup").is_hidden()


def test_patches_are_drawn_where_they_lie(page, report):
    """The script's places are those of the projection, to ten metres."""
    metadata = benkit.read_metadata(report.parent / "sample" / "metadata.parquet")
    from benkit.planar import planar_centres

    expected = planar_centres(benkit.locate(metadata["patch_id"]))
    places = page.evaluate(
        "Object.fromEntries([...patchMap.x].map((x, i) =>"
        " [patchMap.describe(i).split('\\n')[0], [x, patchMap.y[i]]]))"
    )
    for name, (east, north) in zip(
        metadata["patch_id"].to_pylist(), expected.tolist(), strict=True
    ):
        assert places[name] == pytest.approx([east, north], abs=10)


@pytest.mark.parametrize("colour", ["side", "season", "findings", "label:1"])
def test_every_colouring_draws_and_has_a_legend(page, colour):
    before = page.evaluate("patchMap.canvas.toDataURL()")
    page.select_option("#map-colour", colour)
    assert page.evaluate("patchMap.canvas.toDataURL()") != before
    assert page.locator("#map-legend i").count() >= 2
