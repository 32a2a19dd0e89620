"""Run every command that the talk on dependency management shows, and keep what it printed.

    .venv/bin/python -m course.dependency_facts

Writes its section of ``course/facts.json``. Runs on Linux with gcc, binutils and gdal-bin, and asks the
package index for the names of the lock's wheels and for two of them. Of the outputs only paths of this
machine are shortened, and addresses (of memory and of downloads) left out.
"""

import os
import re
import subprocess
import sys
import time
import tomllib
import zipfile
from collections import Counter
from pathlib import Path

from packaging import tags
from packaging.markers import Marker
from packaging.utils import parse_wheel_filename

from course.facts_file import DEPENDENCY, write_section

ROOT = Path(__file__).resolve().parents[1]
SCRATCH = ROOT / "untracked-files" / "facts"
SITE = f".venv/lib/python3.{sys.version_info.minor}/site-packages"
LINUX_X86, LINUX_ARM = "Linux, x86-64", "Linux, Arm"
MAC_ARM, MAC_ARM_14 = "macOS 15, Apple silicon", "macOS 14, Apple silicon"
MAC_INTEL, WINDOWS, MUSL = "macOS 15, Intel", "Windows, x86-64", "Alpine Linux (musl), x86-64"
PLATFORMS = (LINUX_X86, LINUX_ARM, MAC_ARM, MAC_ARM_14, MAC_INTEL, WINDOWS, MUSL)

C_PROGRAM = """#include <math.h>
#include <stdio.h>
int main(int argc, char **argv) { printf("%.3f\\n", sqrt(argc + 1.0)); return 0; }
"""

TAMPER = "sed -n '/^affine/,/via$/p' requirements.lock | sed s/cda3b303/cda3b304/ > tampered.lock"
COMMANDS = {
    "prefix": '.venv/bin/python -c "import sys; print(sys.prefix, sys.base_prefix, sep=chr(10))"',
    "pyvenv": "cat .venv/pyvenv.cfg",
    "sys_path": '.venv/bin/python -c "import sys; print(*sys.path[1:], sep=chr(10))"',
    "pythonpath": 'PYTHONPATH=elsewhere .venv/bin/python -c "import pandas"',
    "isolated": "PYTHONPATH=elsewhere .venv/bin/python -I -c "
    '"import pandas; print(pandas.__version__)"',
    "pythonhome": "PYTHONHOME=/nowhere .venv/bin/python -c 1 2>&1 | grep Fatal",
    "lock_entry": "sed -n '/^affine/,/^appdirs/{/^appdirs/!p}' requirements.lock | cut -c1-62",
    "lock_rasterio": "grep ^rasterio== requirements.lock",
    "tampered": f"{TAMPER}; pip install --no-cache-dir --force-reinstall --no-deps --require-hashes "
    "-r tampered.lock | grep -E 'Downloading|Successfully'",
    "tampered_wheel": "pip install -q --force-reinstall --no-deps --require-hashes --only-binary :all: "
    "-r tampered.lock 2>&1 | grep -E 'ERROR|Expected|Got' | cut -c1-62",
    "wheel_programs": "python -m zipfile -l RASTERIO_WHEEL | grep -cE '[ /](bin|scripts)/|\\.exe'",
    "wheel_scripts": f"head -2 {SITE}/rasterio-*.dist-info/entry_points.txt",
    "no_gdalinfo": 'PATH=.venv/bin python -c "import subprocess; '
    "subprocess.run(['gdalinfo', '--version'])\" 2>&1 | tail -1",
    "gdal_of_system": "gdalinfo --version",
    "gdal_of_rasterio": '.venv/bin/python -c "import rasterio; print(rasterio.__gdal_version__)"',
    "gdal_of_pyogrio": '.venv/bin/python -c "import pyogrio; print(pyogrio.__gdal_version_string__)"',
    "proj_data": 'PROJ_DATA=/usr/share/proj .venv/bin/python -c "'
    'from rasterio.crs import CRS; CRS.from_epsg(3035)" 2>&1 | tail -1',
    "shell": "python -c \"import subprocess; subprocess.run('gdalinfo --version; echo and this ran', "
    'shell=True)"',
    "static_and_dynamic": "gcc -O1 root.c -lm -o dynamic; gcc -O1 root.c -static -lm -o static; "
    "wc -c < dynamic; wc -c < static",
    "ldd_dynamic": "ldd dynamic",
    "ldd_static": "ldd static 2>&1",
    "ldd_rasterio": f"ldd {SITE}/rasterio/_base.*.so | grep -v rasterio.libs",
    "ldd_gdalinfo": "ldd $(command -v gdalinfo) | grep -c '=>'",
    "rpath": f"readelf -d {SITE}/rasterio/_base.*.so | grep -E 'RPATH|RUNPATH|libgdal'",
    "glibc": f"objdump -T {SITE}/rasterio/*.so {SITE}/rasterio.libs/* | "
    "grep -oE 'GLIBC_[0-9.]+' | sort -uV | tail -1",
    "glibc_here": "ldd --version | head -1",
    "copies_of_proj": f"cd {SITE} && ls */libproj* && ls */libgdal*",
    "variables": '.venv/bin/python -c "import os; before = set(os.environ); import rasterio; '
    'print(*sorted(set(os.environ) - before), sep=chr(10))"',
}


