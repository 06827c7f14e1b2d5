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
 * `labeled` gives for each label a function that returns the text. `draw` after a change of the
 * settings: a text that shows follows them. `link` is the store's: on a page that has addresses
 * its button stands beside the others.
 */
export function copyRow(labeled, link = null) {
  const texts = link ? { ...labeled, [link.label]: link.text } : labeled;
  const said = make("span", { class: "said", "aria-live": "polite" });
  const copied = make("pre", { class: "copied", tabindex: 0, "aria-label": "text to copy", hidden: true });
  let shown = null; // the label of the text that shows
  async function copy(label) {
    shown = label;
    copied.hidden = false;
    copied.textContent = texts[label]();
    if (label === link?.label) link.remember();
    try {
      await navigator.clipboard.writeText(copied.textContent);
      said.textContent = "Copied.";
    } catch { // no clipboard on this page: the text is selected, ready for the learner's own copy
      said.textContent = "This browser does not let the page copy; the text below is selected.";
      getSelection()?.selectAllChildren(copied);
      copied.scrollIntoView({ block: "nearest" });
    }
  }
  function draw() {
    if (!shown || texts[shown]() === copied.textContent) return;
    copied.textContent = texts[shown]();
    said.textContent = "";
  }
  const buttons = Object.keys(texts).map((label) => button(label, () => copy(label)));
  const row = make("div", { class: "buttons", role: "group", "aria-label": "copy these settings" }, buttons, said);
  const hidden = buttons.length === 0;
  return { node: make("div", { class: "copying", hidden }, row, copied), draw };
}
