// A cell's code as an editor: a plain text field over the same text in colors.
import { make, words } from "./words.js";

const KEYWORDS = new Set(("and as assert async await break class continue def del elif else except finally for from " +
  "global if import in is lambda nonlocal not or pass raise return try while with yield").split(" "));
const CONSTANTS = new Set(["True", "False", "None"]);
const OPERATOR_WORDS = new Set(["and", "in", "is", "not", "or"]);
const TOKEN = new RegExp([
  "(?<comment>#[^\\n]*)",
  "(?<text>[rRbBfFuU]{0,2}(?:\"\"\"[\\s\\S]*?(?:\"\"\"|$)|'''[\\s\\S]*?(?:'''|$)|\"(?:\\\\.|[^\"\\\\\\n])*\"?|'(?:\\\\.|[^'\\\\\\n])*'?))",
  "(?<number>\\b(?:0[xXbBoO][\\da-fA-F_]+|\\d[\\d_]*\\.?[\\d_]*(?:[eE][+-]?\\d+)?|\\.\\d+(?:[eE][+-]?\\d+)?)\\b)",
  "(?<word>[\\p{L}_][\\p{L}\\d_]*)",
  "(?<operator>[-+*/%@=<>!&|^~:]+)",
].join("|"), "gu");
const INDENT = "    ";

function classOf(groups, before) {
  if (groups.comment) return "c1";
  if (groups.text) return "s2";
  if (groups.number) return /[.eE]/.test(groups.number) ? "mf" : "mi";
  if (groups.operator) return "o";
  const { word } = groups;
  if (CONSTANTS.has(word)) return "kc";
  if (OPERATOR_WORDS.has(word)) return "ow";
  if (KEYWORDS.has(word)) return "k";
  if (/\bdef\s+$/.test(before)) return "nf";
  if (/\bclass\s+$/.test(before)) return "nc";
  return "n";
}

/** Python as spans with the classes that pages color. */
function colored(source) {
  const nodes = [];
  let end = 0;
  for (const found of source.matchAll(TOKEN)) {
    if (found.index > end) nodes.push(source.slice(end, found.index));
    nodes.push(make("span", { class: classOf(found.groups, source.slice(Math.max(0, found.index - 12), found.index)) }, found[0]));
    end = found.index + found[0].length;
  }
  nodes.push(`${source.slice(end)}\n`);
  return nodes;
}

/** Replace the selection, so that undo still works. */
function insert(field, text) {
  field.focus();
  if (!document.execCommand("insertText", false, text)) {
    field.setRangeText(text, field.selectionStart, field.selectionEnd, "end");
    field.dispatchEvent(new Event("input"));
  }
}

function lineStart(field) {
  return field.value.lastIndexOf("\n", field.selectionStart - 1) + 1;
}

/** Indent, or take indentation away, from each line of the selection. */
function indent(field, back) {
  const start = lineStart(field);
  const { selectionStart: from, selectionEnd: to } = field;
  if (!back && from === to) {
    insert(field, INDENT);
    return;
  }
  const lines = field.value.slice(start, to).split("\n");
  const moved = lines.map((line) => (back ? line.replace(/^ {1,4}/, "") : INDENT + line));
  field.setSelectionRange(start, to);
  insert(field, moved.join("\n"));
  const first = moved[0].length - lines[0].length;
  const all = moved.join("").length - lines.join("").length;
  field.setSelectionRange(Math.max(start, from + first), to + all);
}

/** A new line begins where the line before it began, deeper after a colon. */
function newLine(field) {
  const line = field.value.slice(lineStart(field), field.selectionStart);
  const deeper = /:\s*(#.*)?$/.test(line) ? INDENT : "";
  insert(field, `\n${line.match(/^ */)[0]}${deeper}`);
}

/**
 * Make the code inside `place` (`.highlight`) an editor; returns { field, original, hint, source,
 * put }. Where `hint` is put nothing may move: who clicks a button takes the focus away first.
 * `run(onward)` is called by Shift + Enter (onward) and Ctrl + Enter.
 */
export function makeEditor(place, id, { changed, run }) {
  const shown = place.querySelector("pre");
  const original = shown.textContent.replace(/\n+$/, "");
  const hint = make("p", { class: "lkp-keys", id: `lkp-keys-${id}`, hidden: true }, words.keys);
  const field = make("textarea", { spellcheck: "false", autocapitalize: "off", autocomplete: "off", autocorrect: "off", wrap: "off", rows: 1,
    "aria-label": words.codeOf(id), "aria-describedby": hint.id });
  const layers = make("div", { class: "lkp-editor" });
  shown.replaceWith(layers);
  layers.append(shown, field);
  const draw = () => { shown.replaceChildren(...colored(field.value)); };
  let leaving = false; // Esc was pressed: the next Tab leaves
  field.value = original;
  shown.setAttribute("aria-hidden", "true");
  field.addEventListener("input", () => { draw(); changed(field.value === original ? null : field.value); });
  field.addEventListener("focus", () => { hint.hidden = false; leaving = false; });
  field.addEventListener("blur", () => { hint.hidden = true; });
  field.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const { key } = event;
    if (key === "Escape") leaving = true;
    else if (key === "Tab" && !leaving) { event.preventDefault(); indent(field, event.shiftKey); }
    else if (key === "Enter" && (event.shiftKey || event.ctrlKey || event.metaKey)) { event.preventDefault(); run(event.shiftKey); }
    else if (key === "Enter") { event.preventDefault(); newLine(field); }
    else if (!["Shift", "Tab"].includes(key)) leaving = false;
  });
  return {
    field, original, hint,
    get source() { return field.value; },
    put(text) { field.value = text; draw(); },
  };
}
