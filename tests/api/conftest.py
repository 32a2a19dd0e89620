"""What a user of the library has: files of a sample, and what was read from them."""

import pyarrow.parquet as pq
import pytest

import benkit

ARCHIVE = "BigEarthNet-v2.0-S2-with-errors"


@pytest.fixture(scope="session")
def archive(sample):
    return sample / ARCHIVE


@pytest.fixture(scope="session")
def metadata(sample):
    """Path of the metadata."""
    return sample / "metadata.parquet"


@pytest.fixture(scope="session")
def table(metadata):
    """The metadata."""
    return benkit.Metadata(metadata).table


@pytest.fixture(scope="session")
def inventory(archive, tmp_path_factory):
    """Path of the inventory."""
    path = tmp_path_factory.mktemp("scanned") / "inventory.parquet"
    benkit.scan(archive, path, engine=benkit.Engine(workers=1))
    return path


@pytest.fixture(scope="session")
def inventories(archive, inventory):
    """All forms of an inventory: text, path, value, table, and the archive itself."""
    return [
        str(inventory),
        inventory,
        benkit.Inventory(inventory),
        pq.read_table(inventory),
        archive,
    ]
