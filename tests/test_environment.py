"""What stands beside the code: the second environment, the workflow file, the git hook."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

import benkit
from tests.conftest import ROOT


def test_the_second_environment_takes_python_and_pip_from_conda_and_all_else_from_the_lock():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))
    assert environment.keys() == {"name", "channels", "dependencies"}
    assert environment["channels"] == ["conda-forge"]
    python, pip, pip_part = environment["dependencies"]
    assert pip == "pip"
    assert pip_part == {"pip": ["--require-hashes", "--only-binary=:all:", "-r requirements.lock"]}
    version = re.fullmatch(r"python=(\d+\.\d+\.\d+)", python)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert version
    assert version[1] in SpecifierSet(project["requires-python"])


# conda-forge's names where they are others than those of the package index.
CONDA_FORGE = {
    "duckdb": "python-duckdb",
    "matplotlib": "matplotlib-base",
    "dask": "dask-core",
    "ray": "ray-core",
}


def test_the_conda_forge_environment_has_the_declared_libraries_and_their_lower_bounds():
    environment = yaml.safe_load((ROOT / "environment-conda-forge.yml").read_text("utf-8"))
    assert environment["channels"] == ["conda-forge"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    declared = [Requirement(one) for one in project["dependencies"]]
    wanted = {CONDA_FORGE.get(one.name, one.name): one.specifier for one in declared}
    python, *libraries = environment["dependencies"]
    assert python.startswith("python=3.")
    found = [Requirement(one) for one in libraries]
    assert {one.name: one.specifier for one in found} == wanted


def test_one_python_is_recommended_everywhere():
    recommended = (ROOT / ".python-version").read_text("utf-8").strip()
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert f"RECOMMENDED_FIRST := python{recommended} " in makefile
    for name in ("environment.yml", "environment-conda-forge.yml"):
        assert f"- python={recommended}" in (ROOT / name).read_text("utf-8"), name
    for document in ("README.md", "course/report.typ"):
        text = (ROOT / document).read_text("utf-8")
        assert set(re.findall(r"py (?:-|install )(3\.\d+)", text)) == {recommended}, document


def test_the_lock_names_the_interpreters_that_it_tells_apart():
    """Which Python runs decides which versions are installed: every such entry says so."""
    markers = {}
    for line in (ROOT / "requirements.lock").read_text("utf-8").splitlines():
        if line[:1].isalpha():
            requirement = Requirement(line.removesuffix("\\"))
            markers.setdefault(requirement.name, []).append(requirement.marker)
    for name, found in markers.items():
        for minor in (11, 12, 13, 14):
            full = {"python_full_version": f"3.{minor}.0", "python_version": f"3.{minor}"}
            fitting = [marker for marker in found if marker is None or marker.evaluate(full)]
            assert len(fitting) <= 1, f"{name} is there twice for Python 3.{minor}"


def test_the_public_workflow_runs_the_same_command():
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8"))
    steps = workflow["jobs"]["test"]["steps"]
    assert [step["run"] for step in steps if "run" in step] == [".ci/run"]
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_the_version_stands_in_one_place_and_the_citation_names_it():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["dynamic"] == ["version"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert citation["version"] == benkit.__version__
    assert citation["license"] == "MIT"
    assert project["license"] == "MIT AND BSD-2-Clause", "that of Leaflet, which the wheel has"
    changes = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert re.search(r"^## ([\d.]+)$", changes, re.MULTILINE)[1] == benkit.__version__


@pytest.fixture
def small_repository(tmp_path: Path) -> Path:
    """A repository with the hook turned on, as `make hooks` does, and this environment's tools."""
    (tmp_path / "benkit").mkdir()
    (tmp_path / "benkit" / "__init__.py").write_text('"""A package."""\n')
    (tmp_path / "main.py").write_text('"""A script."""\n')
    shutil.copytree(ROOT / "hooks", tmp_path / "hooks")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / ".gitignore").write_text("/.venv\n/untracked-files/\n")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "config", "core.hooksPath", "hooks")
    return tmp_path


def git(folder: Path, *command: str) -> subprocess.CompletedProcess:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b")
    environment = {name: value for name, value in os.environ.items() if name[:4] != "GIT_"}
    return subprocess.run(
        ["git", *identity, *command], cwd=folder, env=environment, capture_output=True, text=True
    )


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ('"""A script."""\nx  = 1\n', "not formatted"),
        ('"""A script."""\n\nimport os\n', "imported but unused"),
        ('"""A script."""\n\nx: int = ""\n', "Incompatible types in assignment"),
    ],
    ids=["format", "lint", "types"],
)
def test_the_hook_refuses_a_commit(small_repository, code, said):
    (small_repository / "main.py").write_text(code)
    git(small_repository, "add", ".")
    refused = git(small_repository, "commit", "--message", "Change")
    assert refused.returncode == 1
    assert said in refused.stdout + refused.stderr


def test_the_hook_lets_a_clean_commit_pass_and_asks_for_its_tools(small_repository):
    git(small_repository, "add", ".")
    passed = git(small_repository, "commit", "--message", "Begin")
    assert passed.returncode == 0, passed.stderr
    (small_repository / ".venv").unlink()
    refused = git(small_repository, "commit", "--message", "Go on", "--allow-empty")
    assert refused.returncode == 1
    assert "'make test' installs them" in refused.stderr


def test_make_hooks_turns_on_the_folder_of_the_hook():
    assert os.access(ROOT / "hooks" / "pre-commit", os.X_OK)
    assert "\tgit config core.hooksPath hooks\n" in (ROOT / "Makefile").read_text("utf-8")
