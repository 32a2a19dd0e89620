"""Open the web map in a browser, with blank map tiles or without a network."""

import io
import re
from contextlib import contextmanager

import numpy as np
from matplotlib.image import imsave

TILES = re.compile(r"https://tile\.openstreetmap\.org/[0-9]+/[0-9]+/[0-9]+\.png")
MAP = "Object.values(window).find((one) => one instanceof L.Map)"
STILL = "window.L_DISABLE_3D = true"  # Leaflet animates neither zooming nor fading
NO_DRIFT = f"{MAP}.options.inertia = false"


@contextmanager
def opened_map(browser, file, *, offline=False):
    """The page of a map, once its first tile is there, and a list of all that is wrong with it.

    Nothing moves by itself. Wrong are requests for anything but tiles, words on the console, errors
    and dialogs.
    """
    wrong, tile = [], _blank_tile()

    def answer(route):
        if TILES.fullmatch(route.request.url) and not offline:
            route.fulfill(body=tile, content_type="image/png")
        else:
            wrong.append(f"asks for {route.request.url}")
            route.abort()

    def dismiss(dialog):
        wrong.append(f"dialog {dialog.message}")
        dialog.dismiss()

    with browser.new_context(viewport={"width": 1000, "height": 700}, offline=offline) as context:
        page = context.new_page()
        page.on("console", lambda message: wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("dialog", dismiss)
        page.route(re.compile("^https?:"), answer)
        page.add_init_script(STILL)
        page.goto(file.as_uri())
        seen = ".leaflet-outlines-pane canvas" if offline else ".leaflet-tile-loaded"
        page.wait_for_selector(seen, state="attached", timeout=60_000)
        page.evaluate(NO_DRIFT)
        yield page, wrong
        page.unroute_all(behavior="wait")


def _blank_tile():
    file = io.BytesIO()
    imsave(file, np.full((256, 256, 3), 230, np.uint8), format="png")
    return file.getvalue()
