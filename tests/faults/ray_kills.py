"""Kill workers and nodes of a Ray cluster while it scans, and look at what the scan gives.

    .venv/bin/python -m tests.faults.ray_kills [--scans 20] [--lost 2] [--seed 0]

A cluster of a head without a CPU and three nodes of one CPU each runs on this machine. In each of the
scans a worker process dies (SIGKILL) at one random moment and a whole node at another. In ``--lost``
more all nodes die, and in as many the head, to which the command is connected. After each scan its
inventory must be that of a scan without Ray, byte for byte, or there is one clear error, no inventory,
and the same command on a whole cluster gives that inventory. No scan may take longer than two minutes.
Exit status 1 if any of that did not hold.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benkit.engine import Engine
from benkit.inventory.scanning.scan import scan
from tests.conftest import ROOT
from tests.making import fill_archive

_PATCHES, _NODES, _MEMORY = 6600, 3, 80_000_000
_LONGEST = 120.0


class Ground:
    """A cluster and an archive."""

    def __init__(self, folder: Path) -> None:
        self.archive = fill_archive(folder / "archive", _PATCHES)
        self.output = folder / "inventory.parquet"
        plain = folder / "plain.parquet"
        scan(self.archive, plain, engine=Engine(workers=1))
        self.expected = plain.read_bytes()
        self.cluster: Any = None
        self.nodes: list[Any] = []

    def heal(self) -> None:
        """Bring the cluster back to its size."""
        from ray.cluster_utils import Cluster

        if self.cluster is None:
            head = {"num_cpus": 0, "include_dashboard": False, "object_store_memory": _MEMORY}
            self.cluster = Cluster(initialize_head=True, head_node_args=head)
        while len(self.nodes) < _NODES:
            self.nodes.append(self.cluster.add_node(num_cpus=1, object_store_memory=_MEMORY))
        self.cluster.wait_for_nodes()

    def end(self) -> None:
        """End the cluster, or what is left of it."""
        if self.cluster is not None:
            self.cluster.shutdown()
        self.cluster, self.nodes = None, []

    def start(self) -> "subprocess.Popen[str]":
        """Start a scan."""
        command = [sys.executable, "-m", "benkit", "scan", self.archive, "--output", self.output]
        command += ["--engine", "ray", "--ray-address", self.cluster.address, "--full", "--quiet"]
        return subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def workers(self) -> list[int]:
        """Processes of the nodes that work at this moment."""
        return [
            worker
            for node in self.nodes
            for raylet in node.all_processes["raylet"]
            for worker in children_of(raylet.process.pid)
            if command_of(worker).startswith(b"ray::function_of_chunk")
        ]

    def kill_worker(self, chance: random.Random) -> bool:
        """Kill a process that works; returns whether there was one."""
        workers = self.workers()
        if workers:
            os.kill(chance.choice(workers), signal.SIGKILL)
        return bool(workers)

    def kill_node(self, chance: random.Random) -> bool:
        """Kill a node and all its processes."""
        node = self.nodes.pop(chance.randrange(len(self.nodes)))
        self.cluster.remove_node(node, allow_graceful=False)
        return True

    def kill_nodes(self, chance: random.Random) -> bool:
        """Kill all nodes but the head."""
        for _ in range(len(self.nodes)):
            self.kill_node(chance)
        return True

    def kill_head(self, _: random.Random) -> bool:
        """Kill the head and all its processes."""
        for processes in self.cluster.head_node.all_processes.values():
            for process in processes:
                os.kill(process.process.pid, signal.SIGKILL)
        return True


def children_of(process: int) -> list[int]:
    """Processes that a process has started."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdecimal() and _parent_of(entry) == process:
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def _parent_of(entry: Path) -> int:
    return int((entry / "stat").read_text().rpartition(")")[2].split()[1])


def command_of(process: int) -> bytes:
    """Command line of a process; empty if it has ended."""
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""


Kill = tuple[str, float, Callable[[random.Random], bool]]  # of what, when in seconds, and how


