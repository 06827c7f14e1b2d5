// All runs of a sweep at once: filter, group, compare, follow, and open the notebook of any of them.
//
// The numbers and words repeat labkit/explore/results_explorer.py, rule by rule;
// tests/test_explore_results.py compares both, and pandas, on random tables. The same file is the
// explorer in a notebook (`render`) and in an HTML page without a kernel (`revive`).

// --- numbers in words ---------------------------------------------------------------------------

/** A number to so many significant digits: 0.9734, 1.5e-5, 12000. */
export function number(x, digits = 4) {
  if (!Number.isFinite(x)) return x > 0 ? "inf" : x < 0 ? "-inf" : "nan";
  const size = Math.abs(x);
  if (x !== 0 && (size < 1e-4 || size >= 1e6)) {
    const [mantissa, power] = x.toExponential(digits - 1).split("e");
    return `${Number(mantissa)}e${Number(power)}`;
  }
  return String(Number(x.toPrecision(digits)));
}

/** A value as it is read; lists in brackets, what is missing as "not set". */
export function label(value) {
  if (value === null || value === undefined) return "not set";
  if (Array.isArray(value)) return `[${value.map(label).join(", ")}]`;
  return typeof value === "number" ? number(value, 6) : String(value);
}

const count = (n) => n.toLocaleString("en-US");
const many = (n, word) => `${count(n)} ${word}${n === 1 ? "" : "s"}`;
const clip = (text, length = 32) => (text.length > length ? `${text.slice(0, length - 1)}…` : text);
const bare = (name) => name.replace(/^(param|result|env)\./, "");

// --- the table ----------------------------------------------------------------------------------

const FEW = 16; // more different numbers than this are put into BINS bins
const BINS = 8;
const WIDE = 50; // positive numbers that differ by more than this factor get a logarithmic axis
const SPECIAL = { inf: Infinity, "-inf": -Infinity, nan: NaN };
const read = (value) =>
  value !== null && typeof value === "object" && "f" in value ? SPECIAL[value.f] : value;

/** Column of a payload -> its values. */
function decode({ constant, levels, codes, values }, n) {
  if (values) return values.map(read);
  if (levels) {
    const decoded = levels.map(read);
    return codes.map((code) => (code < 0 ? null : decoded[code]));
  }
  return Array(n).fill(read(constant ?? null));
}

/** Payload -> plain columns and curves by row; payloads can be merged in this form. */
export function unpack(payload) {
  const columns = {};
  for (const column of payload.columns) {
    columns[column.name] = { real: column.real === true, values: decode(column, payload.n) };
  }
  const curves = {};
  for (const [metric, { steps, rows, of, values }] of Object.entries(payload.curves)) {
    curves[metric] = Array(payload.n).fill(null);
    rows.forEach((row, i) => { curves[metric][row] = { step: steps[of[i]], value: values[i].map(read) }; });
  }
  return { ...payload, columns, curves };
}

/** The rows of `old` without those of `gone`, with those of `fresh` in their places or at the end. */
export function merge(old, fresh, gone) {
  const dropped = new Set(gone);
  const keys = old.columns.key.values;
  const at = new Map(fresh.columns.key.values.map((key, row) => [key, row]));
  const source = []; // [from fresh?, row]
  keys.forEach((key, row) => {
    if (at.has(key)) source.push([true, at.get(key)]);
    else if (!dropped.has(key)) source.push([false, row]);
  });
  const known = new Set(keys);
  for (const [key, row] of at) if (!known.has(key)) source.push([true, row]);
  const pick = (a, b) => source.map(([isFresh, row]) => (isFresh ? b?.[row] : a?.[row]) ?? null);
  const names = [...new Set([...Object.keys(old.columns), ...Object.keys(fresh.columns)])];
  const columns = Object.fromEntries(names.map((name) => [name, {
    real: (old.columns[name] ?? fresh.columns[name]).real && (fresh.columns[name]?.real ?? true),
    values: pick(old.columns[name]?.values, fresh.columns[name]?.values),
  }]));
  const metrics = [...new Set([...Object.keys(old.curves), ...Object.keys(fresh.curves)])];
  const curves = Object.fromEntries(metrics.map((m) => [m, pick(old.curves[m], fresh.curves[m])]));
  return { ...old, ...fresh, n: source.length, columns: sorted(columns), curves };
}

const ROLES = ["param", "result", "env"];
const role = (name) => ROLES.find((each) => name.startsWith(`${each}.`)) ?? "";
const sorted = (columns) => Object.fromEntries(Object.entries(columns)
  .map((each, i) => [ROLES.indexOf(role(each[0])), i, each])
  .sort((a, b) => a[0] - b[0] || a[1] - b[1]).map(([, , each]) => each));

/** The runs of one lesson: columns with numbers and levels, curves on a common grid of steps. */
export class Table {
  constructor(data, lesson = null) {
    const lessons = data.columns.lesson.values;
    this.lessons = [...new Set(lessons)].sort();
    this.lesson = lesson ?? mostCommon(lessons);
    const { status, error } = data.columns;
    const own = lessons.flatMap((each, row) => (each === this.lesson ? [row] : []));
    this.rows = own.filter((row) => status.values[row] !== "unreadable");
    this.unreadable = own.filter((row) => status.values[row] === "unreadable")
      .map((row) => error.values[row]);
    this.n = this.rows.length;
    this.data = data;
    this.title = data.titles[this.lesson] ?? this.lesson ?? "";
    this.columns = new Map();
    for (const [name, { values, real }] of Object.entries(data.columns)) {
      const mine = this.rows.map((row) => values[row]);
      if (!role(name) || mine.some((value) => value !== null)) this.columns.set(name, new Column(name, mine, real));
    }
    this.status = this.column("status").values;
    this.varied = this.named("param").filter((name) => this.column(name).varies);
    this.results = this.named("result").filter((name) => this.column(name).numeric);
    this.curves = {};
    for (const [metric, curves] of Object.entries(data.curves)) {
      const mine = this.rows.map((row) => curves[row]);
      if (mine.some((curve) => curve !== null)) this.curves[metric] = onGrid(mine);
    }
    this.repeats = this.countRepeats();
  }

  column(name) { return this.columns.get(name); }

  named(which) { return [...this.columns.keys()].filter((name) => role(name) === which); }

  /** Number of each row's setting: rows that differ in nothing but the seed share one. */
  countRepeats() {
    const codes = this.varied.filter((name) => bare(name) !== "seed").map((name) => this.column(name).exact);
    const seen = new Map();
    this.setting = this.rows.map((_, row) => {
      const key = codes.map((each) => each[row]).join(" ");
      if (!seen.has(key)) seen.set(key, seen.size);
      return seen.get(key);
    });
    return this.n > seen.size;
  }

  better(result) { return this.data.better[result] ?? "max"; }
}

function mostCommon(values) {
  const counts = new Map();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))[0]?.[0] ?? null;
}

/** Sorts numbers and truth values, then texts and lists, then what is missing. */
function rank(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return [2, 0, ""];
  if (typeof value === "string") return [1, 0, value];
  if (Array.isArray(value)) return [1, 0, JSON.stringify(value).replaceAll(",", ", ")];
  return [0, Number(value), ""];
}

/** What makes two values the same: true and 1 are, "1" and 1 are not. */
function keyOf(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return null;
  if (typeof value === "string") return `text ${value}`;
  return Array.isArray(value) ? `list ${JSON.stringify(value)}` : Number(value);
}

const byRank = (a, b) => a[0] - b[0] || (a[1] === b[1] ? 0 : a[1] - b[1])
  || (a[2] < b[2] ? -1 : a[2] > b[2] ? 1 : 0);

class Column {
  constructor(name, values, real) {
    Object.assign(this, { name, values, real });
    const given = values.filter((value) => value !== null);
    this.numeric = given.length > 0 && given.every((value) => typeof value === "number");
    this.num = this.numeric
      ? Float64Array.from(values, (value) => (value === null ? NaN : value)) : null;
  }

  /** Different values in their order. */
  get distinct() { return this.sorted().distinct; }

  /** For each row the place of its value among the different ones. */
  get exact() { return this.sorted().exact; }

  get varies() { return this.distinct.length > 1; }

  sorted() {
    if (this.order) return this.order;
    const seen = new Map();
    const keys = this.values.map((value) => {
      const key = keyOf(value);
      if (!seen.has(key)) seen.set(key, value);
      return key;
    });
    const order = [...seen].map(([key, value]) => [key, value, rank(value)]).sort((a, b) => byRank(a[2], b[2]));
    const code = new Map(order.map(([key], i) => [key, i]));
    const distinct = order.map(([key, value]) => (key === null ? null : value));
    this.order = { distinct, exact: Int32Array.from(keys, (key) => code.get(key)) };
    return this.order;
  }

  /** Groups of this column: { levels: [{label, low, high, value}], codes }; many numbers are binned. */
  get groups() {
    this.made ??= this.numeric && this.distinct.length > FEW ? bins(this) : {
      binned: false, codes: this.exact,
      levels: this.distinct.map((value) => ({ label: label(value), value })),
    };
    return this.made;
  }

  get scale() {
    this.scaled ??= scaleOf(this.num ?? []);
    return this.scaled;
  }
}

/** Ends of the finite numbers, and whether their axis is logarithmic. */
export function scaleOf(numbers, factor = WIDE) {
  let [low, high] = [Infinity, -Infinity];
  for (const x of numbers) {
    if (!Number.isFinite(x)) continue;
    if (x < low) low = x;
    if (x > high) high = x;
  }
  return { low, high, log: low > 0 && high / low > factor };
}

function bins(column) {
  const { low, high, log } = column.scale;
  const [to, back] = log ? [Math.log, Math.exp] : [(x) => x, (x) => x];
  const width = (to(high) - to(low)) / BINS;
  const edge = (i) => (i === 0 ? low : i === BINS ? high : back(to(low) + i * width));
  const levels = Array.from({ length: BINS }, (_, i) => ({
    label: `${number(edge(i), 3)} to ${number(edge(i + 1), 3)}`,
    value: back(to(low) + (i + 0.5) * width), low: edge(i), high: edge(i + 1),
  }));
  const missing = column.distinct.some((value) => value === null || !Number.isFinite(value));
  if (missing) levels.push({ label: "not set", value: null });
  const codes = Int32Array.from(column.num, (x) => (Number.isFinite(x)
    ? Math.max(0, Math.min(BINS - 1, Math.floor((to(x) - to(low)) / width))) : BINS));
  return { binned: true, levels, codes };
}

/** Curves -> one sorted list of steps, and for each row where on it its values are. */
function onGrid(curves) {
  const all = new Set();
  const lists = new Set(curves.flatMap((curve) => (curve ? [curve.step] : [])));
  for (const list of lists) for (const step of list) all.add(step);
  const steps = Float64Array.from(all).sort();
  const place = new Map([...steps].map((step, i) => [step, i]));
  const made = new Map([...lists].map((list) => [list, Int32Array.from(list, (s) => place.get(s))]));
  return { steps, of: curves.map((curve) => curve && { at: made.get(curve.step), value: curve.value }) };
}

// --- statistics ---------------------------------------------------------------------------------

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

const FAILED = new Set(["failed", "interrupted"]);

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

const finite = (table, row, column) => table.status[row] === "finished" && Number.isFinite(column.num[row]);

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

