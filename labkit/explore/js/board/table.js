// The table of the runs: only the rows in sight are in the page, however many there are.
import { button, make } from "../dom.js";
import { clamp } from "../numbers.js";
import { role } from "./columns.js";
import { ICONS } from "./header.js";
import { keepFocus } from "./parts.js";
import { FAILED } from "./statistics.js";
import { runText } from "./tips.js";
import { bare, clip, label, number } from "./words.js";

export const ROW = 26; // pixels of a row
export const VISIBLE = 9; // rows that are seen at once

export function tablePart(board) {
  const heading = make("thead", {});
  const body = make("tbody", {});
  const [above, below] = [make("div", {}), make("div", {})];
  const node = make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "table of the runs, arrow keys choose one",
    scroll: () => drawRows(), keydown: pick }, make("table", {}, make("caption", { class: "spoken" }, "runs"), heading, body));
  let sort = null; // {name, down}; null is by the result, the best first
  let order = []; // rows as they are shown
  let first = -1; // place of the first row in the page

  function draw() {
    order = sortRows(board, sort);
    const by = sort ?? byResult(board.found.settings);
    const act = (name) => { sort = { name, down: by.name === name ? !by.down : false }; node.scrollTop = 0; draw(); };
    keepFocus(heading, () => heading.replaceChildren(headingOf(board, by, act)));
    drawRows(true);
  }

  function drawRows(anew = false) {
    const from = clamp(Math.floor(node.scrollTop / ROW) - 4, 0, Math.max(0, order.length - 1));
    if (!anew && from === first) return;
    first = from;
    const visible = order.slice(first, first + VISIBLE + 9);
    const names = columnsOf(board);
    const chosen = board.chosen();
    above.style.height = `${first * ROW}px`;
    below.style.height = `${Math.max(0, order.length - first - visible.length) * ROW}px`;
    const space = (inside) => make("tr", {}, make("td", { colspan: names.length, class: "space" }, inside));
    const line = (row) => make("tr", { class: `${board.table.status[row]}${isStarred(board, row) ? " best" : ""}`,
      "aria-selected": String(row === chosen), click: () => board.choose(row) }, names.map((name) => cellOf(board, row, name)));
    body.replaceChildren(space(above), ...visible.map(line), space(below));
  }

  /** Bring a row into sight. */
  function show(row) {
    const top = order.indexOf(row) * ROW;
    if (top < 0) return;
    const seen = VISIBLE * ROW;
    if (top < node.scrollTop) node.scrollTop = top;
    else if (top > node.scrollTop + seen - 2 * ROW) node.scrollTop = top - seen + 3 * ROW;
    drawRows(true);
  }

  function pick(event) {
    if (event.target !== node) return;
    if (event.key === "Enter") board.openChosen();
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: VISIBLE, PageUp: -VISIBLE, Home: -order.length, End: order.length }[event.key];
    if (!step || !order.length) return;
    event.preventDefault();
    board.choose(order[clamp(order.indexOf(board.chosen()) + step, 0, order.length - 1)]);
    board.say(runText(board.table, board.chosen(), board.found.settings.result));
  }
  return { node, draw, show };
}

function headingOf(board, by, act) {
  return make("tr", {}, columnsOf(board).map((name) => {
    const [sign, order] = by.name !== name ? ["", null] : by.down ? [" ↓", "descending"] : [" ↑", "ascending"];
    return make("th", { scope: "col", "aria-sort": order, class: board.table.column(name)?.numeric ? "number" : "" },
      button(`${bare(name)}${sign}`, () => act(name), { title: `sort by ${bare(name)}` }));
  }));
}

const isStarred = ({ found }, row) => found.star?.rows.includes(row) === true;
const byResult = ({ result, better }) => ({ name: result ?? "started", down: better !== "min" });

function columnsOf({ table, found }) {
  const cause = table.status.some((each) => FAILED.has(each)) ? ["cause"] : [];
  return [...new Set(["status", "run_id", found.settings.result, ...cause, ...table.varied, ...table.results.slice(0, 5), "seconds"].filter(Boolean))];
}

function sortRows({ table, found }, sort) {
  const { result } = found.settings;
  const { name, down } = sort && table.column(sort.name) ? sort : byResult(found.settings);
  const column = table.column(name);
  const value = column.numeric ? (row) => (Number.isFinite(column.num[row]) && (name !== result || table.status[row] === "finished") ? column.num[row] : null)
    : (row) => (column.values[row] === null ? null : column.exact[row]);
  return [...found.rows].sort((a, b) => {
    const [p, q] = [value(a), value(b)];
    if (p === null || q === null) return (p === null) - (q === null) || a - b;
    return (down ? q - p : p - q) || a - b;
  });
}

function cellOf(board, row, name) {
  const column = board.table.column(name);
  const value = column?.values[row] ?? null;
  if (name === "status") return make("td", { class: `state ${value}`, title: value }, `${isStarred(board, row) ? "★" : ICONS[value] ?? ""} ${value}`);
  if (name === "cause") return make("td", { class: "cause", title: board.table.column("error")?.values[row] }, value ?? "");
  if (name === "run_id") return make("td", {}, make("code", {}, clip(String(value), 17)));
  const text = value === null ? "" : typeof value === "number" ? (role(name) === "param" ? label(value) : number(value)) : clip(label(value), 30);
  return make("td", { class: column?.numeric ? "number" : "" }, text);
}
