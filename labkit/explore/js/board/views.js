// What a view shows, in numbers and in words.
import { count, many } from "../numbers.js";
import { complete } from "./settings.js";
import { FAILED, bestBy, bestOf, bestSetting, curveOf, finite, group, pareto, select, summary } from "./statistics.js";
import { bare, clip, label, number, superlative } from "./words.js";

export const ORDER = ["finished", "running", "failed", "interrupted"];

/** Everything that is shown with these settings: rows, view, best run, best setting, text. */
export function explain(table, given) {
  const settings = complete(table, given);
  const rows = select(table, settings.statuses, settings.filters);
  const best = bestOf(table, rows, settings.result, settings.better);
  const star = bestSetting(table, rows, settings.result, settings.better);
  const shown = COMPUTE[settings.view](table, rows, settings);
  const text = [howMany(table, rows, settings), shown.text, bestText(table, rows, settings, best, star)].filter(Boolean).join(" ");
  return { settings, rows, best, star, shown, text };
}

/** The runs of each level of `by` ("" = all in one). */
function series(table, rows, by) {
  if (!by) return [{ label: "all runs", code: 0, color: 0, rows }];
  const { levels } = table.column(by).groups;
  const colors = table.colorsOf(by);
  return group(table, rows, [by]).map(({ codes: [code], rows: members }) => ({
    label: levels[code].label, code, color: colors[code], rows: members,
  }));
}

const level = (table, name, code) => `${bare(name)} ${table.column(name).groups.levels[code].label}`;

/** Where no run finished: a mean of the others hides it. */
function hidden(groups, where) {
  const none = groups.filter(({ n, failed }) => !n && failed);
  if (!none.length) return "";
  const told = none.slice(0, 3).map((each) => `${where(each)} (${count(each.failed)} failed)`);
  if (none.length > 3) told.push(`${count(none.length - 3)} more`);
  return ` No run finished at ${told.join("; ")}.`;
}

const COMPUTE = {
  effect(table, rows, { x, group: chosen, result, better }) {
    if (!x || !result) return { series: [], text: "There is no result to show yet." };
    const by = chosen === x ? "" : chosen;
    const lines = series(table, rows, by).map((line) => ({
      ...line,
      points: group(table, line.rows, [x]).map(({ codes: [code], rows: members }) => ({
        code, rows: members, ...summary(table, members, result),
      })),
    }));
    const all = lines.flatMap((line) => line.points.map((point) => ({ ...point, line })));
    const where = (point) => level(table, x, point.code) + (by ? `, ${bare(by)} ${point.line.label}` : "");
    const best = bestBy(all, (point) => point.mean, better);
    const told = best ? `: ${superlative(better)} mean ${number(best.mean)} at ${where(best)} (n = ${best.n}).` : ".";
    const text = `Effect of ${bare(x)} on ${bare(result)}${by ? `, by ${bare(by)}` : ""}${told}${hidden(all, where)}`;
    return { series: lines, layout: table.column(x).layout, text };
  },

  curves(table, rows, { metric, group: by, result, better }) {
    const every = series(table, rows, by).map((line) => ({ ...line, ...curveOf(table, line.rows, metric),
      n: line.rows.filter((row) => !FAILED.has(table.status[row])).length,
      failed: line.rows.filter((row) => FAILED.has(table.status[row])).length }));
    const lines = every.filter((line) => line.points.length);
    const last = (line) => line.points[line.points.length - 1];
    const runs = lines.reduce((sum, line) => sum + line.runs, 0);
    const way = `result.${metric}` === result ? better : table.better(`result.${metric}`);
    const best = bestBy(lines, (line) => last(line).mean, way);
    const of = (line) => (by ? `${bare(by)} ${line.label}` : "all");
    const text = `Curves of ${metric} of ${many(runs, "run")}${by ? `, by ${bare(by)}` : ""}` +
      (best ? `: ${superlative(way)} last mean ${number(last(best).mean)}${by ? ` with ${of(best)}` : ""}` +
      ` (step ${number(last(best).step)}, n = ${last(best).n}).` : ".");
    return { series: lines, text: text + (by ? hidden(every, of) : "") };
  },

  "heat map"(table, rows, { x, y, result, better }) {
    const cells = group(table, rows, [x, y]).map(({ codes: [i, j], rows: members }) => ({
      i, j, rows: members, ...summary(table, members, result),
    }));
    const best = bestBy(cells, (cell) => cell.mean, better);
    const where = ({ i, j }) => `${level(table, x, i)}, ${level(table, y, j)}`;
    const text = `Mean ${result ? bare(result) : "result"} over ${bare(x)} and ${bare(y)}` +
      (best ? `: ${superlative(better)} ${number(best.mean)} at ${where(best)} (n = ${best.n}).` : ".");
    return { cells, best, text: text + (result ? hidden(cells, where) : "") };
  },

  parallel(table, rows, { result }) {
    const axes = [...table.varied, ...(result ? [result] : [])];
    const failed = rows.filter((row) => FAILED.has(table.status[row])).length;
    const text = `A line for each of ${many(rows.length, "run")} through ${axes.map(bare).join(", ")}` +
      (failed ? `; ${failed === 1 ? "one" : count(failed)} of them failed.` : ".");
    return { axes, text };
  },

  "trade-off"(table, rows, { result, second, better, betterSecond, average }) {
    const [a, b] = [table.column(result), table.column(second)];
    const usable = rows.filter((row) => finite(table, row, a) && finite(table, row, b));
    const points = average ? averages(table, usable, a, b)
      : usable.map((row) => ({ a: a.num[row], b: b.num[row], row, n: 1 }));
    const front = pareto(points.map((p) => p.a), points.map((p) => p.b), better, betterSecond);
    const is = (way) => (way ? `${superlative(way)} is best` : "which way is better is not chosen");
    const unit = average ? "setting" : "run";
    const failed = rows.filter((row) => FAILED.has(table.status[row])).length;
    const told = better && betterSecond ? `: ${count(front.length)} of ${many(points.length, unit)} ${front.length === 1 ? "is" : "are"} on the Pareto front`
      : `: ${many(points.length, unit)}`;
    const text = `Trade-off: ${bare(result)} (${is(better)}) against ${bare(second)} (${is(betterSecond)})${told}` +
      `${failed ? `; ${many(failed, "run")} failed and ${failed === 1 ? "has" : "have"} no point` : ""}.`;
    return { points, front, text };
  },
};

