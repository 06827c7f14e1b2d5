// The training explorer: a network learns while one watches.
import { menu, slider, tick } from "../controls.js";
import { asCommand, asParameters, copyRow } from "../copying.js";
import { button, make, roomIn } from "../dom.js";
import { doors } from "../doors.js";
import { shell, watchTheme } from "../look.js";
import { percent } from "../numbers.js";
import { calm, player } from "../player.js";
import { Training } from "./maths.js";
import { createPicture } from "./picture.js";
import { PARAMETERS, REAL, asCode, inWords } from "./words.js";

const LABELS = {
  data: "data", points: "training points", noise: "noise", depth: "hidden layers", width: "units per layer",
  activation: "activation", learning_rate: "learning rate", batch_size: "batch size",
};
const STEPS = { points: 10, noise: 0.05, depth: 1, width: 1 };
const SPEEDS = { slow: 0.1, normal: 1, fast: 8 }; // epochs for each picture
const FRAME = 20; // milliseconds for training and drawing together, so that pictures keep coming
const CATCH_UP = 60; // milliseconds of training in one piece, on the way to a wanted epoch
const SHOWN = 300; // epochs that a training that began by itself goes on at least
const SPOKEN = 500; // milliseconds between two sentences for a screen reader

/** Sliders and menus of the settings by name; `change({ name: value })` is told of a new one. */
function settingControls({ choices, ranges }, change) {
  const control = (name) => {
    const told = (value) => change({ [name]: value });
    if (name in choices) return menu(LABELS[name], { options: choices[name], class: name }, told);
    const [low, high] = ranges[name];
    return slider(LABELS[name], { low, high, step: STEPS[name], class: name }, told);
  };
  return Object.fromEntries(Object.keys(LABELS).map((name) => [name, control(name)]));
}

class TrainingView {
  constructor(host, store) {
    Object.assign(this, { host, store, catalog: store.get("catalog"), hidden: new Set(store.get("hide")) });
    this.training = null;
    this.key = ""; // the settings of the training on the screen
    this.owed = 0; // parts of an epoch that a slow run has gathered
    this.drawing = 0; // milliseconds that the last picture took
    this.speed = "normal";
    this.fresh = this.coarse = false;
    this.spoken = 0;
    this.picture = createPicture();
    this.build();
    this.sizes = new ResizeObserver(() => this.layout());
    this.sizes.observe(this.body);
    this.endTheme = watchTheme(this.body, () => this.draw());
    this.forget = store.listen(() => this.refresh());
    this.refresh();
    this.layout();
    this.alone = store.get("playing") && !calm(); // nobody pressed Start
    if (this.alone) this.play.play();
  }

  end() {
    this.play.stop();
    this.sizes.disconnect();
    this.endTheme();
    this.forget();
  }

  // -- what stands on the page

  build() {
    const { map, network, losses } = this.picture.canvases;
    const controls = settingControls(this.catalog, (values) => this.write({ ...values, epochs: 0 }));
    this.parts = Object.entries(controls).filter(([name]) => !this.hidden.has(name));
    this.status = make("p", { role: "status", class: this.hidden.has("words") ? "spoken" : "status" });
    this.readout = make("p", { class: "readout" });
    this.body = shell(this.host, "training explorer", STYLE,
      this.buildButtons(),
      make("div", { class: "controls" }, this.parts.map(([, part]) => part.node)),
      make("div", { class: "panels" }, make("div", { class: "left" }, network, losses), map),
      this.readout, this.status,
      this.buildCopying());
  }

  buildButtons() {
    this.play = player(() => this.frame(), { name: "Start", end: () => this.settle() });
    this.one = button("1 epoch", () => { this.play.stop(); this.advance(1); this.settle(); });
    this.reset = button("Reset", () => { this.play.stop(); this.write({ epochs: 0 }); }, { title: "back to the random weights" });
    const again = () => this.write({ seed: (this.store.get("seed") + 2) % 4294967296, epochs: 0 });
    const pace = menu("speed", { options: Object.keys(SPEEDS), class: "row" }, (name) => { this.speed = name; });
    pace.draw(this.speed);
    const tests = tick("show fresh points", (on) => { this.fresh = on; this.drawPoints(); });
    const more = this.hidden.has("stepping") ? [] : [pace.node, tests.node];
    this.one.hidden = this.hidden.has("stepping");
    return make("div", { class: "buttons" },
      this.play.node, this.one, this.reset, button("New weights and points", again), more);
  }

  buildCopying() {
    const lesson = this.store.get("lesson");
    const { code } = this.catalog;
    this.copying = copyRow(this.hidden.has("copy") ? {} : {
      "Copy as parameters": () => asParameters(this.settings, REAL),
      "Copy as command": () => asCommand(lesson, this.settings, REAL),
      "Copy as NumPy code": () => asCode("numpy", this.settings, code),
      "Copy as Keras code": () => asCode("keras", this.settings, code),
    }, this.store.link);
    return this.copying.node;
  }

