// Settings as text, and the buttons that copy it.
import { button, make } from "./dom.js";
import { python } from "./numbers.js";

/** Lines of a parameters cell; `real` names those that are floats in Python. */
export const asParameters = (params, real = []) =>
  Object.entries(params).map(([name, value]) => `${name} = ${python(value, real.includes(name))}`).join("\n");

/** The command that runs a lesson with these settings, quoted for a shell. */
export const asCommand = (lesson, params, real = []) =>
  ["labkit run", lesson, ...Object.entries(params).map(([name, value]) =>
    `-p ${quote(`${name}=${typeof value === "string" ? value : python(value, real.includes(name))}`)}`)].join(" ");

const quote = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'"'"'`)}'`);

/**
 * A row of buttons that copy, the word "Copied." beside them, and below what was copied.
 * `texts` gives for each label a function that returns the text.
 */
export function copyRow(texts) {
  const said = make("span", { class: "said", role: "status" });
  const copied = make("pre", { class: "copied", tabindex: 0, "aria-label": "text to copy", hidden: true });
  async function copy(text) {
    copied.hidden = false;
    copied.textContent = text;
    try {
      await navigator.clipboard.writeText(text);
      said.textContent = "Copied.";
    } catch { // no clipboard on this page: the text is selected, ready for the learner's own copy
      said.textContent = "This page may not copy. The text below is selected: copy it yourself.";
      getSelection()?.selectAllChildren(copied);
      copied.scrollIntoView({ block: "nearest" });
    }
  }
  const buttons = Object.entries(texts).map(([label, text]) => button(label, () => copy(text())));
  const row = make("div", { class: "buttons", role: "group", "aria-label": "copy these settings" }, buttons, said);
  function forget() { // what stands there is no longer what is shown
    copied.hidden = true;
    said.textContent = "";
  }
  return { node: make("div", { class: "copying" }, row, copied), forget };
}
