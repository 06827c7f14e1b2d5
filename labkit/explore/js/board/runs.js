// The runs of a lesson: from the payload that Python sends to columns with numbers and levels.
//
// Columns, statistics and words repeat labkit/explore/board, rule by rule; tests/explore/test_results.py
// compares both, and pandas, on random tables.
import { Column, role } from "./columns.js";
import { bare } from "./words.js";

const SPECIAL = { inf: Infinity, "-inf": -Infinity, nan: NaN };
const read = (value) =>
  value !== null && typeof value === "object" && "f" in value ? SPECIAL[value.f] : value;

/** Column of a payload -> its values. */
function decode({ constant, levels, codes, values }, n) {
  if (values) return values.map(read);
  if (levels) {
    const decoded = levels.map(read);
    return codes.map((code) => decoded[code]);
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

/** The plain form of merged runs as a payload again. */
export function pack({ columns, curves, ...rest }) {
  const packed = Object.entries(curves).map(([metric, of]) => {
    const rows = of.flatMap((curve, row) => (curve ? [row] : []));
    const steps = [...new Set(rows.map((row) => of[row].step))];
    const at = new Map(steps.map((list, i) => [list, i]));
    return [metric, { rows, steps, of: rows.map((row) => at.get(of[row].step)), values: rows.map((row) => of[row].value) }];
  });
  return { ...rest, columns: Object.entries(columns).map(([name, { real, values }]) => ({ name, real, values })), curves: Object.fromEntries(packed) };
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
  const both = (name) => ({ ...old[name], ...fresh[name] });
  return { ...old, ...fresh, better: both("better"), titles: both("titles"), n: source.length, columns: sorted(columns), curves };
}

const SECTIONS = ["param", "result", "env"];
const sorted = (columns) => Object.fromEntries(Object.entries(columns)
  .map((each, i) => [SECTIONS.indexOf(role(each[0])), i, each])
  .sort((a, b) => a[0] - b[0] || a[1] - b[1]).map(([, , each]) => each));

/** The runs of one lesson: columns with numbers and levels, curves on a common grid of steps. */
export class Table {
  constructor(data, lesson = null) {
    const lessons = data.columns.lesson.values;
    this.data = data;
    this.lessons = [...new Set(lessons)].sort();
    this.lesson = lesson ?? mostCommon(lessons);
    this.title = data.titles[this.lesson] ?? this.lesson ?? "";
    const { status, error } = data.columns;
    const own = lessons.flatMap((each, row) => (each === this.lesson ? [row] : []));
    this.rows = own.filter((row) => status.values[row] !== "unreadable");
    this.unreadable = own.filter((row) => status.values[row] === "unreadable")
      .map((row) => error.values[row]);
    this.n = this.rows.length;
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
    this.numberSettings();
  }

  column(name) { return this.columns.get(name); }

  named(which) { return [...this.columns.keys()].filter((name) => role(name) === which); }

  /** Whether the highest ("max") or the lowest ("min") is best, null where the name does not tell. */
  better(result) { return this.data.better[result] ?? null; }

  /** Number of each row's setting: rows that differ in nothing but the seed share one. */
  numberSettings() {
    const codes = this.varied.filter((name) => bare(name) !== "seed").map((name) => this.column(name).exact);
    const seen = new Map();
    this.setting = this.rows.map((_, row) => {
      const key = codes.map((each) => each[row]).join(" ");
      if (!seen.has(key)) seen.set(key, seen.size);
      return seen.get(key);
    });
    this.repeats = this.n > seen.size;
    // What tells two runs of a setting apart: the seed, or that they are two where there is none.
    this.seed = this.column("param.seed")?.exact ?? this.rows;
  }

  /** Number of the color of each level of a column: by size, names in the order in which they first ran. */
  colorsOf(name) {
    const column = this.column(name);
    column.colors ??= column.numeric ? column.groups.levels.map((_, code) => code)
      : firstRan(column.groups, this.column("started").values);
    return column.colors;
  }
}

function firstRan({ levels, codes }, started) {
  const first = levels.map(() => ["~", Infinity]); // [time, row]; what has no time comes last
  codes.forEach((code, row) => {
    const time = started[row] ?? "~";
    if (time < first[code][0] || (time === first[code][0] && row < first[code][1])) first[code] = [time, row];
  });
  const order = [...first.keys()].sort((a, b) => (first[a][0] < first[b][0] ? -1 : first[a][0] > first[b][0] ? 1 : first[a][1] - first[b][1]));
  const place = [];
  order.forEach((code, i) => { place[code] = i; });
  return place;
}

function mostCommon(values) {
  const counts = new Map();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))[0]?.[0] ?? null;
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