def main() -> int:
    """Run everything and write the facts."""
    (SCRATCH / "elsewhere").mkdir(parents=True, exist_ok=True)
    (SCRATCH / "elsewhere" / "pandas.py").write_text(
        'raise SystemExit("this is not the pandas of the lock")\n', "utf-8"
    )
    (SCRATCH / "root.c").write_text(C_PROGRAM, "utf-8")
    for name in (".venv", "requirements.lock"):
        (SCRATCH / name).unlink(missing_ok=True)
        (SCRATCH / name).symlink_to(ROOT / name)
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(SCRATCH / "pip")], check=True)
    wheel = download("rasterio")
    facts: dict[str, object] = {
        "commands": {
            name: {
                "command": command.replace("RASTERIO_WHEEL", wheel.name),
                "output": output_of(command.replace("RASTERIO_WHEEL", f"wheels/{wheel.name}")),
            }
            for name, command in COMMANDS.items()
        },
        "wheel": contents(wheel),
        "lock": counts_of_lock(),
        "platforms": platforms(),
        "uv_seconds": seconds_of_uv(),
    }
    write_section(DEPENDENCY, facts)
    return 0


def output_of(command: str) -> str:
    """What a shell prints, on both streams, with the paths of this machine shortened."""
    leave = ("PYTHONPATH", "PROJ_DATA", "PROJ_LIB", "GDAL_DATA", "PIP_FIND_LINKS", "VIRTUAL_ENV")
    environment = {name: value for name, value in os.environ.items() if name not in leave}
    environment["PATH"] = f"{SCRATCH}/pip/bin:{environment['PATH']}"
    environment["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    said = subprocess.run(
        command, cwd=SCRATCH, env=environment, shell=True, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ).stdout  # fmt: skip
    lines = [line for line in said.splitlines() if not line.startswith("WARNING: Location")]
    said = "\n".join(lines).strip("\n")
    for path, short in shortened():
        said = said.replace(path, short)
    said = re.sub(r" from https?://\S+ \(from [^)]*\)\)?", "", said)
    return re.sub(r" \(0x[0-9a-f]+\)", "", said)


def shortened() -> list[tuple[str, str]]:
    """Paths of this machine and what stands for them."""
    base = str(Path(sys.base_prefix))
    return [
        (str(SCRATCH) + "/", ""),
        (str((ROOT / ".venv").resolve()), ".venv"),
        (str(ROOT), "~/benkit"),
        (str(Path(base).resolve()), "~/python"),
        (base, "~/python"),
        (str(Path.home()), "~"),
    ]


def download(package: str) -> Path:
    """The wheel of the lock that fits here, checked against the lock's hashes."""
    folder = SCRATCH / "wheels"
    found = sorted(folder.glob(f"{package}-*.whl"))
    if not found:
        entries = re.split(r"\n(?=\S)", (ROOT / "requirements.lock").read_text("utf-8"))
        (SCRATCH / "one.lock").write_text(
            "\n".join(entry for entry in entries if entry.startswith(f"{package}==")), "utf-8"
        )
        output_of("pip download --no-deps --require-hashes -r one.lock -d wheels")
        found = sorted(folder.glob(f"{package}-*.whl"))
    return found[0]


def contents(wheel: Path) -> dict[str, object]:
    """What a wheel holds: kinds of files, vendored libraries and their sizes, programs."""
    with zipfile.ZipFile(wheel) as archive:
        files = [entry for entry in archive.infolist() if not entry.is_dir()]
        executables = [
            entry.filename
            for entry in files
            if archive.read(entry)[:4] == b"\x7fELF" and ".so" not in entry.filename
        ]
    libraries = {
        Path(entry.filename).name: entry.file_size for entry in files if ".libs/" in entry.filename
    }
    return {
        "name": wheel.name,
        "bytes": wheel.stat().st_size,
        "files": len(files),
        "unpacked_bytes": sum(entry.file_size for entry in files),
        "programs": executables,
        "extension_modules": sum(
            entry.filename.endswith(".so") and ".libs/" not in entry.filename for entry in files
        ),
        "libraries": dict(sorted(libraries.items(), key=lambda item: -item[1])),
        "library_bytes": sum(libraries.values()),
    }


def seconds_of_uv() -> int:
    """How long uv takes to install the lock into a new environment, its cache filled."""
    install = (
        "rm -rf uv && .venv/bin/python -m uv venv --quiet uv && .venv/bin/python -m uv pip install "
        "--quiet --python uv/bin/python --require-hashes -r requirements.lock"
    )
    output_of(install)
    start = time.monotonic()
    output_of(install)
    seconds = round(time.monotonic() - start)
    output_of("rm -rf uv")
    return seconds


