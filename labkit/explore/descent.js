// Gradient descent that computes in the page: the maths, its words, its picture.
//
// The maths repeats labkit/maths/descent.py and the words repeat labkit/explore/descent.py, rule by
// rule; tests/test_explore_descent.py compares both over a grid. Everything that is mere data
// (start points, bounds, minima, contour levels, ranges, presets) comes from Python as `catalog`.

// --- the maths ----------------------------------------------------------------------------------

const DIVERGED = 1e6; // a weight larger than this counts as diverged, and the walk stops there
const EPSILON = 1e-7;

export const SURFACES = {
  article: {
    value: (x, _) => (2 * x - 1) * (2 * x - 1),
    gradient: (x, y) => [4 * (2 * x - 1), 0 * y],
  },
  bowl: {
    value: (x, y) => x * x + y * y,
    gradient: (x, y) => [2 * x, 2 * y],
  },
  ravine: {
    value: (x, y) => 0.1 * (x * x) + 2.5 * (y * y),
    gradient: (x, y) => [0.2 * x, 5 * y],
  },
  saddle: {
    value: (x, y) => x * x - (y * y) / 2 + (y * y * y * y) / 4,
    gradient: (x, y) => [2 * x, y * (y * y - 1)],
  },
  rosenbrock: {
    value: (x, y) => (1 - x) * (1 - x) + 100 * ((y - x * x) * (y - x * x)),
    gradient: (x, y) => [-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)],
  },
};

// Each starts one optimizer for one weight, with empty memory: new w = update(w, gradient).
export const OPTIMIZERS = {
  sgd: (rate) => (w, g) => w - rate * g,
  momentum: (rate, momentum) => {
    let velocity = 0;
    return (w, g) => {
      velocity = momentum * velocity - rate * g;
      return w + velocity;
    };
  },
  nesterov: (rate, momentum) => {
    let velocity = 0;
    return (w, g) => {
      velocity = momentum * velocity - rate * g;
      return w + momentum * velocity - rate * g;
    };
  },
  rmsprop: (rate) => {
    let squares = 0;
    return (w, g) => {
      squares = 0.9 * squares + (1 - 0.9) * (g * g);
      return w - (rate * g) / Math.sqrt(squares + EPSILON);
    };
  },
  adam: (rate) => adam(rate),
  adamw: (rate) => {
    const update = adam(rate);
    return (w, g) => update(w - rate * 0.004 * w, g); // weight decay 0.004 comes first
  },
  adadelta: (rate) => {
    let squares = 0;
    let squaredSteps = 0;
    return (w, g) => {
      squares = 0.95 * squares + (1 - 0.95) * (g * g);
      const step = (-Math.sqrt(squaredSteps + EPSILON) / Math.sqrt(squares + EPSILON)) * g;
      squaredSteps = 0.95 * squaredSteps + (1 - 0.95) * (step * step);
      return w + rate * step;
    };
  },
};

function adam(rate) {
  let mean = 0;
  let squares = 0;
  let step = 0;
  return (w, g) => {
    step += 1;
    mean = mean + (1 - 0.9) * (g - mean);
    squares = squares + (1 - 0.999) * (g * g - squares);
    const corrected = (rate * Math.sqrt(1 - 0.999 ** step)) / (1 - 0.9 ** step);
    return w - (corrected * mean) / (Math.sqrt(squares) + EPSILON);
  };
}

/** The points visited, [[w1, w2], ...], start first; ends with the first point beyond DIVERGED. */
export function descend({ surface, optimizer, learning_rate, momentum, steps, start_x, start_y }) {
  const { gradient } = SURFACES[surface];
  const update = [0, 1].map(() => OPTIMIZERS[optimizer](learning_rate, momentum));
  const path = [[start_x, start_y]];
  for (let step = 0; step < steps; step++) {
    const w = path[step];
    const g = gradient(...w);
    path.push([update[0](w[0], g[0]), update[1](w[1], g[1])]);
    if (beyond(path[step + 1])) break;
  }
  return path;
}

const beyond = (w) => !(Math.abs(w[0]) <= DIVERGED && Math.abs(w[1]) <= DIVERGED);

/** The largest stable learning rate on a quadratic, or null where theory has none. */
export function stableRate(curvature, optimizer, momentum) {
  if (optimizer === "sgd") return 2 / curvature;
  if (optimizer === "momentum") return (2 * (1 + momentum)) / curvature;
  if (optimizer === "nesterov") return (2 * (1 + momentum)) / ((1 + 2 * momentum) * curvature);
  return null; // the others divide by the size of the gradient
}

// --- its words ----------------------------------------------------------------------------------

const TOLERANCE = 1e-6; // closer to a minimum than this counts as arrived

/** A number in at most three digits: 0.0123, 12.3, 1.2e-7. */
export function short(number) {
  const size = Math.abs(number);
  if (number !== 0 && (size < 1e-3 || size >= 1e5)) {
    return number.toExponential(1).replace(".0e", "e").replace("e+", "e");
  }
  return String(Number(number.toPrecision(3)));
}

/** Everything the picture shows of one run: path, losses, verdict, text. */
export function explain(params, info, tellLimit = true) {
  const path = descend(params);
  const losses = path.map((w) => SURFACES[params.surface].value(...w));
  const verdict = judge(params, info, path, losses);
  const limit = stableRate(info.curvature, params.optimizer, params.momentum);
  const steps = `${path.length - 1} step${path.length === 2 ? "" : "s"}`;
  const text =
    `${nameOf(params)} on the ${params.surface} surface, learning rate ` +
    `${short(params.learning_rate)}, ${steps}: ${verdict.headline}${verdict.detail}.` +
    (tellLimit ? theory(limit, info) : "");
  return { params, path, losses, verdict, limit, text };
}

const nameOf = ({ optimizer, momentum }) =>
  usesMomentum(optimizer) ? `${optimizer} (${short(momentum)})` : optimizer;
const usesMomentum = (optimizer) => optimizer === "momentum" || optimizer === "nesterov";

function theory(limit, info) {
  if (limit === null) return "";
  const where = info.local ? "near the minimum, " : "";
  return ` Theory: ${where}stable below ${short(limit)}.`;
}

function judge({ surface, steps }, info, path, losses) {
  const n = path.length - 1;
  const say = (kind, headline, detail = "") => ({ kind, headline, detail });
  if (n < steps || beyond(path[n])) {
    const detail = ": the steps grow until a weight passes 1,000,000";
    return say("diverges", `diverged at step ${n}`, detail);
  }
  if (n === 0) return say("start", "at the start");
  const distance = path.map((w) => toNearest(info.minima, w));
  const arrived = settled(distance);
  if (arrived !== null) {
    return say("converges", `converged in ${arrived} step${arrived === 1 ? "" : "s"}`, ", |w - w*| < 1e-6");
  }
  if (losses[n] > losses[0]) {
    return say("diverges", "diverging", `: J grew from ${short(losses[0])} to ${short(losses[n])}`);
  }
  if (Math.hypot(...SURFACES[surface].gradient(...path[n])) < TOLERANCE) {
    return say("gets stuck", "stuck", ": the gradient is 0 here, and this is no minimum");
  }
  const left = ` (|w - w*| = ${short(distance[n])})`;
  if (reversals(path) >= 0.5 && distance[n] > 0.5 * distance[Math.floor(n / 2)]) {
    return say("oscillates", "oscillates", `: it jumps to and fro and comes no closer${left}`);
  }
  if (distance[n] > 0.5 * distance[0]) {
    const percent = Math.floor((100 * distance[n]) / distance[0] + 0.5);
    return say("crawls", "crawls", `: ${percent} % of the way is left${left}`);
  }
  const fell = `: J fell from ${short(losses[0])} to ${short(losses[n])}${left}`;
  return say("on its way", "on its way", fell);
}

