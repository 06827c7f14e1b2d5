// The feature maps of a network: click a channel, point at a place, and see what it has seen.
import { cells, cellUnder } from "../canvas.js";
import { choiceBar, slider } from "../controls.js";
import { asCommand, asParameters, copyRow } from "../copying.js";
import { arrowMove, make } from "../dom.js";
import { doors } from "../doors.js";
import { shell } from "../look.js";
import { mounted, View } from "../view.js";
import { clamp } from "../numbers.js";
import { lookAt, mapMaker } from "./maths.js";
import { filterInWords } from "./words.js";

const PARAMETERS = ["digit", "layer", "channel"];
const ACROSS = 8; // channels in a row
const FRAME_COLOR = "#ff5e02";

const level = (value) => Array(3).fill(Math.round(255 * clamp(value, 0, 1)));

/** A picture of gray cells with one frame; its frame and cells are counted alike. */
function framedPicture(size, attributes) {
  const canvas = make("canvas", { width: 2 * size, height: 2 * size, class: "framed", ...attributes });
  canvas.style.width = `${size}px`;
  const context = canvas.getContext("2d");
  let shape = [1, 1];
  return {
    canvas,
    draw(width, height, colorOf, frame) {
      shape = [width, height];
      canvas.height = Math.round((canvas.width * height) / width);
      const fine = cells(width, height);
      fine.paint(colorOf);
      context.imageSmoothingEnabled = false;
      context.drawImage(fine.canvas, 0, 0, canvas.width, canvas.height);
      if (!frame) return;
      const unit = canvas.width / width;
      context.strokeStyle = FRAME_COLOR;
      context.lineWidth = 6;
      const [row, column, side] = frame;
      context.strokeRect(column * unit, row * unit, side * unit, side * unit);
    },
    cellAt: (event) => cellUnder(event, canvas, ...shape),
  };
}

class MapsView extends View {
  constructor(host, store) {
    const layers = store.get("layers");
    super(host, store, PARAMETERS, { layers, maps: mapMaker(layers, store.get("examples")) });
  }

  // -- what stands on the page

  build(host) {
    const focusable = { tabindex: 0, role: "application", "data-lm-suppress-shortcuts": "true" };
    this.image = framedPicture(208, { role: "img", "aria-label": "the digit, and what the value has seen" });
    this.mosaic = framedPicture(300, { ...focusable, "aria-label": "all channels: arrow keys go from channel to channel",
      pointerdown: (event) => this.choose(this.tileAt(event)),
      keydown: (event) => this.typed(event, ([down, right]) => this.choose(this.looked.own + ACROSS * down + right)) });
    this.map = framedPicture(208, { ...focusable, "aria-label": "map of the channel: arrow keys go from place to place",
      pointermove: (event) => this.pointAt(this.map.cellAt(event)),
      pointerdown: (event) => this.pointAt(this.map.cellAt(event)),
      keydown: (event) => this.typed(event, (move) => this.pointAt(this.looked.at.map((each, axis) => each + move[axis]))) });
    this.digit = slider("digit", { low: 0, high: 9, step: 1, text: String }, (digit) => this.write({ digit }));
    this.layer = choiceBar("layer", { options: this.layers.map(({ name }) => name) },
      (layer) => this.write({ layer, channel: this.store.get("channel") % this.filtersOf(layer), row: -1, column: -1 }));
    this.title = make("p", { class: "name" });
    this.status = make("p", { class: "status", role: "status" });
    this.copying = copyRow({
      "Copy as parameters": () => asParameters(this.params),
      "Copy as command": () => asCommand(this.store.get("lesson"), this.params),
    }, this.store.link);
    this.body = shell(host, "feature maps", STYLE,
      make("div", { class: "controls" }, this.digit.node, this.layer.node),
      make("div", { class: "panels" },
        make("div", {}, make("p", { class: "name" }, "input"), this.image.canvas),
        make("div", {}, make("p", { class: "name" }, "all channels of the layer: click one"), this.mosaic.canvas),
        make("div", {}, this.title, this.map.canvas)),
      this.status, this.copying.node);
  }

  // -- from the state to the picture

  filtersOf(layer) {
    return this.layers.find(({ name }) => name === layer).units;
  }

  refresh() {
    const params = this.params;
    const maps = this.maps(params.digit);
    this.looked = lookAt(this.layers, maps, { ...params, row: this.store.get("row"), column: this.store.get("column") });
    this.digit.draw(params.digit);
    this.layer.draw(params.layer);
    this.drawPictures(maps, this.layers.findIndex(({ name }) => name === params.layer));
    this.title.textContent = `channel ${this.looked.own}, ${this.looked.side} × ${this.looked.side}`;
    const text = filterInWords(params, this.looked);
    if (this.status.textContent !== text) this.status.textContent = text;
    this.copying.draw();
  }

  drawPictures({ image, found }, l) {
    const { own, channels, side, answer, at, strongest, seen } = this.looked;
    const largest = Math.max(...found[l].values) || 1;
    this.image.draw(28, 28, (k) => level(image[k]), strongest > 0 ? seen : null);
    const tile = side + 1;
    const rows = Math.ceil(channels / ACROSS);
    this.mosaic.draw(tile * ACROSS, tile * rows, (k) => {
      const [row, column] = [Math.floor(k / (tile * ACROSS)), k % (tile * ACROSS)];
      const channel = ACROSS * Math.floor(row / tile) + Math.floor(column / tile);
      const [i, j] = [row % tile, column % tile];
      if (i === side || j === side) return [70, 70, 70];
      return level(found[l].values[(i * side + j) * channels + channel] / largest);
    }, [tile * Math.floor(own / ACROSS), tile * (own % ACROSS), side]);
    this.map.draw(side, side, (k) => level(answer[k] / (strongest || 1)), strongest > 0 ? [...at, 1] : null);
  }

  // -- choosing

  tileAt(event) {
    const [row, column] = this.mosaic.cellAt(event).map((each) => Math.floor(each / (this.looked.side + 1)));
    return ACROSS * row + column;
  }

  choose(channel) {
    if (channel >= 0 && channel < this.looked.channels) this.write({ channel, row: -1, column: -1 });
  }

  pointAt([row, column]) {
    const { side } = this.looked;
    if (row < 0 || column < 0 || row >= side || column >= side) return;
    if (row !== this.store.get("row") || column !== this.store.get("column")) this.write({ row, column });
  }

  typed(event, act) {
    const move = arrowMove(event);
    if (move) act(move);
  }
}

export const { render, revive } = doors(mounted(MapsView), [...PARAMETERS, "row", "column"]);
export default { render };

const STYLE = `
.controls { display: flex; flex-wrap: wrap; gap: 10px 22px; align-items: end; margin-bottom: 10px; }
.controls > label > span { display: block; }
.controls fieldset { border: 0; margin: 0; padding: 0; }
.controls legend { padding: 0; }
.controls b { font-weight: 600; }
.panels { display: flex; flex-wrap: wrap; gap: 18px; align-items: flex-start; }
.framed { max-width: 100%; border: 1px solid var(--line); border-radius: 3px; }
.framed[tabindex] { cursor: pointer; touch-action: none; }
.name { margin-bottom: 4px; }
.status { font-weight: 600; margin: 8px 0 4px; min-height: 2.8em; }
`;
