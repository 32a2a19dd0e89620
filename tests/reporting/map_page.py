"""Open the web map in a browser; what it asks for outside comes from packages of the same libraries."""

import io
import json
import re
import subprocess
import tarfile
from contextlib import contextmanager
from mimetypes import guess_type

import numpy as np
from matplotlib.image import imsave

NPM = re.compile(r"https://cdn\.jsdelivr\.net/npm/((?:@[^/]+/)?[^/@]+@[^/]+)/(.+)")
JQUERY = re.compile(r"https://code\.jquery\.com/jquery-([0-9.]+)\.(min\.js)")
MARKERS = re.compile(r"https://cdnjs\.cloudflare\.com/.*/(leaflet\.awesome-markers\.(?:js|css))")
ICONS = re.compile(r".*/(bootstrap-glyphicons|leaflet\.awesome\.rotate\.min)\.css")
TILES = re.compile(r"https://tile\.openstreetmap\.org/[0-9]+/[0-9]+/[0-9]+\.png")
MAP = "Object.values(window).find((one) => one instanceof L.Map)"
STILL = "window.L_DISABLE_3D = true"  # Leaflet animates neither zooming nor fading
NO_DRIFT = f"{MAP}.options.inertia = false"


def package_of(url):
    """Package with its version, and the file in it, of an address; None if no package holds it."""
    if found := NPM.fullmatch(url):
        return found[1], found[2]
    if found := JQUERY.fullmatch(url):
        return f"jquery@{found[1]}", f"dist/jquery.{found[2]}"
    if found := MARKERS.fullmatch(url):
        return "leaflet.awesome-markers@2.0.5", f"dist/{found[1]}"
    return None


def download_libraries(folder):
    """The files of all packages that a map of folium asks for, by package and name."""
    import folium

    page = folium.Map().get_root().render()
    packages = {
        found[0] for url in re.findall(r'"(https:[^"]+)"', page) if (found := package_of(url))
    }
    call = ["npm", "pack", "--silent", *sorted(packages)]
    done = subprocess.run(call, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{call}: {done.stderr}"
    files = {}
    for archive in folder.glob("*.tgz"):
        with tarfile.open(archive) as members:
            content = {
                member.name.partition("/")[2]: members.extractfile(member).read()
                for member in members
                if member.isfile()
            }
        about = json.loads(content["package.json"])
        files[f"{about['name']}@{about['version']}"] = content
    return files


@contextmanager
def opened_map(browser, libraries, file):
    """The page of a map once its first tile is there, and a list of all that is wrong with it.

    Nothing moves by itself. Wrong are requests that no library answers, words on the console, errors
    and dialogs.
    """
    wrong, tile = [], _blank_tile()

    def answer(route):
        url = route.request.url
        if found := package_of(url):
            package, name = found
            route.fulfill(body=libraries[package][name], content_type=guess_type(name)[0])
        elif TILES.fullmatch(url):
            route.fulfill(body=tile, content_type="image/png")
        elif ICONS.fullmatch(url):
            route.fulfill(body="", content_type="text/css")
        else:
            wrong.append(f"nobody answers {url}")
            route.abort()

    def dismiss(dialog):
        wrong.append(f"dialog {dialog.message}")
        dialog.dismiss()

    with browser.new_context(viewport={"width": 1000, "height": 700}) as context:
        page = context.new_page()
        page.on("console", lambda message: wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("dialog", dismiss)
        page.route(re.compile("^https?:"), answer)
        page.add_init_script(STILL)
        page.goto(file.as_uri())
        page.wait_for_selector(".leaflet-tile-loaded", state="attached", timeout=60_000)
        page.evaluate(NO_DRIFT)
        yield page, wrong
        page.unroute_all(behavior="wait")


def _blank_tile():
    file = io.BytesIO()
    imsave(file, np.full((256, 256, 3), 230, np.uint8), format="png")
    return file.getvalue()
