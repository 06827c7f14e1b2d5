// The right picture: J above its minimum on a log axis; also a slider for the step shown.
import { axis } from "../axes.js";
import { make, set } from "../dom.js";
import { clamp, powerOfTen, short } from "../numbers.js";
import { MARGIN, pictureFrame } from "./frame.js";
import { beyond } from "./maths.js";
import { lineOf, runLayers } from "./runs.js";

/** Powers of ten for the axis: not all of them on a long one. */
function powersOf([low, high]) {
  const every = high - low > 10 ? 3 : 2;
  return Array.from({ length: high - low + 1 }, (_, i) => low + i).filter((p) => p % every === 0);
}

export class LossPanel {
  constructor(showStep) {
    this.showStep = showStep; // told the step under the pointer, or null
    this.grid = make("path", { class: "grid" });
    this.runs = runLayers();
    this.rest = make("path", { class: "rest" });
    this.cursor = make("path", { class: "cursor" });
    this.now = make("circle", { class: "now", r: 6 });
    this.flag = make("text", { class: "flag" });
    this.frame = pictureFrame({
      tabindex: 0, role: "slider", "aria-label": "step shown", "aria-valuemin": 0, "aria-valuenow": 0,
      keydown: (event) => this.keydown(event),
      pointermove: (event) => this.showStep(this.stepAt(event)),
      pointerleave: () => this.showStep(null),
    }, "step", [this.rest, this.cursor, ...this.runs.nodes, this.now], [this.flag]);
    this.frame.svg.insertBefore(this.grid, this.frame.svg.children[2]); // below the runs
    this.node = make("div", { class: "panel" }, this.frame.svg);
  }

  layout(width, rows, { info, length }) {
    const [left, top] = [MARGIN.left + 6, MARGIN.top];
    const box = { left, top, w: width - left - MARGIN.right - 6, h: rows - top - MARGIN.bottom };
    const ends = info.loss_axis.map((J) => Math.round(Math.log10(J)));
    this.box = box;
    this.x = axis({ low: 0, high: length }, [left + 8, left + box.w - 8]);
    const exponent = axis({ low: ends[0], high: ends[1] }, [top + box.h, top]);
    // A loss at (or below) the foot of the axis sits on its foot.
    this.y = (J) => exponent(Math.log10(Math.max(J - info.lowest, info.loss_axis[0])));
    const [powers, steps] = [powersOf(ends), this.x.ticks];
    this.frame.layout(width, rows, box, {
      yTitle: info.lowest === 0 ? "loss J" : "loss J above its minimum",
      xLabels: steps.map((t) => ({ at: this.x(t), text: String(t) })),
      yLabels: powers.map((p) => ({ at: exponent(p), text: powerOfTen(p) })),
    });
    set(this.frame.clip, { y: top - 1, height: box.h + 8 }); // markers on the foot show whole
    const lines = [...powers.map((p) => `M${left} ${exponent(p)}h${box.w}`), ...steps.map((t) => `M${this.x(t)} ${top}v${box.h}`)];
    set(this.grid, { d: lines.join("") });
  }

  points(losses) {
    return losses.map((J, step) => [this.x(step), Math.max(this.y(J), this.box.top - 50)]);
  }

  draw({ run, shown, kept }) {
    this.last = run.losses.length - 1;
    this.shown = shown;
    const all = this.points(run.losses);
    set(this.rest, { d: shown < this.last ? lineOf(all) : "" });
    this.runs.draw(all.slice(0, shown + 1), kept.map((each) => this.points(each.losses)), 2.8);
    const [cx, cy] = all[shown];
    set(this.cursor, { d: `M${cx} ${this.box.top}v${this.box.h}` });
    set(this.now, { cx, cy: Math.max(cy, this.box.top + 1) });
    this.drawFlag(run, all[this.last][0]);
    set(this.frame.svg, { "aria-valuemax": this.last, "aria-valuenow": shown,
      "aria-valuetext": `step ${shown}, J = ${short(run.losses[shown])}` });
  }

  drawFlag(run, px) { // where the curve ends in a verdict, say so beside it
    const gone = this.last < run.params.steps || beyond(run.path[this.last]);
    this.flag.textContent = gone ? `✕ ${run.verdict.headline}` : "";
    const end = px > this.box.left + this.box.w / 2;
    set(this.flag, { x: px + (end ? -10 : 10), y: this.box.top + 18, "text-anchor": end ? "end" : "start" });
  }

  stepAt(event) {
    const across = event.clientX - this.frame.svg.getBoundingClientRect().left;
    return clamp(Math.round(this.x.invert(across)), 0, this.last);
  }

  keydown(event) {
    const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10,
      Home: -this.last, End: this.last }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    this.showStep(clamp(this.shown + by, 0, this.last));
  }
}
