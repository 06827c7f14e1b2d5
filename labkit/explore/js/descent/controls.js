// The controls of the explorer: surface, optimizer, and three sliders with a field to type into.
import { choiceBar, menu } from "../controls.js";
import { freshId, make, set } from "../dom.js";
import { clamp, short } from "../numbers.js";
import { usesMomentum } from "./words.js";

const NAMES = { sgd: "SGD", rmsprop: "RMSprop", adam: "Adam", adamw: "AdamW", adadelta: "Adadelta" };
const title = (word) => NAMES[word] ?? word[0].toUpperCase() + word.slice(1);

/** The largest stable rate, marked on the rail of a slider. */
function limitMark(input) {
  const node = make("div", { class: "mark", hidden: true }, make("i"), make("span"));
  function draw(at, note) { // at: share of the rail, or null
    node.hidden = at === null;
    input.style.setProperty("--limit", at ?? 2); // 2: out of sight
    node.style.setProperty("--limit", at ?? 2);
    node.classList.toggle("late", at > 0.7);
    node.lastChild.textContent = note;
  }
  return { node, draw };
}

/** A linear scale of a slider, and one of learning rates: two digits, a press multiplies by 1.12. */
const PLAIN = {
  place: (value) => value, value: (position) => position, digits: (value) => value,
};
const LOGARITHMIC = {
  place: Math.log10, value: (position) => LOGARITHMIC.digits(10 ** position),
  digits: (value) => Number(value.toPrecision(2)),
};

/** A slider with a number field; a logarithmic one takes any value, so its keys are its own. */
function numberSlider(name, label, [low, high], { step, log = false }, change) {
  const scale = log ? LOGARITHMIC : PLAIN;
  const [from, to] = [low, high].map(scale.place);
  const within = (value) => clamp(step === 1 ? Math.round(value) : value, low, high);
  const [id, typedId] = [freshId(name), freshId(name)];
  const input = make("input", { type: "range", id, min: from, max: to, step: log ? "any" : step,
    input: () => change(within(scale.value(Number(input.value)))), keydown: log ? nudge : null });
  const field = make("input", { type: "number", id: typedId, min: low, max: high, step: "any",
    "aria-label": `${label}, typed`, change: typed });
  const mark = limitMark(input);
  const node = make("div", { class: `control ${name}` },
    make("div", { class: "head" }, make("label", { for: id }, label), field),
    make("div", { class: "rail" }, input, mark.node));
  let now = low;

  function nudge(event) { // 12 % a press, a factor 2 a page
    const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -6, PageUp: 6 }[event.key];
    if (!by) return;
    event.preventDefault();
    change(within(scale.digits(now * 10 ** (0.05 * by))));
  }
  function typed() {
    const value = Number(field.value);
    if (field.value !== "" && Number.isFinite(value)) change(within(value));
    field.value = now;
  }
  function draw(value, { limit = null, note = "", off = false } = {}) {
    now = value;
    const share = (number) => (scale.place(number) - from) / (to - from);
    if (within(scale.value(Number(input.value))) !== value) input.value = scale.place(value);
    if (field.getRootNode().activeElement !== field) field.value = value;
    input.style.setProperty("--at", share(value));
    mark.draw(limit === null ? null : share(limit), note);
    set(input, { "aria-valuetext": note ? `${value}, ${note}` : String(value) });
    input.disabled = field.disabled = off;
    node.classList.toggle("off", off);
  }
  return { node, draw };
}

/** All controls that are not hidden; `change({name: value})` is told what was turned. */
export function controls({ surfaces, optimizers, ranges }, hidden, change) {
  const tell = (name) => (value) => change({ [name]: value });
  const slide = (name, label, how) => numberSlider(name, label, ranges[name], how, tell(name));
  const parts = {
    surface: choiceBar("surface", { options: Object.keys(surfaces), text: title, class: "control surface" }, tell("surface")),
    optimizer: menu("optimizer", { options: optimizers, text: title, class: "control optimizer" }, tell("optimizer")),
    learning_rate: slide("learning_rate", "learning rate", { log: true }),
    steps: slide("steps", "steps", { step: 1 }),
    momentum: slide("momentum", "momentum", { step: 0.01 }),
  };
  const shown = Object.keys(parts).filter((name) => !hidden.has(name));
  const row = (...names) => make("div", { class: "controls" },
    names.filter((name) => shown.includes(name)).map((name) => parts[name].node));
  const marked = ({ run, info }) => { // what the rate's slider marks
    const { limit } = run;
    if (hidden.has("limit") || limit === null || limit > ranges.learning_rate[1]) return {};
    return { limit, note: `limit ${info.local ? "near the minimum " : ""}${short(limit)}` };
  };
  function draw(view) {
    const more = { learning_rate: marked(view), momentum: { off: !usesMomentum(view.state.optimizer) } };
    for (const name of shown) parts[name].draw(view.state[name], more[name]);
  }
  return { nodes: [row("surface", "optimizer"), row("learning_rate", "steps", "momentum")], draw };
}
