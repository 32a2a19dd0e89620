"""`report` and `web_map`, given paths, values or tables."""

import re

import pytest

import benkit


def test_a_report_of_values_tells_the_same_as_one_of_paths(
    archive, inventory, metadata, table, tmp_path, monkeypatch
):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    made = benkit.split(table, output=tmp_path / "split.csv")
    output = tmp_path / "report.html"
    by_path = benkit.report(
        str(metadata), inventory, archive=archive, split=tmp_path / "split.csv", output=output
    )
    assert output.read_text("utf-8") == by_path
    assert f"<title>Report of {archive.name}</title>" in by_path
    assert f"<code>{inventory}</code>" in by_path
    by_value = benkit.report(table, benkit.Inventory(inventory), archive=archive, split=made)
    assert said(by_value) == said(by_path)
    assert "1970-01-01 00:00:00 UTC" in by_value
    assert f"<span>--metadata</span> <span>{metadata}</span>" in by_path
    assert "<span>--metadata</span> <span>METADATA</span>" in by_value
    assert said(benkit.report(table, archive, split=made)) == said(by_path)


def said(page):
    """All but how it was made, and command lines, which name paths."""
    before = page.partition('<section id="made">')[0]
    return re.sub('<pre class="commands">.*?</pre>', "", before)


def test_a_report_of_metadata_alone_needs_nothing_else(table):
    page = benkit.report(table, command="a notebook")
    assert "<title>Report of a patch archive</title>" in page
    assert "<code>a notebook</code>" in page


def test_an_archive_beside_no_inventory_is_refused(archive, inventory, metadata):
    for source in (None, archive):
        with pytest.raises(ValueError, match="goes with an inventory"):
            benkit.report(metadata, source, archive=archive)
    with pytest.raises(ValueError, match="expected the folder of an archive"):
        benkit.report(metadata, inventory, archive=inventory)


def test_a_web_map_of_a_source_shows_its_findings(inventory, metadata, table, tmp_path):
    findings = benkit.audit(inventory, table).findings
    sides = benkit.split(table, output=tmp_path / "split.csv").sides()
    output = tmp_path / "map.html"
    page = benkit.web_map(metadata, sides=tmp_path / "split.csv", source=inventory, output=output)
    assert output.read_text("utf-8") == page
    assert benkit.web_map(table, findings, sides) == page
    assert "finding: wrong size" in page
