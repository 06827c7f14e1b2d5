// The sliding window: point at a number of the feature map, and see the window that it comes from.
import { choiceBar, menu, slider } from "../controls.js";
import { asCommand, asParameters, copyRow } from "../copying.js";
import { arrowMove, make } from "../dom.js";
import { doors } from "../doors.js";
import { shell } from "../look.js";
import { clamp } from "../numbers.js";
import { mounted, View } from "../view.js";
import { BLOCK, SIDE, padsOf, resultOf, unpackDigits, windowAt } from "./maths.js";
import { FRAME, imagePicture, mapPicture, productGrid } from "./picture.js";
import { kernelName, placeInWords, summaryOf } from "./words.js";

const PARAMETERS = ["weights", "digit", "stride", "padding", "pooling"];
const REAL = ["weights"]; // floats in Python
const OWN = "your own";

class SlidingView extends View {
  constructor(host, store) {
    super(host, store, PARAMETERS, { digits: unpackDigits(store.get("examples")), kernels: store.get("kernels") });
  }

  // -- what stands on the page

  build(host) {
    const write = (name) => (value) => this.write({ [name]: value });
    this.image = imagePicture();
    this.map = mapPicture("feature map: arrow keys go from number to number", SIDE, {
      pointermove: (event) => this.pointAt(this.map.cellAt(event)), pointerdown: (event) => this.pointAt(this.map.cellAt(event)),
      keydown: (event) => this.typed(event),
    });
    this.pooled = mapPicture("map after pooling", SIDE / BLOCK, {
      pointermove: (event) => this.pointAtBlock(event), pointerdown: (event) => this.pointAtBlock(event), tabindex: -1,
    });
    this.products = productGrid();
    this.controls = {
      digit: slider("digit", { low: 0, high: 9, step: 1, text: String }, write("digit")),
      stride: choiceBar("stride", { options: [1, 2, 3] }, write("stride")),
      padding: choiceBar("padding", { options: ["valid", "same"] }, write("padding")),
      pooling: choiceBar("pooling", { options: ["none", "max 2 x 2"] }, write("pooling")),
    };
    this.preset = menu("kernel ", { options: [...Object.keys(this.kernels), OWN] },
      (name) => { if (name !== OWN) this.write({ weights: [...this.kernels[name]] }); });
    this.fields = this.store.get("weights").map((_, k) => this.weightField(k));
    this.title = make("p", { class: "name" });
    this.pooledPart = make("div", {}, make("p", { class: "name" }, "after max pooling"), this.pooled.node);
    this.summary = make("p", { class: "status", role: "status" });
    this.place = make("p", { class: "place", "aria-live": "polite" });
    this.copying = copyRow({
      "Copy as parameters": () => asParameters(this.params, REAL),
      "Copy as command": () => asCommand(this.store.get("lesson"), this.params, REAL),
    }, this.store.link);
    this.body = shell(host, "sliding window", STYLE,
      make("div", { class: "controls" }, Object.values(this.controls).map(({ node }) => node)),
      make("div", { class: "panels" },
        make("div", {}, make("p", { class: "name" }, "input, 28 × 28"), this.image.node),
        make("div", { class: "middle" }, this.preset.node,
          make("div", { class: "nine" }, this.fields), make("p", { class: "name" }, "pixel × weight"), this.products.node),
        make("div", {}, this.title, this.map.node), this.pooledPart),
      this.summary, this.place, this.copying.node);
  }

  weightField(k) {
    const field = make("input", { type: "number", min: -10, max: 10, step: 0.5,
      "aria-label": `weight row ${Math.floor(k / 3) + 1}, column ${(k % 3) + 1}`,
      input: () => {
        const value = Number(field.value);
        if (field.value === "" || !Number.isFinite(value)) return; // not finished yet
        this.write({ weights: this.params.weights.map((weight, at) => (at === k ? clamp(value, -10, 10) : weight)) });
      },
      change: () => this.refresh() });
    return field;
  }

  // -- from the state to the picture

