// The code cells of the page: each with an editor, a Run button, its outputs and what is told of it.
import { button, make, words } from "./words.js";
import { cellKey, dropText, keepText, readKept } from "./keep.js";
import { makeEditor } from "./editor.js";
import { linkTo } from "./controls.js";
import { Outputs } from "./outputs.js";

export class Cell {
  constructor(node, lesson) {
    this.node = node;
    this.lesson = lesson;
    this.id = node.id.replace("cell-id=", "");
    this.key = cellKey(lesson.told.lesson, this.id);
    this.hasRun = false;
    this.editor = makeEditor(node.querySelector(".highlight"), this.id, {
      changed: (text) => this.changed(text),
      run: (onward) => lesson.runCell(this, onward),
    });
    this.outputs = new Outputs(node, (message) => lesson.kernel.ask(message));
    this.prompt = node.querySelector(".jp-InputPrompt");
    this.build();
    const kept = readKept(this.key);
    if (kept !== null) {
      this.editor.put(kept);
      this.mark(true);
    }
  }

  build() {
    this.said = make("span", { class: "lkp-said", role: "status" });
    this.reset = button(words.reset, () => this.restore(), { hidden: true, class: "lkp-quiet" });
    this.place = make("div", { class: "lkp-place" });
    this.runButton = button(`▶ ${words.run}`, () => this.lesson.runCell(this), { title: words.runTitle, "aria-label": `${words.run}: ${this.id}` });
    const tools = make("div", { class: "lkp-tools" }, this.runButton, this.said, this.reset, this.editor.hint);
    const before = this.node.querySelector(":scope > .jp-Cell-outputWrapper");
    this.node.insertBefore(tools, before);
    this.node.insertBefore(this.place, before);
    this.tellStill();
    addEventListener("hashchange", () => this.tellStill());
  }

  /** Below the picture of an explorer that computes in Python: what turns it, and what a link waits for. */
  tellStill() {
    const said = linkTo(this.node) ? words.linkWaits : words.still;
    for (const note of this.node.querySelectorAll(".labkit-still-note")) note.textContent = said;
  }

  get source() {
    return this.editor.source;
  }

  changed(text) {
    if (text === null) dropText(this.key);
    else keepText(this.key, text);
    this.mark(text !== null);
    this.lesson.bar.tellKept();
  }

  mark(changed) {
    this.reset.hidden = !changed;
    if (changed) this.said.textContent = words.changed;
  }

  restore() {
    this.editor.put(this.editor.original);
    this.changed(null);
    this.said.textContent = words.resetDone;
    this.editor.field.focus();
  }

  waits() {
    this.said.textContent = words.queued;
    this.prompt.textContent = "In [*]:";
  }

  begins() {
    this.hasRun = true;
    this.since = performance.now();
    this.outputs.begin();
    this.node.classList.add("lkp-running");
    this.clock = setInterval(() => { this.said.textContent = words.took(this.seconds(0)); }, 1000);
  }

  seconds(digits = 1) {
    return ((performance.now() - this.since) / 1000).toFixed(digits);
  }

  ends(count) {
    clearInterval(this.clock);
    this.outputs.end();
    this.node.classList.remove("lkp-running");
    this.said.textContent = words.took(this.seconds());
    this.prompt.textContent = `In [${count ?? " "}]:`;
  }

  /** It does not run after all, or Python is gone. */
  rests() {
    clearInterval(this.clock);
    this.outputs.end();
    this.node.classList.remove("lkp-running");
    this.said.textContent = "";
    this.prompt.textContent = "In [ ]:";
  }
}