/** Row of the best finite result among the finished, null if there is none; the first one of equals. */
export function bestOf(table, rows, result, better) {
  const column = result && table.column(result);
  let best = null;
  for (const row of rows) {
    if (!column || !finite(table, row, column)) continue;
    const x = column.num[row];
    if (best === null || (better === "max" ? x > column.num[best] : x < column.num[best])) best = row;
  }
  return best;
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

/** Positions of the points that no other beats in one value without losing in the other. */
export function pareto(a, b, betterA, betterB) {
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

// --- what is shown ------------------------------------------------------------------------------

export const VIEWS = ["effect", "curves", "heat map", "parallel", "trade-off"];
const FREE = { statuses: null, filters: {}, selected: null };

/** All settings, with sensible values for those that are not given or do not fit this table. */
export function complete(table, given) {
  const chosen = { ...FREE, ...given, lesson: table.lesson };
  const result = table.results.includes(given.result) ? given.result : table.results[0] ?? null;
  const metrics = Object.keys(table.curves);
  const { varied } = table;
  const is = (name) => varied.includes(name);
  const main = result ? byImportance(table, result) : varied.filter((name) => bare(name) !== "seed");
  const order = [...main, ...varied.filter((name) => !main.includes(name))];
  const x = is(given.x) ? given.x : order[0] ?? null;
  const y = is(given.y) && given.y !== x ? given.y : order.find((name) => name !== x) ?? null;
  const usual = main.find((name) => name !== x && table.column(name).groups.levels.length <= 8) ?? null;
  const grouped = given.group === "" ? "" : is(given.group) ? given.group : usual ?? "";
  const others = table.results.filter((name) => name !== result);
  const cost = others.find((name) => table.better(name) === "min" && !metrics.includes(bare(name)));
  const second = table.results.includes(given.second) ? given.second : cost ?? others[0] ?? null;
  const possible = VIEWS.filter((view) => (view === "curves" ? metrics.length
    : view === "heat map" ? y : view === "trade-off" ? second : view === "effect" ? x && result : varied.length));
  const view = possible.includes(given.view) ? given.view : possible[0] ?? "effect";
  const like = metrics.find((metric) => `result.${metric}` === result) ?? metrics[0] ?? null;
  return {
    ...chosen, view, views: possible, result, x, y, group: grouped, second,
    better: given.better ?? (result ? table.better(result) : "max"),
    betterSecond: given.betterSecond ?? (second ? table.better(second) : "max"),
    metric: metrics.includes(given.metric) ? given.metric : like,
    band: ["std", "interval", "range"].includes(given.band) ? given.band : "std",
    average: given.average ?? table.repeats,
  };
}

/** Parameters that vary (the seed left out), the one that explains most of a result first. */
function byImportance(table, result) {
  table.important ??= {};
  table.important[result] ??= table.varied.filter((name) => bare(name) !== "seed")
    .map((name, i) => [importance(table, table.rows.map((_, row) => row), name, result), i, name])
    .sort((a, b) => Math.round(1e9 * (b[0] - a[0])) || a[1] - b[1]).map(([, , name]) => name);
  return table.important[result];
}

/** Everything that is shown with these settings: rows, view, best run, text. */
export function explain(table, given) {
  const settings = complete(table, given);
  const rows = select(table, settings.statuses, settings.filters);
  const best = bestOf(table, rows, settings.result, settings.better);
  const shown = COMPUTE[settings.view](table, rows, settings);
  const text = [howMany(table, rows, settings), shown.text, bestText(table, best, settings)].filter(Boolean).join(" ");
  return { settings, rows, best, shown, text };
}

/** The point of each group, for each level of `by` ("" = all in one). */
function series(table, rows, by) {
  if (!by) return [{ label: "all runs", code: 0, rows }];
  const { levels } = table.column(by).groups;
  return group(table, rows, [by]).map(({ codes: [code], rows: members }) => ({
    label: levels[code].label, code, rows: members,
  }));
}

const bestBy = (list, value, better) => list.reduce((best, each) => (Number.isFinite(value(each))
  && (!best || (better === "max" ? value(each) > value(best) : value(each) < value(best))) ? each : best), null);
const superlative = (better) => (better === "max" ? "highest" : "lowest");

const COMPUTE = {
  effect(table, rows, { x, group: by, result, better }) {
    if (!x || !result) return { series: [], text: "There is no result to show yet." };
    const lines = series(table, rows, by === x ? "" : by).map((line) => ({
      ...line,
      points: group(table, line.rows, [x]).map(({ codes: [code], rows: members }) => ({
        code, rows: members, ...summary(table, members, result),
      })),
    }));
    const all = lines.flatMap((line) => line.points.map((point) => ({ ...point, line })));
    const best = bestBy(all, (point) => point.mean, better);
    const grouped = by && by !== x;
    const where = best && `${bare(x)} ${table.column(x).groups.levels[best.code].label}` +
      (grouped ? `, ${bare(by)} ${best.line.label}` : "");
    const text = `Effect of ${bare(x)} on ${bare(result)}${grouped ? `, by ${bare(by)}` : ""}` +
      (best ? `: ${superlative(better)} mean ${number(best.mean)} at ${where} (n = ${best.n}).` : ".");
    return { series: lines, text };
  },

  curves(table, rows, { metric, group: by, result, better }) {
    const lines = series(table, rows, by).map((line) => ({ ...line, ...curveOf(table, line.rows, metric) }))
      .filter((line) => line.points.length);
    const last = (line) => line.points[line.points.length - 1];
    const runs = lines.reduce((sum, line) => sum + line.runs, 0);
    const way = `result.${metric}` === result ? better : table.data.better[`result.${metric}`] ?? "max";
    const best = bestBy(lines, (line) => last(line).mean, way);
    const text = `Curves of ${metric} of ${many(runs, "run")}${by ? `, by ${bare(by)}` : ""}` +
      (best ? `: ${superlative(way)} last mean ${number(last(best).mean)}${by ? ` with ${bare(by)} ${best.label}` : ""}` +
      ` (step ${number(last(best).step)}, n = ${last(best).n}).` : ".");
    return { series: lines, text };
  },

  "heat map"(table, rows, { x, y, result, better }) {
    const cells = group(table, rows, [x, y]).map(({ codes: [i, j], rows: members }) => ({
      i, j, rows: members, ...summary(table, members, result),
    }));
    const best = bestBy(cells, (cell) => cell.mean, better);
    const at = (name, code) => `${bare(name)} ${table.column(name).groups.levels[code].label}`;
    const text = `Mean ${result ? bare(result) : "result"} over ${bare(x)} and ${bare(y)}` +
      (best ? `: ${superlative(better)} ${number(best.mean)} at ${at(x, best.i)}, ${at(y, best.j)} (n = ${best.n}).` : ".");
    return { cells, best, text };
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
    const unit = average ? "setting" : "run";
    const text = `Trade-off: ${bare(result)} (${superlative(better)} is best) against ${bare(second)} ` +
      `(${superlative(betterSecond)}): ${count(front.length)} of ${many(points.length, unit)} ` +
      `${front.length === 1 ? "is" : "are"} on the Pareto front.`;
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

const ORDER = ["finished", "running", "failed", "interrupted"];

function bestText(table, best, { result, better }) {
  if (best === null) return "";
  const settings = table.varied.map((name) => `${bare(name)} = ${clip(label(table.column(name).values[best]))}`);
  const value = number(table.column(result).num[best]);
  return `Best run, ${superlative(better)} ${bare(result)}: ${value}${settings.length ? ` with ${settings.join(", ")}` : ""}.`;
}

// --- settings as code ---------------------------------------------------------------------------

/** A value as Python writes it; `real` numbers keep their point. */
export function python(value, real = false) {
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return `[${value.map((each) => python(each, real)).join(", ")}]`;
  if (typeof value === "string") return JSON.stringify(value);
  if (!Number.isFinite(value)) return `float("${number(value)}")`;
  return real && Number.isInteger(value) && Math.abs(value) < 1e21 ? `${value}.0` : String(value);
}

/** The parameters of a run: [[name, value, real], ...]. */
export const parametersOf = (table, row) => table.named("param")
  .map((name) => [bare(name), table.column(name).values[row], table.column(name).real])
  .filter(([, value]) => value !== null);

const quote = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'"'"'`)}'`);

export const COPIES = {
  "Copy as parameters": (table, row) =>
    parametersOf(table, row).map(([name, value, real]) => `${name} = ${python(value, real)}`).join("\n"),
  "Copy as command": (table, row) => [`labkit run ${table.lesson}`, ...parametersOf(table, row).map(
    ([name, value, real]) => `-p ${quote(`${name}=${typeof value === "string" ? value : python(value, real)}`)}`)].join(" "),
  "Copy as Python": (table, row) => `labkit.run("${table.lesson}", {${parametersOf(table, row)
    .map(([name, value, real]) => `${JSON.stringify(name)}: ${python(value, real)}`).join(", ")}})`,
};

// --- drawing: small tools -----------------------------------------------------------------------

/** An element with attributes (functions become event listeners) and children. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat(2).filter((child) => child !== null && child !== undefined));
  return element;
}

/** Sharp on any screen: sizes in CSS pixels, drawing in CSS pixels. */
function screen(attributes) {
  const canvas = make("canvas", attributes);
  const context = canvas.getContext("2d");
  return {
    canvas, context, width: 0, height: 0,
    resize(width, height) {
      const ratio = globalThis.devicePixelRatio || 1;
      Object.assign(this, { width, height });
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
      canvas.style.width = `${width}px`;
      canvas.style.height = `${height}px`;
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
    },
  };
}

// petroff8 (M. A. Petroff, 2021), and the same hues for a dark ground; never the only sign.
const COLORS = {
  light: ["#1845fb", "#e85400", "#c91f16", "#b23a95", "#656364", "#3f86a0", "#85854a", "#578dff"],
  dark: ["#8ba4ff", "#ff9a5c", "#ff746b", "#ea92d6", "#c4c2c3", "#86c8dd", "#cfcf92", "#5e8dff"],
};
const DASHES = [[], [7, 4], [2, 3], [9, 3, 2, 3], [5, 2], [12, 4], [4, 4, 1, 4], [1, 3]];
// cividis, 13 colors from matplotlib's table; between them we interpolate
const CIVIDIS = [
  [0, 34, 78], [0, 49, 112], [42, 63, 109], [67, 78, 108], [87, 93, 109], [106, 108, 113],
  [125, 124, 120], [145, 139, 120], [165, 156, 116], [188, 174, 108], [210, 192, 96],
  [233, 211, 78], [254, 232, 56],
];
const clamp = (x, low, high) => Math.min(high, Math.max(low, x));

function cividis(t) {
  const at = clamp(t, 0, 1) * (CIVIDIS.length - 1);
  const i = Math.min(Math.floor(at), CIVIDIS.length - 2);
  return CIVIDIS[i].map((c, k) => Math.round(c + (at - i) * (CIVIDIS[i + 1][k] - c)));
}

/** From 0, close to the ground, to 1, far from it: bright in the dark theme, dark in the light one. */
const rampOf = (t, dark) => cividis(dark ? 0.25 + 0.75 * t : 0.85 * (1 - t));
const ramp = (t, dark) => `rgb(${rampOf(t, dark)})`;

const SHAPES = [
  (c, x, y, r) => c.arc(x, y, r, 0, 2 * Math.PI),
  (c, x, y, r) => c.rect(x - 0.9 * r, y - 0.9 * r, 1.8 * r, 1.8 * r),
  (c, x, y, r) => polygon(c, x, y, 1.3 * r, 3, -Math.PI / 2),
  (c, x, y, r) => polygon(c, x, y, 1.25 * r, 4, 0),
  (c, x, y, r) => polygon(c, x, y, 1.3 * r, 3, Math.PI / 2),
  (c, x, y, r) => polygon(c, x, y, 1.15 * r, 6, 0),
  (c, x, y, r) => polygon(c, x, y, 1.2 * r, 5, -Math.PI / 2),
  (c, x, y, r) => c.rect(x - 1.2 * r, y - 0.5 * r, 2.4 * r, r),
];

function polygon(c, x, y, r, corners, turn) {
  for (let k = 0; k < corners; k++) {
    const angle = turn + (2 * Math.PI * k) / corners;
    c[k ? "lineTo" : "moveTo"](x + r * Math.cos(angle), y + r * Math.sin(angle));
  }
  c.closePath();
}

function marker(c, shape, x, y, r) {
  c.beginPath();
  SHAPES[shape % SHAPES.length](c, x, y, r);
  c.fill();
  c.stroke();
}

function cross(c, x, y, r) {
  c.beginPath();
  c.moveTo(x - r, y - r);
  c.lineTo(x + r, y + r);
  c.moveTo(x + r, y - r);
  c.lineTo(x - r, y + r);
  c.stroke();
}

function star(c, x, y, r) {
  c.beginPath();
  for (let k = 0; k < 10; k++) {
    const angle = -Math.PI / 2 + (Math.PI * k) / 5;
    const at = k % 2 ? 0.45 * r : r;
    c[k ? "lineTo" : "moveTo"](x + at * Math.cos(angle), y + at * Math.sin(angle));
  }
  c.closePath();
  c.fill();
  c.stroke();
}

/** Data -> pixels; linear or logarithmic, with its ticks. */
function axis({ low, high, log }, [from, to], wanted = 5, room = 0) {
  if (!(high > low)) [low, high, log] = Number.isFinite(low) ? [low - Math.abs(low || 1) / 2, low + Math.abs(low || 1) / 2, false] : [0, 1, false];
  const f = log ? Math.log : (x) => x;
  const [a, b] = [f(low) - room * (f(high) - f(low)), f(high) + room * (f(high) - f(low))];
  const place = (x) => from + ((f(x) - a) / (b - a)) * (to - from);
  place.invert = (pixel) => {
    const x = a + ((pixel - from) / (to - from)) * (b - a);
    return log ? Math.exp(x) : x;
  };
  place.ticks = log ? logTicks(Math.exp(a), Math.exp(b)) : ticks(a, b, wanted);
  return place;
}

function ticks(low, high, wanted) {
  const raw = (high - low) / wanted;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].find((s) => s * power >= raw * 0.999) * power;
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(10)));
}

function logTicks(low, high) {
  const powers = Array.from({ length: Math.ceil(Math.log10(high)) - Math.floor(Math.log10(low)) + 1 },
    (_, i) => 10 ** (Math.floor(Math.log10(low)) + i));
  const factors = powers.length > 4 ? [1] : [1, 2, 5];
  return powers.flatMap((power) => factors.map((m) => Number((m * power).toPrecision(3)))).filter((x) => x >= low * 0.999 && x <= high * 1.001);
}

const FONT = "12px system-ui, -apple-system, 'Segoe UI', sans-serif";
const SMALL = "11px system-ui, -apple-system, 'Segoe UI', sans-serif";

/** Text cut to a width. */
function fit(c, text, width) {
  if (c.measureText(text).width <= width) return text;
  let [low, high] = [0, text.length];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (c.measureText(`${text.slice(0, middle)}…`).width <= width) low = middle;
    else high = middle - 1;
  }
  return low ? `${text.slice(0, low)}…` : "";
}

