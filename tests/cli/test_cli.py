import json
import re
import shlex
import signal
import subprocess
import sys
from importlib import import_module

import pytest

from benkit.cli import VERBS, main
from benkit.cli.parsing import options_of, parse, verb_parser
from tests.conftest import ROOT
from tests.making import PRODUCT, Archive


@pytest.fixture
def archive(tmp_path):
    archive = Archive(tmp_path / "archive")
    archive.patch(f"{PRODUCT}_00_00", B02=None)
    archive.patch(f"{PRODUCT}_00_01")
    return archive.root


@pytest.fixture
def metadata(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "metadata.parquet"
    ids = [f"{PRODUCT}_00_00", f"{PRODUCT}_00_01"]
    pq.write_table(pa.table({"patch_id": ids, "labels": [["Pastures"], ["Inland waters"]]}), path)
    return path


def run_json(capsys, *argv):
    """Exit status and the object printed."""
    status = main([*map(str, argv), "--json"])
    return status, json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example(verb, capsys):
    with pytest.raises(SystemExit) as caught:
        main([verb, "--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    assert f"example: benkit {verb} " in text
    assert "--json" in text


def test_help_lists_the_verbs_in_the_order_of_work(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    text = capsys.readouterr().out
    places = [
        text.index(f"\n    {verb} ") if f"\n    {verb} " in text else text.index(f"\n    {verb}\n")
        for verb in VERBS
    ]
    assert places == sorted(places)


def test_summary(capsys, shared_data):
    status, values = run_json(capsys, "summary", shared_data / "metadata.parquet")
    assert status == 0
    assert list(values) == ["patches", "seasons", "average_num_labels", "maximum_num_labels"]
    assert values["seasons"] == {
        "spring": 165_098, "summer": 102_397, "fall": 140_733, "winter": 71_810,
    }  # fmt: skip


def test_scan_audit_and_stats(capsys, archive, metadata, tmp_path):
    inventory = tmp_path / "inventory.parquet"
    status, values = run_json(capsys, "scan", archive, "--output", inventory)
    assert status == 0
    assert list(values) == ["patches", "rows", "seconds"]
    assert (values["patches"], values["rows"]) == (2, 24)
    for source in (archive, inventory):
        findings = tmp_path / "findings.json"
        status, values = run_json(
            capsys, "audit", source, "--metadata", metadata, "--findings", findings
        )
        assert status == 1
        assert list(values)[:4] == ["patches", "wrong_size", "with_no_data", "not_part_of_dataset"]
        assert (values["patches"], values["missing_band"]) == (2, 1)
        assert [row["kind"] for row in json.loads(findings.read_text())] == ["missing_band"]
        status, values = run_json(capsys, "stats", source)
        assert status == 0
        assert values["B03"] == {"count": 28_800, "mean": 9.0, "std": 0.0, "min": 9.0, "max": 9.0}
        assert values["B02"]["count"] == 14_400


def test_stats_of_a_list_and_of_a_side(capsys, archive, tmp_path):
    patches, split = tmp_path / "list.csv", tmp_path / "split.csv"
    patches.write_text(f"patch_id\n{PRODUCT}_00_01\nnowhere\n")
    split.write_text(f"train,test\n{PRODUCT}_00_01,{PRODUCT}_00_00\n")
    assert run_json(capsys, "stats", archive, "--patches", patches)[1]["B02"]["count"] == 14_400
    values = run_json(capsys, "stats", archive, "--split", split, "--side", "test")[1]
    assert values["B02"] == {"count": 0, "mean": None, "std": None, "min": None, "max": None}
    main(["stats", str(archive), "--patches", str(patches), "--no-progress"])
    assert "1 of the listed patches are not in" in capsys.readouterr().err


def test_an_archive_without_findings_ends_with_0(capsys, archive, metadata, tmp_path):
    whole = Archive(tmp_path / "whole")
    for row in (0, 1):
        whole.patch(f"{PRODUCT}_00_0{row}")
    status, values = run_json(capsys, "audit", whole.root, "--metadata", metadata)
    assert (status, sum(values.values())) == (0, 2)


@pytest.fixture
def sample_metadata(tmp_path):
    from benkit.samples import make_sample

    make_sample(tmp_path / "sample", 60)
    return tmp_path / "sample"


def test_labels_and_footprints(capsys, sample_metadata, tmp_path):
    import geopandas as gpd

    folder = sample_metadata
    status, values = run_json(
        capsys, "labels", folder / "geoparquets", "--output", tmp_path / "l.csv"
    )
    assert (status, list(values), values["patches"]) == (0, ["patches", "average_num_labels"], 60)
    assert len((tmp_path / "l.csv").read_text().splitlines()) == 61
    output = tmp_path / "footprints.parquet"
    status, values = run_json(capsys, "footprints", folder / "metadata.parquet", "--output", output)
    frame = gpd.read_parquet(output)
    assert (status, values) == (0, {"patches": len(frame)})
    assert frame.crs.to_epsg() == 4326
    for epsg, some in frame.groupby("epsg"):
        bounds = some.to_crs(epsg).bounds
        assert (abs(bounds.minx - some.x) < 1e-3).all()
        assert (abs(bounds.maxy - some.y) < 1e-3).all()
        assert (abs(bounds.maxx - bounds.minx - 1200) < 1e-3).all()


@pytest.fixture
def place_sources(sample_metadata, tmp_path):
    """The same patches as reference maps, metadata, footprints and an archive."""
    import geopandas as gpd
    import shapely

    metadata = sample_metadata / "metadata.parquet"
    footprints = tmp_path / "footprints.parquet"
    main(["footprints", str(metadata), "--output", str(footprints)])
    (tmp_path / "maps").mkdir()
    for row in gpd.read_parquet(footprints).itertuples():
        (tmp_path / "archive" / row.product / row.patch_id).mkdir(parents=True)
        square = shapely.box(row.x, row.y - 1200, row.x + 1200, row.y)
        frame = gpd.GeoDataFrame({"DN": [312]}, geometry=[square], crs=row.epsg)
        frame.to_parquet(tmp_path / "maps" / f"{row.patch_id}_reference_map.parquet")
    return {
        "maps": tmp_path / "maps",
        "metadata": metadata,
        "footprints": footprints,
        "archive": tmp_path / "archive",
    }


def test_all_sources_give_the_same_overlaps(capsys, place_sources, tmp_path):
    found = {}
    for name, source in place_sources.items():
        output = tmp_path / f"{name}.json"
        capsys.readouterr()
        status, values = run_json(capsys, "overlaps", source, "--output", output)
        assert (status, list(values)) == (0, ["patches", "overlapping", "pairs"])
        rows = json.loads(output.read_text())
        assert len(rows) == values["pairs"] > 0
        assert len({row[k] for row in rows for k in ("first", "second")}) == values["overlapping"]
        assert list(rows[0]) == ["first", "second", "area_m2", "reason"]
        found[name] = (
            values,
            {
                (*sorted([row["first"], row["second"]]), row["area_m2"], row["reason"])
                for row in rows
            },
        )
    assert all(value == found["maps"] for value in found.values())
    assert {reason for *_, reason in found["maps"][1]} >= {"neighbouring tile"}


def test_folders_of_an_archive_that_are_no_patches_are_left_out(capsys, place_sources):
    archive = place_sources["archive"]
    capsys.readouterr()
    _, expected = run_json(capsys, "overlaps", archive)
    (archive / "thumbnails" / "small").mkdir(parents=True)
    next(archive.glob("S2*")).joinpath("copy of a patch").mkdir()
    assert main(["overlaps", str(archive), "--json"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out) == expected
    count = expected["patches"] + 2
    assert printed.err == (
        f"benkit: {archive}: left out 2 of {count} folders, whose names are no patch ids: "
        "copy of a patch, small\n"
    )


def test_overlaps_of_wrong_sources(capsys, place_sources, tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    (tmp_path / "empty").mkdir()
    (tmp_path / "odd" / "product" / "no patch").mkdir(parents=True)
    table = pq.read_table(place_sources["footprints"])
    moved = table.set_column(
        table.column_names.index("x"), "x", pa.array(table["x"].to_numpy() + 60)
    )
    pq.write_table(moved, tmp_path / "moved.parquet")
    twice = pa.concat_tables([table, table.slice(0, 1)])
    pq.write_table(twice, tmp_path / "twice.parquet")
    for name, expected in {
        "empty": "it holds neither",
        "odd": "'no patch' is no patch id",
        "moved.parquet": "write the footprints again",
        "twice.parquet": "is repeated",
        "nothing": "there is nothing",
    }.items():
        assert main(["overlaps", str(tmp_path / name)]) == 2
        error = capsys.readouterr().err
        assert f"benkit: {tmp_path / name}: " in error and expected in error
        assert error.count("\n") == 1
    assert main(["overlaps", str(place_sources["metadata"]), "--assume-same-crs"]) == 2
    assert "is for a folder of reference maps" in capsys.readouterr().err


def test_split_and_evaluate(capsys, sample_metadata, tmp_path):
    import pyarrow.parquet as pq

    metadata = sample_metadata / "metadata.parquet"
    fixed = ["train", "test", "crossing_pairs", "leakage", "median_nearest_train_m", "label_rms"]
    fixed += ["js_divergence_bits", "season_deviation", "country_deviation"]
    for name in ("split.csv", "split.parquet"):
        output = tmp_path / name
        status, made = run_json(capsys, "split", metadata, "--output", output, "--test", "0.3")
        assert (status, list(made)[:9], made["crossing_pairs"]) == (0, fixed, 0)
        assert run_json(capsys, "evaluate", output, "--metadata", metadata) == (0, made)
    assert set(pq.read_table(tmp_path / "split.parquet")["split"].to_pylist()) == {"train", "test"}
    call = ["split", metadata, "--output", tmp_path / "fold.csv", "--folds", "3"]
    assert list(run_json(capsys, *call)[1]) == ["1", "2", "3"]
    assert sorted(path.name for path in tmp_path.glob("fold*")) == [
        f"fold_{k}.csv" for k in (1, 2, 3)
    ]
    assert main(list(map(str, [*call, "--validation", "0.1"]))) == 2


def test_sample(capsys, tmp_path):
    status, values = run_json(
        capsys, "sample", tmp_path / "sample", "--patches", "30", "--seed", "2"
    )
    assert (status, values.pop("patches")) == (0, 30)
    assert all(values.values())


def test_retile(capsys, real_archive, tmp_path):
    raster = next(real_archive.glob("*/*/*_B02.tif"))
    call = ["retile", raster, "--output", tmp_path / "parts", "--grid", "3x2"]
    assert run_json(capsys, *call) == (0, {"files": 6})
    assert main(list(map(str, call))) == 2
    assert "is there already" in capsys.readouterr().err
    assert run_json(capsys, *call, "--overwrite") == (0, {"files": 6})


@pytest.mark.parametrize(
    "argv",
    [
        ["summary", "nowhere.parquet"],
        ["scan", "nowhere", "--output", "x.parquet"],
        ["audit", "nowhere", "--metadata", "nowhere.parquet"],
        ["stats", "nowhere"],
        ["stats", "nowhere", "--side", "train"],
        ["retile", "nowhere.tif", "--output", "nowhere"],
        ["summary", __file__],
    ],
)
def test_wrong_input_is_one_line_and_status_2(argv, capsys):
    assert main(argv) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("benkit: ")
    assert err.count("\n") == 1
    assert "expected" in err


def test_wrong_calls_are_status_2(capsys):
    for argv in ([], ["nonsense"], ["stats"], ["retile", "x", "--output", "y", "--grid", "2"]):
        with pytest.raises(SystemExit) as caught:
            main(argv)
        assert caught.value.code == 2
        assert capsys.readouterr().out == ""


def test_as_a_module_and_with_a_reader_that_leaves(metadata):
    call = [sys.executable, "-m", "benkit", "summary", str(metadata)]
    done = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "seasons spring" in done.stdout
    left = subprocess.run(
        f"{' '.join(call)} --json | true",
        shell=True,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert left.stderr == ""


def test_installed_from_a_wheel_gives_the_command(tmp_path):
    install = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-deps"]
    install += [
        "--no-build-isolation",
        "--python",
        sys.executable,
        "--target",
        str(tmp_path),
        str(ROOT),
    ]
    subprocess.run(install, check=True, capture_output=True, text=True)
    done = subprocess.run(
        [str(tmp_path / "bin" / "benkit"), "--version"],
        env={"PYTHONPATH": str(tmp_path), "PATH": ""}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.startswith("benkit 0.")


def test_an_interrupt_that_a_library_turned_into_an_error_is_an_interrupt(monkeypatch, capsys):
    def interrupted(_):
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise SystemError("returned a result with an exception set") from None

    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr("benkit.api.summary.summary", interrupted)
    try:
        assert main(["summary", "metadata.parquet"]) == 130
    finally:
        signal.signal(signal.SIGINT, before)
    assert capsys.readouterr().err == "benkit: interrupted\n"


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


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_the_shared_options(verb):
    names = {name for one in options_of(verb_parser(verb)) for name in one.option_strings}
    assert {"--json", "--verbose", "-v", "--quiet", "-q"} <= names
    if names & {"--output", "--findings", "--figure", "--figures"}:
        assert "--overwrite" in names
    if "--engine" in names:
        assert {"--workers", "--no-progress"} <= names


def test_an_input_is_never_replaced_unasked(capsys, metadata, tmp_path):
    before = metadata.read_bytes()
    call = ["footprints", str(metadata), "--output", str(metadata)]
    assert main(call) == 2
    assert "is an input of this call" in capsys.readouterr().err
    assert metadata.read_bytes() == before
    assert main([*call, "--overwrite"]) == 0
    assert metadata.read_bytes() != before


def test_results_are_replaced_unless_told_not_to(capsys, metadata, tmp_path):
    output = tmp_path / "footprints.parquet"
    call = ["footprints", str(metadata), "--output", str(output)]
    assert main([*call, "--no-overwrite"]) == 0
    output.write_bytes(b"earlier")
    assert main([*call, "--no-overwrite"]) == 2
    assert "is there already" in capsys.readouterr().err
    assert output.read_bytes() == b"earlier"
    assert main(call) == 0
    assert output.read_bytes() != b"earlier"


def test_files_of_folds_are_outputs_too(capsys, sample_metadata, tmp_path):
    (tmp_path / "fold_2.csv").write_text("earlier")
    call = ["split", sample_metadata / "metadata.parquet", "--output", tmp_path / "fold.csv"]
    assert main([*map(str, call), "--folds", "3", "--no-overwrite"]) == 2
    assert "fold_2.csv: is there already" in capsys.readouterr().err
    assert not (tmp_path / "fold_1.csv").exists()


def test_audit_groups_findings_and_fails_on_the_chosen_kinds(capsys, archive, metadata):
    call = ["audit", str(archive), "--metadata", str(metadata)]
    assert main(call) == 1
    out = capsys.readouterr().out
    assert out.startswith("2 patches on disk, 1 findings\n")
    assert f"\nmissing_band\n  {PRODUCT}_00_00  B02  there is no file of this band\n" in out
    assert main([*call, "--fail-on", "missing_band,unreadable"]) == 1
    assert main([*call, "--fail-on", "unreadable"]) == 0
    assert main([*call, "--fail-on", "none"]) == 0


def test_audit_shows_the_first_patches_of_a_kind(capsys, metadata, tmp_path):
    many = Archive(tmp_path / "many")
    for row in range(6):
        many.patch(f"{PRODUCT}_01_0{row}", B02=None, B03=None)
    call = ["audit", str(many.root), "--metadata", str(metadata), "--fail-on", "none"]
    assert main(call) == 0
    lines = capsys.readouterr().out.splitlines()
    start = lines.index("missing_band")
    assert [line.split()[:3] for line in lines[start + 1 : start + 4]] == [
        [f"{PRODUCT}_01_0{row}", "B02", "B03"] for row in range(3)
    ]
    assert lines[start + 4] == "  and 3 more"
    assert main([*call, "--verbose"]) == 0
    assert capsys.readouterr().out.count("there is no file of this band") == 12


def test_findings_of_another_suffix_are_refused_before_any_work(capsys, tmp_path):
    with pytest.raises(SystemExit) as caught:
        main(["audit", "nowhere", "--metadata", "nowhere", "--findings", str(tmp_path / "x.txt")])
    assert caught.value.code == 2
    assert "expected a name that ends with .parquet or .csv or .json" in capsys.readouterr().err


def test_verbose_tells_the_time_and_quiet_nothing(capsys, metadata):
    assert main(["summary", str(metadata), "-v"]) == 0
    assert capsys.readouterr().err.startswith("benkit: version ")
    assert main(["evaluate", str(metadata), "--metadata", str(metadata), "-q"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert main(["summary", "nowhere", "-v"]) == 2
    assert "Traceback" in capsys.readouterr().err


def test_inspect(capsys, archive, metadata, tmp_path):
    call = ["inspect", f"{PRODUCT}_00_00", "--archive", archive, "--metadata", metadata]
    status, values = run_json(capsys, *call, "--figure", tmp_path / "patch.png")
    assert (status, values["patch_id"], values["metadata"]["labels"]) == (
        0, f"{PRODUCT}_00_00", ["Pastures"],
    )  # fmt: skip
    assert [finding["kind"] for finding in values["findings"]] == ["missing_band"]
    assert (values["bands"]["B03"]["mean"], values["bands"]["B02"]["status"]) == (9.0, "missing")
    assert (tmp_path / "patch.png").read_bytes().startswith(b"\x89PNG")
    assert main([*map(str, call)]) == 0
    out = capsys.readouterr().out
    assert len(out.splitlines()) <= 30
    assert "labels     Pastures" in out
    assert "there is no file of this band" in out


def test_public_functions_take_paths_as_texts(archive, metadata, tmp_path):
    import benkit

    table = benkit.read_metadata(str(metadata))
    patches = table["patch_id"].to_pylist()
    split = tmp_path / "split.csv"
    benkit.write_sides({"train": patches[:1], "test": patches[1:]}, str(split))
    assert benkit.read_sides(str(split)) == {"train": patches[:1], "test": patches[1:]}
    benkit.write_table(table, str(tmp_path / "table.csv"))
    assert benkit.read_patch_list(str(tmp_path / "table.csv")) == patches
    benkit.scan_archive(str(archive), str(tmp_path / "inventory.parquet"))
    inventory = benkit.Inventory(str(tmp_path / "inventory.parquet"))
    assert benkit.audit_inventory(inventory, table).patches == 2
    path = benkit.find_file(str(archive), f"{patches[1]}_B02.tif")
    assert benkit.read_raster(str(path)).pixels.shape == (1, 120, 120)
    assert benkit.inspect_patch(patches[0], str(archive)).patch_id == patches[0]
    footprints = benkit.footprint_table(table)
    benkit.write_geoparquet(footprints.table, str(tmp_path / "f.parquet"), epsg=4326)


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
