// One run: its results, its parameters, why it failed, and its settings to copy.
import { copyRow } from "../copying.js";
import { make } from "../dom.js";
import { COPIES } from "./code.js";
import { role } from "./columns.js";
import { ICONS } from "./header.js";
import { linksTo } from "./links.js";
import { bare, clip, label, localTime, number } from "./words.js";

export function detailsPart(board) {
  const node = make("section", { class: "details", "aria-label": "one run" });
  function draw() {
    const row = board.chosen();
    if (row === null) return node.replaceChildren();
    const { table } = board;
    const error = table.column("error")?.values[row];
    const copies = Object.entries(COPIES).map(([text, write]) => [text, () => write(table, row)]);
    return node.replaceChildren(...[head(board, row), error ? make("p", { class: "error" }, error) : null,
      make("div", { class: "columns" }, facts(table, row, "result"), facts(table, row, "param")),
      copyRow(Object.fromEntries(copies)).node].filter(Boolean));
  }
  return { node, draw };
}

function head(board, row) {
  const { table, found } = board;
  const get = (name) => table.column(name)?.values[row] ?? null;
  const [state, seconds, started] = ["status", "seconds", "started"].map(get);
  const name = found.star?.rows.includes(row) ? "★ Run of the best setting " : "Run ";
  const when = [seconds === null ? "" : `${number(seconds, 3)} s`, started ? localTime(started) : ""].filter(Boolean).join(" · ");
  return make("div", { class: "head" },
    make("b", {}, name, make("code", {}, get("run_id"))),
    make("span", { class: `state ${state}` }, `${ICONS[state] ?? ""} ${state}`),
    make("span", { class: "when", title: started ? `started ${started.slice(0, 16).replace("T", " ")} UTC` : null }, when),
    linksTo(board, row));
}

/** Names and values of a section; those that are the same in all runs step back. */
function facts(table, row, section) {
  const names = table.named(section).filter((name) => table.column(name).values[row] !== null);
  return make("dl", {}, names.map((name) => {
    const value = table.column(name).values[row];
    const text = role(name) === "result" && typeof value === "number" ? number(value) : label(value);
    return make("div", { class: table.column(name).varies ? "" : "same" },
      make("dt", {}, bare(name)), make("dd", { title: label(value) }, clip(text, 60)));
  }));
}
