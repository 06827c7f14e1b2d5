// What tells an answer is covered until its prediction is made: a class on the cell, nothing else.
// The file, the kernel and the order of the cells know nothing of it.

import { ask, make, soon } from "./notebooks.js";

const PREDICT = /\bpredict\(\s*["'](\d\d)["']\s*,\s*["']([^"']+)["']/;
// What a slip says, in the language that the notebook's metadata name.
const WORDS = {
  en: { covered: "Covered until you have entered your guess above.", show: "Show me" },
  zh: { covered: "在你填入上面的猜测之前，答案先盖住。", show: "给我看" },
};
const ANSWERED = '[data-labkit-predict][data-labkit-answered="true"]';

export function cover(panel, lesson, settings) {
  const notebook = panel.content;
  const seen = new Set(); // "01/name" of each prediction whose answer may be seen
  const lay = soon(() => notebook.isDisposed || layCovers(notebook, seen, show));
  const see = (...keys) => {
    keys.forEach((key) => seen.add(key));
    lay();
  };
  function show(key) {
    const widget = notebook.node.querySelector(`[data-labkit-predict="${CSS.escape(key)}"]`);
    widget?.dispatchEvent(new CustomEvent("labkit:show-me"));
    see(key);
  }
  layCovers(notebook, seen, show); // before the first picture of the page
  notebook.modelContentChanged.connect(lay);
  notebook.node.addEventListener("labkit:answered", ({ detail }) =>
    see(`${detail.lesson}/${detail.name}`),
  );
  watchAnswers(notebook, see);
  const recall = async () => {
    const said = await ask(settings, `guesses?lesson=${lesson}`);
    see(...(said?.names ?? []).map((name) => `${lesson}/${name}`));
  };
  recall();
  const again = () => document.hidden || recall(); // a guess may have been made in another tab
  document.addEventListener("visibilitychange", again);
  notebook.disposed.connect(() => document.removeEventListener("visibilitychange", again));
}

// A widget that was answered before may be drawn at any time: when run, reloaded or scrolled to.
function watchAnswers(notebook, see) {
  const find = (node) => {
    if (node.nodeType !== Node.ELEMENT_NODE) return [];
    const inside = [...node.querySelectorAll(ANSWERED)];
    return node.matches(ANSWERED) ? [node, ...inside] : inside;
  };
  const watch = new MutationObserver((changes) => {
    const nodes = changes.flatMap(({ type, target, addedNodes }) =>
      type === "attributes" ? [target].filter((node) => node.matches(ANSWERED)) : [...addedNodes].flatMap(find),
    );
    if (nodes.length) see(...nodes.map((node) => node.dataset.labkitPredict));
  });
  const attributeFilter = ["data-labkit-answered"];
  watch.observe(notebook.node, { attributeFilter, childList: true, subtree: true });
  notebook.disposed.connect(() => watch.disconnect());
}

function layCovers(notebook, seen, show) {
  const words = WORDS[notebook.model?.getMetadata("labkit")?.lang] ?? WORDS.en;
  let key = null;
  let above = false; // the cell above is covered: one slip is enough for both
  for (const cell of notebook.widgets) {
    const tags = cell.model.getMetadata("tags") ?? [];
    if (tags.includes("predict")) {
      const found = PREDICT.exec(cell.model.sharedModel.getSource());
      key = found && `${found[1]}/${found[2]}`;
    }
    const covered = Boolean(key) && !seen.has(key) && tags.includes("answer") && !failed(cell);
    const part = covered && goesOn(cell); // what comes after its answer can be read
    cell.toggleClass("labkit-covered", covered && !part);
    cell.toggleClass("labkit-covered-part", part);
    // JupyterLab's label of a cell may be said of an article of its feed, not of an empty box.
    if (covered) cell.node.setAttribute("role", "article");
    else cell.node.removeAttribute("role");
    putSlip(cell, covered && !above ? key : null, words, show);
    above = covered;
  }
}

// A text that answers and then begins something else, under a heading of its own. Where the answer
// itself has one, all is covered: the style shows what stands from the first heading on.
function goesOn({ model }) {
  return model.type === "markdown" && /^(?!\s*#{1,6} )[^]*\n#{1,6} /.test(model.sharedModel.getSource());
}

// An error must be seen, whatever else the cell tells.
function failed({ model }) {
  const outputs = model.type === "code" ? model.outputs : { length: 0 };
  return Array.from(outputs, (_, at) => outputs.get(at)).some(({ type }) => type === "error");
}

function putSlip(cell, key, said, show) {
  const there = cell.node.querySelector(":scope > .labkit-slip");
  if (there?.dataset.key === (key ?? undefined)) return;
  there?.remove();
  if (!key) return;
  const button = make("button", { type: "button" }, said.show);
  button.addEventListener("click", () => {
    show(key);
    cell.node.focus({ preventScroll: true });
  });
  // At the end: JupyterLab counts the children of a cell when it adds its own.
  const words = make("span", {}, said.covered);
  const slip = make("div", { class: "labkit-slip", "data-lm-suppress-shortcuts": "true" }, words, button);
  slip.dataset.key = key;
  cell.node.append(slip);
}
