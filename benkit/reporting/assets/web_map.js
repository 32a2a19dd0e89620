"use strict";

/** Corners between pixels: in whole ones, those of a small patch are one point, of which nothing is drawn. */
L.Polygon.include({
  _projectLatlngs(places, rings, bounds) {
    if (!(places[0] instanceof L.LatLng)) {
      for (const some of places) this._projectLatlngs(some, rings, bounds);
      return;
    }
    const ring = places.map((place) => this._map.project(place).subtract(this._map.getPixelOrigin()));
    for (const point of ring) bounds.extend(point);
    rings.push(ring);
  },
});

/** Coasts and borders below the tiles, which cover them where they load; `parts` of a degree. */
function drawOutlines(map, { parts, coasts, borders }) {
  map.createPane("outlines").style.zIndex = 100;
  const renderer = L.canvas({ pane: "outlines" });
  const placed = (line) => {
    const points = [];
    let longitude = 0, latitude = 0;
    for (let place = 0; place < line.length; place += 2) {
      longitude += line[place];
      latitude += line[place + 1];
      points.push([latitude / parts, longitude / parts]);
    }
    return points;
  };
  for (const [lines, weight] of [[coasts, 1], [borders, 0.5]]) {
    L.polyline(lines.map(placed), { pane: "outlines", renderer, weight, color: "#57606a", interactive: false }).addTo(map);
  }
}

/** Tiles of OpenStreetMap, asked for only where there is a network. */
function drawTiles(map) {
  const tiles = L.tileLayer("https://tile.openstreetmap.org/{z}/{x}/{y}.png", {
    maxZoom: 19,
    attribution: '&copy; <a href="https://www.openstreetmap.org/copyright">OpenStreetMap</a> contributors',
  });
  if (navigator.onLine) tiles.addTo(map);
  else addEventListener("online", () => tiles.addTo(map), { once: true });
}