/** The x-axis of a parameter: by value where it has numbers, else side by side. */
function parameterAxis(g, table, name, [left, right], bottom) {
  const { context: c } = g;
  const column = table.column(name);
  const { levels, binned } = column.groups;
  const spots = levels.length;
  const missing = levels.some(({ value }) => value === null);
  const byValue = column.numeric && !missing && spots > 1 && column.distinct.every(Number.isFinite);
  const step = (right - left) / spots;
  const scale = byValue && axis(column.scale, [left, right], 6, binned ? 0.03 : 0.5 / spots);
  const center = (code) => (scale ? scale(levels[code].value) : left + (code + 0.5) * step);
  const centers = levels.map((_, code) => center(code));
  const gap = Math.min(step, ...centers.slice(1).map((x, i) => Math.abs(x - centers[i])));
  c.font = SMALL;
  c.fillStyle = g.ink;
  c.strokeStyle = g.grid;
  const named = binned && scale ? scale.ticks.map((value) => [scale(value), number(value)])
    : levels.map(({ label: text }, code) => [center(code), text]);
  const widest = Math.max(...named.map(([, text]) => c.measureText(text).width));
  const slanted = !scale && widest > step - 6;
  let last = -Infinity;
  for (const [x, text] of named) {
    c.beginPath();
    c.moveTo(x, bottom);
    c.lineTo(x, bottom + 4);
    c.stroke();
    const half = slanted ? 7 : c.measureText(text).width / 2;
    if (x - half < last + 5) continue;
    last = x + half;
    c.save();
    c.translate(x, bottom + (slanted ? 10 : 17));
    if (slanted) c.rotate(-0.6);
    c.textAlign = slanted ? "right" : "center";
    c.fillText(slanted ? fit(c, text, 70) : text, 0, slanted ? 4 : 0);
    c.restore();
  }
  const place = (row) => (binned && scale ? scale(column.num[row]) : centers[column.groups.codes[row]]);
  return { center: (code) => centers[code], place, gap: Math.max(4, gap), binned: binned && Boolean(scale) };
}

function yAxis(g, place, { left, right, top, bottom }, title) {
  const { context: c } = g;
  c.font = SMALL;
  c.lineWidth = 1;
  c.strokeStyle = g.grid;
  c.fillStyle = g.ink;
  c.textAlign = "right";
  for (const value of place.ticks) {
    const y = Math.round(place(value)) + 0.5;
    if (y < top - 1 || y > bottom + 1) continue;
    c.beginPath();
    c.moveTo(left, y);
    c.lineTo(right, y);
    c.stroke();
    c.fillText(number(value), left - 6, y + 4);
  }
  c.font = `600 ${FONT}`;
  c.textAlign = "left";
  c.fillText(fit(c, title, right - 8), 4, 13);
}

function xTitle(g, box, title, y) {
  const { context: c } = g;
  c.font = `600 ${FONT}`;
  c.fillStyle = g.ink;
  c.textAlign = "center";
  c.fillText(fit(c, title, box.right - box.left), (box.left + box.right) / 2, y);
}

/** Room on the left for the widest label of an axis. */
function leftOf(g, place) {
  g.context.font = SMALL;
  return Math.ceil(Math.max(26, ...place.ticks.map((value) => g.context.measureText(number(value)).width)) + 14);
}

const arrow = (better) => (better === "max" ? "↑ higher is better" : "↓ lower is better");

/** In [-1, 1], always the same for a row: spreads dots that would cover each other. */
function jitter(row) {
  let t = Math.imul(row + 1, 0x9e3779b1);
  t = Math.imul(t ^ (t >>> 15), 0x85ebca6b);
  return ((t ^ (t >>> 13)) >>> 0) / 0x80000000 - 1;
}

/** How a group is drawn: color, dash and marker. */
function styleOf(g, code, total, ordered) {
  const color = ordered && total > 4 ? ramp(total > 1 ? code / (total - 1) : 0, g.dark) : g.colors[code % g.colors.length];
  return { color, dash: DASHES[code % DASHES.length], shape: code % SHAPES.length };
}

function stylesFor(g, table, by, lines) {
  const column = by && table.column(by);
  const total = column ? column.groups.levels.length : 1;
  return lines.map(({ code }) => styleOf(g, code, total, column?.numeric));
}

const BANDS = { std: "± standard deviation", interval: "95 % interval of the mean", range: "lowest to highest" };
function ends(point, band) {
  if (point.n < 2) return null;
  if (band === "range") return [point.least, point.most];
  if (band === "interval") return [point.low, point.high];
  return [point.mean - point.std, point.mean + point.std];
}

function inSpread({ mean, std, n, failed }) {
  const mid = n ? `${number(mean)}${n > 1 ? ` ± ${number(std, 2)}` : ""} (n = ${n})` : "no result";
  return failed ? `${mid}, ${failed} failed` : mid;
}

// --- the five pictures: each draws, and returns its marks and its legend -------------------------

const DRAW = {
  effect(g, table, { settings, rows, shown }) {
    const { context: c, width, height } = g;
    const { x, group: by, result, better, band } = settings;
    if (!x || !result) return nothing(g, "No result yet.");
    const column = table.column(result);
    const values = rows.flatMap((row) => (finite(table, row, column) ? [column.num[row]] : []));
    if (!values.length) return nothing(g, "No finished run with this result among those shown.");
    const failed = rows.filter((row) => FAILED.has(table.status[row]));
    const bottom = height - (failed.length ? 74 : 50);
    const place = axis(scaleOf(values, 1000), [bottom, 34], 7, 0.06);
    const box = { left: leftOf(g, place), right: width - 14, top: 24, bottom };
    yAxis(g, place, box, `${bare(result)}  ${arrow(better)}`);
    const across = parameterAxis(g, table, x, [box.left, box.right], failed.length ? bottom + 24 : bottom);
    xTitle(g, box, bare(x), height - 6);
    const styles = stylesFor(g, table, by === x ? "" : by, shown.series);
    const dodge = Math.min(0.5 * across.gap, 90) / Math.max(1, shown.series.length);
    const marks = [];
    const small = values.length > 1500 ? 1.6 : values.length > 300 ? 2.2 : 3;
    shown.series.forEach((line, k) => {
      const shift = across.binned ? 0 : (k - (shown.series.length - 1) / 2) * dodge;
      const wide = across.binned ? 0 : 0.42 * Math.min(dodge, 30);
      c.fillStyle = styles[k].color;
      c.globalAlpha = values.length > 1500 ? 0.28 : 0.45;
      for (const row of line.rows) {
        if (!finite(table, row, column)) continue;
        const [px, py] = [across.place(row) + shift + wide * jitter(row), place(column.num[row])];
        c.fillRect(px - small, py - small, 2 * small, 2 * small);
        marks.push({ x: px, y: py, row, r: small + 2 });
      }
      c.globalAlpha = 1;
    });
    shown.series.forEach((line, k) => {
      const shift = across.binned ? 0 : (k - (shown.series.length - 1) / 2) * dodge;
      const points = line.points.filter(({ n }) => n).map((point) => ({ ...point, px: across.center(point.code) + shift, py: place(point.mean) }));
      lineWithBand(g, points, styles[k], band, place, small < 3);
      for (const point of points) {
        const where = `${bare(x)} ${table.column(x).groups.levels[point.code].label}${by && by !== x ? `, ${bare(by)} ${line.label}` : ""}`;
        marks.push({ x: point.px, y: point.py, r: 7, keys: true, row: bestOf(table, point.rows, result, better),
          text: () => `${where}: mean ${bare(result)} ${inSpread(point)}` });
      }
    });
    marks.push(...failures(g, failed, across, { ...box, bottom: bottom + 12 }));
    return { marks, legend: legendOf(shown.series, styles, by === x ? "" : by, BANDS[band]) };
  },

  curves(g, table, { settings, shown }) {
    const { width, height } = g;
    const { metric, group: by, band } = settings;
    const all = shown.series.flatMap(({ points }) => points);
    if (!all.length) return nothing(g, "No curve among the runs shown.");
    const reach = all.flatMap((point) => [point.mean, ...(ends(point, band) ?? [])]);
    const place = axis(scaleOf(reach, 1000), [height - 50, 34], 7, 0.04);
    const box = { left: leftOf(g, place), right: width - 14, top: 24, bottom: height - 50 };
    yAxis(g, place, box, metric);
    const across = axis({ ...scaleOf(all.map(({ step }) => step)), log: false }, [box.left + 6, box.right - 6], Math.max(3, width / 90));
    xTicks(g, across, box);
    xTitle(g, box, "step", height - 6);
    const styles = stylesFor(g, table, by, shown.series);
    const marks = [];
    shown.series.forEach((line, k) => {
      const points = line.points.map((point) => ({ ...point, px: across(point.step), py: place(point.mean) }));
      lineWithBand(g, points, styles[k], band, place, true, points.length > 24);
      points.forEach((point, i) => marks.push({
        x: point.px, y: point.py, r: 7, keys: i === points.length - 1, row: line.rows[0],
        text: () => `${by ? `${bare(by)} ${line.label}, ` : ""}step ${number(point.step)}: mean ${metric} ${inSpread(point)}`,
      }));
    });
    const named = shown.series.map((line) => ({ ...line, label: `${line.label}, ${many(line.runs, "run")}` }));
    return { marks, legend: legendOf(named, styles, by, BANDS[band]) };
  },

  "heat map"(g, table, { settings, shown }) {
    const { context: c, width, height } = g;
    const { x, y, result, better } = settings;
    const up = table.column(y).groups.levels;
    const right = table.column(x).groups.levels;
    c.font = SMALL;
    const widest = Math.min(0.3 * width, Math.max(30, ...up.map((level) => c.measureText(level.label).width)));
    const box = { left: Math.ceil(widest) + 14, right: width - 8, top: 24, bottom: height - 56 };
    const scale = scaleOf(shown.cells.map(({ mean }) => mean), 1000);
    const tint = axis(scale, [0, 1]);
    const [w, h] = [(box.right - box.left) / right.length, (box.bottom - box.top) / up.length];
    c.font = `600 ${FONT}`;
    c.textAlign = "left";
    c.fillStyle = g.ink;
    c.fillText(fit(c, `${bare(y)} ↑`, width), 4, 13);
    const marks = shown.cells.map((cell) => {
      const [left, top] = [box.left + cell.i * w, box.bottom - (cell.j + 1) * h];
      const value = Number.isFinite(cell.mean) ? (scale.high > scale.low ? tint(cell.mean) : 1) : null;
      drawCell(g, cell, value, left, top, w, h);
      const where = `${bare(x)} ${right[cell.i].label}, ${bare(y)} ${up[cell.j].label}`;
      return { x: left + w / 2, y: top + h / 2, r: Math.min(w, h) / 2, box: [left, top, w, h], keys: true,
        row: bestOf(table, cell.rows, result, better) ?? cell.rows[0], text: () => `${where}: mean ${bare(result ?? "result")} ${inSpread(cell)}` };
    });
    const best = shown.cells.indexOf(shown.best);
    if (best >= 0) outline(g, marks[best].box);
    sideLabels(g, up, box, h);
    bottomLabels(g, right, box, w);
    xTitle(g, box, `${bare(x)} →`, height - 6);
    const title = result ? `mean ${bare(result)}, n = runs in the cell` : "";
    return { marks, legend: { scale: [scale.low, scale.high], title } };
  },

  parallel(g, table, { rows, settings, shown }) {
    const { context: c, width, height } = g;
    const { result, better } = settings;
    const names = shown.axes;
    if (!names.length) return nothing(g, "All runs have the same parameters.");
    const column = result && table.column(result);
    const failed = rows.filter((row) => FAILED.has(table.status[row]));
    const box = { left: 34, right: width - 44, top: 50, bottom: height - (failed.length ? 46 : 24) };
    const spacing = names.length > 1 ? (box.right - box.left) / (names.length - 1) : 0;
    const axes = names.map((name, i) => verticalAxis(table, name, box, names.length > 1 ? box.left + i * spacing : width / 2));
    const bottom = box.bottom + 24;
    const ys = (row, isFailed) => axes.map((each, i) => (i === axes.length - 1 && column && isFailed ? bottom : each.place(row)));
    const ranked = rows.filter((row) => !column || finite(table, row, column))
      .sort((p, q) => (column ? compare(column.num[p], column.num[q], better) : 0)); // the best first
    const crowd = clamp(Math.log10(ranked.length) - 1.7, 0, 2); // 0 for 50 lines, 2 for 5,000
    c.lineWidth = 1.4;
    c.globalAlpha = 0.9 - 0.25 * crowd;
    c.strokeStyle = g.bad;
    c.setLineDash([4, 3]);
    polylines(c, failed.map((row) => ys(row, true)), axes);
    c.setLineDash([]);
    c.globalAlpha = 1;
    const paths = ranked.map((row) => ys(row, false));
    drawLines(g, axes, paths, (k) => {
      const t = 1 - k / Math.max(1, ranked.length);
      const alpha = clamp(0.95 * t ** (1 + 8 * crowd), 0.55 ** (1 + 2.8 * crowd), 0.95);
      return [column ? t : 0.6, alpha];
    }, 1.6 - 0.4 * crowd);
    axes.forEach((each) => drawVertical(g, table, each, box, settings.filters[each.name]));
    const labels = (on) => axes.forEach((each, i) => labelVertical({ ...g, context: on }, each, spacing, i, names.length,
      each.name === result ? arrow(better)[0] : "")); // drawn over chosen lines, so not here
    if (failed.length && column) {
      c.fillStyle = g.bad;
      c.textAlign = "right";
      c.font = `600 ${SMALL}`;
      c.fillText("✕ failed", width - 2, bottom + 14);
    }
    const last = axes.length - 1;
    const lines = [...ranked, ...failed].map((row, k) => {
      const path = paths[k] ?? ys(row, true);
      return { row, ys: path, x: axes[last].x, y: path[last], keys: true, line: [axes, path], r: 4 };
    });
    return { marks: lines, axes, lines, labels, legend: column && ranked.length ? { ramp: true, title: `${bare(result)}, colored by rank`,
      scale: [ranked[ranked.length - 1], ranked[0]].map((row) => column.num[row]) } : null };
  },

  "trade-off"(g, table, { settings, shown }) {
    const { context: c, width, height } = g;
    const { result, second, better, betterSecond } = settings;
    const { points, front } = shown;
    if (!points.length) return nothing(g, "No finished run has both results among those shown.");
    const place = axis(scaleOf(points.map((p) => p.b), 1000), [height - 50, 36], 7, 0.06);
    const box = { left: leftOf(g, place), right: width - 18, top: 24, bottom: height - 50 };
    yAxis(g, place, box, `${bare(second)}  ${arrow(betterSecond)}`);
    const across = axis(scaleOf(points.map((p) => p.a), 1000), [box.left, box.right], Math.max(3, width / 110), 0.05);
    xTicks(g, across, box);
    xTitle(g, box, `${bare(result)}  ${better === "max" ? "→ higher is better" : "← lower is better"}`, height - 6);
    const on = new Set(front);
    const at = points.map((p) => [across(p.a), place(p.b)]);
    const small = points.length > 1500 ? 1.7 : 3;
    c.fillStyle = g.soft;
    at.forEach(([px, py], i) => { if (!on.has(i)) c.fillRect(px - small, py - small, 2 * small, 2 * small); });
    stairs(g, front.map((i) => at[i]), better, betterSecond, box);
    c.fillStyle = g.colors[1];
    c.strokeStyle = g.paper;
    c.lineWidth = 1;
    front.forEach((i) => marker(c, 3, ...at[i], 5.5));
    const describe = (p) => `${bare(result)} ${number(p.a)}, ${bare(second)} ${number(p.b)}${p.n > 1 ? ` (means of ${p.n} runs)` : ""}`;
    const order = [...at.keys()].sort((i, j) => on.has(j) - on.has(i) || at[i][0] - at[j][0]);
    const marks = order.map((i) => ({ x: at[i][0], y: at[i][1], r: on.has(i) ? 7 : 4, keys: on.has(i), row: points[i].row,
      text: () => `${on.has(i) ? "On the front: " : ""}${describe(points[i])}; ${settingText(table, points[i].row)}` }));
    const entries = [{ label: `Pareto front (${front.length})`, style: { color: g.colors[1], dash: [], shape: 3 } },
      { label: `the other ${settings.average ? "settings" : "runs"} (${count(points.length - front.length)})`, style: { color: g.soft, dash: null, shape: 1 } }];
    return { marks, legend: { entries } };
  },
};

