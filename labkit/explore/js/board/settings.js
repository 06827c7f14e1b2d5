// What the controls are set to: what is given, completed by what suits these runs.
import { importance } from "./statistics.js";
import { bare } from "./words.js";

export const VIEWS = ["effect", "curves", "heat map", "parallel", "trade-off"];
export const BANDS = { std: "± standard deviation", interval: "95 % interval of the mean", range: "lowest to highest" };
const FREE = { statuses: null, filters: {}, selected: null };

/** All settings, with sensible values for those that are not given or do not fit this table. */
export function complete(table, given) {
  const result = table.results.includes(given.result) ? given.result : table.results[0] ?? null;
  const metrics = Object.keys(table.curves);
  const second = secondOf(table, given.second, result, metrics);
  const axes = axesOf(table, given, result);
  const fits = { effect: axes.x && result, curves: metrics.length, "heat map": axes.y, parallel: table.varied.length, "trade-off": second };
  const views = VIEWS.filter((view) => fits[view]);
  const like = metrics.find((metric) => `result.${metric}` === result) ?? metrics[0] ?? null;
  return {
    ...FREE, ...given, ...axes, lesson: table.lesson, views, result, second,
    view: views.includes(given.view) ? given.view : views[0] ?? "effect",
    better: given.better ?? (result && table.better(result)),
    betterSecond: given.betterSecond ?? (second && table.better(second)),
    metric: metrics.includes(given.metric) ? given.metric : like,
    band: given.band in BANDS ? given.band : "std",
    average: given.average ?? table.repeats,
  };
}

/** The parameters on the axes and that of the groups: those that explain most, where none are chosen. */
function axesOf(table, given, result) {
  const { varied } = table;
  const main = result ? byImportance(table, result) : varied.filter((name) => bare(name) !== "seed");
  const order = [...main, ...varied.filter((name) => !main.includes(name))];
  const x = varied.includes(given.x) ? given.x : order[0] ?? null;
  const y = varied.includes(given.y) && given.y !== x ? given.y : order.find((name) => name !== x) ?? null;
  const usual = main.find((name) => name !== x && table.column(name).groups.levels.length <= 8) ?? "";
  const group = given.group === "" || varied.includes(given.group) ? given.group : usual;
  return { x, y, group };
}

/** The other result of the trade-off: a cost, where there is one. */
function secondOf(table, second, result, metrics) {
  if (table.results.includes(second)) return second;
  const others = table.results.filter((name) => name !== result);
  const cost = others.find((name) => table.better(name) === "min" && !metrics.includes(bare(name)));
  return cost ?? others[0] ?? null;
}

/** Parameters that vary (the seed left out), the one that explains most of a result first. */
function byImportance(table, result) {
  table.important ??= {};
  table.important[result] ??= table.varied.filter((name) => bare(name) !== "seed")
    .map((name, i) => [importance(table, table.rows.map((_, row) => row), name, result), i, name])
    .sort((a, b) => Math.round(1e9 * (b[0] - a[0])) || a[1] - b[1]).map(([, , name]) => name);
  return table.important[result];
}
