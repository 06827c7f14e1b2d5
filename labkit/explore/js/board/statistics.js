// Statistics of a result: filtered, grouped, compared.
import { keyOf } from "./columns.js";
import { bare } from "./words.js";

// 97.5 % points of Student's t for 1 to 30 degrees of freedom; beyond, a series in 1/df.
const T = [
  12.706204736, 4.30265273, 3.182446305, 2.776445105, 2.570581836, 2.446911851, 2.364624252,
  2.306004135, 2.262157163, 2.228138852, 2.20098516, 2.17881283, 2.160368656, 2.144786688,
  2.131449546, 2.119905299, 2.109815578, 2.10092204, 2.093024054, 2.085963447, 2.079613845,
  2.073873068, 2.06865761, 2.063898562, 2.059538553, 2.055529439, 2.051830516, 2.048407142,
  2.045229642, 2.042272456,
];
const Z = 1.959963984540054;
const SERIES = [ // Abramowitz and Stegun, 26.7.5
  (Z ** 3 + Z) / 4,
  (5 * Z ** 5 + 16 * Z ** 3 + 3 * Z) / 96,
  (3 * Z ** 7 + 19 * Z ** 5 + 17 * Z ** 3 - 15 * Z) / 384,
  (79 * Z ** 9 + 776 * Z ** 7 + 1482 * Z ** 5 - 1920 * Z ** 3 - 945 * Z) / 92160,
];

export function student(df) {
  return df <= 30 ? T[df - 1] : SERIES.reduce((sum, term, i) => sum + term / df ** (i + 1), Z);
}

/** n, mean, std, low and high (95 % interval of the mean), least and most of finite numbers. */
export function spread(values) {
  const n = values.length;
  if (!n) return { n, mean: NaN, std: NaN, low: NaN, high: NaN, least: NaN, most: NaN };
  let [sum, least, most] = [0, Infinity, -Infinity];
  for (const x of values) {
    sum += x;
    if (x < least) least = x;
    if (x > most) most = x;
  }
  const mean = sum / n;
  let squares = 0;
  for (const x of values) squares += (x - mean) ** 2;
  const std = n > 1 ? Math.sqrt(squares / (n - 1)) : NaN;
  const half = n > 1 ? (student(n - 1) * std) / Math.sqrt(n) : NaN;
  return { n, mean, std, low: mean - half, high: mean + half, least, most };
}

export const FAILED = new Set(["failed", "interrupted"]);

/** Which rows a set of filters leaves; each filter is {values} or {low, high}. */
export function select(table, statuses, filters) {
  const tests = [];
  if (statuses) tests.push((row) => statuses.includes(table.status[row]));
  for (const [name, filter] of Object.entries(filters)) {
    const column = table.column(name);
    if (!column) continue;
    if (filter.values) {
      const wanted = new Set(filter.values.map(keyOf));
      const kept = column.distinct.map((value) => wanted.has(keyOf(value)));
      tests.push((row) => kept[column.exact[row]]);
    } else if (column.numeric) {
      const { low, high } = filter;
      tests.push((row) => column.num[row] >= low && column.num[row] <= high);
    }
  }
  const rows = [];
  for (let row = 0; row < table.n; row++) if (tests.every((test) => test(row))) rows.push(row);
  return rows;
}

export const finite = (table, row, column) => table.status[row] === "finished" && Number.isFinite(column.num[row]);

/** Rows by group: an array of {codes, rows} in the order of the levels. */
export function group(table, rows, names) {
  const columns = names.map((name) => table.column(name).groups);
  const found = new Map();
  for (const row of rows) {
    let key = 0;
    for (const { codes, levels } of columns) key = key * levels.length + codes[row];
    let members = found.get(key);
    if (!members) found.set(key, (members = []));
    members.push(row);
  }
  return [...found].sort((a, b) => a[0] - b[0]).map(([, members]) => ({
    codes: columns.map(({ codes }) => codes[members[0]]), rows: members,
  }));
}

/** Statistics of a result over some rows, with the number that failed. */
export function summary(table, rows, result) {
  const column = result && table.column(result);
  const values = [];
  let failed = 0;
  for (const row of rows) {
    if (column && finite(table, row, column)) values.push(column.num[row]);
    if (FAILED.has(table.status[row])) failed += 1;
  }
  return { ...spread(values), failed };
}

/** Row of the best finite result among the finished, the first of equals; null without one, or without a direction. */
export function bestOf(table, rows, result, better) {
  const column = better && result && table.column(result);
  let best = null;
  for (const row of rows) {
    if (!column || !finite(table, row, column)) continue;
    const x = column.num[row];
    if (best === null || (better === "max" ? x > column.num[best] : x < column.num[best])) best = row;
  }
  return best;
}