const compare = (a, b, better) => (Number.isFinite(a) && Number.isFinite(b) ? (better === "max" ? b - a : a - b)
  : Number.isFinite(b) - Number.isFinite(a));

function nothing(g, text) {
  const { context: c, width, height } = g;
  c.font = FONT;
  c.fillStyle = g.ink;
  c.textAlign = "center";
  c.fillText(text, width / 2, height / 2);
  return { marks: [], legend: null };
}

function xTicks(g, across, { left, right, bottom }) {
  const { context: c } = g;
  c.font = SMALL;
  c.fillStyle = g.ink;
  c.strokeStyle = g.grid;
  c.textAlign = "center";
  let last = -Infinity;
  for (const value of across.ticks) {
    const [x, text] = [across(value), number(value)];
    const half = c.measureText(text).width / 2;
    if (x < left - 1 || x > right + 1 || x - half < last + 6) continue;
    c.beginPath();
    c.moveTo(x, bottom);
    c.lineTo(x, bottom + 4);
    c.stroke();
    c.fillText(text, Math.min(x, g.width - half - 2), bottom + 17);
    last = x + half;
  }
}

/** Mean line through points, its spread as a band (or bars where points are few), markers. */
function lineWithBand(g, points, { color, dash, shape }, band, place, asBand, bareLine = false) {
  const { context: c } = g;
  const spans = points.map((point) => ends(point, band)?.map(place) ?? [point.py, point.py]);
  c.fillStyle = c.strokeStyle = color;
  if (asBand && points.length > 1) {
    c.globalAlpha = 0.16;
    c.beginPath();
    points.forEach(({ px }, i) => c[i ? "lineTo" : "moveTo"](px, spans[i][1]));
    [...points.keys()].reverse().forEach((i) => c.lineTo(points[i].px, spans[i][0]));
    c.fill();
    c.globalAlpha = 1;
  } else {
    c.lineWidth = 1.5;
    points.forEach(({ px }, i) => {
      c.beginPath();
      c.moveTo(px, spans[i][0]);
      c.lineTo(px, spans[i][1]);
      c.stroke();
    });
  }
  c.lineWidth = 2;
  c.setLineDash(dash);
  c.beginPath();
  points.forEach(({ px, py }, i) => c[i ? "lineTo" : "moveTo"](px, py));
  c.stroke();
  c.setLineDash([]);
  c.strokeStyle = g.paper;
  c.lineWidth = 1.2;
  const every = bareLine ? Math.ceil(points.length / 8) : 1;
  points.forEach(({ px, py }, i) => { if (i % every === 0 || i === points.length - 1) marker(c, shape, px, py, 4.5); });
}

/** Failed runs on a line of their own below the axis, each at its parameter. */
function failures(g, failed, across, box) {
  const { context: c } = g;
  if (!failed.length) return [];
  c.strokeStyle = g.bad;
  c.fillStyle = g.bad;
  c.lineWidth = 1.4;
  c.font = `600 ${SMALL}`;
  c.textAlign = "right";
  c.fillText("failed", box.left - 6, box.bottom + 4);
  return failed.map((row) => {
    const x = across.place(row) + (across.binned ? 0 : 0.35 * Math.min(across.gap, 60) * jitter(row));
    cross(c, x, box.bottom, failed.length > 200 ? 2.2 : 3.4);
    return { x, y: box.bottom, row, r: 5 };
  });
}

function drawCell(g, cell, value, left, top, w, h) {
  const { context: c } = g;
  const color = value === null ? null : cividis(0.04 + 0.96 * value);
  c.fillStyle = color ? `rgb(${color})` : g.faint;
  c.fillRect(left + 1, top + 1, w - 2, h - 2);
  const light = color && 0.3 * color[0] + 0.59 * color[1] + 0.11 * color[2] > 125;
  c.fillStyle = color ? (light ? "#111" : "#fff") : g.bad;
  c.textAlign = "center";
  const lines = [];
  if (cell.n) lines.push([FONT, number(cell.mean, 3)]);
  if (cell.n) lines.push([SMALL, `n = ${cell.n}`]);
  if (cell.failed) lines.push([SMALL, `✕ ${cell.failed}`]);
  const room = Math.max(1, Math.floor((h - 4) / 15));
  const told = lines.length > room && cell.failed && cell.n ? lines.slice(0, room) : lines.slice(0, room);
  told.forEach(([font, text], i) => {
    c.font = font;
    if (c.measureText(text).width > w - 4) return;
    c.fillText(text, left + w / 2, top + h / 2 + 4 + 15 * (i - (told.length - 1) / 2));
  });
}

function outline(g, [left, top, w, h]) {
  const { context: c } = g;
  c.lineWidth = 3;
  c.strokeStyle = g.colors[1];
  c.strokeRect(left + 1.5, top + 1.5, w - 3, h - 3);
  c.fillStyle = g.colors[1];
  c.strokeStyle = g.paper;
  c.lineWidth = 1;
  star(c, left + 10, top + 10, 7);
}

function sideLabels(g, levels, box, h) {
  const { context: c } = g;
  c.font = SMALL;
  c.fillStyle = g.ink;
  c.textAlign = "right";
  const every = Math.ceil(14 / h);
  levels.forEach((level, j) => {
    if (j % every === 0) c.fillText(fit(c, level.label, box.left - 10), box.left - 6, box.bottom - (j + 0.5) * h + 4);
  });
}

function bottomLabels(g, levels, box, w) {
  const { context: c } = g;
  c.font = SMALL;
  c.fillStyle = g.ink;
  const slanted = Math.max(...levels.map((level) => c.measureText(level.label).width)) > w - 4;
  const every = slanted ? Math.ceil(13 / w) : 1;
  levels.forEach((level, i) => {
    if (i % every) return;
    c.save();
    c.translate(box.left + (i + 0.5) * w, box.bottom + (slanted ? 10 : 15));
    if (slanted) c.rotate(-0.5);
    c.textAlign = slanted ? "right" : "center";
    c.fillText(slanted ? fit(c, level.label, 62) : level.label, 0, slanted ? 4 : 0);
    c.restore();
  });
}

/** One axis of the parallel coordinates: where each row crosses it. */
function verticalAxis(table, name, box, x) {
  const column = table.column(name);
  const { levels } = column.groups;
  const isResult = role(name) === "result";
  if (column.numeric && (isResult || column.groups.binned)) {
    const scale = axis(scaleOf(column.num, isResult ? 1000 : WIDE), [box.bottom, box.top], 6);
    const known = (row) => Number.isFinite(column.num[row]);
    return { name, x, scale, place: (row) => (known(row) ? scale(column.num[row]) : box.bottom + 12),
      marks: scale.ticks.map((value) => [scale(value), number(value)]) };
  }
  const step = (box.bottom - box.top) / levels.length;
  const center = (code) => box.bottom - (code + 0.5) * step;
  const wide = Math.min(0.3 * step, 26);
  return { name, x, step, levels, place: (row) => center(column.exact[row]) + wide * jitter(row),
    marks: levels.map(({ label: text }, code) => [center(code), text]) };
}

/** Lines through the axes, the first on top, under what is drawn already; styleAt(k) is [shade, alpha]. */
function drawLines(g, axes, lines, styleAt, lineWidth) {
  const { context: c } = g;
  c.save();
  c.globalCompositeOperation = "destination-over";
  if (lines.length > 400) c.drawImage(rastered(g, axes, lines, styleAt), 0, 0, g.width, g.height);
  else {
    c.lineWidth = lineWidth;
    lines.forEach((ys, k) => {
      const [shade, alpha] = styleAt(k);
      c.strokeStyle = ramp(shade, g.dark);
      c.globalAlpha = alpha;
      polylines(c, [ys], axes);
    });
  }
  c.restore();
}

