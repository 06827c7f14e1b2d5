// A prediction by drawing a curve; then the true one runs over it.
import { axis } from "../axes.js";
import { MARGIN, pictureFrame } from "../descent/frame.js";
import { button, make, set } from "../dom.js";
import { clamp, short, tenth } from "../numbers.js";
import { DrawnCurve } from "./drawn.js";

const ROWS = 236; // height of the picture in CSS pixels
const WIDEST = 640;
const RUN = 1200; // milliseconds that the true curve takes
const KEYS = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
const LIFTS = { ArrowUp: 1 / 40, ArrowDown: -1 / 40, PageUp: 1 / 8, PageDown: -1 / 8 };
const HINT = "Draw with the mouse, pen or finger. Keys: ← → along, ↑ ↓ height, Home, End, Backspace a point, Delete all.";

/** Ticks that have room: each `gap` pixels from the last one that stays. */
function spaced(place, gap) {
  let last = -Infinity;
  return [...place.ticks].sort((a, b) => place(a) - place(b)).filter((value) => {
    if (place(value) < last + gap) return false;
    last = place(value);
    return true;
  });
}

/** The `d` of a path through points; null is a gap. */
function through(points) {
  return points.map((point, i) => (point ? `${points[i - 1] ? "L" : "M"}${point.map(tenth).join(" ")}` : "")).join("");
}

/** The `d` of a mark at each point; its line cap gives it its shape. */
const markers = (points) => points.filter(Boolean).map((point) => `M${point.map(tenth).join(" ")}h0`).join("");

class CurveForm {
  constructor(task, calls) {
    Object.assign(this, { task, calls, drawn: new DrawnCurve(task), shown: 0, hint: HINT });
    this.grid = make("path", { class: "grid" });
    this.guess = make("path", { class: "guess" });
    this.points = make("path", { class: "points" });
    this.here = make("path", { class: "here" });
    this.truth = make("path", { class: "truth" });
    this.dots = make("path", { class: "dots" });
    this.reveal = make("rect", { x: 0, y: 0, height: ROWS, width: 0 });
    this.frame = pictureFrame({
      class: "plot", tabindex: 0, role: "slider", "aria-orientation": "vertical",
      "aria-label": `your curve: ${task.y_label} over ${task.x_label}. Left and right go along it, up and down set it.`,
      "aria-valuemin": task.low, "aria-valuemax": task.high, "data-lm-suppress-shortcuts": "true",
      pointerdown: (event) => this.start(event), pointermove: (event) => this.move(event),
      pointerup: () => this.lift(), pointercancel: () => this.lift(),
      keydown: (event) => this.typed(event), focus: () => this.draw(), blur: () => this.draw(),
    }, task.x_label, [this.grid, this.here, this.guess, this.points,
      make("g", {}, this.truth, this.dots)]);
    const reveal = make("clipPath", { id: `${this.frame.clip.parentNode.id}-reveal` }, this.reveal);
    this.frame.svg.querySelector("defs").append(reveal);
    set(this.truth.parentNode, { "clip-path": `url(#${reveal.id})` });
    this.node = make("div", {}, this.frame.svg);
    this.clear = button("Clear", () => this.change(() => this.drawn.clear()));
    this.layout(WIDEST);
  }

  // -- the picture

  layout(room) {
    const { task } = this;
    const width = clamp(room, 260, WIDEST);
    const left = MARGIN.left + 16;
    const box = { left, top: MARGIN.top, w: width - left - 20, h: ROWS - MARGIN.top - MARGIN.bottom };
    const [low, high] = task.across;
    this.x = axis({ low, high }, [left, left + box.w], { wanted: 6 });
    this.y = axis({ low: task.low, high: task.high, log: task.log }, [box.top + box.h, box.top]);
    this.box = box;
    const [xs, ys] = [spaced(this.x, 36), spaced(this.y, 17)];
    this.frame.layout(width, ROWS, box, {
      yTitle: task.y_label,
      xLabels: xs.map((value) => ({ at: this.x(value), text: short(value) })),
      yLabels: ys.map((value) => ({ at: this.y(value), text: short(value) })),
    });
    set(this.frame.clip, { x: left - 4, width: box.w + 8 }); // markers at the edges show whole
    const lines = [...ys.map((y) => `M${left} ${this.y(y)}h${box.w}`), ...xs.map((x) => `M${this.x(x)} ${box.top}v${box.h}`)];
    set(this.grid, { d: lines.join("") });
    this.drawTruth();
    this.draw();
  }

