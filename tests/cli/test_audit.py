"""``benkit scan``, ``audit``, ``stats`` and ``inspect``: what is told of an archive."""

import json

from benkit.cli import main
from tests.making import PRODUCT, Archive


def test_scan_audit_and_stats(run_json, archive, metadata, tmp_path):
    inventory = tmp_path / "inventory.parquet"
    status, values = run_json("scan", archive, "--output", inventory)
    assert status == 0
    assert list(values) == ["patches", "rows", "seconds"]
    assert (values["patches"], values["rows"]) == (2, 24)
    for source in (archive, inventory):
        findings = tmp_path / "findings.json"
        status, values = run_json("audit", source, "--metadata", metadata, "--findings", findings)
        assert status == 1
        assert list(values)[:4] == ["patches", "wrong_size", "with_no_data", "not_part_of_dataset"]
        assert (values["patches"], values["missing_band"]) == (2, 1)
        assert [row["kind"] for row in json.loads(findings.read_text())] == ["missing_band"]
        status, values = run_json("stats", source)
        assert status == 0
        assert values["B03"] == {"count": 28_800, "mean": 9.0, "std": 0.0, "min": 9.0, "max": 9.0}
        assert values["B02"]["count"] == 14_400


def test_stats_of_a_list_and_of_a_side(run_json, capsys, archive, tmp_path):
    patches, split = tmp_path / "list.csv", tmp_path / "split.csv"
    patches.write_text(f"patch_id\n{PRODUCT}_00_01\nnowhere\n")
    split.write_text(f"train,test\n{PRODUCT}_00_01,{PRODUCT}_00_00\n")
    assert run_json("stats", archive, "--patches", patches)[1]["B02"]["count"] == 14_400
    values = run_json("stats", archive, "--split", split, "--side", "test")[1]
    assert values["B02"] == {"count": 0, "mean": None, "std": None, "min": None, "max": None}
    main(["stats", str(archive), "--patches", str(patches), "--no-progress"])
    assert "1 of the listed patches are not in" in capsys.readouterr().err


def test_an_archive_without_findings_ends_with_0(run_json, archive, metadata, tmp_path):
    whole = Archive(tmp_path / "whole")
    for row in (0, 1):
        whole.patch(f"{PRODUCT}_00_0{row}")
    status, values = run_json("audit", whole.root, "--metadata", metadata)
    assert (status, sum(values.values())) == (0, 2)


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
    many.patch(f"{PRODUCT}_00_00")
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


def test_inspect(run_json, capsys, archive, metadata, tmp_path):
    call = ["inspect", f"{PRODUCT}_00_00", "--archive", archive, "--metadata", metadata]
    status, values = run_json(*call, "--figure", tmp_path / "patch.png")
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
