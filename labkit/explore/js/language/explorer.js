// The writing explorer: a small GPT writes in the page; point at a token, and see where it looked.
import { createHeads, createText, TEXT_STYLE } from "../attention/picture.js";
import { menu, slider } from "../controls.js";
import { asCommand, asParameters, copyRow } from "../copying.js";
import { button, make } from "../dom.js";
import { doors } from "../doors.js";
import { shell } from "../look.js";
import { clamp } from "../numbers.js";
import { calm, player } from "../player.js";
import { mounted, View } from "../view.js";
import { unpackNetwork } from "./network.js";
import { tokenizer } from "./tokens.js";
import { LONGEST, writingInWords } from "./words.js";
import { startWriting } from "./writer.js";

const PARAMETERS = ["beginning", "temperature", "top_k", "top_p", "draw"];
const REAL = ["temperature", "top_p"]; // floats in Python
const BETWEEN = 40; // milliseconds between two tokens
const STINT = 150; // tokens that one press of the button writes
const REST = 250; // milliseconds that a control rests before the text is written anew

class WriteView extends View {
  constructor(host, store) {
    const net = unpackNetwork(store.get("network"));
    super(host, store, PARAMETERS, { net, tokens: tokenizer(store.get("merges")) });
  }

  end() {
    clearTimeout(this.soon);
    this.play.stop();
    super.end();
  }

  // -- what stands on the page

  build(host) {
    this.text = createText({
      point: (place) => this.point(place), unit: "token",
      stand: () => [this.store.get("place"), this.size - 1],
    });
    this.heads = createHeads();
    this.status = make("p", { role: "status", class: "status" });
    this.play = player((time) => this.frame(time), {
      name: () => (this.written > 0 ? "Continue" : "Write"), pause: "Stop",
      begin: () => this.begin(), end: () => this.rest(),
    });
    this.input = make("input", { type: "text", maxlength: 2000, "aria-label": "beginning of the text", spellcheck: "false",
      input: () => this.change({ beginning: this.input.value }),
      keydown: (event) => { if (event.key === "Enter") this.again(); } });
    const anew = button("Start again", () => this.again());
    const copies = copyRow({
      "Copy as parameters": () => asParameters(this.params, REAL),
      "Copy as command": () => asCommand(this.store.get("lesson"), this.params, REAL),
    }, this.store.link);
    this.copying = copies;
    this.body = shell(host, "a network that writes", TEXT_STYLE + STYLE,
      make("div", { class: "top" }, this.input, this.play.node, anew),
      this.settings(), this.text.node, this.status, this.heads.node, copies.node);
  }

  settings() {
    const most = this.store.get("network").vocabulary;
    const turn = (name) => (value) => this.turn({ [name]: value });
    this.controls = {
      temperature: slider("temperature", { low: 0, high: 2, step: 0.1 }, turn("temperature")),
      top_k: menu("top-k", { options: [1, 2, 5, 10, 20, 50, 100, 0].filter((k) => k < most), text: (k) => (k ? String(k) : "all") }, turn("top_k")),
      top_p: slider("top-p", { low: 0.05, high: 1, step: 0.05 }, turn("top_p")),
      draw: slider("draw", { low: 0, high: 99, step: 1 }, turn("draw")),
    };
    return make("div", { class: "top settings", role: "group", "aria-label": "how a token is drawn" },
      Object.values(this.controls).map(({ node }) => node));
  }

  // -- from the state to the picture

  /** The first time, or the kernel has changed something. */
  refresh() {
    this.play.stop();
    this.input.value = this.store.get("beginning");
    this.restart();
    const length = clamp(this.store.get("length"), 0, this.given ? LONGEST : 0);
    while (this.written < length) this.story.next();
    this.text.fill(this.story.written);
    this.play.draw();
    this.show();
  }

  /** Back to the beginning, under the settings that stand there now. */
  restart() {
    const { beginning } = this.params;
    this.story = startWriting(this.net, this.tokens.pieces, this.tokens.encode(beginning), this.params);
    for (const [name, control] of Object.entries(this.controls)) control.draw(this.params[name]);
    this.copying.draw();
  }

  get given() { return this.story.written.given; }
  get size() { return this.story.written.text.length; }
  get written() { return this.story ? this.size - this.given : 0; }

  /** Another setting: the text, which belongs to the old one, goes back to its beginning. */
  change(values) {
    clearTimeout(this.soon);
    this.play.stop();
    this.store.set({ ...values, place: -1, length: 0 });
    this.restart();
    this.text.fill(this.story.written);
    this.play.draw();
    this.show();
  }

  /** A slider passes many values; the text is written for the one at which it rests. */
  turn(values) {
    this.wrote ||= this.written > 0;
    this.change(values);
    if (this.wrote) this.soon = setTimeout(() => { this.play.play(); }, REST);
  }

  again() {
    this.change({});
    this.play.play();
  }

  // -- writing

  begin() {
    clearTimeout(this.soon);
    this.wrote = false;
    if (!this.given || this.written >= LONGEST) return false;
    this.goal = Math.min(this.written + STINT, LONGEST);
    this.before = this.written;
    this.point(-1);
    this.status.textContent = "The network writes.";
    return true;
  }

  frame(time) {
    const due = calm() ? this.goal : Math.min(this.goal, this.before + Math.floor(time / BETWEEN));
    while (this.written < due) {
      this.story.next();
      this.text.add(this.story.written.text.at(-1));
    }
    return this.written < this.goal;
  }

  rest() {
    this.store.set({ length: this.written });
    this.show();
  }

  // -- pointing

  point(place) {
    if (place === this.store.get("place") || place >= this.size) return;
    this.store.set({ place });
    this.show();
  }

  show() {
    const place = this.store.get("place");
    const { written, rows } = this.story;
    const told = writingInWords(this.params.beginning, this.net.context, this.story, place);
    if (this.status.textContent !== told) this.status.textContent = told;
    this.text.mark(place);
    const looked = place > 0 && place < this.size && written.starts[place] < place;
    this.heads.draw(written, looked ? rows[place] : [], looked ? place : -1);
  }
}

const STYLE = `
.settings { margin-top: 8px; gap: 6px 16px; }
.text { height: 132px; }
.text span:nth-child(even) { background: #8883; } /* where tokens meet */
.chances div { grid-template-columns: 5.5em 70px auto; }
.chances span { overflow: hidden; white-space: pre; }
`;

export const { render, revive } = doors(mounted(WriteView), [...PARAMETERS, "length", "place"]);