const toNearest = (minima, w) =>
  Math.min(...minima.map((m) => Math.hypot(w[0] - m[0], w[1] - m[1])));

/** The first step from which on the distance stays below TOLERANCE, null if never. */
function settled(distance) {
  let first = distance.length;
  while (first > 0 && distance[first - 1] < TOLERANCE) first -= 1;
  return first < distance.length ? first : null;
}

/** The share of the last ten moves that turn back against the move before. */
function reversals(path) {
  const from = Math.max(2, path.length - 10);
  let back = 0;
  for (let i = from; i < path.length; i++) {
    const [a, b, c] = [path[i - 2], path[i - 1], path[i]];
    if ((b[0] - a[0]) * (c[0] - b[0]) + (b[1] - a[1]) * (c[1] - b[1]) < 0) back += 1;
  }
  return path.length > 2 ? back / (path.length - from) : 0;
}

// --- the settings as text -----------------------------------------------------------------------

const REAL = ["learning_rate", "momentum", "start_x", "start_y"]; // floats in Python: 1 is 1.0

/** The lesson's parameters that reproduce this picture; the start only where it was moved. */
export function parametersOf(state, info) {
  const { surface, optimizer, learning_rate, steps, momentum, start_x, start_y } = state;
  const params = { surface, optimizer, learning_rate, steps, momentum };
  const moved = start_x !== info.start[0] || start_y !== info.start[1];
  return moved ? { ...params, start_x, start_y } : params;
}

function python(name, value) {
  if (typeof value === "string") return `"${value}"`;
  return REAL.includes(name) && Number.isInteger(value) ? `${value}.0` : String(value);
}

export const asParameters = (params) =>
  Object.entries(params).map(([name, value]) => `${name} = ${python(name, value)}`).join("\n");

export const asCommand = (lesson, params) =>
  `labkit run ${lesson}` +
  Object.entries(params)
    .map(([name, value]) => ` -p ${name}=${typeof value === "string" ? value : python(name, value)}`)
    .join("");

// --- drawing: small tools -----------------------------------------------------------------------

const SVG = "http://www.w3.org/2000/svg";
const SVG_TAGS = new Set("svg g path line text circle rect clipPath defs tspan".split(" "));

/** An element with attributes (functions become event listeners) and children. */
function make(tag, attributes = {}, ...children) {
  const element = SVG_TAGS.has(tag)
    ? document.createElementNS(SVG, tag)
    : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null) element.setAttribute(name, value);
  }
  element.append(...children.flat(2).filter((child) => child !== null));
  return element;
}

function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
}

const clamp = (x, low, high) => Math.min(high, Math.max(low, x));

/** A linear scale: data -> pixels, with its inverse. */
function linear([d0, d1], [p0, p1]) {
  const scale = (d) => p0 + ((d - d0) / (d1 - d0)) * (p1 - p0);
  scale.invert = (p) => d0 + ((p - p0) / (p1 - p0)) * (d1 - d0);
  return scale;
}

function ticks(low, high, wanted = 5) {
  const raw = (high - low) / wanted;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].find((s) => s * power >= raw) * power;
  const first = Math.ceil(low / step - 1e-9);
  const count = Math.floor(high / step + 1e-9) - first + 1;
  return Array.from({ length: count }, (_, i) => Number(((first + i) * step).toPrecision(6)));
}

// viridis, 17 colors from matplotlib's table; between them we interpolate
const VIRIDIS = [
  [68, 1, 84], [72, 24, 106], [71, 45, 123], [66, 64, 134], [59, 82, 139], [51, 99, 141],
  [44, 114, 142], [38, 130, 142], [33, 145, 140], [31, 160, 136], [40, 174, 128], [63, 188, 115],
  [94, 201, 98], [132, 212, 75], [173, 220, 48], [216, 226, 25], [253, 231, 37],
];

function viridis(t) {
  const at = clamp(t, 0, 1) * (VIRIDIS.length - 1);
  const i = Math.min(Math.floor(at), VIRIDIS.length - 2);
  return VIRIDIS[i].map((c, k) => c + (at - i) * (VIRIDIS[i + 1][k] - c));
}

// What the map is blended with, and how much of that: paths stay readable in both themes.
const TINT = { light: [255, 255, 255, 0.45], dark: [10, 12, 18, 0.5] };

/** Where J lies between the lowest and the highest contour, 0 to 1; half the map is below 0.5. */
const height = (J, { low, high, power }) =>
  Math.max(0, (J - low) / (high - low)) ** (1 / power);

function shade(t, theme) {
  const [r, g, b, share] = TINT[theme];
  return viridis(t).map((c, k) => c + share * ([r, g, b][k] - c));
}

/** What the colors of the map mean: lowest and highest J. */
function colorScale({ levels }, theme) {
  const stops = [0, 0.25, 0.5, 0.75, 1].map((t) => `rgb(${shade(t, theme).map(Math.round)})`);
  return make("span", { class: "scale" }, short(levels.low),
    make("i", { style: `background:linear-gradient(to right,${stops})` }), short(levels.high));
}

function paintMap(canvas, surface, levels, x, y, width, rows, theme) {
  canvas.width = width;
  canvas.height = rows;
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, rows);
  const table = Array.from({ length: 512 }, (_, i) => shade(i / 511, theme));
  for (let j = 0, k = 0; j < rows; j++) {
    for (let i = 0; i < width; i++, k += 4) {
      const J = SURFACES[surface].value(x.invert(i + 0.5), y.invert(j + 0.5));
      const color = table[Math.min(511, Math.round(511 * height(J, levels)))];
      image.data.set(color, k);
      image.data[k + 3] = 255;
    }
  }
  context.putImageData(image, 0, 0);
}

/** Contour lines by marching squares: the `d` of one SVG path. */
function contourLines(value, levels, x, y, width, rows, cell = 2) {
  const columns = Math.ceil(width / cell) + 1;
  const lines = Math.ceil(rows / cell) + 1;
  const grid = Array.from({ length: lines }, (_, j) =>
    Array.from({ length: columns }, (_, i) => value(x.invert(i * cell), y.invert(j * cell))));
  const parts = [];
  for (let j = 0; j + 1 < lines; j++) {
    for (let i = 0; i + 1 < columns; i++) {
      const corners = [grid[j][i], grid[j][i + 1], grid[j + 1][i + 1], grid[j + 1][i]];
      const least = Math.min(...corners);
      const most = Math.max(...corners);
      for (const level of levels) {
        if (level > least && level <= most) crossCell(parts, corners, level, i, j, cell);
      }
    }
  }
  return parts.join("");
}

