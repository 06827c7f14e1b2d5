// A prediction by choosing one of a few labels: radio buttons, and what was right beside each.
import { choiceBar } from "../controls.js";
import { withUnit } from "./words.js";

/** `changed()` after every choice, `submit()` on Enter. */
export function chooseForm({ choices }, { changed, submit }) {
  let chosen = null;
  const labels = choices.map(([label]) => label);
  const bar = choiceBar("your guess", { options: labels, class: "choices" }, (label) => {
    chosen = label;
    changed();
  });
  bar.node.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    const focused = labels[[...bar.node.querySelectorAll("input")].indexOf(event.target)];
    if (focused !== undefined) put(focused);
    submit();
  });
  function put(label) {
    chosen = label;
    bar.draw(label);
  }
  return {
    node: bar.node,
    put,
    read: () => (chosen === null ? { problem: "Choose one of the answers first." } : { guess: chosen }),
    open({ answer, mark = "measured" }) {
      bar.node.querySelectorAll("label").forEach((each, k) => {
        each.classList.toggle("measured", labels[k] === answer);
        each.dataset.mark = mark;
      });
    },
    hint: "Choose with the mouse or the arrow keys; Enter guesses.",
  };
}

/** Guess and answer of a choice or a number, as they stand side by side. */
export const written = ({ form, unit }, value) => (form === "number" ? withUnit(value, unit) : String(value));