def kill_while(ground: Ground, kills: list[Kill], chance: random.Random) -> dict[str, Any]:
    """Scan, and kill when the work has begun; returns what was killed and how it ended."""
    ground.heal()
    ground.output.unlink(missing_ok=True)
    scan = ground.start()
    begin = time.monotonic()
    while scan.poll() is None and not ground.workers() and time.monotonic() - begin < _LONGEST:
        time.sleep(0.02)
    began = time.monotonic()
    killed = []
    for what, moment, kill in sorted(kills, key=lambda kill: kill[1]):
        time.sleep(max(0, began + moment - time.monotonic()))
        while what == "worker" and scan.poll() is None and not ground.workers():
            time.sleep(0.005)
        running = scan.poll() is None
        killed += [what] if kill(chance) and running else []
    try:
        said = scan.communicate(timeout=_LONGEST)[1].strip()
    except subprocess.TimeoutExpired:
        scan.kill()
        said = "took too long: " + scan.communicate()[1].strip()
    seconds = {"seconds": time.monotonic() - begin, "working": time.monotonic() - began}
    return {"killed": killed, "outcome": outcome_of(ground, scan.returncode, said)} | seconds


def outcome_of(ground: Ground, status: int, said: str) -> str:
    """What a scan gave, in one of the allowed ways; or what is wrong."""
    if status == 0:
        same = ground.output.exists() and ground.output.read_bytes() == ground.expected
        return "same bytes" if same else "fault: other bytes"
    if status != 2 or ground.output.exists() or not said.startswith("benkit: ") or "\n" in said:
        return f"fault: status {status}, {said}"
    return said.removeprefix("benkit: ").replace(str(ground.cluster.address), "ADDRESS")


def try_all(ground: Ground, scans: int, lost: int, chance: random.Random) -> dict[str, Any]:
    """Kill in all scans; returns what was seen, as counts."""
    undisturbed = kill_while(ground, [], chance)
    assert undisturbed["outcome"] == "same bytes", undisturbed
    length = undisturbed["working"]
    found = []
    for number in range(scans + 2 * lost):
        moments = [chance.uniform(0, length * 0.9) for _ in range(2)]
        kills: list[Kill] = [
            ("worker", moments[0], lambda chance: ground.kill_worker(chance)),
            ("node", moments[1], lambda chance: ground.kill_node(chance)),
        ]
        if number >= scans + lost:
            kills = [("head", moments[0], lambda chance: ground.kill_head(chance))]
        elif number >= scans:
            kills = [("all nodes", moments[0], lambda chance: ground.kill_nodes(chance))]
        seen = kill_while(ground, kills, chance)
        if "head" in seen["killed"]:
            ground.end()
        if seen["outcome"] != "same bytes":
            again = kill_while(ground, [], chance)["outcome"]
            seen["outcome"] += "" if again == "same bytes" else f"; fault: and then {again}"
        found.append(seen)
        print(f"{number + 1}: {seen}", file=sys.stderr, flush=True)
    return {
        "scans": len(found),
        "seconds undisturbed": round(undisturbed["seconds"], 1),
        "seconds at most": round(max(seen["seconds"] for seen in found), 1),
        "killed while the scan was under way": Counter(w for seen in found for w in seen["killed"]),
        "outcomes": {
            what: Counter(seen["outcome"] for seen in found[some])
            for what, some in (
                ("a worker and a node", slice(scans)),
                ("all nodes", slice(scans, scans + lost)),
                ("the head", slice(scans + lost, None)),
            )
        },
        "faults": [seen["outcome"] for seen in found if "fault: " in seen["outcome"]],
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scans", type=int, default=20)
    parser.add_argument("--lost", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    parent = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(prefix="ray-kills-", dir=parent) as folder:
        ground = Ground(Path(folder))
        try:
            chance = random.Random(options.seed)
            result = try_all(ground, options.scans, options.lost, chance)
        finally:
            ground.end()
    print(json.dumps(result, indent=1))
    return 1 if result["faults"] else 0


if __name__ == "__main__":
    sys.exit(main())