// The corners of a cell, clockwise from the upper left one.
const CORNERS = [[0, 0], [1, 0], [1, 1], [0, 1]];

function crossCell(parts, corners, level, i, j, cell) {
  const points = [];
  for (let edge = 0; edge < 4; edge++) {
    const [a, b] = [corners[edge], corners[(edge + 1) % 4]];
    if (a < level === b < level) continue;
    const [from, to] = [CORNERS[edge], CORNERS[(edge + 1) % 4]];
    const t = (level - a) / (b - a);
    const px = (i + from[0] + t * (to[0] - from[0])) * cell;
    const py = (j + from[1] + t * (to[1] - from[1])) * cell;
    points.push(`${px.toFixed(1)} ${py.toFixed(1)}`);
  }
  for (let p = 0; p + 1 < points.length; p += 2) parts.push(`M${points[p]}L${points[p + 1]}`);
}

// --- drawing: runs ------------------------------------------------------------------------------

// The run under way, then the kept ones: each differs in color, line and marker.
const STYLES = [
  { dash: "", marker: "circle" },
  { dash: "7 4", marker: "square" },
  { dash: "2 3", marker: "triangle" },
  { dash: "9 3 2 3", marker: "diamond" },
  { dash: "4 3", marker: "cross" },
];
const MOST_KEPT = STYLES.length - 1;

const MARKERS = {
  circle: (x, y, r) => `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`,
  square: (x, y, r) => `M${x - r} ${y - r}h${2 * r}v${2 * r}h${-2 * r}z`,
  triangle: (x, y, r) => `M${x} ${y - 1.3 * r}l${1.3 * r} ${2.2 * r}h${-2.6 * r}z`,
  diamond: (x, y, r) => `M${x} ${y - 1.4 * r}l${1.4 * r} ${1.4 * r}l${-1.4 * r} ${1.4 * r}l${-1.4 * r} ${-1.4 * r}z`,
  cross: (x, y, r) => `M${x - r} ${y - r / 3}h${r * 0.67}v${-r * 0.67}h${r * 0.67}v${r * 0.67}h${r * 0.67}v${r * 0.67}h${-r * 0.67}v${r * 0.67}h${-r * 0.67}v${-r * 0.67}h${-r * 0.67}z`,
};

const round = (x) => Math.round(x * 10) / 10;

/** Pixel points of a run; one that flies far off is pulled in along its line of flight. */
function pixels(points, far = 4000) {
  const out = [];
  for (const [x, y] of points) {
    const size = Math.max(Math.abs(x), Math.abs(y));
    const last = out[out.length - 1];
    if (size <= far) out.push([round(x), round(y)]);
    else if (!last || Math.max(Math.abs(last[0]), Math.abs(last[1])) > far) break;
    else {
      const t = (far * 1.5) / size;
      out.push([round(last[0] + t * (x - last[0])), round(last[1] + t * (y - last[1]))]);
      if (size > 100 * far) break; // whatever comes after is out of sight
    }
  }
  return out;
}

/** One run as halo, line and markers inside an SVG group. */
function runLayer(style, index) {
  const halo = make("path", { class: "halo" });
  const line = make("path", { class: `line run${index}`, "stroke-dasharray": style.dash || null });
  const markers = make("path", { class: `markers run${index}` });
  const node = make("g", {}, halo, line, markers);
  function draw(points, radius) {
    const at = pixels(points);
    const d = at.length > 1 ? `M${at.map((p) => p.join(" ")).join("L")}` : "";
    set(halo, { d });
    set(line, { d });
    const every = Math.ceil(at.length / 45);
    const marker = MARKERS[style.marker];
    set(markers, {
      d: at.filter((_, i) => i % every === 0 || i === at.length - 1)
        .map(([x, y]) => marker(x, y, radius)).join(""),
    });
  }
  return { node, draw };
}

function axisLabels(group, horizontal, positions, across) {
  group.replaceChildren(...positions.map(({ at, text }) =>
    horizontal
      ? make("text", { x: at, y: across, "text-anchor": "middle", class: "tick" }, text)
      : make("text", { x: across, y: at, dy: "0.32em", "text-anchor": "end", class: "tick" }, text)));
}

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const powerOfTen = (n) =>
  n === 0 ? "1" : `10${n < 0 ? "⁻" : ""}${[...String(Math.abs(n))].map((c) => SUPERSCRIPTS[c]).join("")}`;

// --- the surface and the path on it -------------------------------------------------------------

const MARGIN = { left: 46, right: 8, top: 8, bottom: 36 };

