// The left picture: contours (or, in one dimension, the curve), the path on them, the start to drag.
import { axis } from "../axes.js";
import { cells, contour } from "../canvas.js";
import { blend, viridis } from "../colors.js";
import { make, set } from "../dom.js";
import { clamp, short, tenth } from "../numbers.js";
import { MARGIN, pictureFrame } from "./frame.js";
import { SURFACES } from "./maths.js";
import { lineOf, runLayers } from "./runs.js";

// What the map is blended with, and how much of that: paths stay readable in both themes.
const TINT = { light: [[255, 255, 255], 0.45], dark: [[10, 12, 18], 0.5] };
const CELL = 2; // pixels between the points that the contours are found from

/** Where J lies between the lowest and the highest contour, 0 to 1; half the map is below 0.5. */
const heightOf = (J, { low, high, power }) => Math.max(0, (J - low) / (high - low)) ** (1 / power);

/** The color of a height in this theme. */
export const shade = (t, theme) => blend(viridis(t), ...TINT[theme]);

/** The map as a canvas; x and y place weights inside it. */
function mapOf(value, levels, x, y, w, h, theme) {
  const [width, rows] = [Math.round(w), Math.round(h)];
  const table = Array.from({ length: 512 }, (_, i) => shade(i / 511, theme));
  const map = cells(width, rows, { class: "map", "aria-hidden": "true" });
  map.paint((k) => {
    const J = value(x.invert((k % width) + 0.5), y.invert(Math.floor(k / width) + 0.5));
    return table[Math.min(511, Math.round(511 * heightOf(J, levels)))];
  });
  return map.canvas;
}

/** Contour lines: the `d` of one SVG path. */
function contourPath(value, lines, x, y, w, h) {
  const columns = Math.ceil(w / CELL) + 1;
  const rows = Math.ceil(h / CELL) + 1;
  const heights = Float64Array.from({ length: columns * rows }, (_, k) =>
    value(x.invert((k % columns) * CELL), y.invert(Math.floor(k / columns) * CELL)));
  const parts = [];
  contour(heights, columns, lines, (...ends) => {
    const [x0, y0, x1, y1] = ends.map((end) => (CELL * end).toFixed(1));
    parts.push(`M${x0} ${y0}L${x1} ${y1}`);
  });
  return parts.join("");
}

/** The point where the walk starts: dragged, or moved by arrow keys. */
function startHandle(moveBy) {
  const label = make("text", { class: "start-label", dy: "-14", "text-anchor": "middle" }, "start");
  const node = make("g", {
    class: "handle", tabindex: 0, role: "slider", "aria-roledescription": "draggable point",
    "aria-label": "start point: drag it, or move it with the arrow keys", "aria-valuenow": 0, keydown,
  }, make("circle", { r: 20, class: "grip" }), make("circle", { r: 9, class: "ring" }),
  ["focus under", "focus"].map((name) => make("circle", { r: 15, class: name })), label);

  function keydown(event) {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!way) return;
    event.preventDefault();
    moveBy(...way.map((direction) => direction * (event.shiftKey ? 0.01 : 0.1)));
  }
  function draw([px, py], { start_x, start_y }, { bounds, flat }) {
    set(node, {
      transform: `translate(${tenth(px)} ${tenth(py)})`,
      "aria-valuemin": bounds[0][0], "aria-valuemax": bounds[0][1], "aria-valuenow": start_x,
      "aria-valuetext": flat ? `w1 = ${start_x}` : `w1 = ${start_x}, w2 = ${start_y}`,
    });
    set(label, { dy: py < 34 ? 26 : -14 });
  }
  return { node, draw };
}

/** Let the pointer drag a handle; a touch must begin on it, else a finger could not scroll the page. */
function makeDraggable(svg, handle, follow) {
  svg.classList.add("movable");
  svg.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || (event.pointerType === "touch" && !handle.contains(event.target))) return;
    event.preventDefault();
    handle.focus({ focusVisible: false });
    svg.setPointerCapture(event.pointerId);
    svg.classList.add("dragging");
    follow(event);
  });
  svg.addEventListener("pointermove", (event) => {
    if (svg.classList.contains("dragging")) follow(event);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    svg.addEventListener(end, () => svg.classList.remove("dragging"));
  }
}

/** An arrow of one length, whatever the size of the gradient. */
function arrowPath([px, py], dx, dy) {
  const size = Math.hypot(dx, dy);
  if (!(size > 1e-4)) return "";
  const [ux, uy] = [dx / size, dy / size];
  const [tx, ty] = [px + 34 * ux, py + 34 * uy];
  const wing = (side) => [tx - 8 * ux + side * 5 * uy, ty - 8 * uy - side * 5 * ux];
  return lineOf([[px + 9 * ux, py + 9 * uy], [tx, ty], wing(1)]) + lineOf([[tx, ty], wing(-1)]);
}

