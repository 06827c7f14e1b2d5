// A prediction by a number: typed, or set with the slider beside it.
import { freshId, make } from "../dom.js";
import { clamp } from "../numbers.js";
import { readNumber } from "./reading.js";
import { say, withUnit } from "./words.js";

const STEPS = 200; // of the slider

/** From the slider's steps to numbers of three digits and back, on a logarithmic range too. */
function slide({ low, high, log }) {
  const [f, g] = log ? [Math.log, Math.exp] : [(x) => x, (x) => x];
  return {
    value(step) {
      if (step <= 0 || step >= STEPS) return step <= 0 ? low : high;
      const exact = g(f(low) + (step / STEPS) * (f(high) - f(low)));
      const digits = log ? 2 : clamp(Math.ceil(Math.log10(Math.abs(exact) / (high - low) || 1)) + 3, 1, 12);
      return clamp(Number(exact.toPrecision(digits)), low, high);
    },
    step: (value) => clamp(Math.round((STEPS * (f(value) - f(low))) / (f(high) - f(low))), 0, STEPS),
  };
}

export function numberForm(task, { changed, submit }) {
  const { low, high, unit } = task;
  const scale = slide(task);
  const id = freshId("number");
  const field = make("input", { id, type: "text", inputmode: "text", autocomplete: "off", spellcheck: "false",
    "aria-describedby": `${id}-range`, input: typed, keydown: entered });
  const slider = make("input", { type: "range", min: 0, max: STEPS, step: 1, class: "unset",
    "aria-label": "your guess, slider", "aria-valuetext": "not set", input: slid, keydown: entered });
  const mark = make("i", { class: "mark", hidden: true, "aria-hidden": "true" });

  function entered(event) {
    if (event.key !== "Enter") return;
    event.preventDefault();
    submit();
  }
  function typed() {
    const value = readNumber(field.value, unit);
    if (!Number.isNaN(value)) place(clamp(value, low, high));
    changed();
  }
  function slid() {
    const value = scale.value(Number(slider.value));
    field.value = String(value);
    place(value);
    changed();
  }
  function place(value) {
    slider.value = scale.step(value);
    slider.classList.remove("unset");
    slider.setAttribute("aria-valuetext", withUnit(value, unit));
  }
  slider.value = STEPS / 2;
  return {
    node: make("div", { class: "number" },
      make("label", { for: id }, "your guess"), field, make("span", {}, unit),
      make("span", { class: "end" }, say(low)), make("div", { class: "rail" }, slider, mark), make("span", { class: "end" }, say(high)),
      make("span", { id: `${id}-range`, class: "unseen" }, `from ${say(low)} to ${withUnit(high, unit)}`)),
    put(value) {
      field.value = String(value);
      place(value);
    },
    read() {
      if (!field.value.trim()) return { problem: "Type a number, or move the slider." };
      const guess = readNumber(field.value, unit);
      if (Number.isNaN(guess)) return { problem: `“${field.value.trim()}” is no number that is understood. Write it as 12, 0.5 or 1e-3.` };
      if (guess < low || guess > high) {
        return { problem: `${withUnit(guess, unit)} is out of range. Give a number from ${say(low)} to ${withUnit(high, unit)}.` };
      }
      return { guess };
    },
    open({ answer }) {
      mark.hidden = answer < low || answer > high;
      mark.style.setProperty("--at", mark.hidden ? 0 : scale.step(answer) / STEPS);
    },
    hint: "Type it, or move the slider; Enter guesses.",
  };
}
