"use strict";

const dataOf = (id) => JSON.parse(document.getElementById(id).textContent);
const number = new Intl.NumberFormat("en");

/** Bytes of a gzipped, base64-encoded block of this page. */
async function unpack(id) {
  const text = atob(document.getElementById(id).textContent.trim());
  const bytes = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// ---- findings: search and sort ----------------------------------------------------------------

async function showFindings() {
  const section = document.getElementById("findings-list");
  if (!section) return [];
  const rows = JSON.parse(new TextDecoder().decode(await unpack("findings-data")));
  const body = section.querySelector("tbody");
  const search = section.querySelector("input");
  const kind = section.querySelector("select");
  const said = section.querySelector(".said");
  const more = section.querySelector(".more");
  const page = 25;
  let shown = page, sorted = 0, up = true;

  function render() {
    const wanted = search.value.trim().toLowerCase();
    const found = rows.filter((row) => (!kind.value || row[2] === kind.value)
      && (!wanted || row.some((text) => text.toLowerCase().includes(wanted))));
    found.sort((a, b) => (a[sorted] < b[sorted] ? -1 : a[sorted] > b[sorted] ? 1 : 0) * (up ? 1 : -1));
    body.replaceChildren(...found.slice(0, shown).map((row) => {
      const line = document.createElement("tr");
      for (const text of row) line.insertCell().textContent = text;
      return line;
    }));
    said.textContent = `${number.format(Math.min(shown, found.length))} of ${number.format(found.length)} findings shown`;
    more.hidden = found.length <= shown;
  }

  section.querySelectorAll("th button").forEach((button, column) => {
    button.addEventListener("click", () => {
      up = sorted === column ? !up : true;
      sorted = column;
      section.querySelectorAll("th").forEach((head, place) => {
        head.setAttribute("aria-sort", place !== column ? "none" : up ? "ascending" : "descending");
      });
      render();
    });
  });
  for (const field of [search, kind]) field.addEventListener("input", () => { shown = page; render(); });
  more.addEventListener("click", () => { shown += 4 * page; render(); });
  render();
  return rows;
}

// ---- map --------------------------------------------------------------------------------------

const MOST_CELLS = 2e7, SMALLEST_CELL = 3, LARGEST_CELL = 12; // cells in pixels
const LEAST_COVER = 0.01; // part of the map that cells should fill, to be seen

/** A colour between two, both as #rrggbb. */
function between(first, second, share) {
  const channels = (colour) => [1, 3, 5].map((place) => parseInt(colour.slice(place, place + 2), 16));
  const end = channels(second);
  return `rgb(${channels(first).map((value, place) => Math.round(value + (end[place] - value) * share)).join()})`;
}

/** Centres of all patches on the plane, from the nine points that are given of each product's grid. */
function placePatches(facts, columns, rows) {
  const x = new Float32Array(facts.patches), y = new Float32Array(facts.patches);
  const product = new Uint16Array(facts.patches);
  let patch = 0;
  facts.products.forEach(({ count, grid }, place) => {
    for (const end = patch + count; patch < end; patch++) {
      const across = quadratic((columns[patch] + 0.5) / 91), down = quadratic((rows[patch] + 0.5) / 91);
      for (let i = 0; i < 3; i++) {
        for (let j = 0; j < 3; j++) {
          const weight = down[i] * across[j];
          x[patch] += weight * grid[i][j][0];
          y[patch] += weight * grid[i][j][1];
        }
      }
      product[patch] = place;
    }
  });
  return { x, y, product };
}

/** The same of patches whose coordinates are given, in tenths of metres from the corner of the bounds. */
function placedPatches(facts, planes) {
  const [west, south] = facts.bounds;
  const along = (first, start) => {
    const [a, b, c, d] = planes.slice(first, first + 4);
    return Float64Array.from(a, (low, patch) => start + (low + 256 * (b[patch] + 256 * (c[patch] + 256 * d[patch]))) / 10);
  };
  return { x: along(0, west), y: along(4, south) };
}

/** Weights of the values at 0, 1/2 and 1. */
const quadratic = (t) => [(1 - t) * (1 - 2 * t), 4 * t * (1 - t), t * (2 * t - 1)];

const LEAST_OUTLINED = 100; // metres a pixel; nearer, the outlines would lie where no coast is

/** A path of lines, each its first point and the moves from there, in steps of so many metres. */
function pathOf(lines, step) {
  const path = new Path2D();
  for (const line of lines) {
    let x = 0, y = 0;
    for (let place = 0; place < line.length; place += 2) {
      x += line[place] * step;
      y += line[place + 1] * step;
      if (place) path.lineTo(x, y); else path.moveTo(x, y);
    }
  }
  return path;
}

class PatchMap {
  constructor(frame, facts, bytes, ids, outlines) {
    this.ids = ids;
    this.coasts = pathOf(outlines.coasts, outlines.step);
    this.borders = pathOf(outlines.borders, outlines.step);
    this.frame = frame;
    this.facts = facts;
    this.canvas = frame.querySelector("canvas");
    this.pen = this.canvas.getContext("2d");
    this.panel = new PatchPanel(frame.querySelector(".square"), this);
    this.legend = document.getElementById("map-legend");
    this.select = document.getElementById("map-colour");
    const plane = (place) => bytes.subarray(place * facts.patches, (place + 1) * facts.patches);
    [this.column, this.row, this.side, this.season] = [0, 1, 2, 3].map(plane);
    const bits = (first, names) => Array.from({ length: Math.ceil(names.length / 8) }, (_, place) => plane(first + place));
    this.labels = bits(4, facts.labels);
    this.findings = bits(4 + this.labels.length, facts.kinds);
    const last = 4 + this.labels.length + this.findings.length;
    Object.assign(this, ids
      ? placedPatches(facts, Array.from({ length: 8 }, (_, place) => plane(last + place)))
      : placePatches(facts, this.column, this.row));
    this.cells = null;
    this.fit();
    this.listen();
    this.draw();
  }

  fit() {
    const { width, height } = this.canvas.getBoundingClientRect();
    const [west, south, east, north] = this.facts.bounds;
    this.scale = Math.max((east - west) / width, (north - south) / height, this.facts.side / 300) * 1.06; // metres a pixel
    this.widest = Math.max(this.scale, 40000);
    this.centre = [(west + east) / 2, (south + north) / 2];
  }

  listen() {
    this.select.addEventListener("input", () => { this.cells = null; this.draw(); });
    addEventListener("resize", () => this.draw());
    for (const moment of ["beforeprint", "afterprint"]) {
      addEventListener(moment, () => {
        document.documentElement.toggleAttribute("data-printing", moment === "beforeprint");
        this.draw();
      });
    }
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    const [more, less, whole] = this.frame.querySelectorAll(".zoom button");
    more.addEventListener("click", () => this.zoom(0.5));
    less.addEventListener("click", () => this.zoom(2));
    whole.addEventListener("click", () => { this.fit(); this.draw(); });
    this.canvas.addEventListener("wheel", (event) => {
      if (document.activeElement !== this.canvas && !event.ctrlKey) return; // the page scrolls on
      event.preventDefault();
      this.zoom(2 ** (event.deltaY / 300), event.offsetX, event.offsetY);
    }, { passive: false });
    this.canvas.addEventListener("keydown", (event) => this.key(event));
    this.pointers = new Map();
    this.canvas.addEventListener("pointerdown", (event) => {
      this.canvas.focus({ preventScroll: true });
      this.canvas.setPointerCapture(event.pointerId);
      this.pointers.set(event.pointerId, [event.offsetX, event.offsetY]);
      this.moved = 0;
    });
    this.canvas.addEventListener("pointermove", (event) => this.drag(event));
    this.canvas.addEventListener("pointerup", (event) => {
      this.pointers.delete(event.pointerId);
      if (this.moved < 5) this.tell(event.offsetX, event.offsetY);
    });
    this.canvas.addEventListener("pointercancel", (event) => this.pointers.delete(event.pointerId));
  }

  drag(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const now = [event.offsetX, event.offsetY];
    const other = [...this.pointers].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      const spread = (point) => Math.hypot(point[0] - other[0], point[1] - other[1]);
      this.zoom(spread(before) / Math.max(spread(now), 1), other[0], other[1]);
    } else {
      this.pan(before[0] - now[0], before[1] - now[1]);
    }
    this.moved += Math.hypot(now[0] - before[0], now[1] - before[1]);
    this.pointers.set(event.pointerId, now);
  }

  key(event) {
    const step = 60;
    const { width, height } = this.canvas.getBoundingClientRect();
    const actions = {
      ArrowLeft: () => this.pan(-step, 0), ArrowRight: () => this.pan(step, 0),
      ArrowUp: () => this.pan(0, -step), ArrowDown: () => this.pan(0, step),
      "+": () => this.zoom(0.5), "=": () => this.zoom(0.5), "-": () => this.zoom(2),
      0: () => { this.fit(); this.draw(); },
      Enter: () => this.tell(width / 2, height / 2), Escape: () => this.panel.close(),
    };
    if (!actions[event.key] || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    actions[event.key]();
  }

  pan(right, down) {
    this.centre = [this.centre[0] + right * this.scale, this.centre[1] - down * this.scale];
    this.draw();
  }

  zoom(factor, x, y) {
    const { width, height } = this.canvas.getBoundingClientRect();
    const [east, north] = this.toPlane(x ?? width / 2, y ?? height / 2);
    const scale = Math.min(Math.max(this.scale * factor, this.facts.side / 300), this.widest);
    const change = scale / this.scale;
    this.centre = [east + (this.centre[0] - east) * change, north + (this.centre[1] - north) * change];
    this.scale = scale;
    this.draw();
  }

  toPlane(x, y) {
    const { width, height } = this.canvas.getBoundingClientRect();
    return [this.centre[0] + (x - width / 2) * this.scale, this.centre[1] - (y - height / 2) * this.scale];
  }

  /** Sums of all patches by cell: how many, how many with each value of what is coloured. */
  aggregate(size) {
    if (this.cells?.size === size) return this.cells;
    const [west, south, east, north] = this.facts.bounds;
    const across = Math.floor((east - west) / size) + 1, up = Math.floor((north - south) / size) + 1;
    const values = this.valueCount();
    const index = across * up > MOST_CELLS ? new Map() : null; // of the cells that there are
    const at = (place) => index ? index.get(place) ?? -1 : place;
    const room = index ? this.facts.patches : across * up;
    const count = new Uint32Array(room), sums = new Uint32Array(room * values);
    const cell = new Uint32Array(this.facts.patches);
    for (let patch = 0; patch < this.facts.patches; patch++) {
      const square = Math.floor((this.y[patch] - south) / size) * across + Math.floor((this.x[patch] - west) / size);
      if (index && !index.has(square)) index.set(square, index.size);
      const place = at(square);
      cell[patch] = place;
      count[place]++;
      const value = this.valueOf(patch);
      if (value >= 0) sums[place * values + value]++;
    }
    const occupied = count.reduce((all, value) => all + (value > 0), 0);
    this.cells = { size, across, up, at, count, sums, values, cell, occupied };
    return this.cells;
  }

  mode() { return this.select.value; }

  valueCount() { return { side: 4, season: 4 }[this.mode()] ?? 1; }

  /** Which value a patch counts for; -1 for none. */
  valueOf(patch) {
    const mode = this.mode();
    if (mode === "side") return this.side[patch];
    if (mode === "season") return this.season[patch] < 4 ? this.season[patch] : -1;
    if (mode === "patches") return 0;
    if (mode === "findings") return this.findings.some((bits) => bits[patch]) ? 0 : -1;
    const [what, place] = mode.split(":");
    const planes = what === "label" ? this.labels : this.findings;
    return (planes[place >> 3][patch] >> (place & 7)) & 1 ? 0 : -1;
  }

  /** Colour for a part of a cell's patches, more than none. */
  deepened(share) {
    const { none, many, findings } = this.scheme;
    return between(none, this.mode().startsWith("label") ? many : findings, 0.4 + 0.6 * share);
  }

  /** Colour of a cell. */
  colour(cells, place, most) {
    const mode = this.mode(), { sums, values, count } = cells;
    if (values > 1) {
      let best = 0;
      for (let value = 1; value < values; value++) {
        if (sums[place * values + value] > sums[place * values + best]) best = value;
      }
      if (!sums[place * values + best]) return this.scheme.none;
      const { colours, sides, seasons } = this.facts;
      return mode === "side" ? colours.sides[sides[best]] : colours.seasons[seasons[best]];
    }
    if (mode === "patches") {
      return between(this.scheme.few, this.scheme.many, most > 1 ? Math.log(count[place]) / Math.log(most) : 1);
    }
    const share = sums[place] / count[place];
    return share ? this.deepened(share) : this.scheme.none;
  }

  draw() {
    const { width, height } = this.canvas.getBoundingClientRect();
    const dense = devicePixelRatio || 1;
    this.canvas.width = width * dense;
    this.canvas.height = height * dense;
    this.pen.setTransform(dense, 0, 0, dense, 0, 0);
    const style = getComputedStyle(document.documentElement);
    const dark = matchMedia("(prefers-color-scheme: dark)").matches
      && !document.documentElement.hasAttribute("data-printing"); // paper is white
    this.scheme = this.facts.colours[dark ? "dark" : "light"];
    this.pen.clearRect(0, 0, width, height);
    this.drawGraticule(style);
    this.drawOutlines(style, width, height);
    const cells = this.aggregate(this.cellSize(width, height));
    const { size } = cells;
    if (size === this.facts.side) this.drawPatches(width, height);
    else this.drawCells(cells, width, height);
    this.drawChosen(style, width, height);
    this.drawNames(style);
    this.drawScaleBar(style, width, height);
    this.showLegend(size);
  }

  /** Side of the cells in metres: patches that are large enough, else cells that can be seen. */
  cellSize(width, height) {
    let size = this.facts.side;
    while (size / this.scale < SMALLEST_CELL) size *= 2;
    const cover = () => this.aggregate(size).occupied * (size / this.scale) ** 2 / (width * height);
    while (size > this.facts.side && 2 * size / this.scale <= LARGEST_CELL && cover() < LEAST_COVER) size *= 2;
    return size;
  }

  drawCells(cells, width, height) {
    const [west, south] = this.facts.bounds, { size, across, up, count } = cells;
    const [left, top] = this.toPlane(0, 0), [right, bottom] = this.toPlane(width, height);
    const clamp = (value, end) => Math.min(Math.max(Math.floor(value), 0), end);
    const most = count.reduce((best, value) => Math.max(best, value), 1);
    const side = size / this.scale;
    for (let row = clamp((bottom - south) / size, up - 1); row <= clamp((top - south) / size, up - 1); row++) {
      for (let column = clamp((left - west) / size, across - 1); column <= clamp((right - west) / size, across - 1); column++) {
        const place = cells.at(row * across + column);
        if (!count[place]) continue;
        this.pen.fillStyle = this.colour(cells, place, most);
        const x = width / 2 + (west + column * size - this.centre[0]) / this.scale;
        const y = height / 2 - (south + (row + 1) * size - this.centre[1]) / this.scale;
        this.pen.fillRect(x, y, Math.max(side - 0.5, 1), Math.max(side - 0.5, 1));
      }
    }
  }

  drawPatches(width, height) {
    const half = this.facts.side / 2 / this.scale;
    const one = { values: this.valueCount(), count: [1], sums: new Uint32Array(4) };
    this.pen.strokeStyle = getComputedStyle(document.documentElement).getPropertyValue("--ground");
    for (let patch = 0; patch < this.facts.patches; patch++) {
      const x = width / 2 + (this.x[patch] - this.centre[0]) / this.scale;
      const y = height / 2 - (this.y[patch] - this.centre[1]) / this.scale;
      if (x < -half || y < -half || x > width + half || y > height + half) continue;
      one.sums.fill(0);
      const value = this.valueOf(patch);
      if (value >= 0) one.sums[value] = 1;
      this.pen.fillStyle = this.colour(one, 0, 1);
      this.pen.fillRect(x - half, y - half, 2 * half, 2 * half);
      if (half > 4) this.pen.strokeRect(x - half, y - half, 2 * half, 2 * half);
    }
  }

  drawGraticule(style) {
    const { width, height } = this.canvas.getBoundingClientRect();
    this.pen.strokeStyle = style.getPropertyValue("--line");
    this.pen.fillStyle = style.getPropertyValue("--muted");
    this.pen.font = "11px system-ui, sans-serif";
    for (const { name, points } of this.facts.graticule) {
      this.pen.beginPath();
      let named = false;
      points.forEach(([east, north], place) => {
        const x = width / 2 + (east - this.centre[0]) / this.scale, y = height / 2 - (north - this.centre[1]) / this.scale;
        if (place) this.pen.lineTo(x, y); else this.pen.moveTo(x, y);
        if (!named && x > 2 && x < width - 90 && y > 12 && y < height - 40) {
          this.pen.fillText(name, x + 2, y - 2);
          named = true;
        }
      });
      this.pen.stroke();
    }
  }

  drawOutlines(style, width, height) {
    if (this.scale < LEAST_OUTLINED) return;
    const zoom = 1 / this.scale;
    this.pen.save();
    this.pen.transform(zoom, 0, 0, -zoom, width / 2 - this.centre[0] * zoom, height / 2 + this.centre[1] * zoom);
    this.pen.strokeStyle = style.getPropertyValue("--muted");
    for (const [path, wide] of [[this.coasts, 1], [this.borders, 0.5]]) {
      this.pen.lineWidth = wide * this.scale;
      this.pen.stroke(path);
    }
    this.pen.restore();
  }

  /** A frame around the square whose patches are listed. */
  drawChosen(style, width, height) {
    if (!this.chosen) return;
    const [east, north, side] = this.chosen, half = Math.max(side / this.scale / 2, 3) + 2;
    const x = width / 2 + (east - this.centre[0]) / this.scale, y = height / 2 - (north - this.centre[1]) / this.scale;
    for (const [colour, wide] of [["--ground", 5], ["--accent", 2.5]]) {
      this.pen.strokeStyle = style.getPropertyValue(colour);
      this.pen.lineWidth = wide;
      this.pen.strokeRect(x - half, y - half, 2 * half, 2 * half);
    }
    this.pen.lineWidth = 1;
  }

  drawNames(style) {
    const { width, height } = this.canvas.getBoundingClientRect();
    this.pen.font = "600 12px system-ui, sans-serif";
    this.pen.textAlign = "center";
    this.pen.lineWidth = 3;
    this.pen.strokeStyle = style.getPropertyValue("--ground");
    this.pen.fillStyle = style.getPropertyValue("--ink");
    for (const [name, east, north] of this.facts.countries) {
      const half = this.pen.measureText(name).width / 2 + 4;
      const x = width / 2 + (east - this.centre[0]) / this.scale, y = height / 2 - (north - this.centre[1]) / this.scale;
      if (x < -half || x > width + half || y < 0 || y > height + 30) continue;
      const inside = Math.min(Math.max(x, half), width - half), above = Math.max(y - 8, 14);
      this.pen.strokeText(name, inside, above);
      this.pen.fillText(name, inside, above);
    }
    this.pen.textAlign = "start";
    this.pen.lineWidth = 1;
  }

  drawScaleBar(style, width, height) {
    const wanted = this.scale * 120;
    const power = 10 ** Math.floor(Math.log10(wanted));
    const metres = [5, 2, 1].map((digit) => digit * power).find((length) => length <= wanted) ?? power;
    const text = metres >= 1000 ? `${metres / 1000} km` : `${metres} m`;
    this.pen.fillStyle = style.getPropertyValue("--ink");
    this.pen.fillRect(10, height - 12, metres / this.scale, 3);
    this.pen.strokeStyle = style.getPropertyValue("--ground");
    this.pen.lineWidth = 3;
    this.pen.strokeText(text, 10, height - 17);
    this.pen.lineWidth = 1;
    this.pen.fillText(text, 10, height - 17);
  }

  showLegend(size) {
    const mode = this.mode(), { sides, seasons, colours } = this.facts;
    const those = (names, colours, values) =>
      names.map((name) => [colours[name], name || "on no side"]).filter((_, place) => values.includes(place));
    let entries;
    if (mode === "side") entries = those(sides, colours.sides, this.side);
    else if (mode === "season") entries = those(seasons, colours.seasons, this.season);
    else if (mode === "patches") entries = [[this.scheme.few, "one patch"], [this.scheme.many, "most patches"]];
    else if (size > this.facts.side) {
      entries = [[this.scheme.none, "none of the patches"], [this.deepened(0), "few"], [this.deepened(1), "all"]];
    } else {
      entries = [[this.scheme.none, "no"], [this.deepened(1), "yes"]];
    }
    this.legend.replaceChildren(...entries.map(([colour, name]) => {
      const entry = document.createElement("span"), swatch = document.createElement("i");
      swatch.style.background = colour;
      entry.append(swatch, name);
      return entry;
    }), size > this.facts.side ? `one square: ${+(size / 1000).toPrecision(5)} km; zoom in for patches` : "one square: a patch");
  }

  /** List the patches at a point of the canvas. */
  tell(x, y) {
    const [east, north] = this.toPlane(x, y);
    const { size, cell, across, at } = this.cells;
    const [west, south] = this.facts.bounds;
    const column = Math.floor((east - west) / size), row = Math.floor((north - south) / size);
    const place = at(row * across + column);
    const found = [];
    for (let patch = 0; patch < this.facts.patches; patch++) {
      const hit = size === this.facts.side
        ? Math.max(Math.abs(this.x[patch] - east), Math.abs(this.y[patch] - north)) < this.facts.side / 2
        : cell[patch] === place;
      if (hit) found.push(patch);
    }
    const first = found[0];
    this.chosen = !found.length ? null : size === this.facts.side
      ? [this.x[first], this.y[first], size]
      : [west + (column + 0.5) * size, south + (row + 0.5) * size, size];
    this.panel.show(found);
    if (found.length) this.uncover();
    this.draw();
  }

  /** Move the chosen square out from under the panel. */
  uncover() {
    const canvas = this.canvas.getBoundingClientRect(), panel = this.panel.frame.getBoundingClientRect();
    const x = canvas.width / 2 + (this.chosen[0] - this.centre[0]) / this.scale, free = panel.width + 40;
    if (panel.top < canvas.bottom - 1 && x < free) this.centre[0] -= (free - x) * this.scale;
  }

  /** Move to a patch by its id, and tell of it. */
  goTo(id) {
    let patch = 0;
    while (patch < this.facts.patches && this.id(patch) !== id) patch++;
    if (patch === this.facts.patches) return;
    this.centre = [this.x[patch], this.y[patch]];
    this.chosen = [this.x[patch], this.y[patch], this.facts.side];
    this.scale = Math.min(this.scale, this.facts.side / 8);
    this.panel.show([patch]);
    this.uncover();
    this.draw();
    this.frame.scrollIntoView({ block: "nearest" });
  }

  names(planes, names, patch) {
    return names.filter((_, place) => (planes[place >> 3][patch] >> (place & 7)) & 1);
  }

  id(patch) {
    const two = (value) => String(value).padStart(2, "0");
    return this.ids
      ? this.ids[patch]
      : `${this.facts.products[this.product[patch]].name}_${two(this.column[patch])}_${two(this.row[patch])}`;
  }

  /** How often seasons, sides, labels and findings occur, the most frequent first. */
  summary(patches) {
    const count = (valueOf, names) => names.map((name, value) => [name, patches.filter((patch) => valueOf(patch, value)).length])
      .filter((entry) => entry[0] && entry[1]).sort((a, b) => b[1] - a[1]).slice(0, 4)
      .map((entry) => `${entry[0]} ${number.format(entry[1])}`).join(", ");
    const bit = (planes) => (patch, place) => (planes[place >> 3][patch] >> (place & 7)) & 1;
    const kinds = count(bit(this.findings), this.facts.kinds);
    return [
      count((patch, value) => this.season[patch] === value, this.facts.seasons),
      count((patch, value) => this.side[patch] === value, this.facts.sides),
      count(bit(this.labels), this.facts.labels),
      kinds && `Findings: ${kinds}`,
    ].filter(Boolean);
  }
}

/** Longitude and latitude of a point on the plane of EPSG:3035 (Lambert azimuthal) or 6933 (cylindrical), equal-area both. */
function degreesOf(epsg, x, y) {
  const { sqrt, sin, cos, asin, atan2, log, PI } = Math;
  const a = 6378137, e2 = 0.0066943800229, e = sqrt(e2);
  const q = (s) => (1 - e2) * (s / (1 - e2 * s * s) - log((1 - e * s) / (1 + e * s)) / (2 * e));
  let lon, beta;
  if (epsg === 3035) {
    const phi = 52 * PI / 180, beta0 = asin(q(sin(phi)) / q(1)), radius = a * sqrt(q(1) / 2);
    const d = a * cos(phi) / sqrt(1 - e2 * sin(phi) ** 2) / (radius * cos(beta0));
    const east = (x - 4321000) / d, north = d * (y - 3210000), rho = Math.hypot(east, north) || 1e-9, c = 2 * asin(rho / 2 / radius);
    beta = asin(cos(c) * sin(beta0) + north * sin(c) * cos(beta0) / rho);
    lon = 10 * PI / 180 + atan2(east * sin(c), rho * cos(beta0) * cos(c) - north * sin(beta0) * sin(c));
  } else {
    const k = cos(PI / 6) / sqrt(1 - e2 / 4);
    [lon, beta] = [x / a / k, asin(2 * y * k / a / q(1))];
  }
  const lat = beta + (e2 / 3 + 31 * e2 ** 2 / 180 + 517 * e2 ** 3 / 5040) * sin(2 * beta)
    + (23 * e2 ** 2 / 360 + 251 * e2 ** 3 / 3780) * sin(4 * beta) + 761 * e2 ** 3 / 45360 * sin(6 * beta);
  return [lon * 180 / PI, lat * 180 / PI];
}

// ---- the patches of a square ------------------------------------------------------------------

/** A word as a shell takes it. */
const quoted = (word) => /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`;

class PatchPanel {
  constructor(frame, map) {
    [this.frame, this.map] = [frame, map];
    [this.head, this.list, this.more] = ["h3", "ul", ".others"].map((one) => frame.querySelector(one));
    this.about = frame.querySelector(".about");
    this.extra = dataOf("patch-facts");
    this.reasons = new Map();
    this.more.addEventListener("click", () => this.add(20));
    frame.querySelector(".close").addEventListener("click", () => { this.close(); map.canvas.focus(); });
    frame.addEventListener("keydown", (event) => { if (event.key === "Escape") { this.close(); map.canvas.focus(); } });
  }

  /** Findings to tell with their reasons: rows of patch, band, kind and reason. */
  know(rows) {
    for (const row of rows) this.reasons.set(row[0], [...this.reasons.get(row[0]) ?? [], row]);
  }

  close() {
    this.frame.hidden = true;
    this.map.chosen = null;
    this.map.draw();
  }

  show(patches) {
    this.frame.hidden = !patches.length;
    const bad = (patch) => this.map.findings.some((bits) => bits[patch]);
    this.patches = [...patches.filter(bad), ...patches.filter((patch) => !bad(patch))];
    this.head.textContent = patches.length === 1 ? "One patch" : `${number.format(patches.length)} patches`;
    this.about.replaceChildren(...(patches.length > 1 ? this.map.summary(patches) : []).map((line) => this.part("p", line)));
    this.list.replaceChildren();
    this.frame.scrollTop = 0;
    this.add(10);
  }

  add(some) {
    const shown = this.list.children.length;
    this.list.append(...this.patches.slice(shown, shown + some).map((patch) => this.card(patch)));
    const left = this.patches.length - this.list.children.length;
    this.more.hidden = !left;
    this.more.textContent = `Show more of ${number.format(left)}`;
  }

  part(name, text, kind = "") {
    const part = document.createElement(name);
    part.textContent = text;
    part.className = kind;
    return part;
  }

  /** A command line, which may end between words only. */
  command(line) {
    const code = this.part("code", "");
    code.append(...line.split(" ").flatMap((word) => [this.part("span", word), " "]).slice(0, -1));
    return code;
  }

  /** The picture of a patch, if the page holds one. */
  picture(id) {
    const own = this.extra.pictures[id];
    const source = own ? `data:image/webp;base64,${own}` : document.querySelector(`.sheet img[data-patch="${CSS.escape(id)}"]`)?.src;
    return source && Object.assign(new Image(120, 120), { src: source, alt: `Picture of ${id}` });
  }

  card(patch) {
    const { facts, side, season, x, y, labels, findings } = this.map;
    const id = this.map.id(patch), item = document.createElement("li");
    const [lon, lat] = degreesOf(facts.epsg, x[patch], y[patch]);
    const place = `${Math.abs(lat).toFixed(4)}° ${lat < 0 ? "S" : "N"}, ${Math.abs(lon).toFixed(4)}° ${lon < 0 ? "W" : "E"}`;
    const kinds = this.map.names(findings, facts.kinds, patch), reasons = this.reasons.get(id) ?? [];
    const told = new Set(reasons.map((row) => row[2]));
    const picture = this.picture(id);
    item.append(...[
      picture,
      this.part("b", id),
      this.part("p", [facts.seasons[season[patch]], facts.sides[side[patch]], place].filter(Boolean).join(" · "), "muted"),
      this.part("p", this.map.names(labels, facts.labels, patch).join(", ")),
      ...reasons.map(([, band, kind, reason]) => this.part("p", `${[band, kind].filter(Boolean).join(" ")}: ${reason}`, "finding")),
      ...kinds.filter((kind) => !told.has(kind)).map((kind) => this.part("p", kind, "finding")),
      kinds.length && !picture && this.extra.said && this.part("p", this.extra.said, "muted"),
      this.command(`benkit inspect ${quoted(id)} ${this.extra.inspect}`),
    ].filter(Boolean));
    return item;
  }
}

async function showMap() {
  const frame = document.querySelector(".map");
  if (!frame) return null;
  const ids = document.getElementById("map-names") && new TextDecoder().decode(await unpack("map-names")).split("\n");
  const outlines = JSON.parse(new TextDecoder().decode(await unpack("map-outlines")));
  window.patchMap = new PatchMap(frame, dataOf("map-facts"), await unpack("map-data"), ids, outlines);
  return window.patchMap;
}

/** The contact sheet: one stop of the tab key, arrows between pictures, Enter or a click for the patch. */
function listenToSheet(map) {
  const rows = [...document.querySelectorAll(".sheet tbody tr")].map((row) => [...row.querySelectorAll("td")].map((cell) => cell.querySelector("img")));
  const pictures = rows.flat().filter(Boolean);
  pictures.forEach((picture, place) => {
    picture.tabIndex = place ? -1 : 0;
    picture.setAttribute("role", "button");
    picture.addEventListener("click", () => map.goTo(picture.dataset.patch));
    picture.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
      if (event.key === "Enter") map.goTo(picture.dataset.patch);
      if (!step) return;
      event.preventDefault();
      let row = rows.findIndex((line) => line.includes(picture)), column = rows[row].indexOf(picture), next;
      do next = rows[row += step[0]]?.[column += step[1]]; while (next === null);
      if (!next) return;
      [picture.tabIndex, next.tabIndex] = [-1, 0];
      next.focus();
    });
  });
}

addEventListener("DOMContentLoaded", async () => {
  try {
    const [rows, map] = await Promise.all([showFindings(), showMap()]);
    map?.panel.know(rows);
    if (map) listenToSheet(map);
    document.documentElement.dataset.ready = "yes";
  } catch (error) {
    for (const hint of document.querySelectorAll(".waiting")) hint.textContent = `This browser cannot show it: ${error.message}`;
    throw error;
  }
});