  refresh() {
    const params = this.params;
    this.result = resultOf(this.digits, params);
    Object.entries(this.controls).forEach(([name, control]) => control.draw(params[name]));
    this.preset.draw(kernelName(this.kernels, params.weights) ?? OWN);
    this.fields.forEach((field, k) => {
      const typing = field.getRootNode().activeElement === field && Number(field.value) === params.weights[k];
      if (!typing) field.value = params.weights[k];
    });
    this.title.textContent = `feature map, ${this.result.map.side} × ${this.result.map.side}`;
    this.summary.textContent = summaryOf(this.kernels, params, this.result);
    this.copying.draw();
    this.show();
  }

  /** The place that is pointed at, or null. */
  get pointed() {
    const [row, column, { side }] = [this.store.get("row"), this.store.get("column"), this.result.map];
    return row >= 0 && column >= 0 && row < side && column < side ? [row, column] : null;
  }

  show() {
    const { map, pooled, image } = this.result;
    const { weights, stride, padding } = this.params;
    const at = this.pointed;
    const seen = at && windowAt(image, weights, ...at, stride, padding);
    const largest = Math.max(...map.values.map(Math.abs)) || 1;
    this.image.draw(image, padsOf(stride, padding), seen);
    this.products.draw(seen, weights);
    const block = at && pooled ? at.map((each) => Math.floor(each / BLOCK)) : null;
    const inBlock = block && Math.max(...block) < pooled.side;
    this.map.draw(map, largest, [
      ...(inBlock ? [[BLOCK * block[0], BLOCK * block[1], BLOCK, "#3f86a0"]] : []), ...(at ? [[...at, 1, FRAME]] : [])]);
    this.pooledPart.hidden = !pooled;
    if (pooled) this.pooled.draw(pooled, largest, inBlock ? [[...block, 1, FRAME]] : []);
    this.place.textContent = placeInWords(this.params, this.result, ...(at ?? [-1, -1]));
  }

  // -- pointing

  pointAt([row, column]) {
    const { side } = this.result.map;
    if (row < 0 || column < 0 || row >= side || column >= side) return;
    if (row === this.store.get("row") && column === this.store.get("column")) return;
    this.store.set({ row, column });
    this.show();
  }

  pointAtBlock(event) { // the number that won
    const { pooled, map } = this.result;
    const [row, column] = this.pooled.cellAt(event);
    if (row < 0 || column < 0 || row >= pooled.side || column >= pooled.side) return;
    const winner = pooled.winners[row * pooled.side + column];
    this.pointAt([Math.floor(winner / map.side), winner % map.side]);
  }

  typed(event) {
    const move = arrowMove(event);
    if (!move) return;
    const at = this.pointed;
    const last = this.result.map.side - 1;
    this.pointAt(at ? at.map((each, axis) => clamp(each + move[axis], 0, last)) : [0, 0]);
  }
}

export const { render, revive } = doors(mounted(SlidingView), [...PARAMETERS, "row", "column"]);
export default { render };

const STYLE = `
.controls { display: flex; flex-wrap: wrap; gap: 10px 22px; align-items: end; margin-bottom: 10px; }
.controls > label > span { display: block; }
.controls fieldset { border: 0; margin: 0; padding: 0; }
.controls legend { padding: 0; }
.controls b { font-weight: 600; }
.options label { white-space: nowrap; }
.panels { display: flex; flex-wrap: wrap; gap: 18px; align-items: flex-start; }
.square { max-width: 100%; border: 1px solid var(--line); border-radius: 3px; }
.pointed { cursor: crosshair; touch-action: none; }
.name { margin-bottom: 4px; }
.middle { width: 216px; }
.middle > label { display: block; margin-bottom: 6px; }
.middle .name { margin: 8px 0 2px; }
.nine { display: grid; grid-template-columns: repeat(3, 1fr); gap: 3px; }
.nine input { width: 100%; min-width: 0; padding: 3px 4px; border: 1px solid var(--line); border-radius: 4px; background: transparent; }
.product { background: var(--soft); border-radius: 4px; padding: 1px 3px; text-align: center; min-height: 34px; line-height: 1.25; }
.product small { display: block; font-size: 11px; }
.sum { font-weight: 700; text-align: right; margin-top: 3px; min-height: 1.4em; color: var(--ink); }
.status { font-weight: 600; margin-top: 8px; min-height: 2.8em; }
.place { min-height: 2.8em; margin-bottom: 4px; }
`;
