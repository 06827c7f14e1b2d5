// Small parts of the explorer, each { node, draw(...) }.
import { button, make } from "../dom.js";
import { menu } from "../controls.js";
import { bare, clip } from "./words.js";

/** A menu of columns or metrics; `none` is the text of the choice of nothing. */
export function nameMenu(title, change, none = "") {
  const text = (name) => (name === "" ? none : clip(bare(name), 40));
  const made = menu(title, { options: [], text, class: "menu" }, change);
  return { node: made.node, draw: (names, value) => made.draw(value ?? "", none ? ["", ...names] : names) };
}

/** A switch between two or three words; none is pressed where nothing is chosen. */
export function switcher(title, choices, change) {
  const buttons = Object.entries(choices).map(([value, text]) => button(text, () => change(value), { "data-value": value }));
  return {
    node: make("div", { class: "words", role: "group", "aria-label": title }, buttons),
    draw(value) { for (const each of buttons) each.setAttribute("aria-pressed", String(each.dataset.value === value)); },
  };
}

/** Redraw a part without losing the focus of the button that has it. */
export function keepFocus(part, act) {
  const buttons = () => [...part.querySelectorAll("button")];
  const at = buttons().indexOf(part.getRootNode().activeElement);
  act();
  if (at >= 0) buttons()[at]?.focus();
}
