// Numbers, and how they are written.

/** What Python sends as base64. */
export const bytes = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));

export const clamp = (x, low, high) => Math.min(high, Math.max(low, x));

/** To a tenth: enough for a pixel. */
export const tenth = (x) => Math.round(x * 10) / 10;

/** A number in at most three digits: 0.0123, 12.3, 1.2e-7. */
export function short(number) {
  const size = Math.abs(number);
  if (number !== 0 && (size < 1e-3 || size >= 1e5)) {
    return number.toExponential(1).replace(".0e", "e").replace("e+", "e");
  }
  return String(Number(number.toPrecision(3)));
}


/** A share in whole percent; 0 % is said of nothing else than 0, and 100 % of all alone. */
export function percent(share) {
  const whole = Math.floor(100 * share + 0.5);
  if (whole === 0 && share > 0) return "< 1 %";
  return share < 1 && whole >= 100 ? "> 99 %" : `${whole} %`;
}

export const count = (n) => n.toLocaleString("en-US");

/** 1 step, 2 steps, 1,000 steps. */
export const many = (n, word) => `${count(n)} ${word}${n === 1 ? "" : "s"}`;

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
export const powerOfTen = (n) =>
  n === 0 ? "1" : `10${n < 0 ? "⁻" : ""}${[...String(Math.abs(n))].map((c) => SUPERSCRIPTS[c]).join("")}`;

/** A value as Python writes it; `real` numbers keep their point: 1 is 1.0. */
export function python(value, real = false) {
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return `[${value.map((each) => python(each, real)).join(", ")}]`;
  if (typeof value === "string") return JSON.stringify(value);
  if (Number.isNaN(value)) return 'float("nan")';
  if (!Number.isFinite(value)) return `float("${value < 0 ? "-" : ""}inf")`;
  const size = Math.abs(value);
  if (real && value !== 0 && (size < 1e-4 || size >= 1e16)) { // JavaScript begins later: 1e-7, 1e21
    return value.toExponential().replace(/e([+-])(\d)$/, "e$10$2");
  }
  return real && Number.isInteger(value) ? `${value}.0` : String(value);
}
