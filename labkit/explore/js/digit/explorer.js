// The digit explorer: draw a digit, and a trained network answers with every stroke.
import { slider, tick } from "../controls.js";
import { asCommand, asParameters, copyRow } from "../copying.js";
import { button, make } from "../dom.js";
import { doors } from "../doors.js";
import { shell } from "../look.js";
import { bytes } from "../numbers.js";
import { mounted, View } from "../view.js";
import { Drawing } from "./drawing.js";
import { exampleOf, imageOf, probabilitiesOf, unpack } from "./maths.js";
import { SIZE, createBars, createField, createSeen } from "./picture.js";
import { asStrokes, inWords } from "./words.js";

const PARAMETERS = ["digit", "pen", "center"];
const REAL = ["pen"]; // a float in Python
const SPOKEN = 500; // milliseconds between two sentences for a screen reader

class DigitView extends View {
  constructor(host, store) {
    const known = { layers: unpack(store.get("layers")), pixels: bytes(store.get("examples")) };
    super(host, store, PARAMETERS, { ...known, drawing: new Drawing(), spoken: 0 });
  }

  // -- what stands on the page

  build(host) {
    this.field = this.buildField();
    this.seen = createSeen();
    this.bars = createBars();
    this.status = make("p", { role: "status", class: "status" });
    this.hand = make("p", { class: "hand", "aria-live": "polite" });
    this.undo = button("Undo", () => this.takeBack(), { title: "take the last stroke back (Backspace)" });
    const clear = button("Clear", () => this.write({ digit: -1, strokes: [] }), { title: "an empty field" });
    this.copying = copyRow(this.texts(), this.store.link);
    this.body = shell(host, "draw a digit", STYLE,
      make("div", { class: "panels" },
        make("div", {}, this.field.canvas, make("div", { class: "buttons" }, clear, this.undo)),
        make("div", { class: "side" },
          this.seen.canvas, make("p", { class: "small" }, "what the network sees"), this.buildControls()),
        this.bars.node),
      this.status, this.hand,
      make("p", { class: "small" }, "Draw with the mouse, a finger, or the keys: click the field or Tab to it, then " +
        "arrow keys, Space (pen down or up), Backspace."),
      this.copying.node);
  }

  texts() { // in a lesson that has no such parameters, only the drawing can be copied
    const lesson = this.store.get("lesson");
    const settings = {
      "Copy as parameters": () => asParameters(this.params, REAL),
      "Copy as command": () => asCommand(lesson, this.params, REAL),
    };
    return { ...(lesson ? settings : {}), "Copy the drawing": () => asStrokes(this.drawing.strokes) };
  }

  buildField() {
    const lift = () => this.lift();
    return createField({
      pointerdown: (event) => this.startStroke(event), pointermove: (event) => this.moveStroke(event),
      pointerup: lift, pointercancel: lift, keydown: (event) => this.typed(event),
      focus: () => this.drawField(true), blur: () => { this.lift(); this.drawField(false); },
    });
  }

  buildControls() {
    const named = (digit) => (digit < 0 ? "none: empty field" : String(digit));
    // Another image is another field: strokes of the old one go.
    this.digit = slider("held-out image", { low: -1, high: 9, step: 1, text: named },
      (digit) => this.write({ digit, strokes: [] }));
    this.pen = slider("pen width", { low: 1, high: 5, step: 0.25, text: (width) => `${width} pixels` },
      (pen) => this.write({ pen }));
    this.center = tick("center and scale a drawing, as MNIST does", (center) => this.write({ center }));
    return make("div", { class: "controls" }, this.digit.node, this.pen.node, this.center.node);
  }

  // -- from the state to the picture

  refresh() { // from the state: all strokes anew
    const { digit, pen, center } = this.params;
    this.drawing.restore(this.store.get("strokes"), pen);
    this.example = digit >= 0 ? exampleOf(this.pixels, digit) : null;
    this.digit.draw(digit);
    this.pen.draw(pen);
    this.center.draw(center);
    this.center.input.disabled = digit >= 0; // those images are centered already
    this.copying.draw();
    this.show(true);
  }

