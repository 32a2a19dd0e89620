"""What is refused before any work, and what help says."""

import re
import shlex
from importlib import import_module

import pytest

from benkit.cli import VERBS, main
from benkit.cli.parsing import parse


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example(verb, capsys):
    with pytest.raises(SystemExit) as caught:
        main([verb, "--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    assert f"example: benkit {verb} " in text
    assert "--json" in text


@pytest.mark.parametrize("words", ["scan", "map", "", "nonsense"])
def test_help_before_a_verb_is_help_behind_it(words, capsys):
    said = []
    for argv in (["help", *words.split()], [*words.split(), "--help"]):
        with pytest.raises(SystemExit) as caught:
            main(argv)
        said.append((caught.value.code, *capsys.readouterr()))
    assert said[0] == said[1]
    assert said[0][0] == (2 if words == "nonsense" else 0)


def test_help_lists_the_verbs_in_the_order_of_work(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    text = capsys.readouterr().out
    places = [
        text.index(f"\n    {verb} ") if f"\n    {verb} " in text else text.index(f"\n    {verb}\n")
        for verb in VERBS
    ]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("", "the following arguments are required: VERB"),
        ("nonsense", "there is no verb nonsense"),
        ("stats", "the following arguments are required: SOURCE"),
        ("retile x --output y --grid 2", "expected ROWSxCOLUMNS such as 2x2, not 2"),
        ("retile x --output y --bands 1,a", "expected numbers such as 1,3, not 1,a"),
        ("retile x --output y --grid 2x2 --tile-size 9", "not allowed with argument"),
    ],
)
def test_a_call_that_lacks_something_or_cannot_be_read_is_refused(call, message, capsys):
    with pytest.raises(SystemExit) as caught:
        main(call.split())
    assert caught.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err


@pytest.mark.parametrize(
    ("argv", "meant"),
    [
        (["scna"], "did you mean scan?"),
        (["foot"], "did you mean footprints?"),
        (["scan", "x", "--ouput", "y"], "did you mean --output?"),
        (["audit", "x", "--metdata=y"], "did you mean --metadata?"),
        (["audit", "x", "--metadata", "y", "--fail-on", "wrong-sze"], "did you mean wrong_size?"),
        (["qqqq"], "expected sample, scan"),
        (["stats", "x", "--engine", "raay"], "processes"),
    ],
)
def test_what_does_not_exist_is_answered_with_the_nearest(argv, meant, capsys):
    with pytest.raises(SystemExit) as caught:
        main(argv)
    assert caught.value.code == 2
    err = capsys.readouterr().err
    assert meant in err
    assert err.startswith("benkit: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize("verb", VERBS)
def test_the_commands_of_the_examples_are_right(verb):
    example = import_module(f"benkit.cli.verbs.{verb}").EXAMPLE.replace("\\\n", " ")
    commands = re.findall(r"^(?:example: |  +)benkit ([^>\n]*)", example, re.MULTILINE)
    assert commands[0].startswith(verb)
    for command in commands:
        assert parse(shlex.split(command), VERBS).run


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("report --metadata m --output r.pdf", "r.pdf: expected a name that ends with .html"),
        ("map m --output map.png", "map.png: expected a name that ends with .html"),
        ("split m --output s.csv --test a", "expected a number from 0 to 1, not a"),
        ("split m --output s.csv --test 1.5", "expected a number from 0 to 1, not 1.5"),
        ("split m --output s.csv --test nan", "expected a number from 0 to 1, not nan"),
    ],
)
def test_values_that_make_no_sense_are_refused_before_any_work(call, message, capsys):
    with pytest.raises(SystemExit) as caught:
        main(call.split())
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def test_findings_of_another_suffix_are_refused_before_any_work(capsys, tmp_path):
    with pytest.raises(SystemExit) as caught:
        main(["audit", "nowhere", "--metadata", "nowhere", "--findings", str(tmp_path / "x.txt")])
    assert caught.value.code == 2
    assert "expected a name that ends with .parquet or .csv or .json" in capsys.readouterr().err


def test_a_map_of_an_inventory_or_archive_alone_says_what_to_give(archive, metadata, capsys):
    scanned = archive.parent / "inventory.parquet"
    assert main(["scan", str(archive), "--output", str(scanned), "--quiet", "--workers", "1"]) == 0
    capsys.readouterr()
    page = ["--output", str(archive.parent / "map.html"), "--quiet", "--workers", "1"]
    for source in (scanned, archive):
        assert main(["map", str(source), *page]) == 2
        err = capsys.readouterr().err
        assert err.startswith(f"benkit: {source}: expected ")
        assert "--metadata " in err
        assert main(["map", str(source), "--metadata", str(metadata), *page]) == 0
    assert main(["summary", str(scanned)]) == 2
    assert "but it is an inventory; give the metadata of its patches" in capsys.readouterr().err
