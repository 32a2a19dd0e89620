"""The report in a real browser: Debian's chromium, without a network."""

import re
import shlex

import pyarrow as pa
import pytest
from pypdf import PdfReader

import benkit
from benkit.cli import main
from benkit.ground.footprints import locate

# Texts whose contrast with the nearest ground behind them is too low.
CONTRAST = """() => {
  const numbers = (colour) => {
    const pen = document.createElement('canvas').getContext('2d');
    pen.fillStyle = colour;
    pen.fillRect(0, 0, 1, 1);
    return [...pen.getImageData(0, 0, 1, 1).data];
  };
  const luminance = (colour) => {
    const [r, g, b] = colour.map((one) => one / 255).map(
      (one) => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const groundOf = (element) => {
    if (!element) return [255, 255, 255];
    const [r, g, b, alpha] = numbers(getComputedStyle(element).backgroundColor);
    if (alpha === 255) return [r, g, b];
    const behind = groundOf(element.parentElement);
    return [r, g, b].map((one, place) => (one * alpha + behind[place] * (255 - alpha)) / 255);
  };
  const low = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = texts.nextNode(); text; text = texts.nextNode()) {
    const element = text.parentElement;
    if (!text.data.trim() || !element.checkVisibility() || element.closest('script')) continue;
    const style = getComputedStyle(element);
    const ink = luminance(numbers(element.closest('svg') ? style.fill : style.color).slice(0, 3));
    const ground = luminance(groundOf(element));
    const ratio = (Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05);
    const size = parseFloat(style.fontSize), bold = style.fontWeight >= 700;
    const large = size >= 24 || (bold && size >= 18.66);
    if (ratio < (large ? 3 : 4.5)) low.push([text.data.trim(), Math.round(ratio * 100) / 100]);
  }
  return low;
}"""
# Place of the element with the focus among all, and how wide its outline is.
FOCUSED = """() => [
  [...document.querySelectorAll('*')].indexOf(document.activeElement),
  parseFloat(getComputedStyle(document.activeElement).outlineWidth),
]"""


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("browser")
    benkit.sample(folder / "sample", patches=60)
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


def test_every_text_stands_out_from_its_ground(page):
    """Contrast of at least 4.5 : 1, or 3 : 1 for large text (WCAG 2.1, AA)."""
    assert page.evaluate(CONTRAST) == []


def test_all_controls_are_reached_by_the_keyboard_and_show_it(page):
    wanted = page.evaluate(
        "[...document.querySelectorAll('a, button, input, select, canvas')]"
        ".filter((one) => one.checkVisibility()).length"
    )
    reached = set()
    for _ in range(wanted):
        page.keyboard.press("Tab")
        reached.add(tuple(page.evaluate(FOCUSED)))
    assert len(reached) == wanted
    assert all(outline >= 2 for _, outline in reached)


def test_what_is_printed_is_whole_and_light(page, tmp_path):
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate(CONTRAST) == []
    for gone in ("nav", ".zoom", "#findings-list input"):
        assert page.locator(gone).first.is_hidden()
    assert page.locator("#map-legend").is_visible()
    page.emulate_media()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("patchMap.scheme.none") == "#c9ced4"
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    page.pdf(path=tmp_path / "report.pdf", format="A4")
    text = "\n".join(sheet.extract_text() for sheet in PdfReader(tmp_path / "report.pdf").pages)
    for title in page.locator("h2").all_inner_texts():
        assert title in text
    assert "Show more" not in text


def test_what_is_folded_on_the_screen_is_printed(page):
    """The numbers of the charts by label, which no one can unfold on paper."""
    numbers = page.locator("details table")
    assert numbers.is_hidden()
    page.emulate_media(media="print")
    assert numbers.bounding_box()["height"] > 50


def test_seasons_stay_beside_the_contact_sheet_as_it_is_scrolled(page):
    page.evaluate("document.querySelector('.sheet').parentElement.scrollLeft = 200")
    (left,) = {one.bounding_box()["x"] for one in page.locator(".sheet tbody th").all()}
    assert left == pytest.approx(page.locator("#archive .wide").bounding_box()["x"], abs=3)