  show(finished) {
    const { digit, center } = this.params;
    const { ink, strokes } = this.drawing;
    const image = imageOf(ink, center, this.example);
    const chances = probabilitiesOf(this.layers, image);
    this.seen.draw(image);
    this.drawField();
    this.bars.draw(chances);
    this.undo.disabled = strokes.length === 0;
    if (!finished && performance.now() - this.spoken < SPOKEN) return;
    this.spoken = performance.now();
    const { text, kind } = inWords(chances, digit, strokes.length);
    this.body.dataset.kind = kind;
    if (this.status.textContent !== text) this.status.textContent = text;
  }

  drawField(focused = this.field.canvas.getRootNode().activeElement === this.field.canvas) {
    this.field.draw(this.drawing, this.example, focused);
  }

  // -- strokes

  startStroke(event) {
    if (event.button > 0) return;
    event.preventDefault();
    const { canvas, placeOf } = this.field;
    canvas.focus({ preventScroll: true });
    try { canvas.setPointerCapture(event.pointerId); } catch { /* a synthetic pointer has no capture */ }
    this.lift();
    this.drawing.begin(placeOf(event));
    this.show(false);
  }

  moveStroke(event) {
    if (!this.drawing.down || event.buttons === 0) return;
    const all = event.getCoalescedEvents?.() ?? [];
    for (const each of all.length ? all : [event]) this.drawing.move(this.field.placeOf(each));
    this.show(false);
  }

  lift() { // now the kernel knows the stroke
    if (!this.drawing.down) return;
    this.drawing.down = false;
    this.store.set({ strokes: this.drawing.copy() });
    this.copying.draw();
    this.show(true);
  }

  takeBack() {
    this.lift();
    this.write({ strokes: this.drawing.copy().slice(0, -1) });
  }

  typed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === " ") {
      if (this.drawing.down) this.lift();
      else this.drawing.begin(this.drawing.cursor);
    } else if (event.key === "Backspace" || event.key === "Delete") {
      this.takeBack();
    } else if (!this.drawing.step(event.key)) return;
    event.preventDefault(); // the page does not scroll
    this.hand.textContent = this.drawing.hand;
    this.show(!this.drawing.down);
  }
}

export const { render, revive } = doors(mounted(DigitView), [...PARAMETERS, "strokes"]);
export default { render };

const STYLE = `
.lk { --bar: #3f86a0; --top: #ff5e02; }
.lk[data-theme="dark"] { --bar: #86c8dd; --top: #ff9a5c; }
.field { width: ${SIZE}px; height: ${SIZE}px; max-width: 100%; touch-action: none; cursor: crosshair; border: 1px solid var(--line); border-radius: 4px; background: #000; }
.seen { width: 112px; height: 112px; image-rendering: pixelated; border: 1px solid var(--line); background: #000; }
.panels { display: flex; flex-wrap: wrap; gap: 24px; align-items: flex-start; }
.panels .buttons { margin: 8px 0; }
.side { width: 220px; }
.controls { display: grid; gap: 8px; margin-top: 10px; }
.controls label > span { display: block; font-weight: 600; }
.controls input[type="range"] { width: 100%; }
b { font-weight: 400; }
.bars { flex: 1 1 240px; max-width: 380px; display: grid; gap: 5px; font-size: 14px; }
.bar { display: grid; grid-template-columns: 1.2em 1fr 3.2em; gap: 8px; align-items: center; }
.bar > div { background: var(--soft); height: 20px; border-radius: 3px; }
.bar i { display: block; height: 100%; background: var(--bar); border-radius: 3px; }
.top, .top b { font-weight: 700; }
.top i { background: var(--top); }
.small { opacity: 0.8; margin-top: 4px; }
.status { min-height: 1.5em; font-size: 14px; font-weight: 600; margin-top: 6px; }
.hand { min-height: 1.4em; }
`;
