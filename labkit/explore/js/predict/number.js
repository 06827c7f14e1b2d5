// A prediction by a number: typed, or set with the slider beside it.
import { freshId, make } from "../dom.js";
import { clamp } from "../numbers.js";
import { readNumber } from "./reading.js";
import { say, withUnit } from "./words.js";

/** From the slider's steps to round numbers and back; each step is another number. */
export function slide({ low, high, log }) {
  const [f, g] = log ? [Math.log10, (power) => 10 ** power] : [(x) => x, (x) => x];
  const range = f(high) - f(low);
  const unit = 10 ** Math.floor(Math.log10(range / 100)); // a hundredth of the range, or less
  const steps = log ? Math.ceil(Math.max(20 * range, 100)) : Math.round(range / unit);
  const digits = steps > 20 * range + 1 ? 3 : 2;
  const round = log ? (x) => Number(x.toPrecision(digits)) : (x) => Number((Math.round(x / unit) * unit).toPrecision(12));
  return {
    steps,
    value: (step) => (step <= 0 ? low : step >= steps ? high : clamp(round(g(f(low) + (step / steps) * range)), low, high)),
    step: (value) => Math.round((steps * (f(clamp(value, low, high)) - f(low))) / range),
  };
}

export function numberForm(task, { changed, submit }) {
  const { low, high, unit } = task;
  const scale = slide(task);
  const id = freshId("number");
  const field = make("input", { id, type: "text", inputmode: "text", autocomplete: "off", spellcheck: "false",
    "aria-describedby": `${id}-range`, input: typed, keydown: entered });
  const slider = make("input", { type: "range", min: 0, max: scale.steps, step: 1, class: "unset",
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
  slider.value = Math.round(scale.steps / 2);
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
      mark.style.setProperty("--at", mark.hidden ? 0 : scale.step(answer) / scale.steps);
    },
    hint: "Type it, or move the slider; Enter guesses.",
  };
}
