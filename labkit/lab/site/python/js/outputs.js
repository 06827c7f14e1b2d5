// What a cell shows, as it comes.
import { make, words } from "./words.js";
import { makeExplorer } from "./controls.js";

const LONGEST = 300; // outputs of one cell

/** Set HTML, and start its scripts, which innerHTML does not. */
function setLiveHtml(node, html) {
  node.innerHTML = html;
  for (const old of node.querySelectorAll("script")) {
    const script = document.createElement("script");
    for (const { name, value } of old.attributes) script.setAttribute(name, value);
    script.textContent = old.textContent;
    old.replaceWith(script);
  }
  for (const link of node.querySelectorAll("a[href]")) {
    link.setAttribute("href", link.getAttribute("href").replace(/^([0-9]{2}_[a-z0-9_]+|index)\.ipynb(?=$|#)/, "$1.html"));
  }
}

function rendered(mime, data, { ask, cell }) {
  const node = make("div", { class: "jp-RenderedHTMLCommon jp-RenderedHTML jp-OutputArea-output", "data-mime-type": mime });
  if (mime === "text/html") setLiveHtml(node, data);
  else if (mime === "image/svg+xml") node.innerHTML = data;
  else if (mime.startsWith("image/")) node.append(make("img", { src: `data:${mime};base64,${data}`, alt: "" }));
  else if (mime.endsWith("explorer+json")) node.append(makeExplorer(data, ask, cell));
  else node.append(make("pre", {}, data));
  return node;
}

export const child = (node) => make("div", { class: "jp-OutputArea-child" }, make("div", { class: "jp-OutputPrompt jp-OutputArea-prompt" }), node);

const named = new Map(); // display_id -> nodes that show it

/** The outputs of one cell. */
export class Outputs {
  constructor(cell, ask) {
    this.cell = cell;
    this.ask = ask;
    const wrapper = cell.querySelector(".jp-Cell-outputWrapper") ?? cell.appendChild(make("div", { class: "jp-Cell-outputWrapper" }));
    this.area = wrapper.querySelector(".jp-OutputArea")
      ?? wrapper.appendChild(make("div", { class: "jp-OutputArea jp-Cell-outputArea" }));
  }

  /** The cell begins to run: what it showed before goes when the first new output comes. */
  begin() {
    this.area.style.minHeight = `${this.area.offsetHeight}px`; // nothing below moves meanwhile
    this.stale = true;
    this.count = 0;
    this.stream = null;
    this.area.classList.add("lkp-stale");
  }

  end() {
    this.fresh();
    this.area.style.minHeight = "";
  }

  fresh() {
    if (!this.stale) return;
    this.stale = false;
    this.stream = null;
    this.count = 0;
    this.area.replaceChildren();
    this.area.classList.remove("lkp-stale");
    this.cell.classList.remove("jp-mod-noOutputs");
  }

  add(node) {
    this.fresh();
    this.stream = null;
    this.count += 1;
    if (this.count <= LONGEST) this.area.append(child(node));
    else if (this.count === LONGEST + 1) this.area.append(child(make("p", {}, words.tooMuch)));
  }

  clear({ wait }) {
    this.stale = true;
    if (!wait) this.fresh();
  }

  printed({ name, text }) {
    this.fresh();
    if (this.stream?.dataset.name !== name) {
      const pre = make("pre", { "data-name": name });
      const mime = `application/vnd.jupyter.${name}`;
      this.add(make("div", { class: "jp-RenderedText jp-OutputArea-output", "data-mime-type": mime, tabindex: 0 }, pre));
      this.stream = pre;
    }
    this.stream.textContent = withReturns(this.stream.textContent + text);
  }

  display({ mime, data, name, update }) {
    if (update && named.has(name)) {
      for (const old of named.get(name)) {
        const node = rendered(mime, data, this);
        old.replaceWith(node);
        named.set(name, [node]);
      }
      return;
    }
    if (data === "" || data === null) return;
    const node = rendered(mime, data, this);
    if (name) named.set(name, [...(named.get(name) ?? []).filter((each) => each.isConnected), node]);
    this.add(node);
  }

  failed({ kind, message, where, all }) {
    const own = this.cell.id.replace("cell-id=", "");
    const places = where.map(({ cell, line, text }) => make("li", {},
      cell === own ? words.inThisCell(line) : make("a", { href: `#cell-id=${cell}` }, words.inCell(cell, line)),
      make("code", {}, text.trim())));
    this.add(make("div", { class: "lkp-error jp-OutputArea-output", role: "alert" },
      make("p", {}, make("b", {}, kind), message ? `: ${message}` : ""),
      places.length > 0 && make("ul", {}, ...places),
      kind === "NameError" && make("p", {}, words.nameHint),
      all && make("details", {}, make("summary", {}, words.whole), make("pre", {}, `${all}${kind}: ${message}`))));
  }
}

/** A carriage return begins the line anew, as progress bars want it. */
function withReturns(text) {
  return text.includes("\r") ? text.replace(/\r\n/g, "\n").replace(/[^\n]*\r(?=[^\n])/g, "") : text;
}
