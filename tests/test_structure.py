"""The plan of the house, held by tests: dependencies, locks, who imports whom, who opens files."""

import ast
import re
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tests.conftest import ROOT

RUN_TIME = {
    "numpy": "2.1.0",
    "pandas": "2.2.0",
    "pyarrow": "17.0.0",
    "duckdb": "1.1.0",
    "polars": "1.8.0",
    "geopandas": "1.0.0",
    "rasterio": "1.4.0",
    "rioxarray": "0.17.0",
    "geocube": "0.7.0",
    "folium": "0.16.0",
    "matplotlib": "3.9.0",
    "dask": "2024.9.0",
    "ray": "2.36.0",
}
EXTRA = {"lmdb": "1.4.1", "safetensors": "0.4.3"}
"""For an interface to another tool; no task of the course needs it."""

NEEDS_THE_EXTRA = "datasets.packs.lmdb_file"
THEIRS_TO_EXPOSE = {"shapely", "pyproj", "xarray"}  # by geopandas and rioxarray
ROOMS = [
    "errors", "option_types", "files", "domain", "engine", "tiff", "ground", "metadata", "archive",
    "reference_maps", "retiling", "inventory", "splits", "datasets", "samples", "reporting", "api",
    "cli",
]  # fmt: skip
"""The one order of imports: a room imports only from itself and from rooms to its left."""
BESIDE_ROOMS = {"errors.py", "option_types.py"}
"""Modules that lie in no room, since all of them need them."""
FILES = ["limits", "safe_names", "file_kinds", "remote", "tar", "writing", "tables"]
"""The same order within the room of files."""
MOST_MODULES = 13
"""In a folder; the verbs of the command line and of the API are one file each."""
ONE_A_VERB = {"cli.verbs", "api"}
MODULES = sorted((ROOT / "benkit").rglob("*.py"))
WHEELS_ONLY = "--only-binary :all:\n\n"


def test_exactly_the_thirteen_libraries_and_one_extra_are_declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert set(project["dependencies"]) == {f"{name}>={low}" for name, low in RUN_TIME.items()}
    assert {name: set(wanted) for name, wanted in project["optional-dependencies"].items()} == {
        "lmdb": {f"{name}>={low}" for name, low in EXTRA.items()}
    }


def test_the_run_time_lock_is_without_the_extra_and_the_development_lock_has_it():
    assert not EXTRA.keys() & entries_of("requirements.lock").keys()
    entries = entries_of("requirements-dev.lock")
    for name, low in EXTRA.items():
        assert all(version >= Version(low) for version, _ in entries[name]), name


def entries_of(lock: str) -> dict[str, list[tuple[Version, int]]]:
    """Version and number of hashes of every entry, by package."""
    entries: dict[str, list[tuple[Version, int]]] = {}
    text = (ROOT / lock).read_text("utf-8").removeprefix(WHEELS_ONLY)
    for block in re.split(r"\n(?=\S)", text):
        requirement, _, rest = block.partition("\\")
        parsed = Requirement(requirement.strip())
        (specifier,) = parsed.specifier
        assert specifier.operator == "==", block
        hashes = len(re.findall(r"--hash=sha256:[0-9a-f]{64}\b", rest))
        entries.setdefault(parsed.name, []).append((Version(specifier.version), hashes))
    return entries


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_locks_are_pinned_hashed_and_name_no_address(lock):
    entries = entries_of(lock)
    assert len(entries) > 10
    assert all(hashes for found in entries.values() for _, hashes in found)
    text = (ROOT / lock).read_text("utf-8")
    assert text.startswith(WHEELS_ONLY)
    assert "://" not in text
    assert "--index" not in text
    assert "--find-links" not in text


def test_the_lock_holds_the_declared_libraries_at_or_above_their_bounds():
    entries = entries_of("requirements.lock")
    for name, low in RUN_TIME.items():
        assert all(version >= Version(low) for version, _ in entries[name]), name


def test_the_development_lock_agrees_with_the_other():
    entries, others = entries_of("requirements.lock"), entries_of("requirements-dev.lock")
    for name in entries.keys() & others.keys():
        assert entries[name] == others[name], name
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert {Requirement(text).name for text in project["dependency-groups"]["dev"]} <= others.keys()


def imports_of(module: Path) -> set[str]:
    """Everything that a module imports, also inside functions."""
    found = set()
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: imports are absolute"
            found.add(node.module or "")
    return found


ALLOWED = set(sys.stdlib_module_names) | set(RUN_TIME) | THEIRS_TO_EXPOSE | {"benkit"}


