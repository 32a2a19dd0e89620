"""Scans on a real Ray cluster of two nodes on this machine."""

import sys

import pytest

from benkit.engine import Engine, WorkerError
from benkit.engine import cluster as engine_on_ray
from benkit.inventory.scanning.scan import scan
from tests.making import fill_archive

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="Ray simulates clusters of several nodes on Linux only"
)


@pytest.fixture
def cpus():
    return 1


@pytest.fixture
def cluster(cpus):
    import ray
    from ray.cluster_utils import Cluster

    cluster = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": cpus, "include_dashboard": False},
    )
    yield cluster
    ray.shutdown()
    cluster.shutdown()


def test_a_node_that_goes_away_changes_nothing(cluster, tmp_path):
    archive = fill_archive(tmp_path / "archive", 2000)
    expected = tmp_path / "expected.parquet"
    scan(archive, expected, engine=Engine(workers=1))

    node = cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()
    done = []

    def take_node_away(patches, total, size):
        done.append(patches)
        if len(done) == 3:
            cluster.remove_node(node, allow_graceful=False)

    output = tmp_path / "inventory.parquet"
    engine = Engine("ray", workers=2, ray_address=cluster.address)
    summary = scan(archive, output, engine=engine, progress=take_node_away)
    assert (summary.patches, summary.files) == (2000, 24_000)
    assert done[-1] == 2000
    assert len(cluster.list_all_nodes()) == 1
    assert output.read_bytes() == expected.read_bytes()


@pytest.mark.parametrize("cpus", [0])
def test_a_cluster_without_a_cpu_is_an_error(cluster, tmp_path, monkeypatch):
    import ray

    monkeypatch.setattr(engine_on_ray, "NODE_TIMEOUT", 0.5)
    ray.init(cluster.address)
    with pytest.raises(WorkerError, match="no node with a CPU for 0 s, and 0 of 1 nodes are gone"):
        scan(fill_archive(tmp_path / "archive", 2), tmp_path / "out.parquet", engine=Engine("ray"))
    assert not (tmp_path / "out.parquet").exists()