def test_commands_end_their_lines_between_words(page):
    """A word breaks only where it is longer than the line."""
    page.locator(".sheet img").first.click()
    broken = """(code) => [...code.children].filter((word) => word.offsetHeight > 25
      && word.offsetWidth < code.clientWidth - 25).map((word) => word.innerText)"""
    lines = page.locator(".commands code, .square code").all()
    assert len(lines) > 2
    assert [line.evaluate(broken) for line in lines] == [[]] * len(lines)


def test_nothing_covers_the_map_of_a_narrow_window(page):
    top, zoom = (page.locator(f".map {one}").bounding_box() for one in ("canvas", ".zoom"))
    narrow = page.evaluate("innerWidth < 640")
    assert narrow == (zoom["y"] >= top["y"] + top["height"])


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
    assert "patches" in page.inner_text(".square h3")
    page.evaluate("patchMap.scale = 60; patchMap.draw()")
    page.keyboard.press("Enter")
    assert page.evaluate("patchMap.id(0)") in page.inner_text(".square")
    page.keyboard.press("Escape")
    assert page.locator(".square").is_hidden()


def test_coasts_and_borders_are_drawn_but_not_where_they_are_too_coarse(page):
    """Each changes the picture; nearer than 100 m a pixel neither does."""
    change = """(scale) => {
      Object.assign(patchMap, { scale });
      const seen = [patchMap.coasts, patchMap.borders].map((_, place) => {
        const kinds = { coasts: patchMap.coasts, borders: patchMap.borders };
        patchMap.draw();
        const whole = patchMap.canvas.toDataURL();
        Object.assign(patchMap, { [Object.keys(kinds)[place]]: new Path2D() });
        patchMap.draw();
        const without = patchMap.canvas.toDataURL();
        Object.assign(patchMap, kinds);
        return whole !== without;
      });
      return seen;
    }"""
    assert page.evaluate(change, 5000) == [True, True]
    assert page.evaluate(change, 99) == [False, False]
    assert "Natural Earth" in page.inner_text("#map")


def test_patches_are_drawn_where_they_lie(page, report):
    """The script's places are those of the projection, to ten metres."""
    metadata = benkit.Metadata(report.parent / "sample" / "metadata.parquet").table
    from benkit.ground.distance_plane import planar_centres

    expected = planar_centres(locate(metadata["patch_id"]))
    places = page.evaluate(
        "Object.fromEntries([...patchMap.x].map((x, i) => [patchMap.id(i), [x, patchMap.y[i]]]))"
    )
    for name, (east, north) in zip(
        metadata["patch_id"].to_pylist(), expected.tolist(), strict=True
    ):
        assert places[name] == pytest.approx([east, north], abs=10)


@pytest.mark.parametrize("colour", ["side", "season", "findings", "label:1"])
def test_every_colouring_draws_and_has_a_legend(page, colour):
    assert page.input_value("#map-colour") == "findings", "what is wrong comes first"
    page.select_option("#map-colour", "patches")
    before = page.evaluate("patchMap.canvas.toDataURL()")
    page.select_option("#map-colour", colour)
    assert page.evaluate("patchMap.canvas.toDataURL()") != before
    assert page.locator("#map-legend i").count() >= 2


def test_one_patch_in_a_square_stands_out_from_the_ground(page):
    """Twice as light or dark as the ground at least."""
    page.select_option("#map-colour", "patches")
    colour = page.locator("#map-legend i").first.evaluate("(one) => one.style.backgroundColor")
    ground = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    one, other = sorted(map(_luminance, (colour, ground)))
    assert (other + 0.05) / (one + 0.05) > 2