def undeclared(code: str) -> list[str]:
    """Libraries that code imports, at any place and in any way, though they are not declared."""
    found = []
    for node in ast.walk(ast.parse(code)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        elif isinstance(node, ast.Call) and node.args:
            called = ast.unparse(node.func).split(".")[-1]
            if called in ("import_module", "__import__", "find_spec"):
                names = [ast.unparse(node.args[0]).lstrip("frb").strip("'\"")]
                names = [name for name in names if name != "_HOMES[name]"]  # of benkit itself
        found += [name for name in names if name.split(".")[0] not in ALLOWED]
    return found


@pytest.mark.parametrize(
    ("planted", "found"),
    [
        ("import numpy\nfrom shapely import box\nimport_module(f'benkit.cli.verbs.{verb}')", []),
        ("def f():\n    import scipy.stats", ["scipy.stats"]),
        ("try:\n    from requests import get\nexcept ImportError:\n    pass", ["requests"]),
        ("importlib.import_module('yaml')", ["yaml"]),
        ("__import__(name)", ["name"]),
    ],
)
def test_a_planted_import_is_found(planted, found):
    assert undeclared(planted) == found


@pytest.mark.parametrize("module", [*MODULES, ROOT / "main.py"], ids=lambda path: path.name)
def test_every_import_is_declared(module):
    found = {name.split(".")[0] for name in undeclared(module.read_text("utf-8"))}
    assert found == (set(EXTRA) if module.stem == NEEDS_THE_EXTRA.split(".")[-1] else set())


def test_the_names_of_the_package_lead_to_its_own_modules():
    from benkit import _HOMES

    assert all(home.startswith("benkit.") for home in _HOMES.values())


def test_type_checkers_see_the_names_of_the_package():
    from benkit import _HOMES

    code = ast.parse((ROOT / "benkit" / "__init__.py").read_text("utf-8"))
    (block,) = [node for node in code.body if isinstance(node, ast.If)]
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    seen = [(alias.asname, node.module) for node in imports for alias in node.names]
    assert sorted(seen) == sorted(_HOMES.items())


def dotted(module: Path) -> str:
    """Name of a module within benkit."""
    parts = module.relative_to(ROOT / "benkit").with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


NAMES = {dotted(module) for module in MODULES} - {"__init__", "__main__"}


def arrows() -> list[tuple[str, str]]:
    """Which module of benkit imports which other one, at any place of its code."""
    found = []
    for module in MODULES:
        name = dotted(module)
        if name in NAMES:
            found += [(name, imported) for imported in own_imports(module) if imported != name]
    return sorted(set(found))


def own_imports(module: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("benkit."):
            continue
        origin = (node.module or "").removeprefix("benkit.")
        names = [f"{origin}.{alias.name}" for alias in node.names]
        found |= {name if name in NAMES else origin for name in names}
    return found


def place_in_order(name: str) -> tuple[int, int]:
    """Where a module stands in the order of imports."""
    room, *rest = name.split(".")
    return ROOMS.index(room), FILES.index(rest[0]) if room == "files" and rest else -1


def folder_of(name: str) -> str:
    """Folder in which a module lies; a package lies in its own."""
    is_package = (ROOT / "benkit" / name.replace(".", "/")).is_dir()
    return name if is_package else name.rpartition(".")[0]


def circle(arrows: list[tuple[str, str]]) -> list[str]:
    """Names along a circle of arrows; empty if there is none."""
    after: dict[str, set[str]] = {}
    for start, end in arrows:
        after.setdefault(start, set()).add(end)
    done: set[str] = set()

    def follow(name: str, path: list[str]) -> list[str]:
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done:
            return []
        found = next(
            filter(None, (follow(n, [*path, name]) for n in sorted(after.get(name, ())))), []
        )
        done.add(name)
        return found

    return next(filter(None, (follow(name, []) for name in sorted(after))), [])


def test_imports_follow_the_one_order():
    to_the_right = [
        f"{name} imports {imported}"
        for name, imported in arrows()
        if place_in_order(imported) > place_in_order(name)
    ]
    assert to_the_right == []


def test_nothing_imports_in_a_circle():
    assert circle([("a", "b"), ("b", "c"), ("d", "a"), ("c", "a")]) == ["a", "b", "c", "a"]
    assert circle([("a", "b"), ("a", "c"), ("b", "c")]) == []
    assert circle(arrows()) == []
    folders = [(folder_of(name), folder_of(imported)) for name, imported in arrows()]
    assert circle([(one, other) for one, other in folders if one != other and one != ""]) == []


NAMES_TWICE = "main run"
"""Public names that mean different things in two modules, still."""


def public_names(module: Path) -> set[str]:
    """Public classes, functions and constants of a module, also aliases of types."""
    found = set()
    for node in ast.parse(module.read_text("utf-8")).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            found.add(node.name)
        is_value = isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None
        if is_value and not ast.unparse(node.value).startswith("TypeVar("):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            nested = [t.elts if isinstance(t, ast.Tuple) else [t] for t in targets]
            found |= {t.id for some in nested for t in some if isinstance(t, ast.Name)}
    return {name for name in found if not name.startswith("_")}


def test_public_names_are_unique_in_the_house():
    verbs = {dotted(module) for module in MODULES if folder_of(dotted(module)) == "cli.verbs"}
    of_modules = [public_names(module) for module in MODULES if dotted(module) not in verbs]
    of_verbs = set().union(*(public_names(m) for m in MODULES if dotted(m) in verbs))
    counts = Counter(name for names in [*of_modules, of_verbs] for name in names)
    assert sorted(name for name, count in counts.items() if count > 1) == NAMES_TWICE.split()


def test_no_room_holds_more_than_one_subject():
    counts = Counter(folder_of(name) for name in NAMES if folder_of(name) not in ONE_A_VERB)
    assert {room: count for room, count in counts.items() if count > MOST_MODULES + 1} == {}


def test_the_documents_show_the_rooms_in_their_order():
    text = (ROOT / "docs" / "development.md").read_text("utf-8")
    shown = text.split("\nbenkit/\n")[1].split("\ntests/")[0]
    names, above = [], ""
    for line in shown.splitlines():
        name = line.split()[0].rstrip("/")
        above = name if line.startswith("  ") and not line.startswith("    ") else above
        names.append(name if above == name else f"{above}.{name}")
    folders = {folder_of(name) for name in NAMES if folder_of(name)} | BESIDE_ROOMS
    assert sorted(names) == sorted(folders)
    rooms = [name.removesuffix(".py") for name in names if "." not in name or name in BESIDE_ROOMS]
    assert rooms == [room for room in ROOMS if room in rooms]


def test_only_declared_libraries_are_imported():
    allowed = set(sys.stdlib_module_names) | set(RUN_TIME) | THEIRS_TO_EXPOSE | {"benkit"}
    for module in MODULES:
        extra = set(EXTRA) if dotted(module) == NEEDS_THE_EXTRA else set()
        assert {name.split(".")[0] for name in imports_of(module)} <= allowed | extra, module


LOADERS_OF_CODE = {
    "pickle", "_pickle", "cPickle", "cloudpickle", "dill", "joblib", "marshal", "shelve", "yaml",
    "code", "codeop", "runpy", "jinja2",
}  # fmt: skip
RUNNERS_OF_CODE = {
    "eval", "exec", "compile", "execfile", "read_pickle", "to_pickle", "unpickle", "from_string",
    "register_extension_type", "load_module", "spec_from_file_location",
}  # fmt: skip


def code_loaders(code: str) -> list[str]:
    """What could run or unpickle what a file holds: modules, calls, and arguments."""
    found = []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else ""
            name = node.func.attr if isinstance(node.func, ast.Attribute) else name
            compiles = ast.unparse(node.func) == "re.compile"
            found += [name] if name in RUNNERS_OF_CODE and not compiles else []
            found += [
                keyword.arg
                for keyword in node.keywords
                if keyword.arg in ("allow_pickle", "shell")
                and ast.unparse(keyword.value) != "False"
            ]
    unsafe = LOADERS_OF_CODE | RUNNERS_OF_CODE | {"allow_pickle", "shell"}
    return [name for name in found if name.split(".")[0] in unsafe or name.split(".")[-1] in unsafe]


@pytest.mark.parametrize(
    ("planted", "found"),
    [
        ("import re, json\nre.compile('a')\nnumpy.load(f, allow_pickle=False)", []),
        ("def f():\n    import pickle", ["pickle"]),
        ("from pandas import read_pickle", ["pandas.read_pickle"]),
        ("from ray import cloudpickle", ["ray.cloudpickle"]),
        ("import multiprocessing.pickle", ["multiprocessing.pickle"]),
        ("table.eval('a')", ["eval"]),
        ("exec(text)", ["exec"]),
        ("numpy.load(f, allow_pickle=wanted)", ["allow_pickle"]),
        ("run(text, shell=True)", ["shell"]),
    ],
)
def test_a_planted_loader_of_code_is_found(planted, found):
    assert code_loaders(planted) == found


@pytest.mark.parametrize("module", [*MODULES, ROOT / "main.py"], ids=lambda path: path.name)
def test_nothing_loads_pickles_or_runs_what_files_hold(module):
    assert code_loaders(module.read_text("utf-8")) == []


OPENERS = {
    "open", "read_text", "read_bytes", "write_text", "write_bytes", "read_parquet", "read_csv",
    "to_parquet", "to_csv", "read_file", "to_file", "read_table", "write_csv", "write_table",
    "ParquetFile", "ParquetWriter", "iterdir", "scandir", "listdir", "walk", "glob", "rglob", "preadv",
    "OSFile", "memory_map",
}  # fmt: skip
OPEN_FILES = """
    archive.folder_reader
    archive.layout_file
    archive.listing
    archive.remote_band_reader
    archive.tar_band_reader
    datasets.arrays.patch_reader
    datasets.arrays.tar_patch_reader
    datasets.exporting.export_target
    datasets.exporting.place_files
    datasets.packs.arrow_file
    datasets.packs.lmdb_file
    domain.layouts
    files.remote.arrow
    files.tables.csv_file
    files.tables.features
    files.tables.geoparquet
    files.tables.parquet
    files.tables.parquet_blocks
    files.tables.table
    files.tar.folder
    files.tar.read_at
    files.tar.stream
    files.writing.replace
    files.writing.resume_folder
    files.writing.resume_remote
    files.writing.staging
    files.writing.transfer
    inventory.scanning.resume
    inventory.scanning.scan
    inventory.scanning.tar_rows
    inventory.table.inventory_file
    inventory.table.inventory_writer
    inventory.table.parts
    inventory.table.rows_by_patch
    reference_maps.map_files
    reporting.page.report
    reporting.shipped
    retiling.gdal_part
    retiling.plain_part
    retiling.scene_files
    retiling.source
    samples.encode
    samples.files
    tiff.read
"""
"""The only modules that open files or list folders."""


def openings(module: Path) -> list[str]:
    """Calls of a module that open a file, or list a folder, on this machine."""
    code = ast.parse(module.read_text("utf-8"))
    own = {
        alias.asname or alias.name
        for node in ast.walk(code)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("benkit.")
        for alias in node.names
    } | {node.name for node in ast.walk(code) if isinstance(node, ast.FunctionDef)}
    found = []
    for node in ast.walk(code):
        if isinstance(node, ast.Call):
            function = node.func
            called = (
                function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
            )
            is_own = isinstance(function, ast.Name) and called in own
            if called in OPENERS and not is_own and "devnull" not in ast.unparse(node):
                found.append(f"{called} in line {node.lineno}")
    return found


def test_files_are_opened_in_a_few_modules():
    found = {dotted(module): openings(module) for module in MODULES if openings(module)}
    assert sorted(found) == OPEN_FILES.split(), found


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_the_command_line_and_progress_that_is_asked_for_print(module):
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "print"
        ):
            assert dotted(module).startswith(("cli", "engine.progress")), f"{module} prints"


@pytest.mark.parametrize(
    ("call", "not_loaded"),
    [
        ("import benkit", {"numpy", "pyarrow", "duckdb", "polars", "rasterio", "shapely"}),
        ("import benkit.cli.common", {"numpy", "pyarrow", "duckdb", "rasterio", "multiprocessing"}),
        (
            "import benkit.inventory.scanning.scan",
            {"duckdb", "polars", "pandas", "rasterio", "shapely", "ray"},
        ),
    ],
)
def test_slow_libraries_load_only_where_they_are_used(call, not_loaded):
    code = f"{call}; import sys; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert not_loaded.isdisjoint(loaded)


def test_public_functions_take_paths_as_text_too():
    import inspect

    import benkit

    for name in benkit.__all__:
        value = getattr(benkit, name)
        if inspect.isfunction(value):
            kinds = [
                parameter.annotation for parameter in inspect.signature(value).parameters.values()
            ]
            assert Path not in kinds, name


def test_public_names_are_all_there_and_documented():
    import benkit

    for name in benkit.__all__:
        value = getattr(benkit, name)
        assert not callable(value) or value.__doc__, name
    modules = {path.stem for path in (ROOT / "benkit").iterdir()}
    assert not modules & set(benkit.__all__), "a module would hide the public name"
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        benkit.nonsense  # noqa: B018


def test_no_test_imports_from_another():
    for file in sorted((ROOT / "tests").rglob("*.py")):
        from_tests = {name for name in imports_of(file) if name.split(".")[-1].startswith("test_")}
        assert from_tests == set(), f"{file}: what tests share stands in tests/making.py"