export const bestBy = (list, value, better) => list.reduce((best, each) => (better && Number.isFinite(value(each))
  && (!best || (better === "max" ? value(each) > value(best) : value(each) < value(best))) ? each : best), null);

/**
 * The setting with the best mean among those that finished at least twice, with different seeds: its
 * rows and statistics, `of` how many it was chosen; null if none did. One run alone proves nothing.
 */
export function bestSetting(table, rows, result, better) {
  const column = better && result && table.column(result);
  if (!column) return null;
  const found = new Map();
  for (const row of rows) {
    if (!finite(table, row, column)) continue;
    const at = found.get(table.setting[row]);
    if (!at) found.set(table.setting[row], { setting: table.setting[row], seed: table.seed[row], again: false, sum: column.num[row], n: 1 });
    else {
      at.sum += column.num[row];
      at.n += 1;
      at.again ||= table.seed[row] !== at.seed;
    }
  }
  const repeated = [...found.values()].filter(({ again }) => again);
  const best = bestBy(repeated, ({ sum, n }) => sum / n, better);
  if (!best) return null;
  const members = rows.filter((row) => table.setting[row] === best.setting);
  return { of: repeated.length, ...summary(table, members, result), rows: members.filter((row) => finite(table, row, column)) };
}

/** Share of the variance of a result that the groups of a parameter explain (epsilon squared). */
export function importance(table, rows, name, result) {
  const column = table.column(result);
  const { codes } = table.column(name).groups;
  const settings = new Map(); // repeats of one setting count as one: their mean
  for (const row of rows) {
    if (!finite(table, row, column)) continue;
    const key = bare(name) === "seed" ? row : table.setting[row];
    const found = settings.get(key) ?? { code: codes[row], sum: 0, n: 0 };
    settings.set(key, found);
    found.sum += column.num[row];
    found.n += 1;
  }
  const groups = new Map();
  const means = [...settings.values()].map(({ code, sum, n }) => {
    groups.set(code, [...(groups.get(code) ?? []), sum / n]);
    return sum / n;
  });
  const squares = (values) => (values.length > 1 ? (values.length - 1) * spread(values).std ** 2 : 0);
  const within = [...groups.values()].reduce((sum, values) => sum + squares(values), 0);
  const total = squares(means);
  const free = means.length - groups.size;
  if (!(total > 0) || free < 1) return 0;
  return Math.max(0, 1 - within / free / (total / (means.length - 1)));
}

/** Positions of the points that no other beats in one value without losing in the other; none without directions. */
export function pareto(a, b, betterA, betterB) {
  if (!betterA || !betterB) return [];
  const [s, t] = [betterA === "max" ? -1 : 1, betterB === "max" ? -1 : 1];
  const order = [...a.keys()].sort((i, j) => s * (a[i] - a[j]) || t * (b[i] - b[j]) || i - j);
  const front = [];
  for (const i of order) {
    const last = front[front.length - 1];
    const same = last !== undefined && a[i] === a[last] && b[i] === b[last];
    if (last === undefined || same || t * (b[i] - b[last]) < 0) front.push(i);
  }
  return front;
}

/** Mean and spread of a metric at each step over the runs of one group, those that failed left out. */
export function curveOf(table, rows, metric) {
  const { steps, of } = table.curves[metric];
  const at = steps.length;
  const [n, sum, squares] = [new Int32Array(at), new Float64Array(at), new Float64Array(at)];
  const [least, most] = [new Float64Array(at).fill(Infinity), new Float64Array(at).fill(-Infinity)];
  let runs = 0;
  const each = (act) => {
    for (const row of rows) {
      const curve = of[row];
      if (!curve || FAILED.has(table.status[row])) continue;
      for (let k = 0; k < curve.at.length; k++) if (Number.isFinite(curve.value[k])) act(curve.at[k], curve.value[k]);
      runs += 1;
    }
  };
  each((i, x) => {
    n[i] += 1;
    sum[i] += x;
    if (x < least[i]) least[i] = x;
    if (x > most[i]) most[i] = x;
  });
  runs = 0;
  each((i, x) => { squares[i] += (x - sum[i] / n[i]) ** 2; });
  const points = [];
  for (let i = 0; i < at; i++) {
    if (!n[i]) continue;
    const std = n[i] > 1 ? Math.sqrt(squares[i] / (n[i] - 1)) : NaN;
    const half = n[i] > 1 ? (student(n[i] - 1) * std) / Math.sqrt(n[i]) : NaN;
    const mean = sum[i] / n[i];
    points.push({ step: steps[i], n: n[i], mean, std, low: mean - half, high: mean + half, least: least[i], most: most[i] });
  }
  return { runs, points };
}
