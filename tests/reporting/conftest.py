"""A real browser for the tests of pages: Debian's chromium."""

import os
import shutil
import subprocess

import pytest

INSTALL = ["apt-get", "install", "-y", "-qq", "chromium"]
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-gpu-compositing"]
"""To imitate a graphics card takes a fifth of the time of these tests."""

HOW = "there is no chromium; install it, on Debian with `apt-get install chromium`"


@pytest.fixture(scope="package")
def browser():
    from playwright.sync_api import sync_playwright

    if not shutil.which("chromium") and shutil.which("apt-get") and os.geteuid() == 0:
        for command in (["apt-get", "update", "-qq"], INSTALL):
            subprocess.run(command, check=False, capture_output=True)
    path = shutil.which("chromium")
    if path is None:
        assert os.environ.get("CI") != "true", HOW
        pytest.skip(HOW)
    with sync_playwright() as playwright:
        with playwright.chromium.launch(executable_path=path, args=ARGUMENTS) as launched:
            yield launched
