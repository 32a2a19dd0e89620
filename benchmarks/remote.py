"""Scans of a remote archive: the same inventory, whatever the server does, and how fast.

    PYTHONPATH=. .venv/bin/python benchmarks/remote.py [--patches 2000]

The server is rclone on this machine, which speaks S3; the faulty one lies between it and the scan, in
Python. Requests on this machine take no time on the way, so the figures tell what they cost, not how
long a real network takes. Beside it: what people do today, rasterio on bytes that fsspec (obstore's file
system) has fetched, in as many processes.
"""

import argparse
import http.client
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.scan import PLACE, ROOT, WORKERS, files_of, make_archive
from tests.remote import CREDENTIALS, Faults, faulty, s3_server, web_server

THREADS = 16


def benkit_scan(archive: str, output: Path) -> float:
    """Seconds of a whole scan with its start-up."""
    command = [sys.executable, "-m", "benkit", "scan", archive, "--json", "--no-progress", "--full"]
    command += ["--output", str(output), "--workers", str(WORKERS)]
    start = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    assert json.loads(done.stdout)["patches"], "something was scanned"
    return time.perf_counter() - start


def rasterio_on_fsspec(arguments: tuple[str, list[str]]) -> int:
    """Sum of all pixels, one file after the other, as a data set class reads them."""
    from obstore.fsspec import FsspecStore
    from rasterio import MemoryFile

    endpoint, keys = arguments
    files = FsspecStore(
        "s3",
        endpoint=endpoint,
        access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        region="us-east-1",
        client_options={"allow_http": True},
    )
    total = 0
    for key in keys:
        with MemoryFile(files.cat_file(key)) as file, file.open() as source:
            pixels = source.read(1)
            total += int(pixels[pixels != source.nodata].sum(dtype="uint64"))
    return total


def fsspec_and_rasterio(endpoint: str, keys: list[str]) -> float:
    start = time.perf_counter()
    parts = [(endpoint, keys[i::WORKERS]) for i in range(WORKERS)]
    with multiprocessing.get_context("spawn").Pool(WORKERS) as pool:
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
                equal = inventory.read_bytes() == (folder / "disk").read_bytes()
                same = "same inventory" if equal else "ANOTHER INVENTORY"
                failed.extend([] if equal else [what])
            print(
                f"{what:44} {seconds:7.1f} s {len(names) / seconds:8,.0f} files/s  {same}",
                flush=True,
            )

        print(f"{patches:,} patches, {len(names):,} files, {WORKERS} processes")
        report("benkit, from disk", benkit_scan(str(archive), folder / "disk"))
        endpoint = "s3://archive?endpoint_override="
        report("benkit, S3", benkit_scan(endpoint + s3, folder / "s3"), folder / "s3")
        slow = fsspec_and_rasterio(s3, [f"archive/{name}" for name in names])
        report("fsspec + rasterio, S3", slow)
        for what, faults in (
            ("through a proxy", Faults(every=10**9)),
            ("5 % of requests fail", Faults(every=20)),
            ("the same, stops for 5 s", Faults(every=20, stop_after=len(names), seconds=5)),
        ):
            with faulty(s3, faults) as address:
                took = benkit_scan(endpoint + address, folder / "faulty")
            report(f"benkit, S3, {what}", took, folder / "faulty")
            print(f"    {faults.failed:,} of {faults.requests:,} requests failed")
        with web_server(archive) as web:
            report("GET alone, web server", bare_requests(web, [f"/{name}" for name in names]))
            report("benkit, web server", benkit_scan(web, folder / "web"), folder / "web")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