/** The left picture: contours (or, in one dimension, the curve), runs, and the start to drag. */
function surfacePanel(store, hidden) {
  const canvas = make("canvas", { class: "map", "aria-hidden": "true" });
  const clip = make("rect", {});
  const id = `clip-${Math.random().toString(36).slice(2)}`;
  const still = make("path", { class: "contours" });
  const curve = make("path", { class: "curve" });
  const goal = make("g", { class: "goal" });
  const layers = STYLES.map(runLayer);
  const arrow = make("path", { class: "arrow" });
  const now = make("circle", { class: "now", r: 6 });
  const handle = startHandle();
  const [xTicks, yTicks] = [make("g"), make("g")];
  const xName = make("text", { class: "name", "text-anchor": "middle" }, "w₁");
  const yName = make("text", { class: "name", "text-anchor": "middle" });
  const frame = make("rect", { class: "frame" });
  const inside = make("g", { "clip-path": `url(#${id})` }, still, curve, goal,
    layers.slice(1).map((l) => l.node), layers[0].node, arrow, now);
  const svg = make("svg", { role: "group", "aria-label": "surface and path" },
    make("defs", {}, make("clipPath", { id }, clip)), frame, inside, xTicks, yTicks, xName, yName,
    hidden.has("start") ? null : handle.node);
  const node = make("div", { class: "panel" }, canvas, svg);
  let x, y, info, surface;

  function place(w) { // data -> pixels inside the SVG
    return info.flat ? [x(w[0]), y(SURFACES[surface].value(w[0], 0))] : [x(w[0]), y(w[1])];
  }

  function layout(width, rows, view) {
    ({ info } = view);
    ({ surface } = view.state);
    const box = { w: width - MARGIN.left - MARGIN.right, h: rows - MARGIN.top - MARGIN.bottom };
    const [left, top] = [MARGIN.left, MARGIN.top];
    const vertical = info.flat ? [info.levels.low - 0.06 * info.levels.high, info.levels.high] : info.bounds[1];
    x = linear(info.bounds[0], [left, left + box.w]);
    y = linear(vertical, [top + box.h, top]);
    set(svg, { width, height: rows, viewBox: `0 0 ${width} ${rows}` });
    for (const rect of [clip, frame]) set(rect, { x: left, y: top, width: box.w, height: box.h });
    const inner = [linear(info.bounds[0], [0, box.w]), linear(vertical, [box.h, 0])];
    canvas.style.cssText = `left:${left}px;top:${top}px;width:${box.w}px;height:${box.h}px`;
    canvas.hidden = info.flat;
    set(still, { transform: `translate(${left} ${top})`, d: "" });
    if (!info.flat) {
      const { value } = SURFACES[surface];
      paintMap(canvas, surface, info.levels, ...inner, Math.round(box.w), Math.round(box.h), view.theme);
      set(still, { d: contourLines(value, info.levels.lines, ...inner, box.w, box.h) });
    }
    set(curve, { d: info.flat ? curvePath(box.w, left) : "" });
    axisLabels(xTicks, true, ticks(...info.bounds[0]).map((t) => ({ at: x(t), text: short(t) })), rows - MARGIN.bottom + 16);
    axisLabels(yTicks, false, ticks(...vertical).map((t) => ({ at: y(t), text: short(t) })), left - 7);
    set(xName, { x: left + box.w / 2, y: rows - 4 });
    yName.textContent = info.flat ? "J" : "w₂";
    set(yName, { transform: `translate(11 ${top + box.h / 2}) rotate(-90)` });
    goal.replaceChildren(...info.minima.map((m) => {
      const [gx, gy] = place(m);
      return make("path", { d: `M${gx - 6} ${gy}h12M${gx} ${gy - 6}v12` });
    }));
  }

  function curvePath(width, left) {
    const points = Array.from({ length: 121 }, (_, i) => x.invert(left + (i / 120) * width));
    return `M${points.map((w) => place([w, 0]).map(round).join(" ")).join("L")}`;
  }

  function draw(view) {
    const path = view.run.path.slice(0, view.shown + 1);
    const radius = info.flat ? 3.4 : 2.8;
    layers[0].draw(path.map(place), radius);
    layers.slice(1).forEach((layer, i) => layer.draw(view.kept[i] ? view.kept[i].path.map(place) : [], radius));
    const w = view.run.path[view.shown];
    const at = place(w);
    const seen = Math.max(...at.map(Math.abs)) < 4000;
    set(now, seen ? { cx: at[0], cy: at[1], r: 6 } : { r: 0 });
    set(arrow, { d: seen ? downhill(w, at) : "" });
    handle.draw(place([view.state.start_x, view.state.start_y]), view.state, info);
  }

  function downhill(w, [px, py]) { // where minus the gradient points, as long whatever its size
    const g = SURFACES[surface].gradient(...w);
    const dx = -g[0] * (x(1) - x(0));
    const dy = info.flat ? 0 : -g[1] * (y(1) - y(0));
    const size = Math.hypot(dx, dy);
    if (!(size > 1e-4)) return "";
    const [ux, uy] = [dx / size, dy / size];
    const tip = [px + 34 * ux, py + 34 * uy];
    const wing = (side) => `L${round(tip[0] - 8 * ux + side * 5 * uy)} ${round(tip[1] - 8 * uy - side * 5 * ux)}`;
    return `M${round(px + 9 * ux)} ${round(py + 9 * uy)}L${round(tip[0])} ${round(tip[1])}${wing(1)}M${round(tip[0])} ${round(tip[1])}${wing(-1)}`;
  }

  function moveTo(wx, wy) {
    const snap = (value, [low, high]) => clamp(Math.round(value * 100) / 100, low, high);
    store.set({ start_x: snap(wx, info.bounds[0]), start_y: info.flat ? info.start[1] : snap(wy, info.bounds[1]) });
  }

  function follow(event) {
    const box = svg.getBoundingClientRect();
    moveTo(x.invert(event.clientX - box.left), info.flat ? 0 : y.invert(event.clientY - box.top));
  }

  function grab(event) {
    const onHandle = handle.node.contains(event.target);
    if (hidden.has("start") || event.button !== 0 || (event.pointerType === "touch" && !onHandle)) return;
    event.preventDefault();
    handle.node.focus({ focusVisible: false });
    svg.setPointerCapture(event.pointerId);
    svg.classList.add("dragging");
    follow(event);
  }

  svg.addEventListener("pointerdown", grab);
  svg.addEventListener("pointermove", (event) => {
    if (svg.classList.contains("dragging")) follow(event);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    svg.addEventListener(end, () => svg.classList.remove("dragging"));
  }
  handle.node.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!way) return;
    event.preventDefault();
    const step = event.shiftKey ? 0.01 : 0.1;
    moveTo(store.get("start_x") + step * way[0], store.get("start_y") + step * way[1]);
  });
  if (!hidden.has("start")) svg.classList.add("movable");
  return { node, layout, draw };
}

function startHandle() {
  const ring = make("circle", { r: 9, class: "ring" });
  const label = make("text", { class: "start-label", dy: "-14", "text-anchor": "middle" }, "start");
  const node = make("g", {
    class: "handle", tabindex: 0, role: "slider", "aria-roledescription": "draggable point",
    "aria-label": "start point: drag it, or move it with the arrow keys",
  }, make("circle", { r: 20, class: "grip" }), ring, label);
  function draw([px, py], { start_x, start_y }, info) {
    set(node, {
      transform: `translate(${round(px)} ${round(py)})`,
      "aria-valuemin": info.bounds[0][0], "aria-valuemax": info.bounds[0][1], "aria-valuenow": start_x,
      "aria-valuetext": info.flat ? `w1 = ${start_x}` : `w1 = ${start_x}, w2 = ${start_y}`,
    });
    set(label, { dy: py < 34 ? 26 : -14 });
  }
  return { node, draw };
}

// --- the loss against the steps -----------------------------------------------------------------

const LENGTHS = [10, 20, 50, 100, 200, 500];

