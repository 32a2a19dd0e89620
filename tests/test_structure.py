"""The plan of the house, held by tests: dependencies, locks, who imports whom, who opens files."""

import ast
import re
import subprocess
import sys
import tomllib
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
THEIRS_TO_EXPOSE = {"shapely", "pyproj"}  # by geopandas
LEVELS = ["errors", "spec", "engine", "io", "verbs", "report", "cli"]
MODULES = sorted((ROOT / "benkit").rglob("*.py"))
WHEELS_ONLY = "--only-binary :all:\n\n"


def test_exactly_the_thirteen_libraries_are_declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert set(project["dependencies"]) == {f"{name}>={low}" for name, low in RUN_TIME.items()}
    assert "optional-dependencies" not in project


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


def level_of(name: str) -> int:
    """Place of a module in the one direction of imports."""
    room = name.split(".")[1]
    return LEVELS.index(room) if room in LEVELS else LEVELS.index("verbs")


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
        ("import numpy\nfrom shapely import box\nimport_module(f'benkit.cli.{verb}')", []),
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
    assert undeclared(module.read_text("utf-8")) == []


def test_the_names_of_the_package_lead_to_its_own_modules():
    from benkit import _HOMES

    assert all(home.startswith("benkit.") for home in _HOMES.values())


def test_type_checkers_see_the_names_of_the_package():
    from benkit import _HOMES

    stub = ast.parse((ROOT / "benkit" / "__init__.pyi").read_text("utf-8"))
    imports = [node for node in stub.body if isinstance(node, ast.ImportFrom)]
    seen = [(alias.asname, node.module) for node in imports for alias in node.names]
    assert sorted(seen) == sorted(_HOMES.items())


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_one_way_and_name_only_declared_libraries(module):
    name = ".".join(module.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for imported in imports_of(module):
        top = imported.split(".")[0]
        if top == "benkit":
            if name in ("benkit", "benkit.__main__") or imported == "benkit":
                continue
            assert level_of(imported) <= level_of(name), f"{name} imports {imported}"
        else:
            allowed = set(sys.stdlib_module_names) | set(RUN_TIME) | THEIRS_TO_EXPOSE
            assert top in allowed, f"{name} imports {imported}"


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
    "to_parquet", "to_csv", "read_file", "to_file", "read_table", "write_csv", "iterdir", "scandir",
}  # fmt: skip


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_are_opened_in_one_room_and_only_the_command_line_prints(module):
    place = module.relative_to(ROOT / "benkit").parts[0]
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        assert called != "print" or place == "cli", f"{module}:{node.lineno} prints"
        if called in OPENERS and place != "io":
            own = isinstance(node.func, ast.Name) and called != "open"  # a function of benkit.io
            own |= "devnull" in ast.unparse(node)
            assert own, f"{module}:{node.lineno} opens a file"


@pytest.mark.parametrize(
    ("call", "not_loaded"),
    [
        ("import benkit", {"numpy", "pyarrow", "duckdb", "polars", "rasterio", "shapely"}),
        ("import benkit.cli.common", {"numpy", "pyarrow", "duckdb", "rasterio", "multiprocessing"}),
        ("import benkit.scan", {"duckdb", "polars", "pandas", "rasterio", "shapely", "ray"}),
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