  layout() {
    const width = roomIn(this.body);
    if (!width || width === this.wide) return;
    this.wide = width;
    const narrow = width < 620;
    this.body.classList.toggle("narrow", narrow);
    this.body.classList.toggle("watched", this.store.get("playing")); // the map comes first
    const map = narrow ? Math.min(width, 420) : Math.min(400, Math.floor(width * 0.43)); // fits a small window
    this.picture.resize({ map, left: narrow ? width : width - map - 20 });
    this.drawPoints();
  }

  // -- from the state to the picture

  get params() {
    return Object.fromEntries(PARAMETERS.map((name) => [name, this.store.get(name)]));
  }

  get settings() {
    return { ...this.params, epochs: this.training.epoch };
  }

  write(values) {
    this.store.set(values);
    this.refresh();
  }

  refresh() {
    const { params } = this;
    const { epochs, ...rest } = params;
    const key = JSON.stringify(rest);
    if (key !== this.key || (epochs < this.training.epoch && !this.play.running)) {
      this.key = key;
      this.training = new Training(params);
      this.owed = 0;
      this.picture.follow(this.training);
      this.drawPoints();
    }
    for (const [name, part] of this.parts) {
      part.draw(params[name]);
      const without = params.depth === 0 && (name === "width" || name === "activation");
      part.node.classList.toggle("off", without);
    }
    this.catchUp(epochs);
  }

  /** Train up to the wanted epoch, in pieces: the page stays alive. */
  catchUp(epochs) {
    const { training } = this;
    const until = performance.now() + CATCH_UP;
    while (training.epoch < epochs && performance.now() < until && training.step());
    this.draw();
    this.speak(true);
    this.copying?.draw();
    if (training.epoch >= epochs || training.diverged || this.play.running) return;
    setTimeout(() => training === this.training && !this.play.running && this.catchUp(epochs), 0);
  }

  drawPoints() {
    if (!this.wide) return;
    this.picture.drawPoints(this.training, this.fresh);
    this.draw();
  }

  draw() {
    if (!this.wide || !this.training) return;
    const { training, play, body } = this;
    this.coarse &&= play.running;
    this.picture.draw(training, { ink: getComputedStyle(body).color, theme: body.dataset.theme, coarse: this.coarse });
    this.host.frames = (this.host.frames ?? 0) + 1; // pictures drawn since the start, for the benchmark
    const { epoch, losses, right } = training;
    const last = (list) => list[list.length - 1].toFixed(3);
    this.readout.textContent = `epoch ${epoch}   training loss ${last(losses.train)}, ${percent(right.train)} right` +
      `   fresh points: loss ${last(losses.fresh)}, ${percent(right.fresh)} right`;
    this.reset.disabled = epoch === 0;
    play.node.disabled = this.one.disabled = this.ended;
  }

  speak(now) {
    if (!now && performance.now() - this.spoken < SPOKEN) return;
    this.spoken = performance.now();
    const { text, kind, headline } = inWords(this.training);
    this.body.dataset.verdict = kind;
    this.body.dataset.epoch = this.training.epoch;
    if (this.status.textContent === text) return;
    const [before, after] = text.split(`: ${headline}`);
    this.status.replaceChildren(`${before}: `, make("strong", {}, headline), after);
  }

  // -- training

  get ended() {
    return this.training.diverged || this.training.epoch >= this.catalog.ranges.epochs[1];
  }

  frame() {
    this.advance(SPEEDS[this.speed]);
    const learned = this.training.right.train === 1 && this.training.epoch >= SHOWN;
    return !this.ended && !(this.alone && learned);
  }

  advance(epochs) {
    const began = performance.now();
    this.owed += epochs;
    while (this.owed >= 1 && !this.ended) {
      const from = performance.now();
      this.owed -= 1;
      this.training.step();
      const now = performance.now();
      if (now - began + (now - from) + this.drawing > FRAME) break; // no time for another one
    }
    this.owed = Math.min(this.owed, 1);
    if (this.store.link) this.store.set({ epochs: this.training.epoch }); // a link copied now tells it
    const trained = performance.now();
    this.draw();
    this.drawing = performance.now() - trained;
    if (this.drawing > FRAME / 2) this.coarse = true;
    this.speak(this.ended);
  }

  /** Now the kernel and the copied settings know the epoch. */
  settle() {
    this.alone = false;
    this.draw(); // finely again
    this.speak(true);
    this.copying?.draw();
    this.store.set({ epochs: this.training.epoch });
  }
}

export function mount(host, store) {
  const view = new TrainingView(host, store);
  return () => view.end();
}

export const { render, revive } = doors(mount, PARAMETERS);
export default { render };

const STYLE = `
.controls { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 4px 20px; margin: 6px 0 8px; }
.controls label > span { display: block; font-weight: 600; }
.controls select, .controls input { width: 100%; }
b { font-weight: 400; }
.play { min-width: 92px; font-weight: 600; background: var(--accent); color: var(--on-accent); border-color: var(--accent); }
.panels { display: flex; gap: 20px; align-items: flex-start; }
.narrow .panels { flex-direction: column; }
.narrow.watched .panels { flex-direction: column-reverse; }
.spoken { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.readout { white-space: pre-wrap; margin: 6px 0 2px; font-weight: 600; }
.status { min-height: 2.8em; font-size: 14px; }
[data-verdict="diverges"] strong, [data-verdict="worse"] strong, [data-verdict="jumps"] strong { color: var(--danger); }
`;
