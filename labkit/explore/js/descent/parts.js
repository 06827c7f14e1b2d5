// What stands around the two pictures: presets, legend, the words, the numbers of one step.
import { rgb } from "../colors.js";
import { button, make } from "../dom.js";
import { short } from "../numbers.js";
import { translatedPhrase } from "../phrases.js";
import { SURFACES } from "./maths.js";
import { sample } from "./runs.js";
import { shade } from "./surface.js";
import { nameOf } from "./words.js";

/** Buttons that show each verdict of a surface. */
export function presetRow(choose) {
  const node = make("div", { class: "presets", role: "group", "aria-label": "presets" });
  const draw = ({ info }) => node.replaceChildren(make("span", {}, "Try:"),
    ...info.presets.map(({ name, params }) => button(name, () => choose(params))));
  return { node, draw };
}

/** The formula, and what the colors of the map mean: lowest and highest J. */
export function formulaLine() {
  const node = make("p", { class: "formula" });
  function draw({ info, theme }) {
    const stops = [0, 0.25, 0.5, 0.75, 1].map((t) => rgb(shade(t, theme)));
    const scale = () => make("span", { class: "scale" }, short(info.levels.low),
      make("i", { style: `background:linear-gradient(to right,${stops})` }), short(info.levels.high));
    node.replaceChildren(info.label, info.flat ? "" : scale());
  }
  return { node, draw };
}

/** The runs shown; the kept ones can be removed. */
export function legend(drop) {
  const node = make("ul", { class: "legend", "aria-label": "runs shown" });
  function entry({ params }, i) {
    const name = `${nameOf(params)}, rate ${short(params.learning_rate)}`;
    const remove = () => button("×", () => drop(params), { class: "drop", "aria-label": `remove ${name}` });
    return make("li", {}, sample(i), make("span", {}, name), i ? remove() : null);
  }
  return { node, draw: ({ run, kept }) => node.replaceChildren(...[run, ...kept].map(entry)) };
}

/** What happened, for the eye and for a screen reader. */
export function statusLine() {
  const node = make("p", { role: "status", class: "status" });
  function draw({ run }) {
    const text = translatedPhrase(run.text);
    if (node.textContent === text) return;
    const headline = translatedPhrase(run.verdict.headline);
    const at = text.indexOf(headline);
    node.replaceChildren(text.slice(0, at), make("strong", {}, headline), text.slice(at + headline.length));
  }
  return { node, draw };
}

/** The numbers of the step shown. */
export function stepLine() {
  const node = make("p", { class: "readout" });
  function draw({ run, info, shown, state }) {
    const pair = (v) => (info.flat ? short(v[0]) : `(${short(v[0])}, ${short(v[1])})`);
    const w = run.path[shown];
    const entries = { step: `${shown} of ${run.path.length - 1}`, w: pair(w), J: short(run.losses[shown]),
      gradient: pair(SURFACES[state.surface].gradient(...w)) };
    node.replaceChildren(...Object.entries(entries).map(([name, text]) =>
      make("span", {}, make("em", {}, name), ` ${text}`)));
  }
  return { node, draw };
}
