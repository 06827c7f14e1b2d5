// What a mark of the picture says.
import { FAILED } from "./statistics.js";
import { bare, clip, label, number } from "./words.js";

export function inSpread({ mean, std, n, failed }) {
  const mid = n ? `${number(mean)}${n > 1 ? ` ± ${number(std, 2)}` : ""} (n = ${n})` : "no result";
  return failed ? `${mid}, ${failed} failed` : mid;
}

export const settingText = (table, row) => table.varied.map((name) =>
  `${bare(name)} ${clip(label(table.column(name).values[row]), 24)}`).join(", ");

export function runText(table, row, result) {
  const column = result && table.column(result);
  const value = column && Number.isFinite(column.num[row]) ? `${bare(result)} ${number(column.num[row])}` : table.status[row];
  const cause = FAILED.has(table.status[row]) ? ` (${table.column("cause")?.values[row] ?? "no cause known"})` : "";
  return `Run ${table.column("run_id").values[row]}: ${value}${cause}; ${settingText(table, row)}`;
}