/** Thousands of thin lines, pixel by pixel: many times faster than a canvas without a GPU strokes them. */
function rastered({ width, height, dark }, axes, lines, styleAt) {
  const { cover, shades, canvas } = memory(width, height);
  const places = axes.map(({ x }) => x);
  lines.forEach((ys, k) => {
    const [shade, alpha] = styleAt(k);
    for (let i = 0; i + 1 < places.length; i++) {
      let [x, y] = [places[i], ys[i]];
      const steps = Math.ceil(Math.max(places[i + 1] - x, Math.abs(ys[i + 1] - y)));
      const dx = (places[i + 1] - x) / steps;
      const dy = (ys[i + 1] - y) / steps;
      for (let step = 0; step < steps; step++, x += dx, y += dy) {
        const at = (y | 0) * width + (x | 0);
        const free = 1 - cover[at]; // front to back: what is covered stays as it is
        if (free < 0.04) continue;
        cover[at] += free * alpha;
        shades[at] += free * alpha * shade;
      }
    }
  });
  const image = new ImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  const colors = Array.from({ length: 256 }, (_, i) => {
    const [red, green, blue] = rampOf(i / 255, dark);
    return (blue << 16) | (green << 8) | red; // as memory holds them: the lowest byte first
  });
  for (let at = 0; at < pixels.length; at++) {
    const share = cover[at];
    if (share > 0) pixels[at] = (Math.round(255 * share) << 24) | colors[Math.round((255 * shades[at]) / share)];
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

/** What `rastered` works on, kept from picture to picture: how far each pixel is covered, by what shade. */
let kept = { width: 0, height: 0 };
function memory(width, height) {
  if (kept.width !== width || kept.height !== height) {
    const [cover, shades] = [0, 0].map(() => new Float32Array(width * height));
    kept = { width, height, cover, shades, canvas: make("canvas", { width, height }) };
  }
  kept.cover.fill(0);
  kept.shades.fill(0); // sum of the shades, each by its share
  return kept;
}

function polylines(c, lines, axes) {
  c.beginPath();
  for (const ys of lines) {
    c.moveTo(axes[0].x, ys[0]);
    for (let i = 1; i < axes.length; i++) c.lineTo(axes[i].x, ys[i]);
    if (axes.length === 1) c.lineTo(axes[0].x + 8, ys[0]);
  }
  c.stroke();
}

function drawVertical(g, table, each, box, filter) {
  const { context: c } = g;
  const { x } = each;
  c.strokeStyle = g.ink;
  c.lineWidth = 1.2;
  c.beginPath();
  c.moveTo(x, box.top - 4);
  c.lineTo(x, box.bottom + 4);
  c.stroke();
  if (filter) {
    const [from, to] = brushOf(table, each, filter, box);
    c.fillStyle = g.brush;
    c.fillRect(x - 6, from, 12, to - from);
    c.strokeRect(x - 6, from, 12, to - from);
  }
}

/** Name and values of an axis; `i` of `total`. */
function labelVertical(g, each, spacing, i, total, sign) {
  const { context: c } = g;
  const { x } = each;
  const last = i === total - 1;
  const room = Math.max(40, spacing * (spacing < 84 ? 1.9 : 0.98));
  c.font = `600 ${SMALL}`;
  const title = fit(c, `${bare(each.name)}${sign ? ` ${sign}` : ""}`, total > 1 ? room : 300);
  const half = c.measureText(title).width / 2;
  c.textAlign = "center";
  halo(g, title, clamp(x, half + 2, g.width - half - 2), spacing < 84 && i % 2 ? 14 : 30);
  c.font = SMALL;
  c.textAlign = "left";
  let before = Infinity;
  for (const [y, text] of [...each.marks].sort((p, q) => q[0] - p[0])) {
    if (before - y < 13) continue;
    before = y;
    const width = last ? g.width - x - 8 : Math.max(26, spacing - 12);
    halo(g, fit(c, text, Math.min(110, width)), x + 5, y + 4);
  }
}

/** Text with an edge in the color of the ground, readable over lines. */
function halo(g, text, x, y) {
  const { context: c } = g;
  c.lineWidth = 4;
  c.lineJoin = "round";
  c.strokeStyle = g.paper;
  c.strokeText(text, x, y);
  c.fillStyle = g.ink;
  c.fillText(text, x, y);
}

/** Pixels of a filter on its axis. */
function brushOf(table, each, filter, box) {
  if (each.scale && filter.values === undefined) {
    const [a, b] = [each.scale(filter.low), each.scale(filter.high)];
    return [clamp(Math.min(a, b), box.top, box.bottom) - 2, clamp(Math.max(a, b), box.top, box.bottom) + 2];
  }
  if (!each.levels) return [box.top, box.bottom];
  const column = table.column(each.name);
  const inside = column.distinct.map((value, code) => {
    if (filter.values) return filter.values.some((wanted) => keyOf(wanted) === keyOf(value)) ? code : -1;
    return value >= filter.low && value <= filter.high ? code : -1;
  }).filter((code) => code >= 0);
  if (!inside.length) return [box.bottom, box.bottom];
  const top = box.bottom - (Math.max(...inside) + 0.9) * each.step;
  return [top, box.bottom - (Math.min(...inside) + 0.1) * each.step];
}

/** The edge of what is reachable: steps from front point to front point. */
function stairs(g, at, better, betterSecond, box) {
  const { context: c } = g;
  const order = [...at].sort((p, q) => p[0] - q[0]);
  c.strokeStyle = g.colors[1];
  c.lineWidth = 2;
  c.beginPath();
  order.forEach(([x, y], i) => {
    if (!i) return c.moveTo(x, y);
    const [px, py] = order[i - 1];
    if (better === "max") c.lineTo(px, y);
    else c.lineTo(x, py);
    return c.lineTo(x, y);
  });
  c.stroke();
}

function legendOf(lines, styles, by, band) {
  const entries = lines.slice(0, 12).map((line, k) => ({ label: line.label, style: styles[k] }));
  if (lines.length > 12) entries.push({ label: `and ${lines.length - 12} more` });
  return { entries, title: by ? bare(by) : "", note: `mean ${band}` };
}

const settingText = (table, row) => table.varied.map((name) =>
  `${bare(name)} ${clip(label(table.column(name).values[row]), 24)}`).join(", ");

function runText(table, row, result) {
  const column = result && table.column(result);
  const value = column && Number.isFinite(column.num[row]) ? `${bare(result)} ${number(column.num[row])}` : table.status[row];
  const cause = FAILED.has(table.status[row]) ? ` (${table.column("cause")?.values[row] ?? "no cause known"})` : "";
  return `Run ${table.column("run_id").values[row]}: ${value}${cause}; ${settingText(table, row)}`;
}

// --- the explorer -------------------------------------------------------------------------------

const VIEW_TITLES = {
  effect: "Effect", curves: "Curves", "heat map": "Heat map", parallel: "Parallel", "trade-off": "Trade-off",
};
const HINTS = {
  effect: "Each dot is a run; the line joins means.",
  curves: "Each line is the mean of its runs at each step.",
  "heat map": "Each cell is the mean of its runs.",
  parallel: "Each line is a run. Drag along an axis to keep only what crosses there; click it to undo.",
  "trade-off": "No run beats a front run in one result without losing in the other.",
};
const ICONS = { finished: "●", running: "◔", failed: "✕", interrupted: "■" };
const ROW = 26; // pixels of a row of the table
const VISIBLE = 9; // rows of the table that are seen at once

const button = (text, click, more = {}) => make("button", { type: "button", click, ...more }, text);

/** A menu of names; `none` is the text of the choice of nothing. */
function menu(title, change, none = null) {
  const node = make("select", { "aria-label": title, change: () => change(node.value) });
  let shown = "";
  return {
    node: make("label", { class: "menu" }, make("span", {}, title), node),
    draw(options, value) {
      const all = none === null ? options : ["", ...options];
      if (shown !== JSON.stringify(all)) {
        shown = JSON.stringify(all);
        node.replaceChildren(...all.map((each) => make("option", { value: each }, each === "" ? none : clip(bare(each), 40))));
      }
      node.value = value ?? "";
    },
  };
}

/** A switch between two or three words. */
function words(title, choices, change) {
  const buttons = Object.entries(choices).map(([value, text]) => button(text, () => change(value), { "data-value": value }));
  return {
    node: make("div", { class: "words", role: "group", "aria-label": title }, buttons),
    draw(value) { for (const each of buttons) each.setAttribute("aria-pressed", String(each.dataset.value === value)); },
  };
}

/** Buttons for a few values, or two sliders for many numbers. */
function filterControl(table, name, change) {
  const column = table.column(name);
  const numbers = column.numeric ? column.distinct.filter((value) => Number.isFinite(value)) : [];
  return column.distinct.length <= 10 || numbers.length < 3 ? chips(column, name, change) : range(name, numbers, change);
}

function chips(column, name, change) {
  const values = column.distinct.slice(0, 40);
  let chosen = [];
  const toggle = (value) => {
    const has = chosen.some((each) => keyOf(each) === keyOf(value));
    const next = has ? chosen.filter((each) => keyOf(each) !== keyOf(value)) : [...chosen, value];
    change(name, next.length && next.length < column.distinct.length ? { values: next } : null);
  };
  const buttons = values.map((value) => button(clip(label(value), 24), () => toggle(value), { title: label(value) }));
  return {
    node: make("div", { class: "chips", role: "group", "aria-label": `only these values of ${bare(name)}` }, buttons),
    draw(filter) {
      chosen = filter?.values ?? (filter ? column.distinct.filter((value) => value >= filter.low && value <= filter.high) : []);
      buttons.forEach((each, i) => each.setAttribute("aria-pressed", String(chosen.some((value) => keyOf(value) === keyOf(values[i])))));
    },
  };
}

function range(name, numbers, change) {
  const last = numbers.length - 1;
  const shown = make("output", {});
  const tell = () => {
    const [a, b] = [Math.min(low.valueAsNumber, high.valueAsNumber), Math.max(low.valueAsNumber, high.valueAsNumber)];
    change(name, a === 0 && b === last ? null : { low: numbers[a], high: numbers[b] });
  };
  const one = (end) => make("input", { type: "range", min: 0, max: last, step: 1, "aria-label": `${bare(name)} ${end}`, input: tell });
  const [low, high] = [one("from"), one("to")];
  const track = make("i", {});
  return {
    node: make("div", { class: "range" }, make("div", { class: "sliders" }, track, low, high), shown),
    draw(filter) {
      const a = filter ? numbers.findIndex((x) => x >= filter.low) : 0;
      const b = filter ? numbers.findLastIndex((x) => x <= filter.high) : last;
      const [from, to] = [a < 0 ? last : a, b < 0 ? 0 : b];
      if (Math.min(low.valueAsNumber, high.valueAsNumber) !== from || Math.max(low.valueAsNumber, high.valueAsNumber) !== to) {
        low.value = from;
        high.value = to;
      }
      const text = `${number(filter?.low ?? numbers[0])} to ${number(filter?.high ?? numbers[last])}`;
      shown.textContent = text;
      low.setAttribute("aria-valuetext", number(numbers[low.valueAsNumber]));
      high.setAttribute("aria-valuetext", number(numbers[high.valueAsNumber]));
      track.style.left = `${(100 * from) / last}%`;
      track.style.right = `${100 - (100 * to) / last}%`;
    },
  };
}

export function mount(host, store) {
  const shadow = host.attachShadow({ mode: "open" });
  let data = unpack(store.get("runs"));
  let table = new Table(data, store.get("settings").lesson);
  let found = null; // what explain() says
  let drawn = { marks: [], legend: null };
  let sort = null; // {name, down}; null is by the result, the best first
  let order = []; // rows as the table shows them
  let hovered = null; // a mark
  let filters = []; // [name, control]
  let builtFor = "";

  const given = () => store.get("settings");
  const change = (patch) => { store.set({ settings: { ...given(), ...patch } }); refresh(); };
  const filter = (name, value) => {
    const { [name]: _, ...rest } = given().filters ?? {};
    change({ filters: value ? { ...rest, [name]: value } : rest });
  };

  // -- parts
  const title = make("h3", {});
  const live = make("span", { class: "live", hidden: true }, "live");
  const states = make("div", { class: "states", role: "group", "aria-label": "only runs that are" });
  const causes = make("p", { class: "causes" });
  const lessons = menu("lesson", (value) => { table = new Table(data, value); change({ lesson: value, filters: {}, statuses: null, selected: null, x: null, y: null, group: null, result: null, second: null }); });
  const resultMenu = menu("result", (value) => change({ result: value, better: null, second: null }));
  const direction = words("which is better", { max: "higher is better", min: "lower is better" }, (value) => change({ better: value }));
  const tabs = make("div", { class: "tabs", role: "tablist", "aria-label": "view", keydown: turnTabs });
  const controls = {
    x: menu("x", (value) => change({ x: value })),
    y: menu("y", (value) => change({ y: value })),
    metric: menu("metric", (value) => change({ metric: value })),
    group: menu("group by", (value) => change({ group: value }), "nothing"),
    band: menu("spread", (value) => change({ band: Object.keys(BANDS).find((key) => BANDS[key] === value) })),
    second: menu("against", (value) => change({ second: value, betterSecond: null })),
    directionSecond: words("which is better", { max: "higher", min: "lower" }, (value) => change({ betterSecond: value })),
    average: words("points are", { mean: "means of repeats", run: "single runs" }, (value) => change({ average: value === "mean" })),
  };
  const USED = {
    effect: ["x", "group", "band"], curves: ["metric", "group", "band"], "heat map": ["x", "y"], parallel: [],
    "trade-off": ["second", "directionSecond", "average"],
  };
  const swap = button("⇄", () => change({ x: found.settings.y, y: found.settings.x }), { title: "exchange x and y", "aria-label": "exchange x and y" });
  const hint = make("span", { class: "hint" });
  const filterBox = make("div", { class: "filters" });
  const clear = button("Clear filters", () => change({ filters: {}, statuses: null }), { class: "clear" });
  const filterCount = make("b", {});
  const side = make("details", { class: "side", open: true }, make("summary", {}, "Filter ", filterCount), filterBox, clear);
  const base = screen({ "aria-hidden": "true" });
  const over = screen({ class: "over", role: "img", tabindex: 0, "aria-label": "picture of the runs",
    pointermove: point, pointerleave: () => hover(null), pointerdown: press, pointerup: release, pointercancel: () => { brush = null; }, keydown: walk });
  const tip = make("div", { class: "tip", hidden: true });
  const spoken = make("div", { class: "spoken", "aria-live": "polite" });
  const legend = make("div", { class: "legend" });
  const status = make("p", { role: "status", class: "status" });
  const details = make("section", { class: "details", "aria-label": "one run" });
  const heading = make("thead", {});
  const body = make("tbody", {});
  const [above, below] = [make("div", {}), make("div", {})];
  const scroller = make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "table of the runs, arrow keys choose one", scroll: () => drawRows(), keydown: pickRow },
    make("table", {}, make("caption", { class: "spoken" }, "runs"), heading, body));
  const copied = make("pre", { class: "copied", role: "status", tabindex: 0, hidden: true });
  const root = make("div", { class: "lk", role: "group", "aria-label": "results explorer", keydown: guardKeys },
    make("header", {}, title, live, states), causes,
    make("div", { class: "bar" }, lessons.node, resultMenu.node, direction.node),
    tabs,
    make("div", { class: "body" }, side,
      make("div", { class: "main" },
        make("div", { class: "bar view" }, controls.metric.node, controls.x.node, swap, controls.y.node, controls.group.node, controls.band.node,
          controls.second.node, controls.directionSecond.node, controls.average.node, hint),
        make("div", { class: "chart" }, base.canvas, over.canvas, tip), legend)),
    status, spoken, details, copied, scroller);
  shadow.append(make("style", {}, STYLE), root);

  function guardKeys(event) { // plain keys are ours: JupyterLab would take them for shortcuts
    const passes = event.ctrlKey || event.metaKey || event.altKey || event.key === "Escape" || event.key === "Tab"
      || (event.shiftKey && event.key === "Enter");
    if (!passes) event.stopPropagation();
  }

  // -- from state to page
  function refresh() {
    found = explain(table, given());
    drawHeader();
    drawControls();
    drawFilters();
    draw();
    order = sortRows();
    drawHeading();
    drawRows(true);
    drawDetails();
    if (status.textContent !== found.text) status.textContent = found.text;
    over.canvas.setAttribute("aria-label", `${found.shown.text} Arrow keys go from mark to mark, Enter chooses its run.`);
  }

  function drawHeader() {
    title.textContent = `${count(table.n)} run${table.n === 1 ? "" : "s"} of ${table.title || "no lesson"}`;
    const counts = new Map();
    for (const each of table.status) counts.set(each, (counts.get(each) ?? 0) + 1);
    const chosen = found.settings.statuses;
    const chip = (name) => button([make("span", { "aria-hidden": "true" }, `${ICONS[name]} `), `${count(counts.get(name))} ${name}`],
      () => change({ statuses: chosen?.length === 1 && chosen[0] === name ? null : [name] }),
      { class: `state ${name}`, "aria-pressed": String(chosen?.includes(name) === true), title: `only ${name} runs` });
    keepFocus(states, () => states.replaceChildren(...ORDER.filter((name) => counts.has(name)).map(chip)));
    live.hidden = !store.get("live");
    causes.textContent = tellCauses();
    causes.hidden = !causes.textContent;
  }

  function tellCauses() {
    const counts = new Map();
    table.status.forEach((each, row) => {
      if (!FAILED.has(each)) return;
      const cause = table.column("cause")?.values[row] ?? each;
      counts.set(cause, (counts.get(cause) ?? 0) + 1);
    });
    const total = [...counts.values()].reduce((sum, n) => sum + n, 0);
    const told = [...counts].sort((a, b) => b[1] - a[1]).map(([cause, n]) => `${count(n)} × ${cause}`);
    const broken = table.unreadable.length ? `${many(table.unreadable.length, "record")} cannot be read: ${table.unreadable.slice(0, 3).join("; ")}.` : "";
    return `${total ? `Not finished: ${told.join(", ")}. ` : ""}${broken}`.trim();
  }

  function drawControls() {
    const { settings } = found;
    lessons.node.hidden = table.lessons.length < 2;
    lessons.draw(table.lessons, table.lesson);
    resultMenu.node.hidden = direction.node.hidden = !table.results.length;
    resultMenu.draw(table.results, settings.result);
    direction.draw(settings.better);
    const seen = settings.views.join();
    if (tabs.dataset.seen !== seen) {
      tabs.dataset.seen = seen;
      tabs.replaceChildren(...settings.views.map((view) => button(VIEW_TITLES[view], () => change({ view }), { role: "tab", "data-view": view })));
    }
    for (const tab of tabs.children) {
      const on = tab.dataset.view === settings.view;
      tab.setAttribute("aria-selected", String(on));
      tab.tabIndex = on ? 0 : -1;
    }
    const used = USED[settings.view];
    for (const [name, control] of Object.entries(controls)) control.node.hidden = !used.includes(name);
    swap.hidden = settings.view !== "heat map";
    controls.average.node.hidden ||= !table.repeats;
    controls.x.draw(table.varied, settings.x);
    controls.y.draw(table.varied.filter((name) => name !== settings.x), settings.y);
    controls.group.draw(table.varied, settings.group);
    controls.metric.draw(Object.keys(table.curves), settings.metric);
    controls.band.draw(Object.values(BANDS), BANDS[settings.band]);
    controls.second.draw(table.results.filter((name) => name !== settings.result), settings.second);
    controls.directionSecond.draw(settings.betterSecond);
    controls.average.draw(settings.average ? "mean" : "run");
    hint.textContent = HINTS[settings.view];
  }

  function drawFilters() {
    const { settings } = found;
    const names = [...table.varied, ...(settings.result ? [settings.result] : [])];
    const key = JSON.stringify([table.lesson, names.map((name) => [name, table.column(name).distinct.length, table.column(name).distinct.slice(0, 40)])]);
    if (key !== builtFor) {
      builtFor = key;
      filters = names.map((name) => [name, filterControl(table, name, filter), make("i", {})]);
      const told = settings.result && table.varied.length ? make("p", { class: "hint" }, "Bar: share of the variance explained.") : null;
      filterBox.replaceChildren(...[told].filter(Boolean), ...filters.map(([name, control, share]) => make("div", { class: "filter" },
        make("div", { class: "name", title: bare(name) }, make("span", {}, bare(name)), role(name) === "param" ? make("span", { class: "share" }, share) : null), control.node)));
    }
    for (const [name, control, share] of filters) {
      control.draw(settings.filters[name]);
      if (role(name) !== "param" || !settings.result) continue;
      const explained = shareOf(name, settings.result);
      share.style.width = `${100 * explained}%`;
      share.parentElement.title = `${bare(name)} alone explains ${Math.round(100 * explained)} % of the variance of ${bare(settings.result)}`;
    }
    const active = Object.keys(settings.filters).length + (settings.statuses ? 1 : 0);
    filterCount.textContent = active ? `(${active})` : "";
    clear.disabled = !active;
  }

  const allRows = () => Array.from({ length: table.n }, (_, row) => row);
  function shareOf(name, result) {
    table.shares ??= {};
    table.shares[`${name} ${result}`] ??= importance(table, allRows(), name, result);
    return table.shares[`${name} ${result}`];
  }

  // -- the picture
  function ground() {
    const style = getComputedStyle(root);
    const ink = style.color;
    const [r, g, b] = (ink.match(/[\d.]+/g) ?? [0, 0, 0]).map(Number);
    const dark = 0.3 * r + 0.59 * g + 0.11 * b > 128; // light text: a dark page
    root.classList.toggle("dark", dark);
    return { ink, dark, colors: COLORS[dark ? "dark" : "light"], grid: dark ? "#ffffff2b" : "#0000001f",
      faint: dark ? "#ffffff14" : "#0000000d", soft: dark ? "#ffffff5c" : "#00000047", bad: dark ? "#ff746b" : "#c91f16",
      brush: dark ? "#8ba4ff66" : "#1845fb40", paper: style.getPropertyValue("--paper").trim() || (dark ? "#111" : "#fff") };
  }

  function draw() {
    if (!base.width) return;
    base.context.clearRect(0, 0, base.width, base.height);
    const g = { ...ground(), context: base.context, width: base.width, height: base.height };
    drawn = { ...DRAW[found.settings.view](g, table, found), g };
    drawLegend();
    hovered = null;
    drawOver();
  }

  function drawLegend() {
    const { legend: told, g } = drawn;
    const parts = [];
    if (told?.title && told.entries) parts.push(make("b", {}, `${told.title}:`));
    for (const { label: text, style } of told?.entries ?? []) {
      parts.push(make("span", { class: "entry" }, style ? swatch(style, g) : null, clip(text, 48)));
    }
    if (told?.note) parts.push(make("span", { class: "note" }, told.note));
    if (told?.scale && Number.isFinite(told.scale[0])) {
      const stops = [0, 0.25, 0.5, 0.75, 1].map((t) => (told.ramp ? ramp(t, g.dark) : `rgb(${cividis(0.04 + 0.96 * t)})`));
      parts.push(make("b", {}, told.title), make("span", { class: "entry" }, number(told.scale[0]),
        make("i", { class: "ramp", style: `background:linear-gradient(to right,${stops})` }), number(told.scale[1])));
    }
    const { view, average } = found.settings;
    if (found.best !== null && (view === "effect" || view === "parallel" || (view === "trade-off" && !average))) {
      parts.push(make("span", { class: "entry" }, make("span", { class: "star", "aria-hidden": "true" }, "★"), "best run"));
    }
    legend.replaceChildren(...parts);
  }

  function swatch({ color, dash, shape }, g) {
    const picture = screen({ "aria-hidden": "true" });
    picture.resize(34, 14);
    const c = picture.context;
    c.strokeStyle = c.fillStyle = color;
    c.lineWidth = 2;
    if (dash) {
      c.setLineDash(dash);
      c.beginPath();
      c.moveTo(1, 7);
      c.lineTo(33, 7);
      c.stroke();
      c.setLineDash([]);
    }
    c.strokeStyle = g.paper;
    c.lineWidth = 1;
    marker(c, shape, 17, 7, 4);
    return picture.canvas;
  }

  /** What lies over the picture: best run, chosen run, the mark under the pointer. */
  function drawOver() {
    const c = over.context;
    c.clearRect(0, 0, over.width, over.height);
    const { g, marks } = drawn;
    if (!g) return;
    const chosen = chosenRow();
    if (found.best !== null) emphasize(found.best, true);
    if (chosen !== null && chosen !== found.best) emphasize(chosen, false);
    if (hovered) {
      if (hovered.line) strokeLine(hovered, g.ink, 2.6);
      else ring(hovered, g.ink);
    }
    drawn.labels?.(c);
    tip.hidden = !hovered;
    if (!hovered) return;
    tip.textContent = hovered.text?.() ?? runText(table, hovered.row, found.settings.result);
    tip.style.maxWidth = `${Math.min(320, over.width - 20)}px`;
    const { offsetWidth: w, offsetHeight: h } = tip;
    tip.style.left = `${clamp(hovered.x + 14, 0, Math.max(0, over.width - w - 4))}px`;
    tip.style.top = `${hovered.y - h - 14 > 0 ? hovered.y - h - 14 : Math.min(hovered.y + 16, over.height - h)}px`;

    function emphasize(row, isBest) {
      const mark = marks.find((each) => each.row === row && !each.keys) ?? marks.find((each) => each.row === row);
      const { view, average } = found.settings;
      const isMean = view === "heat map" || (view === "trade-off" && average);
      if (!mark || (isMean && isBest) || view === "curves") return;
      if (mark.line) strokeLine(mark, isBest ? g.colors[1] : g.colors[0], 3);
      else if (!isBest) ring(mark, g.colors[0]);
      if (isBest) {
        c.fillStyle = g.colors[1];
        c.strokeStyle = g.paper;
        c.lineWidth = 1.5;
        star(c, mark.x, mark.y, 9);
      }
    }
    function strokeLine({ line: [axes, ys] }, color, width) {
      for (const [style, wide] of [[g.paper, width + 3], [color, width]]) {
        c.strokeStyle = style;
        c.lineWidth = wide;
        polylines(c, [ys], axes);
      }
    }
    function ring(mark, color) {
      c.strokeStyle = color;
      c.lineWidth = 2;
      c.beginPath();
      if (mark.box) c.rect(mark.box[0] + 1, mark.box[1] + 1, mark.box[2] - 2, mark.box[3] - 2);
      else c.arc(mark.x, mark.y, (mark.r ?? 4) + 3, 0, 2 * Math.PI);
      c.stroke();
    }
  }

  const spot = (event) => [event.offsetX, event.offsetY];

  function nearest(x, y) {
    if (drawn.axes) return nearestLine(x, y);
    let [best, least] = [null, 18 ** 2];
    for (const mark of drawn.marks) {
      if (mark.box) {
        const [left, top, w, h] = mark.box;
        if (x >= left && x < left + w && y >= top && y < top + h) return mark;
        continue;
      }
      const away = (mark.x - x) ** 2 + (mark.y - y) ** 2 - (mark.keys ? 30 : 0);
      if (away < least) [best, least] = [mark, away];
    }
    return best;
  }

  function nearestLine(x, y) {
    const { axes, lines } = drawn;
    let i = axes.findIndex((each) => each.x > x) - 1;
    if (i === -2) i = axes.length - 2;
    if (i < 0) return null;
    const t = clamp((x - axes[i].x) / (axes[i + 1].x - axes[i].x), 0, 1);
    let [best, least] = [null, 10];
    for (const each of lines) {
      const away = Math.abs(each.ys[i] + t * (each.ys[i + 1] - each.ys[i]) - y);
      if (away < least) [best, least] = [each, away];
    }
    return best && { x, y, row: best.row, line: [axes, best.ys] };
  }

  function hover(mark) {
    if (mark === hovered) return;
    hovered = mark;
    drawOver();
  }

  let brush = null; // { axis, from, moved } while the pointer drags along an axis
  function point(event) {
    const [x, y] = spot(event);
    if (!brush) return hover(nearest(x, y));
    if (Math.abs(y - brush.from) > 4) brush.moved = true;
    if (brush.moved) filter(brush.axis.name, along(brush.axis, brush.from, y));
    return null;
  }

  function press(event) {
    const [x, y] = spot(event);
    const axisHere = drawn.axes?.find((each) => Math.abs(each.x - x) < 12);
    if (!axisHere) return;
    brush = { axis: axisHere, from: y, moved: false };
    over.canvas.setPointerCapture(event.pointerId);
  }

  function release(event) {
    const [x, y] = spot(event);
    const ended = brush;
    brush = null;
    if (ended?.moved) return;
    if (ended && found.settings.filters[ended.axis.name]) return filter(ended.axis.name, null);
    const mark = nearest(x, y);
    if (mark) choose(mark.row);
  }

  /** The filter of a stretch of an axis. */
  function along(each, from, to) {
    const [top, bottom] = [Math.min(from, to), Math.max(from, to)];
    if (each.scale) return { low: each.scale.invert(bottom), high: each.scale.invert(top) };
    const { distinct } = table.column(each.name);
    const kept = distinct.filter((_, code) => each.marks[code][0] >= top - each.step / 2 && each.marks[code][0] <= bottom + each.step / 2);
    return kept.length && kept.length < distinct.length ? { values: kept } : null;
  }

  function walk(event) { // arrow keys go from mark to mark
    const marks = drawn.marks.filter((mark) => mark.keys);
    if (event.key === "Enter" || event.key === " ") {
      if (hovered) choose(hovered.row);
      event.preventDefault();
      return;
    }
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step || !marks.length) return;
    event.preventDefault();
    const at = marks.indexOf(hovered);
    hover(marks[at < 0 ? (step > 0 ? 0 : marks.length - 1) : (at + step + marks.length) % marks.length]);
    spoken.textContent = tip.textContent;
  }

  function turnTabs(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const { views, view } = found.settings;
    change({ view: views[(views.indexOf(view) + step + views.length) % views.length] });
    [...tabs.children].find((tab) => tab.dataset.view === found.settings.view).focus();
  }

  // -- one run
  function chosenRow() {
    const row = table.column("key").values.indexOf(given().selected);
    return row >= 0 ? row : found.best;
  }

  function choose(row) {
    if (row === null || row === undefined) return;
    change({ selected: table.column("key").values[row] });
    const at = order.indexOf(row);
    if (at >= 0) showRow(at);
  }

  function drawDetails() {
    const row = chosenRow();
    copied.hidden = true;
    if (row === null) return details.replaceChildren();
    const get = (name) => table.column(name)?.values[row] ?? null;
    const isBest = row === found.best;
    const state = get("status");
    const facts = (names) => names.filter((name) => get(name) !== null).map((name) => make("div", { class: table.column(name).varies ? "" : "same" },
      make("dt", {}, bare(name)), make("dd", { title: label(get(name)) }, clip(role(name) === "result" && typeof get(name) === "number" ? number(get(name)) : label(get(name)), 60))));
    const seconds = get("seconds");
    const head = make("div", { class: "head" },
      make("b", {}, isBest ? "★ Best run " : "Run ", make("code", {}, get("run_id"))),
      make("span", { class: `state ${state}` }, `${ICONS[state] ?? ""} ${state}`),
      make("span", { class: "when" }, [seconds === null ? "" : `${number(seconds, 3)} s`, get("started")?.slice(0, 16).replace("T", " ") ?? ""].filter(Boolean).join(" · ")),
      links(row));
    const error = get("error");
    const copies = make("div", { class: "copies", role: "group", "aria-label": "copy these settings" },
      Object.entries(COPIES).map(([text, write]) => button(text, () => copy(write(table, row)))));
    details.replaceChildren(...[head, error ? make("p", { class: "error" }, error) : null,
      make("div", { class: "columns" }, make("dl", {}, facts(table.named("result"))), make("dl", {}, facts(table.named("param")))), copies].filter(Boolean));
    return null;
  }

  function links(row) {
    const key = table.column("key").values[row];
    const made = [];
    for (const [name, file, text] of [["notebook", "notebook.ipynb", "Open notebook"], ["page", "lesson.html", "Open page"]]) {
      if (table.column(name)?.values[row] !== true) continue;
      const target = store.link(key, file);
      if (target) made.push(make("a", { href: target.href, target: "_blank", rel: "noopener", click: target.click }, `${text} ↗`));
    }
    return make("span", { class: "links" }, made);
  }

  async function copy(text) {
    copied.hidden = false;
    copied.textContent = text;
    try {
      await navigator.clipboard.writeText(text);
      copied.dataset.note = "copied";
    } catch { // no clipboard on this page: the text is selected, ready for the reader's own copy
      getSelection()?.selectAllChildren(copied);
      copied.dataset.note = "select and copy";
    }
  }

  // -- the table
  const columnsShown = () => {
    const cause = table.status.some((each) => FAILED.has(each)) ? ["cause"] : [];
    return [...new Set(["status", "run_id", found.settings.result, ...cause, ...table.varied, ...table.results.slice(0, 5), "seconds"].filter(Boolean))];
  };

  function sortRows() {
    const { result, better } = found.settings;
    const { name, down } = sort && table.column(sort.name) ? sort : { name: result ?? "started", down: better === "max" };
    const column = table.column(name);
    const value = column.numeric ? (row) => (Number.isFinite(column.num[row]) && (name !== result || table.status[row] === "finished") ? column.num[row] : null)
      : (row) => (column.values[row] === null ? null : column.exact[row]);
    return [...found.rows].sort((a, b) => {
      const [p, q] = [value(a), value(b)];
      if (p === null || q === null) return (p === null) - (q === null) || a - b;
      return (down ? q - p : p - q) || a - b;
    });
  }

  function drawHeading() {
    const { result, better } = found.settings;
    const by = sort ?? { name: result, down: better === "max" };
    const names = columnsShown();
    const cell = (name) => {
      const on = by.name === name;
      const act = () => { sort = { name, down: on ? !by.down : false }; order = sortRows(); drawHeading(); scroller.scrollTop = 0; drawRows(true); };
      return make("th", { scope: "col", "aria-sort": on ? (by.down ? "descending" : "ascending") : null, class: table.column(name)?.numeric ? "number" : "" },
        button(`${bare(name)}${on ? (by.down ? " ↓" : " ↑") : ""}`, act, { title: `sort by ${bare(name)}` }));
    };
    keepFocus(heading, () => heading.replaceChildren(make("tr", {}, names.map(cell))));
  }

  let firstDrawn = -1;
  function drawRows(anew = false) {
    const first = clamp(Math.floor(scroller.scrollTop / ROW) - 4, 0, Math.max(0, order.length - 1));
    if (!anew && first === firstDrawn) return;
    firstDrawn = first;
    const visible = order.slice(first, first + VISIBLE + 9);
    const names = columnsShown();
    const chosen = chosenRow();
    above.style.height = `${first * ROW}px`;
    below.style.height = `${Math.max(0, order.length - first - visible.length) * ROW}px`;
    const span = { colspan: names.length, class: "space" };
    body.replaceChildren(make("tr", {}, make("td", span, above)), ...visible.map((row) => make("tr",
      { class: `${table.status[row]}${row === found.best ? " best" : ""}`, "aria-selected": String(row === chosen), click: () => choose(row) },
      names.map((name) => cellOf(row, name)))), make("tr", {}, make("td", span, below)));
  }

  function cellOf(row, name) {
    const column = table.column(name);
    const value = column?.values[row] ?? null;
    if (name === "status") return make("td", { class: `state ${value}`, title: value }, `${row === found.best ? "★" : ICONS[value] ?? ""} ${value}`);
    if (name === "cause") return make("td", { class: "cause", title: table.column("error")?.values[row] }, value ?? "");
    if (name === "run_id") return make("td", {}, make("code", {}, clip(String(value), 17)));
    const text = value === null ? "" : typeof value === "number" ? (role(name) === "param" ? label(value) : number(value)) : clip(label(value), 30);
    return make("td", { class: column?.numeric ? "number" : "" }, text);
  }

  function showRow(at) {
    const top = at * ROW;
    const seen = VISIBLE * ROW;
    if (top < scroller.scrollTop) scroller.scrollTop = top;
    else if (top > scroller.scrollTop + seen - 2 * ROW) scroller.scrollTop = top - seen + 3 * ROW;
    drawRows(true);
  }

  function pickRow(event) {
    if (event.target !== scroller) return;
    const at = order.indexOf(chosenRow());
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: VISIBLE, PageUp: -VISIBLE, Home: -order.length, End: order.length }[event.key];
    if (event.key === "Enter") details.querySelector("a")?.click();
    if (!step || !order.length) return;
    event.preventDefault();
    choose(order[clamp(at + step, 0, order.length - 1)]);
    spoken.textContent = runText(table, chosenRow(), found.settings.result);
  }

  /** Redraw a part without losing the focus of the button that has it. */
  function keepFocus(part, act) {
    const buttons = () => [...part.querySelectorAll("button")];
    const at = buttons().indexOf(shadow.activeElement);
    act();
    if (at >= 0) buttons()[at]?.focus();
  }

  // -- sizes, themes, news from the kernel
  let wide = 0;
  function layout() {
    const width = Math.floor(root.clientWidth);
    if (!width || width === wide) return;
    const narrow = width < 720;
    if (!wide || narrow !== root.classList.contains("narrow")) side.open = !narrow;
    wide = width;
    root.classList.toggle("narrow", narrow);
    const room = Math.floor(shadow.querySelector(".chart").clientWidth);
    const height = narrow ? 320 : 390;
    base.resize(room, height);
    over.resize(room, height);
    draw();
  }

  const news = () => {
    const runs = store.get("runs");
    if (runs !== store.last) {
      store.last = runs;
      data = unpack(runs);
      table = new Table(data, given().lesson);
    }
    refresh();
  };
  store.last = store.get("runs");
  const sizes = new ResizeObserver(layout);
  const themes = new MutationObserver(() => draw());
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  const redraw = () => draw();
  refresh();
  layout();
  sizes.observe(root);
  themes.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "data-jp-theme-name", "class"] });
  scheme.addEventListener("change", redraw);
  const forget = store.listen(news);
  return () => {
    sizes.disconnect();
    themes.disconnect();
    scheme.removeEventListener("change", redraw);
    forget();
  };
}

