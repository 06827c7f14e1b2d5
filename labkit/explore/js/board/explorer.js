// All runs of a sweep at once: filter, group, compare, follow, and open the notebook of any of them.
//
// `board` is what the parts share: the runs, what explain() found in them, and how to change the
// settings. Each part is { node, draw }, and draws what it finds there.
import { copyRow } from "../copying.js";
import { doors } from "../doors.js";
import { make } from "../dom.js";
import { shell, watchTheme } from "../look.js";
import { clamp } from "../numbers.js";
import { topBar, viewBar } from "./bars.js";
import { chartPart } from "./chart.js";
import { detailsPart } from "./details.js";
import { filtersPart } from "./filters.js";
import { headerPart } from "./header.js";
import { linksOf } from "./links.js";
import { Table, merge, pack, unpack } from "./runs.js";
import { STYLE } from "./style.js";
import { tablePart } from "./table.js";
import { explain } from "./views.js";

const NARROW = 720; // pixels of the explorer; below, the filters fold

function makeBoard(host, store, refresh) {
  const given = () => store.get("settings");
  const read = (settings) => {
    board.data = unpack(store.get("runs"));
    board.table = new Table(board.data, settings.lesson);
    board.read = store.get("runs");
  };
  const board = {
    store, link: linksOf(store, host),
    change(patch) {
      store.set({ settings: { ...given(), ...patch } });
      refresh();
    },
    filter(name, value) {
      const { [name]: _, ...rest } = given().filters ?? {};
      board.change({ filters: value ? { ...rest, [name]: value } : rest });
    },
    /** Show another lesson. */
    show(settings) {
      board.table = new Table(board.data, settings.lesson);
      board.change(settings);
    },
    /** Row of the chosen run, the best one where none is chosen, null where there is none. */
    chosen() {
      const row = board.table.column("key").values.indexOf(given().selected);
      return row >= 0 ? row : board.found.best;
    },
    update() {
      if (store.get("runs") !== board.read) read(given());
      board.found = explain(board.table, given());
    },
  };
  read(given());
  return board;
}

export function mount(host, store) {
  const board = makeBoard(host, store, refresh);
  board.update();
  const parts = { header: headerPart(board), top: topBar(board), view: viewBar(board), filters: filtersPart(board),
    chart: chartPart(board), table: tablePart(board), details: detailsPart(board) };
  const status = make("p", { role: "status", class: "status" });
  const spoken = make("div", { class: "spoken", "aria-live": "polite" });
  board.say = (text) => { spoken.textContent = text; };
  board.openChosen = () => parts.details.node.querySelector("a")?.click();
  board.choose = (row) => {
    if (row === null || row === undefined) return;
    board.change({ selected: board.table.column("key").values[row] });
    below.open = true;
    parts.table.show(row);
  };
  const link = copyRow({}, store.link);
  const { header, top, view, filters, chart, table, details } = parts;
  // In a notebook controls, picture and words fill the window; the runs stand in the page below them.
  const below = make("details", { open: !store.get("place") },
    make("summary", {}, "The chosen run, and all runs in a table"),
    make("div", { class: "below" }, details.node, table.node));
  const root = shell(host, "results explorer", STYLE, header.node, top.node,
    make("div", { class: "body" }, filters.node, make("div", { class: "main" }, view.node, chart.node)),
    status, spoken, link.node, below);

  function refresh() {
    board.update();
    for (const part of [...Object.values(parts), link]) part.draw();
    if (status.textContent !== board.found.text) status.textContent = board.found.text;
  }
  let wide = 0;
  function layout() {
    const width = Math.floor(root.clientWidth);
    if (!width || width === wide) return;
    const narrow = width < NARROW;
    if (!wide || narrow !== root.classList.contains("narrow")) filters.node.open = !narrow;
    wide = width;
    root.classList.toggle("narrow", narrow);
    // Controls and picture fit into a low window together.
    chart.resize(narrow ? 320 : clamp(Math.round(0.38 * innerHeight), 270, 390));
  }
  refresh();
  const forgetTheme = watchTheme(root, () => chart.draw());
  layout();
  const sizes = new ResizeObserver(layout);
  sizes.observe(root);
  const forgetNews = store.listen(refresh);
  return () => {
    sizes.disconnect();
    forgetTheme();
    forgetNews();
  };
}

/** Rows that changed come as messages; the model keeps the whole, for views opened later. */
export function initialize({ model }) {
  model.on("msg:custom", ({ kind, runs, gone }) => {
    if (kind === "all") model.set("runs", runs);
    if (kind === "some") model.set("runs", pack(merge(unpack(model.get("runs")), unpack(runs), gone)));
  });
}

const { render, revive } = doors(mount, ["runs", "settings", "live"], { inside: "settings" });
export { revive };
export default { initialize, render }; // a `render` of its own would hide `initialize` from anywidget
