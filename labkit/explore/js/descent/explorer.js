// The gradient descent explorer. Everything that is mere data (start points, bounds, minima, contour
// levels, ranges, presets) comes from Python as `catalog`.
import { copyRow } from "../copying.js";
import { button, make, roomIn } from "../dom.js";
import { doors } from "../doors.js";
import { shell, watchTheme } from "../look.js";
import { clamp } from "../numbers.js";
import { calm, player } from "../player.js";
import { controls } from "./controls.js";
import { LossPanel } from "./losses.js";
import { formulaLine, legend, presetRow, statusLine, stepLine } from "./parts.js";
import { STYLES } from "./runs.js";
import { STYLE } from "./style.js";
import { SurfacePanel } from "./surface.js";
import { copies, explain } from "./words.js";

const PARAMETERS = ["surface", "optimizer", "learning_rate", "steps", "momentum", "start_x", "start_y"];
const LENGTHS = [10, 20, 50, 100, 200, 500]; // of the axis of steps
const MOST_KEPT = STYLES.length - 1;
const PLAYED = 50; // steps that Play takes where there are none yet
const same = (a, b) => PARAMETERS.every((name) => a[name] === b[name]);

class Descent {
  constructor(host, store) {
    this.store = store;
    this.catalog = store.get("catalog");
    this.hidden = new Set(store.get("hide"));
    this.pinned = null; // the step under the pointer, in the play-back, or null: the last one
    this.drawn = ""; // what the pictures were laid out for
    this.played = PLAYED;
    this.view = { kept: [] };
    this.controls = controls(this.catalog, this.hidden, (values) => this.change(values));
    this.presets = presetRow((values) => this.change(values));
    this.formula = formulaLine();
    this.legend = legend((params) => this.keep(this.store.get("kept").filter((each) => !same(each, params))));
    this.status = statusLine();
    this.step = stepLine();
    this.pictures = [new SurfacePanel((values) => this.change(values), this.hidden),
      new LossPanel((step) => { this.player.stop(); this.show(step); })];
    this.player = this.makePlayer();
    this.copies = copyRow(Object.fromEntries((this.hidden.has("copy") ? [] : ["Copy as parameters", "Copy as command"]).map((label) =>
      [label, () => copies(this.view.state, this.view.info, store.get("lesson"))[label]])), store.link);
    this.panels = make("div", { class: "panels" }, this.pictures.map(({ node }) => node));
    this.body = shell(host, "gradient descent explorer", STYLE, ...this.parts());
    const sizes = new ResizeObserver(() => { this.layout(); this.show(this.pinned); });
    const forget = [watchTheme(this.body, () => this.refresh()), store.listen(() => this.refresh()), () => sizes.disconnect()];
    this.end = () => { this.player.stop(); forget.forEach((each) => each()); };
    this.refresh();
    sizes.observe(this.panels);
  }

  parts() {
    const unless = (name, ...nodes) => (this.hidden.has(name) ? [] : nodes);
    return [
      this.controls.nodes, ...unless("presets", this.presets.node),
      make("div", { class: "above" }, this.formula.node, this.legend.node),
      this.panels, this.status.node, this.step.node,
      make("div", { class: "below" },
        unless("stepping", this.stepping()),
        unless("keep", button("Keep this run", () => this.keep([...this.store.get("kept"), this.view.state]),
          { title: "leave this run in the picture to compare with" })),
        this.copies.node),
    ];
  }

  stepping() {
    const most = this.catalog.ranges.steps[1];
    const forward = (count, text) => button(text, () => this.change({ steps: Math.min(this.view.state.steps + count, most) }));
    this.forward = [forward(1, "1 step"), forward(10, "10 steps")];
    this.reset = button("Reset", () => this.change({ steps: 0 }), { title: "back to the start: 0 steps" });
    return make("div", { class: "buttons", role: "group", "aria-label": "stepping" }, this.player.node, this.forward, this.reset);
  }