def counts_of_lock() -> dict[str, int]:
    """How much the two locks hold."""
    counts = {}
    for name in ("requirements.lock", "requirements-dev.lock"):
        text = (ROOT / name).read_text("utf-8")
        key = name.partition(".")[0].replace("-", "_")
        counts[f"{key}_packages"] = len(set(re.findall(r"^([a-z0-9-]+)==", text, re.MULTILINE)))
        counts[f"{key}_hashes"] = text.count("--hash=sha256:")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return counts | {"declared": len(project["dependencies"])}


def platforms() -> dict[str, object]:
    """For every platform and Python: which files of the lock it would take."""
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    everything = SCRATCH / "everything.lock"  # source archives are to be counted too
    everything.write_text(lock.replace("--only-binary :all:\n", ""), "utf-8")
    listed = subprocess.run(
        [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal", "--no-header",
         "--no-deps", "--generate-hashes", "--python-version", "3.11", "--format", "pylock.toml",
         str(everything)],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    packages = tomllib.loads(listed)["packages"]
    table = {
        name: {f"3.{minor}": chosen(packages, name, minor, lock) for minor in (11, 12, 13, 14)}
        for name in PLATFORMS
    }
    kinds = Counter(
        file.rpartition("-")[2].removesuffix(".whl")
        for file in table[LINUX_X86]["3.12"]["files"].values()
    )
    return {
        "table": {
            name: {python: {key: value for key, value in row.items() if key != "files"}
                   for python, row in rows.items()}
            for name, rows in table.items()
        },
        "examples": {
            package: {name: rows["3.12"]["files"].get(package) for name, rows in table.items()}
            for package in ("rasterio", "numpy", "ray", "duckdb", "affine")
        },
        "source_only": sorted(p["name"] for p in packages if not p.get("wheels")),
        "without_source": sorted({p["name"] for p in packages if not p.get("sdist")}),
        "kinds_of_wheels_on_linux": dict(kinds.most_common()),
    }  # fmt: skip


def chosen(packages: list[dict], platform: str, minor: int, lock: str) -> dict:
    """The file of every package that pip would take on a platform, if the lock holds its hash."""
    order = {tag: place for place, tag in enumerate(tags_of(platform, minor))}
    environment = markers_of(platform, minor)
    needed, files, size, missing, other_hash = 0, {}, 0, [], []
    for package in packages:
        if "marker" in package and not Marker(package["marker"]).evaluate(environment):
            continue
        needed += 1
        fitting = []
        for wheel in package.get("wheels", []):
            name = wheel["url"].rpartition("/")[2].replace("%2B", "+")
            places = [order[tag] for tag in parse_wheel_filename(name)[3] if tag in order]
            if places:
                fitting.append((min(places), name, wheel))
        if not fitting:
            missing.append(package["name"])
            continue
        _, name, wheel = min(fitting, key=lambda found: found[0])
        files[package["name"]] = name
        size += wheel["size"]
        if wheel["hashes"]["sha256"] not in lock:
            other_hash.append(package["name"])
    assert not other_hash, f"the lock lacks the hashes of {other_hash}"
    return {
        "needed": needed, "with_wheel": len(files), "missing": missing,
        "megabytes": round(size / 1e6), "files": files,
    }  # fmt: skip


def tags_of(platform: str, minor: int) -> list[tags.Tag]:
    """The tags that pip on a platform accepts, best first."""
    glibc = [f"manylinux_2_{n}" for n in range(36, 16, -1)] + ["manylinux2014"]
    names = {
        LINUX_X86: [f"{tag}_x86_64" for tag in [*glibc, "manylinux2010", "manylinux1"]],
        LINUX_ARM: [f"{tag}_aarch64" for tag in glibc],
        MAC_ARM: list(tags.mac_platforms((15, 0), "arm64")),
        MAC_ARM_14: list(tags.mac_platforms((14, 0), "arm64")),
        MAC_INTEL: list(tags.mac_platforms((15, 0), "x86_64")),
        WINDOWS: ["win_amd64"],
        MUSL: ["musllinux_1_2_x86_64", "musllinux_1_1_x86_64"],
    }[platform]
    interpreter = f"cp3{minor}"
    return [
        *tags.cpython_tags((3, minor), [interpreter], names),
        *tags.compatible_tags((3, minor), interpreter, names),
    ]


def markers_of(platform: str, minor: int) -> dict[str, str]:
    """The values of the environment markers on a platform."""
    words = platform.lower()
    system = next((name for name in ("Windows", "Linux") if name in platform), "Darwin")
    arm = "arm64" if system == "Darwin" else "aarch64"
    machine = arm if "arm" in words or "apple" in words else "x86_64"
    return {
        "platform_system": system,
        "sys_platform": {"Darwin": "darwin", "Windows": "win32"}.get(system, "linux"),
        "os_name": "nt" if system == "Windows" else "posix",
        "platform_machine": "AMD64" if system == "Windows" else machine,
        "python_version": f"3.{minor}",
        "python_full_version": f"3.{minor}.1",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }


if __name__ == "__main__":
    sys.exit(main())
