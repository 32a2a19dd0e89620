from benkit.tiff.read import read_raster
from tests.fuzz import oracle
from tests.fuzz.job import Failures, fuzz
from tests.fuzz.seeds import made_files
from tests.fuzz.tiff_mutations import with_entries

SOUND = made_files()[0]


def test_damaged_files_read_as_with_rasterio_or_are_refused(tmp_path):
    failures = Failures(tmp_path / "failures")
    outcomes = fuzz(made_files(), 240, "corpus", tmp_path, failures)
    assert failures.reasons == []
    assert outcomes.total() == 240
    assert outcomes["plain"] and outcomes["deflate"] + outcomes["zstd"] > 5
    assert outcomes["unusual"] > 20 and outcomes["refused"] > 80


def test_a_seed_makes_the_same_files_again(tmp_path):
    seeds = made_files()[:4]
    runs = [
        fuzz(seeds, 24, "again", tmp_path / name, Failures(tmp_path)) for name in ("one", "two")
    ]
    assert runs[0] == runs[1]


def test_failures_are_noticed_and_kept(tmp_path, monkeypatch):
    """A reader that makes something of every file, and one that raises what it should not."""
    sound = tmp_path / "sound.tif"
    sound.write_bytes(SOUND)
    raster = read_raster(sound)
    monkeypatch.setattr(oracle, "read_raster", lambda path: raster)
    failures = Failures(tmp_path / "failures")
    fuzz([SOUND], 12, "broken", tmp_path, failures)
    assert any("rasterio refuses it" in reason for reason in failures.reasons)
    assert list(failures.folder.glob("*.tif"))
    monkeypatch.setattr(oracle, "read_raster", lambda path: 1 / 0)
    failures = Failures(tmp_path / "failures")
    fuzz([SOUND], 1, "broken", tmp_path, failures)
    assert "ZeroDivisionError" in failures.reasons[0]


def test_entries_can_be_added():
    changed = with_entries(SOUND, {305: (2, 4, b"abc\0")})
    assert b"abc\0" in changed and len(changed) > len(SOUND)
