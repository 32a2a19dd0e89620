"""What may be replaced."""

from benkit.cli import main


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


def test_files_of_folds_are_outputs_too(capsys, sample, tmp_path):
    (tmp_path / "fold_2.csv").write_text("earlier")
    call = ["split", sample / "metadata.parquet", "--output", tmp_path / "fold.csv"]
    assert main([*map(str, call), "--folds", "3", "--no-overwrite"]) == 2
    assert "fold_2.csv: is there already" in capsys.readouterr().err
    assert not (tmp_path / "fold_1.csv").exists()
