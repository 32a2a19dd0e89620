"""Scans of a remote archive: the same inventory, whatever the server does, and how fast.

    PYTHONPATH=. .venv/bin/python benchmarks/remote.py [--patches 2000]

The server is rclone on this machine, which speaks S3; the faulty one lies between it and the scan, in
Python. Requests on this machine take no time on the way, so these figures tell what they cost, not how
long a real network takes. For that there is a server of tests that delays each request by 20 ms. All
share the cores with what they are asked by, so the seconds of processors are told of each scan.
Beside them: what people do today, rasterio on bytes that fsspec (obstore's file system) has fetched, one
file after the other or with `cat` of many, in as many processes. The command fails where an inventory is
another than that from disk, or where the scan with delays is not 25 times as fast as one file after the
other.
"""

import argparse
import http.client
import json
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.scan import PLACE, ROOT, WORKERS, files_of, make_archive
from tests.remote import CREDENTIALS, Faults, delaying, faulty, s3_server, web_server

THREADS = 16
DELAY, TIMES = 0.02, 25
ONE_BY_ONE = 1200  # files, read one after the other
AT_ONCE = 256


def processor_seconds() -> float:
    """Of all processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def benkit_scan(archive: str, output: Path) -> float:
    """Seconds of a whole scan with its start-up."""
    before = processor_seconds()
    command = [sys.executable, "-m", "benkit", "scan", archive, "--json", "--no-progress", "--full"]
    command += ["--output", str(output), "--workers", str(WORKERS)]
    start = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    assert json.loads(done.stdout)["patches"], "something was scanned"
    took = time.perf_counter() - start
    print(f"    {processor_seconds() - before:.1f} s of processors")
    return took


def with_delays(buckets: Path, names: list[str], output: Path) -> tuple[float, float]:
    """Files a second of a scan and of one file after the other, where each request takes longer."""
    with delaying(buckets, DELAY) as (address, counts):
        took = benkit_scan(f"s3://archive?endpoint_override={address}", output)
    print(f"    requests: {dict(counts)}")
    with delaying(buckets, DELAY) as (address, _):
        keys = [f"archive/{name}" for name in names]
        some = keys[: 5 * ONE_BY_ONE]
        bulk = fsspec_and_rasterio(address, some, AT_ONCE)
        alone = fsspec_and_rasterio(address, keys[:ONE_BY_ONE], 1, 1)
    print(f"    fsspec + rasterio, cat of {AT_ONCE} files{len(some) / bulk:12,.0f} files/s")
    return len(names) / took, min(ONE_BY_ONE, len(names)) / alone


def rasterio_on_fsspec(arguments: tuple[str, list[str], int]) -> int:
    """Sum of all pixels, so many files at a time, as a data set class reads them."""
    from obstore.fsspec import FsspecStore
    from rasterio import MemoryFile

    endpoint, keys, at_once = arguments
    files = FsspecStore(
        "s3",
        endpoint=endpoint,
        access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        region="us-east-1",
        client_options={"allow_http": True},
    )
    total = 0
    for first in range(0, len(keys), at_once):
        for content in files.cat(keys[first : first + at_once]).values():
            with MemoryFile(content) as file, file.open() as source:
                pixels = source.read(1)
                total += int(pixels[pixels != source.nodata].sum(dtype="uint64"))
    return total


def fsspec_and_rasterio(
    endpoint: str, keys: list[str], at_once: int = 1, processes: int = WORKERS
) -> float:
    start = time.perf_counter()
    parts = [(endpoint, keys[i::processes], at_once) for i in range(processes)]
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        assert all(pool.map(rasterio_on_fsspec, parts)), "pixels were read"
    return time.perf_counter() - start


def bare_requests(address: str, paths: list[str]) -> float:
    """Seconds to get all files from a web server of the same kind, and to do nothing with them."""
    host = address.removeprefix("http://")

    def get(some: list[str]) -> None:
        connection = http.client.HTTPConnection(host)
        for path in some:
            connection.request("GET", quote(path))
            connection.getresponse().read()

    start = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(get, [paths[i::THREADS] for i in range(THREADS)]))
    return time.perf_counter() - start


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--patches", type=int, default=2000)
    patches = parser.parse_args().patches
    os.environ.update(CREDENTIALS)
    buckets = PLACE / f"remote-{patches}"
    archive = make_archive(buckets, patches)
    names = [str(Path(file).relative_to(archive)) for file in files_of(archive)]
    failed = []
    with tempfile.TemporaryDirectory() as place, s3_server(buckets, fixed=True) as s3:
        folder = Path(place)

        def report(what: str, seconds: float, inventory: Path | None = None) -> None:
            same = ""
            if inventory is not None:
                equal = inventory.read_bytes() == (folder / "disk.parquet").read_bytes()
                same = "same inventory" if equal else "ANOTHER INVENTORY"
                failed.extend([] if equal else [what])
            print(
                f"{what:44} {seconds:7.1f} s {len(names) / seconds:8,.0f} files/s  {same}",
                flush=True,
            )

        print(f"{patches:,} patches, {len(names):,} files, {WORKERS} processes")
        report("benkit, from disk", benkit_scan(str(archive), folder / "disk.parquet"))
        endpoint = "s3://archive?endpoint_override="
        report(
            "benkit, S3", benkit_scan(endpoint + s3, folder / "s3.parquet"), folder / "s3.parquet"
        )
        slow = fsspec_and_rasterio(s3, [f"archive/{name}" for name in names])
        report("fsspec + rasterio, S3", slow)
        for what, faults in (
            ("through a proxy", Faults(every=10**9)),
            ("5 % of requests fail", Faults(every=20)),
            ("the same, stops for 5 s", Faults(every=20, stop_after=len(names), seconds=5)),
        ):
            with faulty(s3, faults) as address:
                took = benkit_scan(endpoint + address, folder / "faulty.parquet")
            report(f"benkit, S3, {what}", took, folder / "faulty.parquet")
            print(f"    {faults.failed:,} of {faults.requests:,} requests failed")
        with web_server(archive) as web:
            report("GET alone, web server", bare_requests(web, [f"/{name}" for name in names]))
            report(
                "benkit, web server",
                benkit_scan(web, folder / "web.parquet"),
                folder / "web.parquet",
            )
        scanned, alone = with_delays(buckets, names, folder / "late.parquet")
        report(
            f"benkit, S3, {DELAY * 1000:g} ms later", len(names) / scanned, folder / "late.parquet"
        )
        print(f"one after the other {alone:,.0f} files/s: {scanned / alone:.0f} times as fast")
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"the largest of all processes took {largest:,.0f} MB")
    return 1 if failed or scanned < TIMES * alone else 0


if __name__ == "__main__":
    sys.exit(main())