  makePlayer() {
    let [from, last, pace] = [0, 0, 0];
    const begin = () => {
      if (this.view.state.steps === 0) this.change({ steps: this.played }); // after Reset
      last = this.view.run.path.length - 1;
      from = this.pinned === null || this.pinned >= last ? 0 : this.pinned;
      pace = clamp(4000 / last, 12, 220); // milliseconds a step: four seconds in all
      if (calm()) this.show(null);
      return !calm();
    };
    return player((time) => {
      this.show(Math.min(last, from + Math.floor(time / pace)));
      return this.view.shown < last;
    }, { begin });
  }

  /** What the learner turned. A new surface brings its own start, unless told otherwise. */
  change(values) {
    this.player.stop();
    const moved = "surface" in values && !("start_x" in values);
    const [start_x, start_y] = moved ? this.catalog.surfaces[values.surface].start : [];
    this.store.set(moved ? { ...values, start_x, start_y } : values);
    this.refresh();
  }

  /** Keep these runs: those of this surface, each once, as many as there are styles. */
  keep(runs) {
    const last = runs.filter((run, i) => run.surface === this.view.state.surface
      && !runs.slice(i + 1).some((later) => same(run, later)));
    this.store.set({ kept: last.slice(-MOST_KEPT) });
    this.refresh();
  }

  /** From the state to everything that shows it. */
  refresh() {
    const state = Object.fromEntries(PARAMETERS.map((name) => [name, this.store.get(name)]));
    const info = this.catalog.surfaces[state.surface];
    const run = explain(state, info, !this.hidden.has("limit"));
    const kept = this.store.get("kept").slice(-MOST_KEPT)
      .filter((params) => params.surface === state.surface).map((params) => explain(params, info));
    const longest = Math.max(state.steps, ...kept.map(({ params }) => params.steps));
    const length = LENGTHS.find((each) => each >= longest) ?? longest;
    const { theme } = this.body.dataset;
    this.view = { state, info, run, kept, length, theme, shown: 0 };
    if (state.steps > 0) this.played = state.steps;
    this.layout();
    for (const part of [this.controls, this.legend, this.status, this.copies]) part.draw(this.view);
    this.body.dataset.verdict = run.verdict.kind;
    this.forward?.forEach((each) => { each.disabled = state.steps >= this.catalog.ranges.steps[1]; });
    if (this.reset) this.reset.disabled = state.steps === 0;
    this.show(null);
  }

  /** Lay the pictures out, where the settings or the size changed what lies below the runs. */
  layout() {
    const width = roomIn(this.panels);
    if (!width) return; // not in the page yet, or hidden
    const narrow = width < 620;
    const panel = narrow ? width : Math.floor((width - 20) / 2);
    const rows = Math.round(clamp(panel * 0.72, 260, 400)); // with the controls not higher than a small window
    const key = [panel, rows, this.view.state.surface, this.view.length, this.view.theme].join();
    if (key === this.drawn) return;
    this.drawn = key;
    this.body.classList.toggle("narrow", narrow);
    for (const part of [...this.pictures.map((picture) => ({ draw: (view) => picture.layout(panel, rows, view) })),
      this.formula, this.presets]) part.draw(this.view);
  }

  /** Show one step of the run, or its last one. */
  show(step) {
    const last = this.view.run.path.length - 1;
    this.pinned = step;
    this.view.shown = clamp(step ?? last, 0, last);
    if (!this.drawn) return;
    for (const part of [...this.pictures, this.step]) part.draw(this.view);
  }
}

const mount = (host, store) => new Descent(host, store).end;

/** A link to another surface that names no start means the surface's own. */
function complete(settings, own) {
  if (!("surface" in settings) || settings.surface === own.surface) return settings;
  const [start_x, start_y] = own.catalog.surfaces[settings.surface].start;
  return { start_x, start_y, ...settings };
}

export const { render, revive } = doors(mount, [...PARAMETERS, "kept"], { complete });
export default { render };
