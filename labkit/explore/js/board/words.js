// Numbers and values as they are read.

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

export const clip = (text, length = 32) => (text.length > length ? `${text.slice(0, length - 1)}…` : text);

/** The name of a column without its section. */
export const bare = (name) => name.replace(/^(param|result|env)\./, "");

export const superlative = (better) => (better === "max" ? "highest" : "lowest");

/** A time in UTC as the reader's clock shows it: 2026-03-01 09:30 GMT+8. */
export function localTime(utc) {
  const parts = new Intl.DateTimeFormat("en-US", { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit",
    minute: "2-digit", hourCycle: "h23", timeZoneName: "short" }).formatToParts(new Date(utc));
  const of = Object.fromEntries(parts.map(({ type, value }) => [type, value]));
  return `${of.year}-${of.month}-${of.day} ${of.hour}:${of.minute} ${of.timeZoneName}`;
}
