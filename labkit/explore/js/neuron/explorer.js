// The neuron explorer: one neuron learns the same under two losses, beside each other, in time.
import { slider } from "../controls.js";
import { copyRow } from "../copying.js";
import { button, make, roomIn } from "../dom.js";
import { doors } from "../doors.js";
import { shell } from "../look.js";
import { short } from "../numbers.js";
import { calm, player } from "../player.js";
import { mounted, View } from "../view.js";
import { answer } from "./maths.js";
import { NeuronPicture } from "./picture.js";
import { STYLE } from "./style.js";
import { copies, explain, NAMES } from "./words.js";

const PARAMETERS = ["start", "rate_mse", "rate_cross_entropy", "epoch"];
const PACE = 40; // milliseconds an epoch
const two = (value) => Number(value.toPrecision(2));

class NeuronView extends View {
  constructor(host, store) {
    super(host, store, PARAMETERS, { catalog: store.get("catalog") });
    this.sizes = new ResizeObserver(() => this.refresh());
    this.sizes.observe(this.body);
  }

  end() {
    this.player.stop();
    this.sizes.disconnect();
    super.end();
  }

  // -- what stands on the page

  build(host) {
    const { store } = this;
    this.sliders = this.makeSliders();
    this.presets = Object.entries(this.catalog.presets).map(([name, values]) => button(name, () => this.turn({ ...values, epoch: 0 })));
    this.picture = new NeuronPicture();
    this.status = make("p", { class: "status", role: "status", "aria-live": "polite" });
    this.player = this.makePlayer();
    this.copies = copyRow(Object.fromEntries(["Copy as parameters", "Copy as command"].map((label) =>
      [label, () => copies(this.params, store.get("lesson"))[label]])), store.link);
    const group = (name, ...nodes) => make("div", { class: "buttons", role: "group", "aria-label": name }, nodes);
    const own = Object.keys(store.get("walks")).length > 0;
    this.body = shell(host, "neuron explorer", STYLE,
      make("div", { class: "sliders" }, Object.values(this.sliders).map(({ node }) => node)),
      group("presets", make("b", {}, "Try:"), this.presets),
      make("p", { class: "legend" }, Object.entries(NAMES).map(([loss, name]) => make("span", { class: loss }, name)),
        own ? make("span", { class: "yours" }, store.get("whose")) : null),
      this.picture.node, this.status,
      make("div", { class: "below" }, group("epochs", this.player.node, button("1 epoch", () => this.forward(1)),
        button("10 epochs", () => this.forward(10)), button("Reset", () => this.turn({ epoch: 0 }))), this.copies.node));
  }

  makeSliders() {
    const { start, rate, epoch } = this.catalog.ranges;
    const tell = (name) => (value) => this.turn({ [name]: value });
    const logarithmic = (name) => {
      const made = slider(`learning rate, ${NAMES[name.slice(5)]}`, { low: Math.log10(rate[0]), high: Math.log10(rate[1]),
        step: 0.05, text: (power) => short(two(10 ** power)) }, (power) => this.turn({ [name]: two(10 ** power) }));
      return { node: made.node, draw: (value) => made.draw(Math.log10(value)) };
    };
    return {
      start: slider("weight at the start", { low: start[0], high: start[1], step: 0.1 }, (start) => this.turn({ start, epoch: 0 })),
      epoch: slider("epoch", { low: epoch[0], high: epoch[1], step: 1 }, tell("epoch")),
      rate_mse: logarithmic("rate_mse"),
      rate_cross_entropy: logarithmic("rate_cross_entropy"),
    };
  }

  /** Play until both answers are close to the target, or to the last epoch. */
  makePlayer() {
    const last = this.catalog.ranges.epoch[1];
    let [from, to] = [0, 0];
    const begin = () => {
      from = this.params.epoch;
      const { weights } = explain({ ...this.params, epoch: last });
      const both = weights.mse.findIndex((w, t) => answer(w) < 0.05 && answer(weights.cross_entropy[t]) < 0.05);
      to = both < 0 ? last : both;
      if (from >= to) from = 0;
      if (calm()) this.write({ epoch: to });
      return !calm();
    };
    return player((time) => {
      this.write({ epoch: Math.min(to, from + Math.floor(time / PACE)) });
      return this.params.epoch < to;
    }, { begin });
  }

  forward(epochs) {
    this.turn({ epoch: Math.min(this.params.epoch + epochs, this.catalog.ranges.epoch[1]) });
  }

  turn(values) {
    this.player.stop();
    this.write(values);
  }

  // -- from the state to the picture

  refresh() {
    const { params } = this;
    const { weights, text } = explain(params);
    Object.entries(this.sliders).forEach(([name, { draw }]) => draw(params[name]));
    this.status.textContent = text;
    this.status.setAttribute("aria-live", this.player?.running ? "off" : "polite");
    this.copies.draw();
    const width = roomIn(this.body);
    if (width) this.picture.draw({ weights, epoch: params.epoch }, this.store.get("walks"), width);
  }
}

export const { render, revive } = doors(mounted(NeuronView), [...PARAMETERS, "walks"]);
export default { render };
