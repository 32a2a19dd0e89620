"""Texts of others that look like markup or code, in a real browser: shown as they are, never run."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pypdf import PdfReader

import benkit
from benkit.inventory.scanning.scan import band_reader
from benkit.reference_maps.labels import LabelComparison
from benkit.reporting.page.report import report_page
from benkit.reporting.web_map import web_map_page
from tests.reporting.map_page import opened_map

RAN = "window.planted = 'ran'"
TEXTS = (
    f"<script>{RAN}</script>",
    f"</script><script>{RAN}</script>",
    f'<img src=x onerror="{RAN}">',
    f"""'"><svg onload="{RAN}">""",
    "<!-- <script>",
    "<link rel=stylesheet href=http://127.0.0.1:9/planted.css>",
    f"javascript:{RAN}",
    f"${{{RAN}}} `{RAN}` {{{{ 7 * 6 }}}} {{% raw %}}",
    "line\u2028separator &lt;b&gt; &amp;",
    "\u202egpj.hctap\u202c",
)
# The texts in the popups of the patches or cells of all layers, each opened once.
POPUPS = """() => {
  const said = new Set();
  const map = Object.values(window).find((one) => one instanceof L.Map);
  for (const group of Object.values(window).filter((one) => one instanceof L.GeoJSON)) {
    group.addTo(map);
    group.eachLayer((layer) => {
      layer.fire('click', { latlng: layer.getBounds().getCenter() }, true);
      for (const cell of document.querySelectorAll('.foliumpopup td')) said.add(cell.textContent);
    });
  }
  return [...said];
}"""


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """An archive with folders of such names, its metadata, and an inventory full of such texts."""
    folder = tmp_path_factory.mktemp("markup")
    benkit.sample(folder / "sample", patches=20)
    archive = folder / "sample" / "BigEarthNet-v2.0-S2-with-errors"
    for number, text in enumerate(TEXTS):
        (archive / f"product {number}" / text.replace("/", "")).mkdir(parents=True)
    benkit.scan(archive, folder / "inventory.parquet")
    rows = pq.read_table(folder / "inventory.parquet")
    schema, rows = rows.schema, rows.to_pylist()
    sound = (row for row in rows if row["status"] == "ok")
    for text in TEXTS:
        next(sound).update(status="unreadable", detail=text)
        for column in ("dtype", "patch_id", "product"):
            next(sound)[column] = text
    pq.write_table(pa.Table.from_pylist(rows, schema), folder / "inventory.parquet")
    metadata = benkit.Metadata(folder / "sample" / "metadata.parquet").table
    texts = [TEXTS[place % len(TEXTS)] for place in range(len(metadata))]
    labels = pa.array([["Arable land", text] for text in texts], pa.list_(pa.string()))
    metadata = metadata.set_column(metadata.column_names.index("labels"), "labels", labels)
    if "country" in metadata.column_names:
        metadata = metadata.drop_columns("country")
    return archive, metadata.append_column("country", pa.array(texts)), folder


@pytest.fixture(scope="module")
def report(sources):
    archive, metadata, folder = sources
    differences = pa.table(
        {"patch_id": TEXTS, "missing": [[text] for text in TEXTS], "extra": [[]] * len(TEXTS)}
    )
    inventory = benkit.Inventory(folder / "inventory.parquet")
    ids = metadata["patch_id"].to_pylist()
    page = report_page(
        metadata,
        inventory=inventory,
        sides={"train": ids[::2], "test": ids[1::2]},
        read_band=band_reader(archive, inventory),
        comparison=LabelComparison(1, 1, 1, differences),
        made={text: text for text in TEXTS},
        title=" ".join(TEXTS),
    )
    (folder / "report.html").write_text(page, "utf-8")
    return folder / "report.html"


@pytest.fixture
def opened(browser, report):
    """Called with options of the browser, opens the report; notes what must not happen."""
    contexts, wrong = [], []

    def asked(request):
        if not request.url.startswith(("data:image/png", report.as_uri())):
            wrong.append(request.url)

    def open_report(**options):
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("dialog", lambda dialog: (wrong.append(dialog.message), dialog.dismiss()))
        page.on("request", asked)
        page.goto(report.as_uri())
        return page

    yield open_report
    for context in contexts:
        assert context.pages[0].evaluate("window.planted") is None
        context.close()
    assert wrong == []


def texts_of(page, selector):
    return page.locator(selector).all_text_contents()


def test_the_report_shows_them_as_text(opened):
    page = opened()
    page.wait_for_selector("html[data-ready=yes]", timeout=60_000)
    while page.locator(".more").is_visible():
        page.click(".more")
    assert texts_of(page, "title") == [" ".join(TEXTS)]
    assert texts_of(page, "h1") == [" ".join(TEXTS)]
    patches, reasons = (
        set(texts_of(page, f"#findings-list td:nth-child({place})")) for place in (1, 4)
    )
    for text in TEXTS:
        assert text in patches
        assert {text, f"data type {text}; expected uint16"} <= reasons
        assert text in texts_of(page, "#made th")
        assert text in texts_of(page, "#made td")
        assert texts_of(page, "#contents th").count(text) == 2, "a label and a country"
        told = texts_of(page, "#reference-maps td")
        assert told.count(text) == 4, "a label with a patch, a patch with a label"
        assert page.get_by_title(text, exact=True).count() == 1, "a column of the matrix"
    assert any(text in said for text in TEXTS for said in texts_of(page, "#looks figcaption"))


def test_print_and_a_browser_without_scripts_show_them_as_text(opened, tmp_path):
    opened().pdf(path=tmp_path / "report.pdf")
    text = "".join(sheet.extract_text() for sheet in PdfReader(tmp_path / "report.pdf").pages)
    letters = "".join(text.split())
    page = opened(java_script_enabled=False)
    for text in TEXTS:
        assert text in texts_of(page, "#made td")
    assert page.locator("#findings-list, canvas").locator("visible=true").count() == 0
    assert [text.split(" needs")[0] for text in texts_of(page, "noscript p")] == [
        "The list",
        "The map",
    ]
    for text in TEXTS[:-2]:  # the others hold signs that are not printed
        assert "".join(text.split()) in letters


@pytest.mark.parametrize("most", [3000, 5], ids=["patches", "cells"])
def test_the_web_map_shows_them_as_text(browser, sources, tmp_path, most):
    _, metadata, _ = sources
    page = web_map_page(metadata, most_patches=most)
    (tmp_path / "map.html").write_text(page, "utf-8")
    with opened_map(browser, tmp_path / "map.html") as (page, wrong):
        layers = [text.strip() for text in texts_of(page, ".leaflet-control-layers-overlays label")]
        popups = page.evaluate(POPUPS)
        for text in TEXTS:
            assert f"■ label: {text}" in layers
            said = f"Arable land, {text}" if most > len(metadata) else f"label: {text}"
            assert said in popups
        assert page.evaluate("window.planted") is None
    assert wrong == []
