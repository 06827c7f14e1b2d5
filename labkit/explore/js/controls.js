// Controls, each { node, draw(value) }: `draw` shows a value, `change(value)` is told of a new one.
import { freshId, make } from "./dom.js";
import { short } from "./numbers.js";

/** A slider with its value beside its name. */
export function slider(label, { low, high, step, text = short, ...more }, change) {
  const shown = make("b", {});
  const input = make("input", { type: "range", min: low, max: high, step, "aria-label": label,
    input: () => change(Number(input.value)) });
  return {
    node: make("label", { ...more }, make("span", {}, label, " ", shown), input),
    draw(value) {
      input.value = value;
      shown.textContent = text(value);
      input.setAttribute("aria-valuetext", text(value));
    },
  };
}

/** A menu; `text` names an option. A value that is none of the options finds its place among them. */
export function menu(label, { options, text = String, ...more }, change) {
  let shown = [];
  const select = make("select", { "aria-label": label, change: () => change(shown[select.selectedIndex]) });
  function draw(value, offered = options) {
    const all = offered.includes(value) ? offered : [...offered, value].sort((a, b) => a - b);
    if (JSON.stringify(all) !== JSON.stringify(shown)) {
      shown = all;
      select.replaceChildren(...all.map((each) => make("option", { value: each }, text(each))));
    }
    select.selectedIndex = all.indexOf(value);
  }
  return { node: make("label", { ...more }, make("span", {}, label), select), draw };
}

/** One of a few, all visible: radio buttons drawn as a bar. */
export function choiceBar(label, { options, text = String, ...more }, change) {
  const group = freshId("choice");
  const radios = options.map((value) => make("input", {
    type: "radio", name: group, id: freshId("choice"), value, change: () => change(value) }));
  const labels = radios.map((radio, i) => [radio, make("label", { for: radio.id }, text(options[i]))]);
  const node = make("fieldset", { ...more }, make("legend", {}, label), make("div", { class: "options" }, labels));
  return { node, draw: (value) => radios.forEach((radio, i) => { radio.checked = options[i] === value; }) };
}

/** On or off. */
export function tick(label, change) {
  const input = make("input", { type: "checkbox", change: () => change(input.checked) });
  return { node: make("label", { class: "row" }, input, ` ${label}`), input, draw: (on) => { input.checked = on; } };
}
