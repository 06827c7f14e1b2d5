// Words of the glossary: told where they stand, and opened at their line.

import { make } from "./notebooks.js";

const LINK = '.labkit-notebook a[href*="glossary.ipynb"]';
const DELAY = 150; // ms: long enough to move the pointer from the link onto the slip

// --- a slip with the word's meaning, on hover and on focus ---------------------------------------

export function tellWords() {
  const tip = make("div", { class: "labkit-word", role: "tooltip", id: "labkit-word", hidden: "" });
  document.body.append(tip);
  let link = null;
  let timer = 0;
  const hide = () => {
    clearTimeout(timer);
    if (!link) return;
    link.title = link.dataset.labkitTitle;
    link.removeAttribute("aria-describedby");
    tip.hidden = true;
    link = null;
  };
  const show = (next) => {
    clearTimeout(timer);
    if (next === link) return;
    hide();
    link = next;
    link.dataset.labkitTitle = link.title;
    link.removeAttribute("title"); // the browser's own slip would lie on top
    link.setAttribute("aria-describedby", tip.id);
    fill(tip, link);
    place(tip, link);
  };
  const later = (work) => {
    clearTimeout(timer);
    timer = setTimeout(work, DELAY);
  };
  document.addEventListener("mouseover", ({ target }) => {
    const next = wordOf(target);
    if (next) later(() => next.isConnected && show(next));
    else if (tip.contains(target)) clearTimeout(timer);
    else if (link !== document.activeElement) later(hide);
  });
  document.addEventListener("focusin", ({ target }) => (wordOf(target) ? show(target) : hide()));
  document.addEventListener("click", hide);
  document.addEventListener("scroll", hide, true);
  document.addEventListener("keydown", (event) => event.key === "Escape" && hide(), true);
}

function wordOf(node) {
  const link = node instanceof Element ? node.closest(LINK) : null;
  return link && (link.title || link.dataset.labkitTitle) ? link : null;
}

// A title reads "中文 · meaning".
function fill(tip, link) {
  const [chinese, ...meaning] = link.dataset.labkitTitle.split(" · ");
  const head = make("p", {}, make("b", {}, link.textContent), " ", make("span", { lang: "zh" }, chinese));
  tip.replaceChildren(head, make("p", {}, meaning.join(" · ")));
}

function place(tip, link) {
  tip.hidden = false;
  const at = link.getClientRects()[0] ?? link.getBoundingClientRect();
  const { width, height } = tip.getBoundingClientRect();
  const left = Math.max(8, Math.min(at.left, innerWidth - width - 8));
  const below = at.bottom + 4 + height < innerHeight;
  tip.style.left = `${left}px`;
  tip.style.top = `${below ? at.bottom + 4 : at.top - 4 - height}px`;
}

// --- the glossary, opened at the word ------------------------------------------------------------

export function openAtTheWord(commands, tracker) {
  commands.commandExecuted.connect(async (_, { id, args, result }) => {
    if (id !== "rendermime:handle-local-link" || !args.id) return;
    if (!/(^|\/)glossary\.ipynb$/.test(args.path)) return;
    await result;
    const panel = tracker.find((each) => each.context.path === args.path);
    if (panel) await reveal(panel, decodeURIComponent(args.id.replace(/^#/, "")));
  });
}

async function reveal(panel, word) {
  await panel.context.ready;
  await panel.revealed;
  const { content } = panel;
  const at = content.widgets.findIndex((cell) => words(cell).includes(word));
  if (at < 0) return;
  // JupyterLab draws only what is in view, and what it draws moves what stands below.
  const heading = `[data-jupyter-id="${CSS.escape(word)}"], #${CSS.escape(word)}`;
  for (let tries = 0; tries < 50 && !panel.isDisposed; tries += 1) {
    const found = content.node.querySelector(heading);
    if (!found) content.scrollToItem(at, "start").catch(() => {});
    else if (settled(found, content)) break;
    else mark(found, content.node);
    await new Promise((done) => setTimeout(done, 100));
  }
}

// The headings of a cell as their anchors have them.
function words({ model }) {
  if (model.type !== "markdown") return [];
  const headings = model.sharedModel.getSource().matchAll(/^#+ +(.+)$/gm);
  return Array.from(headings, ([, text]) => text.trim().replaceAll(" ", "-"));
}

function settled(found, { outerNode }) {
  const from = found.getBoundingClientRect().top - outerNode.getBoundingClientRect().top;
  const atTheEnd = outerNode.scrollTop + outerNode.clientHeight >= outerNode.scrollHeight - 2;
  return found.classList.contains("labkit-found") && (Math.abs(from) < 40 || atTheEnd);
}

function mark(found, node) {
  node.querySelectorAll(".labkit-found").forEach((old) => old.classList.remove("labkit-found"));
  found.classList.add("labkit-found");
  found.scrollIntoView({ block: "start" });
}
