"""What several tests share: the real data, and settings of Hypothesis."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

from benkit.files.tables import parquet, parquet_blocks
from benkit.metadata import metadata_rows, patch_list

ROOT = Path(__file__).resolve().parents[1]

settings.register_profile("benkit", deadline=None, database=None, derandomize=True)
settings.load_profile("benkit")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the real data beside the project."""
    folder = ROOT / ".." / "shared" / "data"
    if not folder.is_dir():
        reason = "needs the real data in ../shared/data, which is not part of the repository"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return folder.resolve()


@pytest.fixture(scope="module")
def many_rows():
    """Rows from which on tables count as large, a quarter as many as outside these tests."""
    rows = 2**18
    with pytest.MonkeyPatch.context() as patched:
        for module in (parquet, parquet_blocks, metadata_rows, patch_list):
            patched.setattr(module, "MANY_ROWS", rows)
        yield rows


@pytest.fixture(scope="session")
def real_archive(shared_data: Path) -> Path:
    """Nine original patches, byte for byte."""
    return shared_data / "BigEarthNet-S2"


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sample of 60 patches, which tests leave as it is."""
    from benkit.samples.sample import sample as make_sample

    folder = tmp_path_factory.mktemp("made") / "sample"
    make_sample(folder, 60)
    return folder