/** The right picture: J above its minimum on a log axis; also a slider for the step shown. */
function lossPanel(showStep) {
  const clip = make("rect", {});
  const id = `clip-${Math.random().toString(36).slice(2)}`;
  const grid = make("path", { class: "grid" });
  const layers = STYLES.map(runLayer);
  const rest = make("path", { class: "rest" });
  const cursor = make("line", { class: "cursor" });
  const now = make("circle", { class: "now", r: 6 });
  const flag = make("text", { class: "flag" });
  const [xTicks, yTicks] = [make("g"), make("g")];
  const xName = make("text", { class: "name", "text-anchor": "middle" }, "step");
  const yName = make("text", { class: "name", "text-anchor": "middle" });
  const frame = make("rect", { class: "frame" });
  const svg = make("svg", { tabindex: 0, role: "slider", "aria-label": "step shown", "aria-valuemin": 0, keydown },
    make("defs", {}, make("clipPath", { id }, clip)), frame, grid,
    make("g", { "clip-path": `url(#${id})` }, rest, cursor, layers.slice(1).map((l) => l.node), layers[0].node, now),
    flag, xTicks, yTicks, xName, yName);
  const node = make("div", { class: "panel" }, svg);
  let x, y, box, view;

  function layout(width, rows, { info, length }) {
    const [left, top] = [MARGIN.left + 6, MARGIN.top];
    box = { left, top, w: width - left - MARGIN.right - 6, h: rows - top - MARGIN.bottom };
    x = linear([0, length], [left + 8, left + box.w - 8]);
    const exponent = linear(info.loss_axis.map(Math.log10), [top + box.h, top]);
    // A loss at (or below) the foot of the axis sits on its foot.
    y = (J) => exponent(Math.log10(Math.max(J - info.lowest, info.loss_axis[0])));
    set(svg, { width, height: rows, viewBox: `0 0 ${width} ${rows}` });
    set(clip, { x: left, y: top - 1, width: box.w, height: box.h + 8 });
    set(frame, { x: left, y: top, width: box.w, height: box.h });
    const [low, high] = info.loss_axis.map((J) => Math.round(Math.log10(J)));
    const powers = Array.from({ length: high - low + 1 }, (_, i) => low + i).filter((p) => p % (high - low > 10 ? 3 : 2) === 0);
    axisLabels(yTicks, false, powers.map((p) => ({ at: exponent(p), text: powerOfTen(p) })), left - 7);
    const steps = ticks(0, length);
    axisLabels(xTicks, true, steps.map((t) => ({ at: x(t), text: String(t) })), rows - MARGIN.bottom + 16);
    const across = powers.map((p) => `M${left} ${exponent(p)}h${box.w}`);
    set(grid, { d: across.concat(steps.map((t) => `M${x(t)} ${top}v${box.h}`)).join("") });
    set(xName, { x: left + box.w / 2, y: rows - 4 });
    yName.textContent = info.lowest === 0 ? "loss J" : "loss J above its minimum";
    set(yName, { transform: `translate(11 ${top + box.h / 2}) rotate(-90)` });
  }

  const points = (losses) => losses.map((J, step) => [x(step), Math.max(y(J), box.top - 50)]);

  function draw(next) {
    view = next;
    const { run, shown, kept } = view;
    const all = points(run.losses);
    const last = run.losses.length - 1;
    set(rest, { d: shown < last ? `M${all.map((p) => p.map(round).join(" ")).join("L")}` : "" });
    layers[0].draw(all.slice(0, shown + 1), 2.8);
    layers.slice(1).forEach((layer, i) => layer.draw(kept[i] ? points(kept[i].losses) : [], 2.8));
    const [cx, cy] = all[shown];
    set(cursor, { x1: cx, x2: cx, y1: box.top, y2: box.top + box.h });
    set(now, { cx, cy: Math.max(cy, box.top + 1) });
    drawFlag(run, all[last][0]);
    set(svg, { "aria-valuemax": last, "aria-valuenow": shown,
      "aria-valuetext": `step ${shown}, J = ${short(run.losses[shown])}` });
  }

  function drawFlag(run, px) { // where the curve ends in a verdict, say so beside it
    const gone = run.path.length - 1 < run.params.steps || beyond(run.path[run.path.length - 1]);
    flag.textContent = gone ? `✕ ${run.verdict.headline}` : "";
    const end = px > box.left + box.w / 2;
    set(flag, { x: px + (end ? -10 : 10), y: box.top + 18, "text-anchor": end ? "end" : "start" });
  }

  const stepAt = (event) =>
    Math.round(x.invert(event.clientX - svg.getBoundingClientRect().left));

  function keydown(event) {
    const last = view.run.losses.length - 1;
    const to = { ArrowLeft: view.shown - 1, ArrowDown: view.shown - 1, ArrowRight: view.shown + 1, ArrowUp: view.shown + 1,
      PageDown: view.shown - 10, PageUp: view.shown + 10, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    showStep(clamp(to, 0, last));
  }
  svg.addEventListener("pointermove", (event) => showStep(clamp(stepAt(event), 0, view.run.losses.length - 1)));
  svg.addEventListener("pointerleave", () => showStep(null));
  return { node, layout, draw };
}

// --- controls -----------------------------------------------------------------------------------

const LABELS = {
  surface: "surface", optimizer: "optimizer", learning_rate: "learning rate", steps: "steps",
  momentum: "momentum",
};
const NAMES = { sgd: "SGD", rmsprop: "RMSprop", adam: "Adam", adamw: "AdamW", adadelta: "Adadelta" };
const title = (word) => NAMES[word] ?? word[0].toUpperCase() + word.slice(1);

let controls = 0; // one page may hold several explorers: ids must differ
const freshId = (name) => `lk-${name}-${(controls += 1)}`;

/** A labeled range input with a number field; the rate's is logarithmic and marks its limit. */
function slider(name, range, store, marked) {
  const log = name === "learning_rate";
  const [low, high] = range;
  const ends = log ? [Math.log10(low), Math.log10(high)] : [low, high];
  const step = { learning_rate: 0.01, steps: 1, momentum: 0.01 }[name];
  const toValue = (position) => (log ? clamp(Number((10 ** position).toPrecision(2)), low, high) : position);
  const [id, numberId] = [freshId(name), freshId(name)];
  const input = make("input", { type: "range", id, min: ends[0], max: ends[1], step: log ? "any" : step, input: slide });
  const number = make("input", { type: "number", id: numberId, min: low, max: high, step: "any",
    "aria-label": `${LABELS[name]}, typed`, change: typed });
  const mark = make("div", { class: "mark", hidden: true }, make("i"), make("span"));
  const node = make("div", { class: `control ${name}` },
    make("div", { class: "head" }, make("label", { for: id }, LABELS[name]), number),
    make("div", { class: "rail" }, input, mark));
  if (log) input.addEventListener("keydown", nudge);

  function slide() {
    store.set({ [name]: toValue(Number(input.value)) });
  }
  function nudge(event) { // step="any" leaves the arrows to us: 12 % a press, a factor 2 a page
    const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -6, PageUp: 6 }[event.key];
    if (!by) return;
    event.preventDefault();
    const next = store.get(name) * 10 ** (0.05 * by);
    store.set({ [name]: clamp(Number(next.toPrecision(2)), low, high) });
  }
  function typed() {
    const value = clamp(Number(number.value), low, high);
    if (number.value !== "" && Number.isFinite(value)) store.set({ [name]: name === "steps" ? Math.round(value) : value });
    number.value = store.get(name);
  }
  const fraction = (value) => ((log ? Math.log10(value) : value) - ends[0]) / (ends[1] - ends[0]);

  function draw({ state, run, info }) {
    const value = state[name];
    const position = log ? Math.log10(value) : value;
    if (toValue(Number(input.value)) !== value) input.value = position;
    if (number.getRootNode().activeElement !== number) number.value = value;
    input.style.setProperty("--at", fraction(value));
    const limit = log && marked && run.limit !== null && run.limit <= high ? run.limit : null;
    const note = limit === null ? "" : `limit ${info.local ? "near the minimum " : ""}${short(limit)}`;
    set(input, { "aria-valuetext": note ? `${value}, ${note}` : String(value) });
    if (log) drawMark(limit, note);
    const off = name === "momentum" && !usesMomentum(state.optimizer);
    input.disabled = number.disabled = off;
    node.classList.toggle("off", off);
  }
  function drawMark(limit, note) {
    mark.hidden = limit === null;
    input.style.setProperty("--limit", limit === null ? 2 : fraction(limit)); // 2: out of sight
    if (limit === null) return;
    mark.style.setProperty("--limit", fraction(limit));
    mark.classList.toggle("late", fraction(limit) > 0.7);
    mark.lastChild.textContent = note;
  }
  return { node, draw };
}

/** One of a few, all visible: radio buttons drawn as a bar. */
function choiceBar(name, values, store) {
  const group = freshId(name);
  const radios = values.map((value) => make("input", {
    type: "radio", name: group, id: freshId(name), value, change: () => store.set({ [name]: value }),
  }));
  const node = make("fieldset", { class: `control bar ${name}` }, make("legend", {}, LABELS[name]),
    make("div", { class: "options" }, radios.map((radio) => [radio, make("label", { for: radio.id }, title(radio.value))])));
  const draw = ({ state }) => radios.forEach((radio) => { radio.checked = radio.value === state[name]; });
  return { node, draw };
}

