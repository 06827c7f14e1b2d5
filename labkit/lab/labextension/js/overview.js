// The index: a field that finds a lesson, what is done in each, and where to go on.

import { ask, make, soon } from "./notebooks.js";

const LESSON = /(?:^|\/)(\d\d)_[a-z0-9_]+\.ipynb/;
const MARKS = { done: "✓", begun: "◐", "not begun": "○" };

export function tendIndex(panel, app) {
  const { node } = panel.content;
  let lessons = null;
  const search = makeSearch(() => filter(node, search, lessons));
  const dress = soon(() => {
    const rows = lessonRows(node);
    if (!rows.length) return;
    const table = rows[0].row.closest("table");
    if (table.previousElementSibling !== search.root) table.before(search.root);
    if (lessons) rows.forEach(({ number, row, link }) => showProgress(row, link, lessons.get(number)));
    filter(node, search, lessons);
  });
  const refresh = async () => {
    const said = await ask(app.serviceManager.serverSettings, "overview");
    if (Array.isArray(said)) lessons = new Map(said.map((lesson) => [lesson.number, lesson]));
    dress();
  };
  const shown = () => panel.isVisible && !document.hidden && refresh();
  const watch = new MutationObserver(dress); // the table is drawn anew when its cell is run
  watch.observe(node, { childList: true, subtree: true });
  app.shell.currentChanged?.connect(shown);
  document.addEventListener("visibilitychange", shown);
  panel.disposed.connect(() => {
    watch.disconnect();
    app.shell.currentChanged?.disconnect(shown);
    document.removeEventListener("visibilitychange", shown);
  });
  refresh();
}

function lessonRows(node) {
  const rows = [...node.querySelectorAll(".jp-RenderedMarkdown table tbody tr")];
  return rows.flatMap((row) => {
    const link = [...row.querySelectorAll("a[href]")].find((each) => LESSON.test(each.pathname));
    return link ? [{ row, link, number: LESSON.exec(link.pathname)[1] }] : [];
  });
}

// --- finding -------------------------------------------------------------------------------------

function makeSearch(changed) {
  const field = make("input", { type: "search", id: "labkit-search", autocomplete: "off" });
  const label = make("label", { for: "labkit-search" }, "Find a lesson");
  const count = make("span", { role: "status" });
  // JupyterLab's shortcuts must not hear what is typed here.
  const root = make("div", { class: "labkit-search", "data-lm-suppress-shortcuts": "true" });
  root.append(label, field, count);
  field.addEventListener("input", changed);
  root.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key !== "Escape" || !field.value) return;
    field.value = "";
    changed();
  });
  root.addEventListener("dblclick", (event) => event.stopPropagation()); // it would edit the cell
  return { root, field, count };
}

function filter(node, { field, count }, lessons) {
  const wanted = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  const rows = lessonRows(node);
  let found = 0;
  for (const { row, number } of rows) {
    const { title, question } = lessons?.get(number) ?? {};
    const text = [row.textContent, title, question].join(" ").toLowerCase();
    // A number is that of the lesson, not of one that comes before it.
    const fits = wanted.every((word) => (/^\d+$/.test(word) ? number.includes(word) : text.includes(word)));
    row.classList.toggle("labkit-hidden", !fits);
    found += fits;
  }
  const words = `${found} of ${rows.length} lessons`;
  if (count.textContent !== words) count.textContent = words;
}

// --- progress ------------------------------------------------------------------------------------

function showProgress(row, link, lesson) {
  addColumn(row);
  const cell = row.querySelector(".labkit-progress");
  const state = JSON.stringify(lesson ?? null);
  if (cell.dataset.state === state) return;
  cell.dataset.state = state;
  cell.replaceChildren();
  row.classList.toggle("labkit-next", Boolean(lesson?.next));
  if (!lesson) return;
  const mark = make("span", { class: "labkit-mark", "aria-hidden": "true" }, MARKS[lesson.status] ?? "");
  cell.append(mark, make("span", {}, progressWords(lesson)));
  if (!lesson.next) return;
  const go = make("a", { class: "labkit-go", href: link.href }, "Go on here");
  go.addEventListener("click", (event) => {
    event.preventDefault();
    link.click();
  });
  cell.append(go);
}

function addColumn(row) {
  if (row.querySelector(".labkit-progress")) return;
  const head = row.closest("table").querySelector("thead tr");
  if (head && !head.querySelector(".labkit-head")) {
    head.append(make("th", { class: "labkit-head", scope: "col" }, "progress"));
  }
  row.append(make("td", { class: "labkit-progress" }));
}

function progressWords({ status, exercises, predictions }) {
  if (status !== "begun") return status;
  const parts = [
    [exercises, "exercises"],
    [predictions, "predictions"],
  ];
  const told = parts.filter(([[, all]]) => all > 0).map(([[done, all], what]) => `${done} of ${all} ${what}`);
  return told.join(", ") || "begun";
}
