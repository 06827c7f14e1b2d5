// Two panels: where each neuron stands on the sigmoid, and its answer after each epoch.
import { axis } from "../axes.js";
import { make, set } from "../dom.js";
import { tenth } from "../numbers.js";
import { answer } from "./maths.js";
import { NAMES } from "./words.js";

const LOSSES = Object.keys(NAMES);
const LENGTHS = [50, 100, 200, 400, 1000]; // of the axis of epochs: as long as it must be
const [LEFT, RIGHT, TOP, BOTTOM] = [46, 12, 10, 38];
const path = (points) => (points.length ? `M${points.map((point) => point.map(tenth).join(" ")).join("L")}` : "");

/** One panel: axes with numbers, a title below, and the artists given. */
function panel(title, name, ...inside) {
  const [grid, labels] = [make("path", { class: "grid" }), make("g")];
  const [below, beside] = [title, "answer p"].map((text) => make("text", { class: "name", "text-anchor": "middle" }, text));
  const node = make("svg", { role: "img", "aria-label": name }, grid, labels, below, beside, inside);
  function layout(width, rows, range) {
    set(node, { width, height: rows, viewBox: `0 0 ${width} ${rows}` });
    const x = axis(range, [LEFT, width - RIGHT]);
    const y = axis({ low: 0, high: 1 }, [rows - BOTTOM, TOP]);
    const ticks = [0, 0.5, 1];
    set(grid, { d: [...ticks.map((p) => `M${LEFT} ${y(p)}H${width - RIGHT}`),
      ...x.ticks.map((at) => `M${x(at)} ${TOP}V${rows - BOTTOM}`)].join("") });
    labels.replaceChildren(
      ...ticks.map((p) => make("text", { x: LEFT - 6, y: y(p), dy: "0.32em", "text-anchor": "end", class: "tick" }, String(p))),
      ...x.ticks.map((at) => make("text", { x: x(at), y: rows - BOTTOM + 16, "text-anchor": "middle", class: "tick" }, String(at))));
    set(below, { x: (LEFT + width - RIGHT) / 2, y: rows - 4 });
    set(beside, { transform: `translate(12 ${(TOP + rows - BOTTOM) / 2}) rotate(-90)` });
    return { x, y };
  }
  return { node, layout };
}

const mark = (loss, size) => (loss === "mse"
  ? make("rect", { class: `mark ${loss}`, x: -size, y: -size, width: 2 * size, height: 2 * size })
  : make("circle", { class: `mark ${loss}`, r: size }));
const put = (node, x, y) => set(node, { transform: `translate(${tenth(x)} ${tenth(y)})` });

export class NeuronPicture {
  constructor() {
    this.curve = make("path", { class: "sigmoid" });
    this.places = Object.fromEntries(LOSSES.map((loss) => [loss, mark(loss, 7)]));
    this.lines = Object.fromEntries(LOSSES.map((loss) => [loss, make("path", { class: `line ${loss}` })]));
    this.ends = Object.fromEntries(LOSSES.map((loss) => [loss, mark(loss, 5)]));
    this.own = make("g");
    this.left = panel("weight w", "the two neurons on the sigmoid", this.curve, Object.values(this.places));
    this.right = panel("epoch", "the answers after each epoch", Object.values(this.lines), this.own, Object.values(this.ends));
    this.node = make("div", { class: "panels" }, this.left.node, this.right.node);
  }

  draw({ weights, epoch }, walks, width) {
    const narrow = width < 620;
    const wide = narrow ? width : Math.floor((width - 16) / 2);
    this.node.classList.toggle("narrow", narrow);
    const rows = narrow ? 220 : 300;
    const plane = this.left.layout(wide, rows, { low: -8, high: 8 });
    const time = this.right.layout(wide, rows, { low: 0, high: LENGTHS.find((each) => each >= epoch) });
    const places = Array.from({ length: 161 }, (_, i) => -8 + i / 10);
    set(this.curve, { d: path(places.map((w) => [plane.x(w), plane.y(answer(w))])) });
    for (const loss of LOSSES) {
      const w = Math.max(-8, weights[loss][epoch]);
      put(this.places[loss], plane.x(w), plane.y(answer(w)));
      set(this.lines[loss], { d: path(weights[loss].map((each, t) => [time.x(t), time.y(answer(each))])) });
      put(this.ends[loss], time.x(epoch), time.y(answer(weights[loss][epoch])));
    }
    this.own.replaceChildren(...LOSSES.flatMap((loss) => (walks[loss] ?? []).slice(0, epoch + 1)
      .map((p, t) => [p, t]).filter(([, t]) => t % 5 === 0)
      .map(([p, t]) => make("circle", { class: `own ${loss}`, cx: tenth(time.x(t)), cy: tenth(time.y(p)), r: 4 }))));
  }
}