function menu(name, values, store) {
  const id = freshId(name);
  const select = make("select", { id, change: () => store.set({ [name]: select.value }) },
    values.map((value) => make("option", { value }, title(value))));
  const node = make("div", { class: `control ${name}` },
    make("div", { class: "head" }, make("label", { for: id }, LABELS[name])), select);
  return { node, draw: ({ state }) => { select.value = state[name]; } };
}

const button = (text, click, attributes = {}) => make("button", { type: "button", click, ...attributes }, text);

const ICONS = { play: "M4 2.5v11l9-5.5z", pause: "M4 2.5h3v11H4zM9 2.5h3v11H9z" };

// --- the whole explorer -------------------------------------------------------------------------

const PARAMETERS = ["surface", "optimizer", "learning_rate", "steps", "momentum", "start_x", "start_y"];

/**
 * Build the explorer inside `host`.
 * `store` holds the state: get(name), set({name: value}), listen(callback); returns a clean-up.
 */
export function mount(host, store) {
  const catalog = store.get("catalog");
  const hidden = new Set(store.get("hide"));
  const shadow = host.attachShadow({ mode: "open" });
  const status = make("p", { role: "status", class: "status" });
  const readout = make("p", { class: "readout" });
  const formula = make("p", { class: "formula" });
  const legend = make("ul", { class: "legend", "aria-label": "runs shown" });
  const copied = make("pre", { class: "copied", role: "status", hidden: true });
  const presets = make("div", { class: "presets", role: "group", "aria-label": "presets" });
  const player = playButton();
  const view = { theme: "light", shown: 0, kept: [] };
  let pinned = null; // the step under the pointer, in the play-back, or null: the last one
  let timer = 0;

  const tracked = { get: store.get, set: (values) => { stop(); store.set(withStart(values)); } };
  const parts = [
    choiceBar("surface", Object.keys(catalog.surfaces), tracked),
    menu("optimizer", catalog.optimizers, tracked),
    ...["learning_rate", "steps", "momentum"].map((name) => slider(name, catalog.ranges[name], tracked, !hidden.has("limit"))),
  ];
  const names = ["surface", "optimizer", "learning_rate", "steps", "momentum"];
  const shownParts = parts.filter((_, i) => !hidden.has(names[i]));
  const left = surfacePanel(tracked, hidden);
  const right = lossPanel((step) => { stop(); pinned = step; refreshStep(); });
  const oneStep = button("1 step", () => addSteps(1));
  const tenSteps = button("10 steps", () => addSteps(10));
  const reset = button("Reset", () => tracked.set({ steps: 0 }), { title: "back to the start: 0 steps" });
  const keep = button("Keep this run", keepRun, { title: "leave this run in the picture to compare with" });

  const body = make("div", { class: "lk", role: "group", "aria-label": "gradient descent explorer", keydown: guardKeys },
    make("div", { class: "controls top" }, shownParts.filter((p) => p.node.matches(".surface, .optimizer")).map((p) => p.node)),
    make("div", { class: "controls" }, shownParts.filter((p) => !p.node.matches(".surface, .optimizer")).map((p) => p.node)),
    hidden.has("presets") ? null : presets,
    make("div", { class: "above" }, formula, legend),
    make("div", { class: "panels" }, left.node, right.node),
    status, readout,
    make("div", { class: "buttons" },
      hidden.has("stepping") ? null : make("div", { role: "group", "aria-label": "stepping" }, player.node, oneStep, tenSteps, reset),
      hidden.has("keep") ? null : make("div", {}, keep),
      hidden.has("copy") ? null : make("div", { role: "group", "aria-label": "copy these settings" },
        button("Copy as parameters", () => copy(asParameters(settings()))),
        button("Copy as command", () => copy(asCommand(store.get("lesson"), settings()))))),
    copied);
  shadow.append(make("style", {}, STYLE), body);

  function guardKeys(event) { // plain keys are ours: JupyterLab would take them for shortcuts
    const passes = event.ctrlKey || event.metaKey || event.altKey || ["Tab", "Escape"].includes(event.key)
      || (event.shiftKey && event.key === "Enter");
    if (!passes) event.stopPropagation();
  }

  function withStart(values) { // a new surface brings its own start, unless told otherwise
    if (!("surface" in values) || "start_x" in values) return values;
    const [start_x, start_y] = catalog.surfaces[values.surface].start;
    return { ...values, start_x, start_y };
  }

  const paramsNow = () => Object.fromEntries(PARAMETERS.map((name) => [name, store.get(name)]));
  const settings = () => parametersOf(view.state, view.info);

  // -- from state to picture
  let drawn = "";
  function refresh() {
    view.state = paramsNow();
    view.info = catalog.surfaces[view.state.surface];
    view.run = explain(view.state, view.info, !hidden.has("limit"));
    view.kept = store.get("kept").slice(-MOST_KEPT)
      .filter((params) => params.surface === view.state.surface)
      .map((params) => explain(params, view.info));
    const longest = Math.max(view.state.steps, ...view.kept.map((run) => run.params.steps));
    view.length = LENGTHS.find((length) => length >= longest) ?? longest;
    pinned = null;
    layout();
    shownParts.forEach((part) => part.draw(view));
    drawWords();
    refreshStep();
  }

  function layout() { // only what the settings or the size changed is drawn again
    const width = body.clientWidth;
    if (!width) return;
    const narrow = width < 620;
    const panel = narrow ? width : Math.floor((width - 20) / 2);
    const rows = Math.round(clamp(panel * 0.8, 260, 400));
    const key = [panel, rows, view.state.surface, view.length, view.theme].join();
    if (key === drawn) return;
    drawn = key;
    body.classList.toggle("narrow", narrow);
    left.layout(panel, rows, view);
    right.layout(panel, rows, view);
    formula.replaceChildren(view.info.label, view.info.flat ? "" : colorScale(view.info, view.theme));
    presets.replaceChildren(make("span", {}, "Try:"), ...view.info.presets.map(({ name, params }) =>
      button(name, () => tracked.set(params))));
  }

  function drawWords() {
    const { run, state } = view;
    const [before, after] = run.text.split(`: ${run.verdict.headline}`);
    body.dataset.verdict = run.verdict.kind;
    if (status.textContent !== run.text) {
      status.replaceChildren(`${before}: `, make("strong", {}, run.verdict.headline), after);
    }
    player.draw(Boolean(timer), state.steps === 0);
    oneStep.disabled = tenSteps.disabled = state.steps >= catalog.ranges.steps[1];
    reset.disabled = state.steps === 0;
    drawLegend();
  }

  function drawLegend() {
    const entries = [view.run, ...view.kept].map((run, i) => make("li", {},
      sample(i), make("span", {}, `${nameOf(run.params)}, rate ${short(run.params.learning_rate)}`),
      i === 0 ? null : button("×", () => dropRun(run.params), { class: "drop",
        "aria-label": `remove ${nameOf(run.params)}, rate ${short(run.params.learning_rate)}` })));
    legend.replaceChildren(...entries);
  }

  function refreshStep() {
    const { run, info } = view;
    const last = run.path.length - 1;
    view.shown = clamp(pinned ?? last, 0, last);
    if (!drawn) return;
    left.draw(view);
    right.draw(view);
    const w = run.path[view.shown];
    const g = SURFACES[view.state.surface].gradient(...w);
    const pair = (v) => (info.flat ? short(v[0]) : `(${short(v[0])}, ${short(v[1])})`);
    const entries = { step: `${view.shown} of ${last}`, w: pair(w), J: short(run.losses[view.shown]), gradient: pair(g) };
    readout.replaceChildren(...Object.entries(entries).map(([name, text]) =>
      make("span", {}, make("em", {}, name), ` ${text}`)));
  }

  // -- playing and stepping
  function addSteps(count) {
    tracked.set({ steps: Math.min(view.state.steps + count, catalog.ranges.steps[1]) });
  }

  function playButton() {
    const icon = make("path", {});
    const label = make("span", {});
    const node = make("button", { type: "button", class: "play", click: () => (timer ? pause() : play()) },
      make("svg", { viewBox: "0 0 16 16", width: 12, height: 12, "aria-hidden": "true" }, icon), label);
    function draw(playing, empty) {
      set(icon, { d: playing ? ICONS.pause : ICONS.play });
      label.textContent = playing ? "Pause" : "Play";
      node.disabled = empty;
    }
    return { node, draw };
  }

  function play() {
    const last = view.run.path.length - 1;
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return void (pinned = null, refreshStep());
    const from = pinned === null || pinned >= last ? 0 : pinned;
    const pace = clamp(4000 / last, 12, 220); // milliseconds a step: four seconds in all
    const began = performance.now();
    const tick = (time) => {
      pinned = Math.min(last, from + Math.floor(Math.max(0, time - began) / pace));
      refreshStep();
      if (pinned >= last) return stop();
      timer = requestAnimationFrame(tick);
    };
    timer = requestAnimationFrame(tick);
    player.draw(true, false);
  }

  function pause() {
    cancelAnimationFrame(timer);
    timer = 0;
    player.draw(false, view.state.steps === 0);
  }

  function stop() {
    if (timer) pause();
  }

  // -- keeping and copying
  function keepRun() {
    const same = (a) => PARAMETERS.every((name) => a[name] === view.state[name]);
    const kept = store.get("kept").filter((params) => params.surface === view.state.surface && !same(params));
    store.set({ kept: [...kept, { ...view.state }].slice(-MOST_KEPT) });
  }

  function dropRun(run) {
    store.set({ kept: store.get("kept").filter((params) => PARAMETERS.some((name) => params[name] !== run[name])) });
  }

  async function copy(text) {
    copied.hidden = false;
    copied.textContent = text;
    try {
      await navigator.clipboard.writeText(text);
      copied.dataset.note = "copied";
    } catch { // no clipboard on this page: the text is selected, ready for the learner's own copy
      getSelection()?.selectAllChildren(copied);
      copied.dataset.note = "select and copy";
    }
  }

  // -- the world around: size, theme
  function readTheme() {
    const theme = isDark(body) ? "dark" : "light";
    if (theme === view.theme && body.dataset.theme) return;
    view.theme = body.dataset.theme = theme;
    if (view.state) refresh();
  }
  const soon = () => { readTheme(); setTimeout(readTheme, 300); }; // style sheets come late
  const watcher = new MutationObserver(soon);
  for (const element of [document.documentElement, document.body]) {
    watcher.observe(element, { attributes: true, attributeFilter: ["class", "style", "data-jp-theme-light", "data-theme"] });
  }
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  scheme.addEventListener("change", soon);
  const sizes = new ResizeObserver(() => { readTheme(); layout(); refreshStep(); }); // also once in the page

  readTheme();
  refresh();
  sizes.observe(body);
  const forget = store.listen(refresh);
  return () => {
    stop();
    forget();
    sizes.disconnect();
    watcher.disconnect();
    scheme.removeEventListener("change", soon);
  };
}

