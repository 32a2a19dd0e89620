"""What the page says of a split, in three steps, and what it is held against."""

import json
import re
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import benkit
from benkit.cli import main
from benkit.splits.warnings import soundness

TILE = "S2A_MSIL2A_20180506T100031_N9999_R122_T33UWP"
LATER = "S2A_MSIL2A_20180516T100031_N9999_R122_T33UWP"


def block(column, row, product=TILE):
    """25 patches that lie side by side."""
    return [f"{product}_{column + i:02d}_{row + j:02d}" for i in range(5) for j in range(5)]


def table(ids, **columns):
    return pa.table({"patch_id": ids, "labels": [["Pastures"]] * len(ids), **columns})


def step(page):
    """The colour and the words of the answer, and the reason."""
    found = re.search(r'<div class="(\w+)"><dt>Split sound\? <b>(.*?)</b></dt><dd>(.*?)</dd>', page)
    return found.groups()


def test_a_split_whose_sides_lie_apart_is_green():
    train, test = block(0, 0), block(60, 60)
    page = benkit.report(table(train + test), split={"train": train, "test": test})
    assert step(page)[:2] == ("good", "Leak-free and apart")
    assert "0.00 % of the test patches lie nearer than 2.5 km" in step(page)[2]
    assert "in a random split 100.00 %." in step(page)[2]


def test_a_split_whose_sides_touch_is_leak_free_but_near():
    train, test = block(0, 0), block(5, 0)  # one edge long: 2 of 5 columns lie within 2.5 km
    page = benkit.report(table(train + test), split={"train": train, "test": test})
    assert step(page)[:2] == ("near", "Leak-free, but near")
    assert "No two patches on different sides show the same ground." in step(page)[2]
    assert "40.00 % of the test patches lie nearer than 2.5 km" in step(page)[2]
    assert "in a random split 100.00 %. That is more than a third" in step(page)[2]


def test_a_split_with_the_same_ground_on_both_sides_is_leaking():
    train, test = block(0, 0), block(0, 0, LATER)
    page = benkit.report(table(train + test), split={"train": train, "test": test})
    assert step(page)[:2] == ("bad", "Leaking")
    assert "25 pairs of a train and a test patch show the same ground." in step(page)[2]
    assert "100.00 % of the test patches" in step(page)[2]
    assert "in a random split 100.00 %." in step(page)[2]


def test_an_empty_side_is_neither_green_nor_leaking():
    page = benkit.report(table(block(0, 0)), split={"train": block(0, 0), "test": []})
    assert step(page)[:2] == ("bad", "No")
    assert "The test side is empty." in step(page)[2]


@pytest.mark.parametrize(("near", "by_chance", "expected"), [
    (0.25, 0.75, "good"), (0.2501, 0.75, "near"), (0.6, 1.0, "near"), (0.0, 0.0, "good"),
    (0.01, 0.0, "near"),
])  # fmt: skip
def test_more_than_a_third_of_the_share_of_a_random_split_is_near(near, by_chance, expected):
    train, test = block(0, 0), block(60, 60)
    found = benkit.evaluate({"train": train, "test": test}, table(train + test), against=["random"])

    def with_share(one, share):
        return replace(one, test=replace(one.test, leakage={**one.test.leakage, "2500": share}))

    own, random = with_share(found, near), with_share(found.against["random"], by_chance)
    assert soundness(own, random)[0] == expected


@pytest.fixture
def official(tmp_path):
    """Metadata with a split of three sides, and another split of two."""
    ids = [*block(0, 0), *block(20, 0), *block(60, 60)]
    sides = ["train"] * 30 + ["validation"] * 20 + ["test"] * 25
    pq.write_table(table(ids, split=sides), tmp_path / "m.parquet")
    pairs = [f"{one},{two}" for one, two in zip(ids[:25], ids[25:50], strict=True)]
    (tmp_path / "s.csv").write_text("\n".join(["train,test", *pairs, *(f"{i}," for i in ids[50:])]))
    return tmp_path


def columns(page):
    """Of the table that judges the split: the name of each column and its cells."""
    part = page[page.index('<section id="split">') :]
    heads = re.findall(r"<th[^>]*>(.*?)</th>", part[: part.index("</thead>")])
    rows = re.findall(r"<tr>(.*?)</tr>", part[part.index("<tbody>") : part.index("</tbody>")])
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in rows]
    return dict(zip(heads, zip(*cells, strict=True), strict=True))


def test_official_and_random_are_the_same_in_report_and_evaluate(official, capsys):
    metadata, split = str(official / "m.parquet"), str(official / "s.csv")
    both = ["--against", "random", "--against", "official"]
    main(["evaluate", split, "--metadata", metadata, *both, "--json"])
    against = json.loads(capsys.readouterr().out)["against"]
    page = benkit.report(metadata, split=split)
    shown = columns(page)
    for name, one in against.items():
        assert shown[name][:2] == (f"{one['train']:,}", f"{one['test']:,}")
        assert shown[name][5] == f"{100 * one['leakage']['2500']:.2f} %"
    assert (against["official"]["train"], against["official"]["validation"]) == (50, None)


def test_the_official_split_is_not_held_against_itself(official):
    metadata = official / "m.parquet"
    assert "official" not in columns(benkit.report(metadata, split=metadata))
    assert "official" in columns(benkit.report(metadata, split=official / "s.csv"))
