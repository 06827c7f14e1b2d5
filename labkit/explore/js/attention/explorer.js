// The look explorer: letters stream from a small network; point at one, and see where it looked.
import { slider } from "../controls.js";
import { asCommand, asParameters, copyRow } from "../copying.js";
import { button, make } from "../dom.js";
import { doors } from "../doors.js";
import { shell } from "../look.js";
import { mounted, View } from "../view.js";
import { createHeads, createText, TEXT_STYLE } from "./picture.js";
import { lookedInWords, rowsOf } from "./words.js";

const PARAMETERS = ["beginning", "temperature", "draw"];
const REAL = ["temperature"]; // a float in Python
const BETWEEN = 45; // milliseconds between two letters
const REST = 250; // milliseconds that the slider rests before the kernel is asked
const PATIENCE = 6000; // milliseconds; then it says that the kernel does not answer

class LookView extends View {
  constructor(host, store) {
    super(host, store, PARAMETERS, { shown: 0 });
  }

  end() {
    this.pause();
    clearTimeout(this.late);
    clearTimeout(this.soon);
    super.end();
  }

  // -- what stands on the page

  build(host) {
    const alive = this.store.get("alive");
    this.text = createText({ point: (place) => this.point(place), stand: () => [this.store.get("place"), this.shown - 1] });
    this.heads = createHeads();
    this.status = make("p", { role: "status", class: "status" });
    this.input = make("input", { type: "text", maxlength: 40, "aria-label": "beginning of the text", disabled: !alive,
      spellcheck: "false", keydown: (event) => { if (event.key === "Enter") this.ask(); } });
    this.heat = slider("temperature", { low: 0, high: 2, step: 0.1 }, (temperature) => this.heatTo(temperature));
    this.heat.node.querySelector("input").disabled = !alive;
    this.writing = button("Write", () => this.ask());
    const another = button("Another draw", () => this.ask({ draw: (this.store.get("draw") + 1) % 100 }), { disabled: !alive });
    this.copying = copyRow({
      "Copy as parameters": () => asParameters(this.params, REAL),
      "Copy as command": () => asCommand(this.store.get("lesson"), this.params, REAL),
    }, this.store.link);
    this.body = shell(host, "where a letter looked", TEXT_STYLE,
      make("div", { class: "top" }, this.input, this.writing, another, this.heat.node),
      !alive && make("p", { class: "small" }, "This page has no kernel: it shows the text that was written when it was made."),
      this.text.node, this.status, this.heads.node, this.copying.node);
  }

  // -- from the state to the picture

  /** The kernel has written another text, or this is the first. */
  refresh() {
    const written = this.store.get("written");
    this.input.value = this.store.get("beginning");
    this.heat.draw(this.store.get("temperature"));
    this.copying.draw();
    if (written !== this.written) {
      clearTimeout(this.late);
      this.written = written;
      this.rows = rowsOf(written);
      this.text.fill(written);
      const first = !this.asked;
      this.shown = first ? written.given : 0;
      this.asked = false;
      if (first) this.text.reveal(this.shown);
      else this.stream();
    }
    this.show(this.store.get("place"));
  }

  /** Ask the kernel for a text; the one that is there streams again if nothing changed. */
  ask(changes = {}) {
    const beginning = this.input.value || this.store.get("beginning");
    this.input.value = beginning; // nothing was typed: the old one stands there again
    const next = { beginning, ...changes };
    this.point(-1);
    if (Object.entries(next).every(([name, value]) => this.store.get(name) === value)) {
      this.stream();
      return;
    }
    this.asked = true;
    this.pause();
    this.status.textContent = "The network writes.";
    this.store.set(next);
    this.heat.draw(this.store.get("temperature"));
    this.late = setTimeout(() => {
      this.status.textContent = "No answer from the kernel: does it run another cell, or was it stopped?";
    }, PATIENCE);
  }

  /** A slider passes many temperatures; the kernel writes for the one at which it rests. */
  heatTo(temperature) {
    this.heat.draw(temperature);
    clearTimeout(this.soon);
    this.soon = setTimeout(() => this.ask({ temperature }), REST);
  }

  stream() {
    this.pause();
    this.shown = this.written.given;
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (still) this.shown = this.written.text.length;
    this.text.reveal(this.shown);
    this.timer = setInterval(() => {
      if (this.shown >= this.written.text.length) return this.pause();
      this.text.reveal((this.shown += 1));
      return undefined;
    }, BETWEEN);
  }

  pause() {
    clearInterval(this.timer);
  }

  // -- pointing

  point(place) {
    if (place === this.store.get("place") || place >= this.shown) return;
    this.store.set({ place });
    this.show(place);
  }

  show(place) {
    const told = lookedInWords(this.written, this.rows, place);
    if (this.status.textContent !== told) this.status.textContent = told;
    this.text.mark(place);
    this.heads.draw(this.written, place > 0 ? this.rows[place] : [], place);
  }
}

export const { render, revive } = doors(mounted(LookView), [...PARAMETERS, "written", "place"]);