export class SurfacePanel {
  constructor(move, hidden) {
    this.move = move; // told the new start
    this.map = make("div", {});
    this.contours = make("path", { class: "contours" });
    this.curve = make("path", { class: "curve" });
    this.goal = make("path", { class: "goal" });
    this.runs = runLayers();
    this.arrow = make("path", { class: "arrow" });
    this.now = make("circle", { class: "now" });
    this.handle = startHandle((dx, dy) => this.moveTo(this.start[0] + dx, this.start[1] + dy));
    const inside = [this.contours, this.curve, this.goal, ...this.runs.nodes, this.arrow, this.now];
    const above = hidden.has("start") ? [] : [this.handle.node];
    this.frame = pictureFrame({ role: "group", "aria-label": "surface and path" }, "w₁", inside, above);
    if (!hidden.has("start")) makeDraggable(this.frame.svg, this.handle.node, (event) => this.follow(event));
    this.node = make("div", { class: "panel" }, this.map, this.frame.svg);
  }

  layout(width, rows, { info, state, theme }) {
    const { value } = SURFACES[state.surface];
    Object.assign(this, { info, surface: SURFACES[state.surface] });
    const { left, top } = MARGIN;
    const [w, h] = [width - left - MARGIN.right, rows - top - MARGIN.bottom];
    const { low, high } = info.levels;
    const ranges = [info.bounds[0], info.flat ? [low - 0.06 * high, high] : info.bounds[1]]
      .map((ends) => ({ low: ends[0], high: ends[1] }));
    this.x = axis(ranges[0], [left, left + w]);
    this.y = axis(ranges[1], [top + h, top]);
    const labels = (place) => place.ticks.map((t) => ({ at: place(t), text: short(t) }));
    this.frame.layout(width, rows, { left, top, w, h },
      { yTitle: info.flat ? "J" : "w₂", xLabels: labels(this.x), yLabels: labels(this.y) });
    const inner = [axis(ranges[0], [0, w]), axis(ranges[1], [h, 0]), w, h];
    this.map.replaceChildren(info.flat ? "" : mapOf(value, info.levels, ...inner, theme));
    this.map.style.cssText = `position:absolute;left:${left}px;top:${top}px`;
    set(this.contours, { transform: `translate(${left} ${top})`,
      d: info.flat ? "" : contourPath(value, info.levels.lines, ...inner) });
    const across = Array.from({ length: 121 }, (_, i) => this.x.invert(left + (i / 120) * w));
    set(this.curve, { d: info.flat ? lineOf(across.map((weight) => this.place([weight, 0]))) : "" });
    set(this.goal, { d: info.minima.map((m) => this.place(m))
      .map(([gx, gy]) => `M${gx - 6} ${gy}h12M${gx} ${gy - 6}v12`).join("") });
  }

  /** From weights to pixels. */
  place(w) {
    return [this.x(w[0]), this.y(this.info.flat ? this.surface.value(w[0], 0) : w[1])];
  }

  draw({ run, shown, kept, state }) {
    const places = (path) => path.map((w) => this.place(w));
    const path = places(run.path.slice(0, shown + 1));
    this.runs.draw(path, kept.map((each) => places(each.path)), this.info.flat ? 3.4 : 2.8);
    const at = path[shown];
    const seen = Math.max(...at.map(Math.abs)) < 4000;
    set(this.now, seen ? { cx: at[0], cy: at[1], r: 6 } : { r: 0 });
    set(this.arrow, { d: seen ? this.downhill(run.path[shown], at) : "" });
    this.start = [state.start_x, state.start_y];
    this.handle.draw(this.place(this.start), state, this.info);
  }

  downhill(w, at) { // where minus the gradient points
    const [gx, gy] = this.surface.gradient(...w);
    const dy = this.info.flat ? 0 : -gy * (this.y(1) - this.y(0));
    return arrowPath(at, -gx * (this.x(1) - this.x(0)), dy);
  }

  moveTo(wx, wy) {
    const { bounds, flat, start } = this.info;
    const snap = (value, [low, high]) => clamp(Math.round(value * 100) / 100, low, high);
    this.move({ start_x: snap(wx, bounds[0]), start_y: flat ? start[1] : snap(wy, bounds[1]) });
  }

  follow(event) {
    const box = this.frame.svg.getBoundingClientRect();
    this.moveTo(this.x.invert(event.clientX - box.left), this.y.invert(event.clientY - box.top));
  }
}