const STYLE = `
:host { display: block; }
.lk {
  --ink: var(--jp-content-font-color1, var(--lk-ink, currentColor)); --paper: var(--jp-layout-color0, var(--lk-paper, Canvas));
  --line: #8886; --soft: #8881; --accent: #1845fb; --bad: #c91f16; --good: #1a7f37; --warm: #c24400;
  font: 13px/1.45 var(--jp-ui-font-family, system-ui, sans-serif); color: var(--ink); max-width: 1120px;
  font-variant-numeric: tabular-nums; padding: 4px 2px; box-sizing: border-box; container-type: inline-size;
}
.lk.dark { --accent: #8ba4ff; --bad: #ff746b; --good: #6fdd8b; --warm: #ff9a5c; }
* { box-sizing: border-box; }
[hidden] { display: none !important; }
p, h3, dl, dd { margin: 0; }
canvas { display: block; }
button, select { font: inherit; color: inherit; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 4px; }
header { display: flex; flex-wrap: wrap; gap: 6px 14px; align-items: center; }
h3 { font-size: 17px; font-weight: 650; line-height: 1.3; }
.live { color: var(--good); border: 1px solid; border-radius: 9px; padding: 0 8px; font-size: 12px; }
.live::before { content: "● "; animation: pulse 1.6s infinite; }
@keyframes pulse { 50% { opacity: 0.2; } }
@media (prefers-reduced-motion: reduce) { .live::before { animation: none; } }
.states { display: flex; flex-wrap: wrap; gap: 6px; }
button { border: 1px solid var(--line); background: var(--soft); border-radius: 6px; padding: 3px 10px; cursor: pointer; line-height: 1.4; }
button:hover:not(:disabled) { border-color: var(--accent); }
button:disabled { opacity: 0.4; cursor: default; }
button[aria-pressed="true"] { border-color: var(--accent); box-shadow: inset 0 0 0 1px var(--accent); font-weight: 600; }
.state.finished { color: var(--good); } .state.failed, .state.interrupted { color: var(--bad); } .state.running { color: var(--accent); }
.causes { color: var(--bad); font-size: 12px; margin-top: 2px; overflow-wrap: anywhere; }
.bar { display: flex; flex-wrap: wrap; gap: 6px 14px; align-items: center; margin: 8px 0; }
.menu { display: inline-flex; gap: 6px; align-items: center; }
.menu > span { opacity: 0.8; }
select { padding: 3px 6px; border: 1px solid var(--line); border-radius: 6px; background: var(--paper); max-width: 230px; }
.words { display: inline-flex; }
.words button { border-radius: 0; margin-left: -1px; }
.words button:first-child { border-radius: 6px 0 0 6px; margin: 0; } .words button:last-child { border-radius: 0 6px 6px 0; }
.tabs { display: flex; flex-wrap: wrap; gap: 2px; border-bottom: 1px solid var(--line); margin-top: 4px; }
.tabs button { border: 0; background: none; border-radius: 6px 6px 0 0; padding: 6px 14px; border-bottom: 3px solid transparent; }
.tabs button[aria-selected="true"] { border-bottom-color: var(--accent); font-weight: 650; }
.body { display: grid; grid-template-columns: 218px minmax(0, 1fr); gap: 16px; margin-top: 6px; }
.narrow .body { grid-template-columns: minmax(0, 1fr); gap: 4px; }
.side summary { font-weight: 650; cursor: pointer; padding: 6px 0; }
.filters { max-height: 470px; overflow: auto; padding: 0 8px 0 3px; scrollbar-width: thin; }
.narrow .filters { max-height: 260px; }
.filter { margin: 0 0 10px; }
.name { display: flex; justify-content: space-between; align-items: center; gap: 8px; font-size: 12px; font-weight: 600; margin-bottom: 3px; }
.name > span:first-child { overflow-wrap: anywhere; }
.share { flex: none; width: 52px; height: 6px; border-radius: 3px; background: var(--soft); border: 1px solid var(--line); overflow: hidden; }
.share i { display: block; height: 100%; background: var(--accent); }
.chips { display: flex; flex-wrap: wrap; gap: 4px; }
.chips button { padding: 1px 7px; font-size: 12px; border-radius: 10px; max-width: 100%; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.sliders { position: relative; height: 20px; }
.sliders::before, .sliders i { content: ""; position: absolute; top: 8px; height: 4px; left: 0; right: 0; background: var(--line); border-radius: 2px; }
.sliders i { background: var(--accent); }
.sliders input { position: absolute; inset: 0; width: 100%; margin: 0; height: 20px; background: none; pointer-events: none; appearance: none; -webkit-appearance: none; }
.sliders input::-webkit-slider-thumb { pointer-events: auto; -webkit-appearance: none; width: 14px; height: 14px; border-radius: 50%; background: var(--paper); border: 2px solid var(--accent); cursor: grab; }
.sliders input::-moz-range-thumb { pointer-events: auto; width: 10px; height: 10px; border-radius: 50%; background: var(--paper); border: 2px solid var(--accent); cursor: grab; }
.range output { font-size: 12px; opacity: 0.85; }
.clear { margin-top: 4px; width: 100%; }
.bar.view { margin: 4px 0 6px; min-height: 30px; }
.hint { opacity: 0.75; font-size: 12px; }
.filters .hint { margin-bottom: 8px; line-height: 1.3; }
.chart { position: relative; }
.over { position: absolute; inset: 0; touch-action: pan-y; cursor: crosshair; }
.tip { position: absolute; pointer-events: none; background: var(--ink); color: var(--paper); font-size: 12px; line-height: 1.4; padding: 5px 9px; border-radius: 6px; overflow-wrap: anywhere; z-index: 2; }
.legend { display: flex; flex-wrap: wrap; gap: 3px 14px; align-items: center; font-size: 12px; min-height: 20px; }
.entry { display: inline-flex; gap: 5px; align-items: center; }
.ramp { display: inline-block; width: 120px; height: 10px; border-radius: 3px; }
.star { color: var(--warm); font-size: 15px; line-height: 1; }
.note { opacity: 0.75; }
.status { margin: 10px 0; padding: 7px 11px; background: var(--soft); border-left: 4px solid var(--accent); border-radius: 4px; font-size: 13.5px; overflow-wrap: anywhere; }
.spoken { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.details { border: 1px solid var(--line); border-radius: 8px; padding: 9px 12px; margin-bottom: 10px; }
.details:empty { display: none; }
.head { display: flex; flex-wrap: wrap; gap: 4px 16px; align-items: baseline; }
.head > b { font-size: 14px; }
code { font-family: var(--jp-code-font-family, ui-monospace, monospace); font-size: 0.93em; }
.when { opacity: 0.75; }
.links { margin-left: auto; display: flex; gap: 14px; }
a { color: var(--accent); font-weight: 600; }
.error { color: var(--bad); margin: 6px 0; overflow-wrap: anywhere; max-height: 8em; overflow: auto; }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(300px, 1fr)); gap: 4px 26px; margin: 7px 0; }
.narrow .columns { grid-template-columns: minmax(0, 1fr); }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(136px, 1fr)); gap: 4px 14px; align-content: start; }
dt { font-size: 11.5px; opacity: 0.8; overflow-wrap: anywhere; }
dd { font-weight: 600; overflow-wrap: anywhere; }
.same { opacity: 0.65; }
.copies { display: flex; flex-wrap: wrap; gap: 6px; }
.copied { margin: 0 0 10px; padding: 8px 12px; background: var(--soft); border-radius: 6px; font: 12px/1.5 var(--jp-code-font-family, monospace); white-space: pre-wrap; overflow-wrap: anywhere; max-height: 200px; overflow: auto; }
.copied::after { content: attr(data-note); float: right; opacity: 0.7; font-style: italic; }
.scroll { overflow: auto; max-height: ${(VISIBLE + 1) * ROW + 8}px; border: 1px solid var(--line); border-radius: 8px; }
table { border-collapse: collapse; width: 100%; font-size: 12.5px; }
thead { position: sticky; top: 0; background: var(--paper); z-index: 1; box-shadow: 0 1px 0 var(--line); }
th { padding: 0; text-align: left; white-space: nowrap; height: ${ROW}px; }
th button { border: 0; background: none; font-weight: 650; padding: 3px 10px; width: 100%; text-align: inherit; border-radius: 0; }
td { padding: 0 10px; height: ${ROW}px; white-space: nowrap; border-bottom: 1px solid var(--soft); max-width: 260px; overflow: hidden; text-overflow: ellipsis; }
.number { text-align: right; }
.space { padding: 0; height: 0; border: 0; }
tbody tr { cursor: pointer; }
tbody tr:hover td:not(.space) { background: var(--soft); }
tr[aria-selected="true"] td { background: #578dff3d !important; }
tr.best td { font-weight: 650; }
.cause { color: var(--bad); }
@media print { .bar.view, .side, .copies { display: none; } .body { grid-template-columns: 1fr; } }
`;