/** A page whose text is light is a dark page, whatever made it so. */
function isDark(element) {
  const parts = getComputedStyle(element).color.match(/[\d.]+/g) ?? [0, 0, 0];
  const [r, g, b] = parts.map(Number);
  return 0.3 * r + 0.59 * g + 0.11 * b > 140;
}

function sample(index) {
  const { dash, marker } = STYLES[index];
  return make("svg", { width: 34, height: 12, "aria-hidden": "true" },
    make("path", { d: "M1 6h32", class: `line run${index}`, "stroke-dasharray": dash || null }),
    make("path", { d: MARKERS[marker](17, 6, 3), class: `markers run${index}` }));
}

const STYLE = `
:host { display: block; container-type: inline-size; }
.lk {
  --ink: var(--jp-content-font-color1, currentColor); --paper: var(--jp-layout-color0, #fff);
  --rail: #0000002e; --soft: #0000000d; --line: #00000026; --accent: #1845fb; --danger: #c91f16;
  --run0: #ff5e02; --run1: #1845fb; --run2: #c849a9; --run3: #656364; --run4: #c91f16;
  --halo: #ffffffd9; --iso: #ffffff73; --now: #ffffff;
  font: 13px/1.4 var(--jp-ui-font-family, system-ui, sans-serif); color: var(--ink); max-width: 1080px;
  font-variant-numeric: tabular-nums; padding: 4px 2px; box-sizing: border-box;
}
.lk[data-theme="dark"] {
  --paper: var(--jp-layout-color0, #16181d);
  --rail: #ffffff3d; --soft: #ffffff14; --line: #ffffff2e; --accent: #86a8ff; --danger: #ff7a70;
  --run1: #86c8dd; --run2: #f08ad6; --run3: #c9c9a0; --run4: #9db9ff;
  --halo: #0b0d12cc; --iso: #ffffff38; --now: #0b0d12;
}
* { box-sizing: border-box; }
p { margin: 0; }
button, input, select { font: inherit; color: inherit; }
:focus { outline: none; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 4px; }
.controls { display: flex; flex-wrap: wrap; gap: 10px 28px; margin-bottom: 8px; }
.control { flex: 1 1 150px; min-width: 0; border: 0; padding: 0; margin: 0; }
.control.learning_rate { flex: 2 1 240px; }
.control.surface { flex: 3 1 360px; }
.control.optimizer { flex: 1 1 150px; max-width: 240px; }
.head { display: flex; justify-content: space-between; align-items: baseline; height: 24px; }
label, legend { font-weight: 600; padding: 0; white-space: nowrap; }
.options label, .options { font-weight: 400; }
input[type="number"] {
  width: 5.6em; min-width: 3em; text-align: right; background: none; border: 0; border-bottom: 1px dotted var(--line);
  padding: 0 2px; font-weight: 600; appearance: textfield; -moz-appearance: textfield;
}
input[type="number"]::-webkit-inner-spin-button { display: none; }
.rail { position: relative; height: 36px; }
input[type="range"] {
  --spot: calc(8px + (100% - 16px) * var(--at, 0)); --stop: calc(8px + (100% - 16px) * var(--limit, 2));
  appearance: none; -webkit-appearance: none; width: 100%; height: 20px; margin: 0; background: none; cursor: pointer;
}
input[type="range"]::-webkit-slider-runnable-track {
  height: 4px; border-radius: 2px;
  background: linear-gradient(to right, var(--accent) var(--spot), transparent var(--spot)),
    linear-gradient(to right, var(--rail) var(--stop), var(--danger) var(--stop));
}
input[type="range"]::-moz-range-track {
  height: 4px; border-radius: 2px;
  background: linear-gradient(to right, var(--accent) var(--spot), transparent var(--spot)),
    linear-gradient(to right, var(--rail) var(--stop), var(--danger) var(--stop));
}
input[type="range"]::-webkit-slider-thumb {
  -webkit-appearance: none; width: 16px; height: 16px; margin-top: -6px; border-radius: 50%;
  background: var(--accent); border: 2px solid var(--paper); box-shadow: 0 0 0 1px var(--accent);
}
input[type="range"]::-moz-range-thumb {
  width: 12px; height: 12px; border-radius: 50%; background: var(--accent); border: 2px solid var(--paper);
  box-shadow: 0 0 0 1px var(--accent);
}
.off { opacity: 0.4; }
.mark { position: absolute; top: 16px; left: calc(8px + (100% - 16px) * var(--limit)); color: var(--danger); font-size: 12px; line-height: 1; pointer-events: none; }
.mark[hidden] { display: none; }
.mark i { position: absolute; left: -1px; top: -13px; width: 2px; height: 17px; background: var(--danger); }
.mark span { position: absolute; left: -1px; top: 7px; white-space: nowrap; }
.mark.late span { left: auto; right: -1px; }
.options { display: flex; border: 1px solid var(--line); border-radius: 6px; overflow: hidden; }
fieldset.bar { padding: 0; }
legend { height: 24px; }
.options input { position: absolute; opacity: 0; pointer-events: none; }
.options label { flex: 1; text-align: center; padding: 5px 8px; cursor: pointer; border-left: 1px solid var(--line); }
.options label:first-of-type { border-left: 0; }
.options label:hover { background: var(--soft); }
.options input:checked + label { background: var(--accent); color: #fff; font-weight: 600; }
.lk[data-theme="dark"] .options input:checked + label { color: #0b0d12; }
.options input:focus-visible + label { outline: 2px solid var(--ink); outline-offset: -3px; border-radius: 6px; }
select { width: 100%; padding: 5px 8px; border: 1px solid var(--line); border-radius: 6px; background: var(--paper); height: 30px; }
button {
  border: 1px solid var(--line); background: var(--soft); border-radius: 6px; padding: 4px 11px; cursor: pointer;
  line-height: 1.4;
}
button:hover:not(:disabled) { border-color: var(--accent); color: var(--accent); }
button:disabled { opacity: 0.4; cursor: default; }
.play { display: inline-flex; align-items: center; gap: 6px; min-width: 78px; }
.play svg { fill: currentColor; }
.presets, .buttons, .buttons > div { display: flex; flex-wrap: wrap; gap: 6px; align-items: center; }
.presets { margin: 0 0 12px; }
.presets span { font-weight: 600; margin-right: 4px; }
.presets button { border-radius: 14px; padding: 2px 12px; }
.buttons { gap: 8px 20px; margin-top: 12px; }
.panels { display: flex; gap: 20px; }
.narrow .panels { flex-direction: column; gap: 8px; }
.above { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 2px 28px; margin: 0 8px 4px 46px; min-height: 22px; }
.formula { font-style: italic; font-size: 14px; display: flex; align-items: center; gap: 18px; }
.scale { font-style: normal; font-size: 12px; display: inline-flex; align-items: center; gap: 6px; }
.scale i { width: 84px; height: 9px; border-radius: 2px; }
.legend { display: flex; flex-wrap: wrap; gap: 2px 16px; list-style: none; margin: 0; padding: 0; }
.legend li { display: flex; align-items: center; gap: 6px; }
.drop { border: 0; background: none; padding: 0 4px; line-height: 1; font-size: 15px; }
.panel { position: relative; line-height: 0; }
.panel svg { position: relative; display: block; overflow: visible; }
.panel text { font-size: 12px; fill: currentColor; }
.panel .tick { opacity: 0.75; font-size: 11.5px; }
.panel .name { font-style: italic; font-size: 13px; }
.map { position: absolute; border-radius: 3px; }
.map[hidden] { display: none; }
.frame { fill: none; stroke: var(--line); }
.grid { fill: none; stroke: var(--line); stroke-width: 0.6; opacity: 0.7; }
.contours { fill: none; stroke: var(--iso); stroke-width: 1; }
.curve { fill: none; stroke: currentColor; stroke-width: 2; opacity: 0.55; }
.goal path { stroke: currentColor; stroke-width: 2.2; }
.lk[data-theme="light"] .goal path { stroke: #111; }
.halo { fill: none; stroke: var(--halo); stroke-width: 4.5; stroke-linejoin: round; }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; }
.markers { stroke: var(--halo); stroke-width: 0.8; }
${[0, 1, 2, 3, 4].map((i) => `.line.run${i} { stroke: var(--run${i}); } .markers.run${i} { fill: var(--run${i}); }`).join("\n")}
.rest { fill: none; stroke: var(--run0); stroke-width: 1.5; opacity: 0.3; }
.now { fill: var(--now); stroke: var(--run0); stroke-width: 3; }
.arrow { fill: none; stroke: currentColor; stroke-width: 1.8; stroke-linecap: round; stroke-linejoin: round; }
.cursor { stroke: currentColor; opacity: 0.35; stroke-dasharray: 3 3; }
.flag { fill: var(--danger) !important; font-weight: 600; }
.movable { cursor: crosshair; }
.handle { cursor: grab; touch-action: none; }
.dragging, .dragging .handle { cursor: grabbing; }
.grip { fill: transparent; }
.ring { fill: none; stroke: currentColor; stroke-width: 2.2; }
.handle:hover .ring, .handle:focus .ring { stroke-width: 3.5; }
.handle:focus-visible { outline: none; }
.handle:focus-visible .ring { stroke: var(--accent); stroke-width: 4; }
.start-label { font-weight: 600; paint-order: stroke; stroke: var(--halo); stroke-width: 3px; }
.status { margin-top: 8px; font-size: 14px; min-height: 2.8em; }
.status strong { font-weight: 700; }
[data-verdict="diverges"] .status strong { color: var(--danger); }
.readout { display: flex; flex-wrap: wrap; gap: 2px 22px; font-size: 13px; min-height: 1.4em; }
.readout span { min-width: 7em; }
.readout em { opacity: 0.7; margin-right: 3px; }
.copied { margin: 10px 0 0; padding: 8px 12px; background: var(--soft); border-radius: 6px; font: 12px/1.5 var(--jp-code-font-family, monospace); white-space: pre-wrap; color: inherit; }
.copied::after { content: attr(data-note); float: right; opacity: 0.6; font-style: italic; }
.copied[hidden] { display: none; }
@media print { .buttons, .presets, .copied { display: none; } }
`;

const WATCHED = [...PARAMETERS, "kept"];
