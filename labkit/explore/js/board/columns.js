// One column of the runs: its values, its numbers if it holds only those, its groups and its scale.
import { label, number } from "./words.js";

const FEW = 16; // more different numbers than this are put into BINS bins
const BINS = 8;
const WIDE = 50; // two positive numbers that differ by more than this factor get a logarithmic axis
const LEAST = 4; // more of them get one from this factor on, if they are a logarithmic grid
const CROWDED = 0.04; // neighbors nearer than this share of an axis would cover each other

/** Section of a column by its name: param, result, env; "" for what every run has. */
export const role = (name) => ["param", "result", "env"].find((each) => name.startsWith(`${each}.`)) ?? "";

/** Sorts numbers and truth values, then texts and lists, then what is missing. */
function rank(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return [2, 0, ""];
  if (typeof value === "string") return [1, 0, value];
  if (Array.isArray(value)) return [1, 0, JSON.stringify(value).replaceAll(",", ", ")];
  return [0, Number(value), ""];
}

/** What makes two values the same: true and 1 are, "1" and 1 are not. */
export function keyOf(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return null;
  if (typeof value === "string") return `text ${value}`;
  return Array.isArray(value) ? `list ${JSON.stringify(value)}` : Number(value);
}

const byRank = (a, b) => a[0] - b[0] || (a[1] === b[1] ? 0 : a[1] - b[1])
  || (a[2] < b[2] ? -1 : a[2] > b[2] ? 1 : 0);

export class Column {
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

  /** Ends of the finite numbers, and whether they are a logarithmic grid. */
  get scale() {
    this.scaled ??= gridScale(this.numeric ? this.distinct.filter(Number.isFinite) : []);
    return this.scaled;
  }

  /**
   * How the column lies along an axis: "linear" or "log" by its numbers; in even "steps" where they
   * would cover each other; "names" beside each other, which no line joins.
   */
  get layout() {
    if (!this.numeric || !this.distinct.every(Number.isFinite)) return "names";
    const { low, high, log } = this.scale;
    if (log) return "log";
    const near = (x, i, all) => i > 0 && x - all[i - 1] < CROWDED * (high - low);
    return !this.groups.binned && this.distinct.some(near) ? "steps" : "linear";
  }
}

/** Ends of the finite numbers, and whether their axis is logarithmic. */
export function scaleOf(numbers, factor) {
  let [low, high] = [Infinity, -Infinity];
  for (const x of numbers) {
    if (!Number.isFinite(x)) continue;
    if (x < low) low = x;
    if (x > high) high = x;
  }
  return { low, high, log: low > 0 && high / low > factor };
}

/** The scale of different numbers in their order: logarithmic where that puts the middle one nearer the middle. */
function gridScale(numbers) {
  const { low, high, log } = scaleOf(numbers, WIDE);
  if (!(low > 0) || numbers.length < 3) return { low, high, log };
  const half = numbers.length / 2;
  const median = (numbers[Math.ceil(half) - 1] + numbers[Math.floor(half)]) / 2;
  const off = (f) => Math.abs((f(median) - f(low)) / (f(high) - f(low)) - 0.5);
  return { low, high, log: high / low >= LEAST && off(Math.log) < off((x) => x) };
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