  heightOf(share) {
    return this.box.top + (1 - share) * this.box.h;
  }

  draw() {
    const { drawn, task } = this;
    const place = (height, k) => (height === null ? null : [this.x(task.at[k]), this.heightOf(height)]);
    set(this.guess, { d: through(drawn.filled.map(place)) });
    set(this.points, { d: markers(drawn.heights.map(place)) });
    const focused = this.frame.svg.getRootNode().activeElement === this.frame.svg;
    const height = drawn.filled[drawn.cursor];
    const x = tenth(this.x(task.at[drawn.cursor]));
    const ring = height === null ? "" : `M${x - 6} ${tenth(this.heightOf(height))}a6 6 0 1 0 12 0a6 6 0 1 0 -12 0`;
    set(this.here, { d: focused ? `M${x} ${this.box.top}v${this.box.h}${ring}` : "" });
    // A slider needs a number also where nothing is drawn yet: the one from which a key begins.
    set(this.frame.svg, { "aria-valuetext": drawn.words, "aria-valuenow": drawn.valueOf(height ?? 0.5) });
  }

  drawTruth() {
    const { x, y } = this.task.truth;
    const place = (each, i) => (y[i] === null ? null : [this.x(each), clamp(this.y(y[i]), -9e4, 9e4)]); // SVG ends there
    const points = x.map(place);
    set(this.truth, { d: through(points) });
    set(this.dots, { d: points.length > 60 ? "" : markers(points) });
    set(this.reveal, { width: this.shown * (this.box.left + this.box.w + 4) });
  }

  /** Show the true curve; slowly if asked and if the reader has nothing against motion. */
  open(task, slowly) {
    cancelAnimationFrame(this.frameId);
    const still = !slowly || matchMedia("(prefers-reduced-motion: reduce)").matches;
    const began = performance.now();
    const step = () => {
      this.shown = still ? 1 : Math.min(1, (performance.now() - began) / RUN);
      this.drawTruth();
      if (this.shown < 1) this.frameId = requestAnimationFrame(step);
    };
    step();
  }

  // -- drawing

  put(values) {
    this.drawn.put(values);
    this.draw();
  }

  read() {
    return this.drawn.read();
  }

  change(act) {
    act();
    this.draw();
    this.calls.changed();
  }

  follow({ clientX, clientY }) {
    const { left, top } = this.frame.svg.getBoundingClientRect();
    const { box, drawn } = this;
    const across = (clientX - left - box.left) / box.w;
    drawn.follow(across * (drawn.heights.length - 1), 1 - (clientY - top - box.top) / box.h);
  }

  start(event) {
    if (event.button > 0) return;
    event.preventDefault();
    this.frame.svg.focus({ preventScroll: true, focusVisible: false });
    try { this.frame.svg.setPointerCapture(event.pointerId); } catch { /* a synthetic pointer has no capture */ }
    this.lift();
    this.down = true;
    this.change(() => this.follow(event));
  }

  move(event) {
    if (!this.down) return;
    const all = event.getCoalescedEvents?.() ?? [];
    this.change(() => (all.length ? all : [event]).forEach((each) => this.follow(each)));
  }

  lift() {
    this.down = false;
    this.drawn.lift();
  }

  typed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { drawn } = this;
    const fine = event.shiftKey ? 0.2 : 1;
    const act = {
      Enter: () => this.calls.submit(), Delete: () => drawn.clear(), Backspace: () => drawn.takeBack(), " ": () => drawn.raise(0),
    }[event.key] ?? (event.key in KEYS ? () => drawn.go(drawn.cursor + KEYS[event.key]) : null)
      ?? (event.key in LIFTS ? () => drawn.raise(fine * LIFTS[event.key]) : null);
    if (!act || (event.key === "Enter" && event.shiftKey)) return;
    event.preventDefault();
    if (event.key === "Enter") act();
    else this.change(act);
  }
}

export const curveForm = (task, calls) => new CurveForm(task, calls);