def _luminance(colour):
    """Relative luminance (WCAG 2.1) of a colour as a browser writes it."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return sum(share * one for share, one in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_the_legend_names_the_sides_that_there_are(page):
    page.select_option("#map-colour", "side")
    on_none = page.evaluate("patchMap.side.includes(0)")  # patches that the metadata does not hold
    names = page.locator("#map-legend > span").all_text_contents()
    assert names == [*["on no side"] * on_none, "train", "test"]


def test_patches_of_the_whole_earth_are_drawn_and_named(browser, tmp_path):
    places = {"lon": [-120.0, 30.0, 151.0], "lat": [60.0, -3.0, -34.0]}
    table = pa.table({"patch_id": ["west", "middle", "east"], "labels": [["a"], [], ["b"]]} | {
        name: pa.array(values) for name, values in places.items()
    })  # fmt: skip
    benkit.report(table, output=tmp_path / "page.html")
    said = []
    with browser.new_context(offline=True) as context:
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto((tmp_path / "page.html").as_uri())
        page.wait_for_selector("html[data-ready=yes]", timeout=20_000)
        for number, name in enumerate(table["patch_id"].to_pylist()):
            for scale in (30_000, 4):
                page.evaluate(
                    f"patchMap.centre = [patchMap.x[{number}], patchMap.y[{number}]];"
                    f"patchMap.scale = {scale}; patchMap.draw()"
                )
                page.locator(".map canvas").focus()
                page.keyboard.press("Enter")
                assert page.locator(".square li b").text_content() == name
                told = page.locator(".square li p.muted").first.text_content()
                for degrees, axis in ((places["lat"], "SN"), (places["lon"], "WE")):
                    value = degrees[number]
                    assert f"{abs(value):.4f}° {axis[value > 0]}" in told
    assert said == []


def test_a_picture_of_the_contact_sheet_leads_to_its_patch(page, report):
    """By a click, and by the keyboard: one stop, arrows from picture to picture, Enter."""
    picture = page.locator(".sheet img").first
    picture.click()
    name = picture.get_attribute("data-patch")
    assert page.locator(".square li b").all_text_contents() == [name]
    metadata = benkit.Metadata(report.parent / "sample" / "metadata.parquet").select([name])
    told = page.locator(".square li").inner_text()
    assert ", ".join(sorted(metadata.table["labels"][0].as_py())) in told
    archive = report.parent / "sample" / "BigEarthNet-v2.0-S2-with-errors"
    (line,) = page.locator(".square li code").all_text_contents()
    assert line.startswith(f"benkit inspect {name} --archive {archive} --metadata ")
    assert main(shlex.split(line)[1:]) == 0
    assert page.locator(".square li img").get_attribute("src") == picture.get_attribute("src")
    page.locator(".square .close").click()
    assert page.locator(".square").is_hidden()
    picture.focus()
    page.keyboard.press("ArrowRight")
    other = page.evaluate("document.activeElement.dataset.patch")
    page.keyboard.press("Enter")
    assert page.locator(".square li b").all_text_contents() == [other]


def test_a_square_lists_all_its_patches_those_with_findings_first(page):
    page.evaluate(
        "patchMap.centre = [patchMap.x[0], patchMap.y[0]]; patchMap.scale = 1e5; patchMap.draw()"
    )
    page.locator(".map canvas").focus()
    page.keyboard.press("Enter")
    patches = page.evaluate("patchMap.facts.patches")
    while page.locator(".square .others").is_visible():
        page.locator(".square .others").click()
    items = page.locator(".square li").all()
    assert len(items) == page.evaluate("patchMap.panel.patches.length") <= patches
    found = [item.locator(".finding").count() > 0 for item in items]
    assert found == sorted(found, reverse=True)
    assert any(found)
    assert ": " in page.locator(".square .finding").first.inner_text(), "with its reason"
    assert page.evaluate(CONTRAST) == []


def test_a_hint_stands_where_data_is_still_being_unpacked(browser, report):
    with browser.new_context(offline=True) as context:
        page = context.new_page()
        page.add_init_script(
            "window.DecompressionStream = class { constructor() { throw Error('no'); } }"
        )
        page.goto(report.as_uri())
        page.wait_for_function(
            "document.querySelector('.waiting').innerText.includes('cannot show')"
        )
        assert page.locator(".map .waiting").is_visible()
    text = report.read_text("utf-8")
    assert "The map is being unpacked" in text
    assert "The findings are being unpacked" in text