/** A point for each setting: means over its repeats, with its first run to open. */
function averages(table, rows, a, b) {
  const found = new Map();
  for (const row of rows) {
    const point = found.get(table.setting[row]) ?? { a: 0, b: 0, n: 0, row };
    found.set(table.setting[row], point);
    point.a += a.num[row];
    point.b += b.num[row];
    point.n += 1;
  }
  return [...found.values()].map((point) => ({ ...point, a: point.a / point.n, b: point.b / point.n }));
}

function howMany(table, rows, { statuses, filters }) {
  const counts = new Map();
  for (const row of rows) counts.set(table.status[row], (counts.get(table.status[row]) ?? 0) + 1);
  const told = ORDER.filter((status) => counts.has(status)).map((status) => `${count(counts.get(status))} ${status}`);
  const limited = Object.keys(filters).length || statuses;
  const all = limited ? `${count(rows.length)} of ${many(table.n, "run")} shown` : many(table.n, "run");
  const broken = table.unreadable.length;
  return `${all}${told.length ? `: ${told.join(", ")}` : ""}.${broken ? ` ${many(broken, "record")} cannot be read.` : ""}`;
}

/** The best setting, if one was run again; the best run, and among how many it was chosen. */
function bestText(table, rows, { result, better }, best, star) {
  if (!result) return "";
  if (!better) return `Which way of ${bare(result)} is better, its name does not tell: choose it.`;
  if (best === null) return "";
  const column = table.column(result);
  const runs = rows.filter((row) => finite(table, row, column)).length;
  const value = number(column.num[best]);
  const chosen = runs > 1 ? `, the best of ${count(runs)} runs, chosen by this result` : "";
  if (!star) {
    const not = runs > 1 ? ": not yet run again" : "";
    return `${capital(superlative(better))} ${bare(result)}: ${value}${settingOf(table, best, table.varied)}${chosen}${not}.`;
  }
  const setting = settingOf(table, star.rows[0], table.varied.filter((name) => bare(name) !== "seed"));
  const failed = star.failed ? `, ${count(star.failed)} failed` : "";
  return `★ Best setting, ${superlative(better)} mean ${bare(result)}: ${number(star.mean)} (n = ${star.n}${failed})${setting}, ` +
    `the ${star.of === 1 ? "only one" : `best of ${count(star.of)}`} that ran more than once. ${capital(superlative(better))} single run: ${value}${chosen}.`;
}

const capital = (text) => text[0].toUpperCase() + text.slice(1);

function settingOf(table, row, names) {
  const told = names.map((name) => `${bare(name)} = ${clip(label(table.column(name).values[row]))}`);
  return told.length ? ` with ${told.join(", ")}` : "";
}
