// A lesson's page whose cells run: the queue of cells, and everything joined.
import { button, make, words } from "./words.js";
import { addProgress, forgetAll, keepFile } from "./keep.js";
import { Kernel } from "./kernel.js";
import { Cell } from "./cells.js";
import { Bar, megabytes } from "./bar.js";

const REACTS = 4000; // milliseconds after which an interrupt counts as unheard

class Lesson {
  constructor(told) {
    this.told = told;
    this.state = "off"; // off, starting, idle, running
    this.queue = [];
    this.kernel = null;
    this.listeners = new Map();
    this.bar = new Bar(this);
    const nodes = [...document.querySelectorAll(".jp-CodeCell[id^='cell-id=']")];
    this.cells = nodes.filter((node) => node.querySelector(".highlight pre")).map((node) => new Cell(node, this));
  }

  cost() {
    const bytes = this.told.assets.reduce((sum, [, size]) => sum + size, 0);
    return words.cost(megabytes(bytes), this.told.seconds);
  }

  // -- starting and stopping

  async start(then = null) {
    if (this.state !== "off") return;
    this.state = "starting";
    const since = performance.now();
    this.bar.starting();
    const kernel = new Kernel(this.told, (message) => { if (kernel === this.kernel) this.hear(message); });
    this.kernel = kernel;
    try {
      await kernel.start((name, facts) => this.bar.phase(name, facts));
    } catch (error) {
      kernel.stop();
      this.state = "off";
      this.bar.failed(error.message);
      return;
    }
    this.state = "idle";
    document.documentElement.dataset.python = "on";
    for (const cell of this.cells) if (!cell.hasRun) cell.prompt.textContent = "In [ ]:";
    this.bar.idle(words.ready(Math.round((performance.now() - since) / 1000)));
    if (then) this.run(then());
  }

  /** End the worker and start a new one; what was kept comes back, variables do not. */
  async restart() {
    this.kernel.stop();
    clearTimeout(this.unheard);
    [this.now, ...this.queue].forEach((cell) => cell?.rests());
    this.queue = [];
    this.now = null;
    this.state = "off";
    delete document.documentElement.dataset.python;
    for (const cell of this.cells) {
      cell.hasRun = false;
      cell.prompt.textContent = "In [ ]:";
    }
    await this.start();
    if (this.state === "idle") this.bar.idle(words.stopped);
  }

  interrupt() {
    this.queue.forEach((cell) => cell.rests());
    this.queue = [];
    this.kernel.interrupt();
    this.bar.say(words.interrupting);
    this.unheard = setTimeout(() => this.bar.stuck(), REACTS);
  }

  // -- running

  /** Run a cell; those above it that have not run since Python started run first. */
  runCell(cell, onward = false) {
    const wanted = () => this.cells.filter((each, i) => each === cell || (i < this.cells.indexOf(cell) && !each.hasRun && !this.queue.includes(each)));
    if (onward) this.goTo(this.cells[this.cells.indexOf(cell) + 1]);
    if (this.state === "off") this.offer(cell, wanted);
    else if (this.state !== "starting") this.run(wanted());
  }

  runAll() {
    this.run(this.cells);
  }

  /** Say what Python costs where the cell is, and start it if that is wanted. */
  offer(cell, wanted) {
    const end = () => cell.place.replaceChildren();
    const yes = button(words.startAndRun, () => { end(); this.start(wanted); }, { class: "lkp-main" });
    cell.place.replaceChildren(make("div", { class: "lkp-offer" }, make("p", {}, this.cost()),
      make("div", { class: "lkp-actions" }, yes, button(words.notNow, () => { end(); cell.runButton.focus(); }))));
    yes.focus();
  }

  goTo(cell) {
    if (!cell) return;
    if (cell.editor.field.checkVisibility?.() ?? true) cell.editor.field.focus({ preventScroll: true });
    else cell.runButton.focus({ preventScroll: true });
    cell.node.scrollIntoView({ block: "nearest" });
  }

  run(cells) {
    const more = cells.filter((cell) => !this.queue.includes(cell));
    more.forEach((cell) => cell.waits());
    this.queue.push(...more);
    if (this.state === "idle") {
      this.begun = performance.now();
      this.count = 0;
      this.next();
    }
  }

  next() {
    this.now = this.queue.shift() ?? null;
    if (!this.now) {
      this.state = "idle";
      const seconds = ((performance.now() - this.begun) / 1000).toFixed(1);
      this.bar.idle(this.count > 1 ? words.done(this.count, seconds) : words.idle);
      return;
    }
    this.state = "running";
    this.now.begins();
    this.bar.busy(words.running(this.now.id));
    this.kernel.run(this.now.id, this.now.source);
  }

  ended({ ok, count, error }) {
    clearTimeout(this.unheard);
    const cell = this.now;
    cell.ends(count);
    this.count += 1;
    if (ok) {
      this.next();
      return;
    }
    this.queue.forEach((each) => each.rests());
    this.queue = [];
    this.now = null;
    this.state = "idle";
    this.bar.idle(error === "KeyboardInterrupt" ? words.interrupted : words.ended(cell.id));
  }

  // -- what Python tells

  hear(message) {
    const { type } = message;
    const outputs = (this.now ?? this.latest)?.outputs;
    if (type === "done") this.ended(message);
    else if (type === "running") this.latest = this.now;
    else if (type === "stream") outputs?.printed(message);
    else if (type === "display") outputs?.display(message);
    else if (type === "error") outputs?.failed(message);
    else if (type === "clear") outputs?.clear(message);
    else if (type === "progress") this.keep(() => addProgress(message.text));
    else if (type === "file") this.keep(() => keepFile(message.path, message.text));
    else if (type === "changed") this.listeners.get(message.id)?.forEach((callback) => callback(message.values));
    else if (type === "broken") this.broke(message);
  }

  /** Python itself failed: as when memory ends. */
  broke({ text }) {
    (this.now ?? this.latest)?.outputs.failed({ kind: "Error", message: text, where: [], all: "" });
    if (this.now) this.ended({ ok: false, count: null, error: "broken" });
  }

  keep(act) {
    act();
    this.bar.tellKept();
  }

  forget() {
    forgetAll();
    this.cells.forEach((cell) => {
      cell.editor.put(cell.editor.original);
      cell.mark(false);
    });
  }

  listen(id, callback) {
    const callbacks = this.listeners.get(id) ?? new Set();
    this.listeners.set(id, callbacks.add(callback));
    return () => callbacks.delete(callback);
  }
}

export const lesson = new Lesson(globalThis.LABKIT_PYTHON);
// What explorers that compute in the page call: a guess, or a setting, that Python shall know.
globalThis.labkitKernel = {
  changed: (id, values) => (lesson.state === "idle" || lesson.state === "running" ? lesson.kernel.ask({ do: "changed", id, values }) : null),
  listen: (id, callback) => lesson.listen(id, callback),
};