// --- doors --------------------------------------------------------------------------------------

/** Where a file of a run is in the JupyterLab that shows this page; null if it is outside its folder. */
function inJupyter(place, key, file, host) {
  const page = document.getElementById("jupyter-config-data");
  if (!page || !place?.folder) return null;
  const config = JSON.parse(page.textContent);
  const root = (config.serverRoot ?? "").replace(/^~(?=\/|$)/, place.home).replace(/\/$/, "");
  const path = `${place.folder}/${key}/${file}`;
  if (!config.serverRoot || !path.startsWith(`${root}/`)) return null;
  const relative = path.slice(root.length + 1);
  const href = `${config.baseUrl ?? "/"}lab/tree/${relative.split("/").map(encodeURIComponent).join("/")}`;
  const click = (event) => { // JupyterLab opens it beside this notebook, without a second page
    if (config.appName !== "JupyterLab" || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const command = make("a", { "data-commandlinker-command": "docmanager:open", "data-commandlinker-args": JSON.stringify({ path: relative }) });
    host.append(command);
    command.click();
    command.remove();
  };
  return { href, click };
}

/** In a notebook: the runs and the settings live in the kernel's widget. */
function modelStore(model, host) {
  let waiting = 0;
  let ours = false;
  const send = () => { waiting = 0; model.save_changes(); };
  return {
    get: (name) => model.get(name),
    set(values) {
      ours = true;
      for (const [name, value] of Object.entries(values)) model.set(name, value);
      ours = false;
      if (!waiting) waiting = setTimeout(send, 60); // the page does not wait for the kernel
    },
    link: (key, file) => inJupyter(model.get("place"), key, file, host),
    listen(callback) {
      let due = false;
      const changed = () => {
        if (ours || due) return;
        due = true;
        queueMicrotask(() => { due = false; callback(); });
      };
      const names = ["runs", "settings", "live"];
      names.forEach((name) => model.on(`change:${name}`, changed));
      return () => names.forEach((name) => model.off(`change:${name}`, changed));
    },
  };
}

/** Rows that changed come as messages; the model keeps the whole, for views opened later. */
function initialize({ model }) {
  model.on("msg:custom", ({ kind, runs, gone }) => {
    if (kind === "all") model.set("runs", runs);
    if (kind === "some") model.set("runs", pack(merge(unpack(model.get("runs")), unpack(runs), gone)));
  });
}

/** The plain form of merged runs as a payload again. */
function pack({ columns, curves, ...rest }) {
  const packed = Object.entries(curves).map(([metric, of]) => {
    const rows = of.flatMap((curve, row) => (curve ? [row] : []));
    const steps = [...new Set(rows.map((row) => of[row].step))];
    const at = new Map(steps.map((list, i) => [list, i]));
    return [metric, { rows, steps, of: rows.map((row) => at.get(of[row].step)), values: rows.map((row) => of[row].value) }];
  });
  return { ...rest, columns: Object.entries(columns).map(([name, { real, values }]) => ({ name, real, values })), curves: Object.fromEntries(packed) };
}

function render({ model, el }) {
  const host = make("div", {});
  el.append(host);
  return mount(host, modelStore(model, host));
}

/** In a static page: the state is a plain object, and what stood there makes way for the explorer. */
export function revive(figure, state) {
  const store = {
    get: (name) => state[name],
    set(values) { Object.assign(state, values); },
    link: (key, file) => (state.base === null ? null
      : { href: `${state.base}${key.split("/").map(encodeURIComponent).join("/")}/${file}`, click: () => {} }),
    listen: () => () => {},
  };
  const before = [...figure.childNodes];
  const host = make("div", {});
  figure.replaceChildren(host);
  try {
    mount(host, store);
  } catch (error) { // better a picture that stands still than none
    figure.replaceChildren(...before);
    throw error;
  }
}

export default { initialize, render };
