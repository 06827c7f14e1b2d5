// Explorers that compute in Python: their controls as the browser's own, their picture from Python.
import { button, make, words } from "./words.js";

/** One control; `changed(value)` is told of a new value, { node, draw } is returned. */
const CONTROLS = {
  range(control, changed) {
    const shown = make("output", {});
    const input = make("input", { type: "range", min: control.min, max: control.max, step: control.step, "aria-label": control.label,
      input: () => { tell(); changed(Number(input.value)); } });
    const tell = () => { shown.textContent = Number(input.value).toFixed(control.decimals); };
    return { node: labeled(control, input, shown), draw(value) { input.value = value; tell(); } };
  },
  log(control, changed) {
    const shown = make("output", {});
    const input = make("input", { type: "range", min: 0, max: control.options.length - 1, step: 1, "aria-label": control.label,
      input: () => { tell(); changed(Number(input.value)); } });
    const tell = () => {
      shown.textContent = control.options[input.value];
      input.setAttribute("aria-valuetext", shown.textContent);
    };
    return { node: labeled(control, input, shown), draw(value) { input.value = value; tell(); } };
  },
  choice(control, changed) {
    const group = `lkp-${Math.random().toString(36).slice(2)}`;
    const radios = control.options.map((_, index) => make("input", { type: "radio", name: group, value: index, change: () => changed(index) }));
    const options = radios.map((radio, index) => make("label", {}, radio, make("span", {}, control.options[index])));
    const node = make("fieldset", { class: "lkp-choice" }, make("legend", {}, control.label), make("div", {}, ...options));
    return { node, draw(value) { radios[value].checked = true; } };
  },
  menu(control, changed) {
    const select = make("select", { "aria-label": control.label, change: () => changed(select.selectedIndex) },
      ...control.options.map((label) => make("option", {}, label)));
    return { node: labeled(control, select), draw(value) { select.selectedIndex = value; } };
  },
  switch(control, changed) {
    const input = make("input", { type: "checkbox", change: () => changed(input.checked) });
    return { node: make("label", { class: "lkp-switch" }, input, ` ${control.label}`), draw(value) { input.checked = value; } };
  },
  text(control, changed) {
    const input = make("input", { type: "text", "aria-label": control.label, change: () => changed(input.value) });
    return { node: labeled(control, input), draw(value) { input.value = value; } };
  },
};

function labeled(control, input, shown = null) {
  return make("label", { class: "lkp-control" }, make("span", {}, control.label, " ", shown), input);
}

async function copy(text, said) {
  try {
    await navigator.clipboard.writeText(text);
    said.textContent = words.copied;
  } catch { // plain http, or not allowed
    const field = make("textarea", {}, text);
    document.body.append(field);
    field.select();
    said.textContent = document.execCommand("copy") ? words.copied : words.notCopied;
    field.remove();
  }
}

/** The end of the page's address, if it names this cell and settings of its explorer. */
export function linkTo(cell) {
  const pairs = [...new URLSearchParams(location.hash.slice(1))];
  return pairs.length > 1 && `${pairs[0][0]}=${pairs[0][1]}` === cell.id ? location.hash : "";
}

/** The address of this page with the explorer of a cell set as `hash` says. */
function addressOf(cell, hash) {
  return `${location.href.replace(/#.*$/, "")}#${[cell.id, hash.slice(1)].filter(Boolean).join("&")}`;
}

/**
 * Draw a kernel explorer, set as the page's address says if that names its cell; `ask(message)`
 * sends to Python and returns its answer.
 */
export function makeExplorer(explorer, ask, cell) {
  const controls = Object.fromEntries(explorer.controls.map((control) => {
    const kind = CONTROLS[control.kind] ?? CONTROLS.text;
    return [control.name, kind(control, (value) => turn({ [control.name]: value }))];
  }));
  const picture = make("div", { class: "lkp-picture" });
  const caption = make("p", { class: "lkp-caption", role: "status" });
  const copies = make("div", { class: "lkp-copies" });
  const said = make("span", { role: "status" });
  const presets = (explorer.presets ?? []).map((label) => button(label, () => send({ do: "press", id: explorer.id, button: label })));
  const node = make("figure", { class: "lkp-explorer", role: "group", "aria-label": explorer.name },
    make("div", { class: "lkp-controls" }, ...Object.values(controls).map((control) => control.node)),
    presets.length > 0 && make("div", { class: "lkp-presets" }, make("b", {}, words.tryThese), ...presets),
    picture, caption, copies);
  let waiting = null; // values that were turned while Python computed
  let busy = false;

  function show(state) {
    for (const { name, value } of state.controls) controls[name]?.draw(value);
    picture.innerHTML = state.html;
    caption.textContent = state.text;
    const texts = Object.entries(state.texts ?? {}).map(([label, text]) => button(label, () => copy(text, said)));
    copies.replaceChildren(...texts, button(words.copyLink, () => copy(addressOf(cell, state.hash), said)), said);
  }
  async function send(message) {
    busy = true;
    const answer = await ask(message);
    busy = false;
    if (answer.error) caption.textContent = answer.error;
    else if (answer.html !== undefined && !waiting) show(answer);
    if (waiting) turn();
  }
  /** Several turns while Python computes become one. */
  function turn(values = {}) {
    waiting = { ...waiting, ...values };
    if (busy) return;
    const message = { do: "set", id: explorer.id, values: waiting };
    waiting = null;
    send(message);
  }
  /** Also whenever another link to it is followed. */
  function follow() {
    const link = linkTo(cell);
    if (link) send({ do: "link", id: explorer.id, text: link });
  }
  function followed() {
    if (node.isConnected) follow();
    else removeEventListener("hashchange", followed); // the cell has run again
  }
  show(explorer);
  follow();
  addEventListener("hashchange", followed);
  return node;
}
