// An explorer's settings as the end of an address, as in labkit/explore/kit/state_link.py:
// #cell-id=explorer&rate=0.1&steps=20. `rules` say what may stand there.

const CELL_NAME = "cell-id";
const EIGHTHS = 8; // places of a drawing in a pixel
const NEAREST = 4; // eighths of a pixel; a point nearer to the last one is left out
const STROKE_END = 255; // of a stroke; no place is that far right or down
const LONGEST_SHOWN = 40; // letters of a value in a message
const NUMBER = /^-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?$/i;

/** The end of an address that says in which cell an explorer is set to what. */
export function asHash(cell, values, rules) {
  const pairs = new URLSearchParams(cell ? [[CELL_NAME, cell]] : []);
  for (const [name, rule] of Object.entries(rules)) {
    if (values[name] !== null && values[name] !== undefined) pairs.append(name, asText(rule, values[name]));
  }
  return `#${pairs}`;
}

/** { cell, given }: the cell that the end of an address names, "" for none, and its settings as texts. */
export function splitHash(hash) {
  const { [CELL_NAME]: cell = "", ...given } = Object.fromEntries(new URLSearchParams(hash.replace(/^#/, "")));
  return { cell, given };
}

/** { values, problem } of the settings of a link; `own` hold where it says nothing. */
export function readSettings(given, rules, own = {}) {
  const names = Object.keys(rules);
  const unknown = Object.keys(given).find((name) => !names.includes(name));
  if (unknown !== undefined) {
    return { values: {}, problem: `there is no setting ${clipped(unknown)}; there are: ${names.join(", ")}` };
  }
  const values = Object.fromEntries(names.filter((name) => name in given)
    .map((name) => [name, readText(rules[name], given[name])]));
  for (const [name, value] of Object.entries(values)) {
    const wanted = wantedOf(rules[name], value, { ...own, ...values });
    if (wanted) return { values: {}, problem: `${name} = ${clipped(given[name])}; ${wanted}` };
  }
  return { values, problem: "" };
}

function clipped(text) {
  const letters = [...text];
  return letters.length <= LONGEST_SHOWN ? text : `${letters.slice(0, LONGEST_SHOWN).join("")}…`;
}

function asText(rule, value) {
  if (rule.kind === "strokes") return strokesAsText(value);
  if (rule.kind === "records") {
    return JSON.stringify(value.map((each) => Object.fromEntries(Object.keys(rule.rules).map((name) => [name, each[name]]))));
  }
  return plainOf(value);
}

const plainOf = (value) => (typeof value === "string" ? value : JSON.stringify(value));

/** A value from its text, null where there is none of this kind. */
function readText(rule, text) {
  if (rule.kind === "text") return text;
  if (rule.kind === "number") return NUMBER.test(text) && Number.isFinite(Number(text)) ? Number(text) : null;
  if (rule.kind === "flag") return { true: true, false: false }[text] ?? null;
  if (rule.kind === "choice") return rule.options.find((each) => plainOf(each) === text) ?? null;
  if (rule.kind === "strokes") return strokesFromText(text);
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

const between = (value, low, high) => typeof value === "number" && low <= value && value <= high;
const isListOf = (value, fits) => Array.isArray(value) && value.every(fits);
const isRecord = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const sameNames = (value, names) => isRecord(value) && Object.keys(value).length === names.length
  && names.every((name) => Object.hasOwn(value, name));
const list = (names) => names.join(", ") || "none";

/** "" if a value is allowed, else what is. */
const wantedOf = (rule, value, settings) => CHECKS[rule.kind](rule, value, settings);

function isFilter(value) {
  if (sameNames(value, ["values"])) return isListOf(value.values, (each) => typeof each !== "object" || each === null);
  return sameNames(value, ["low", "high"]) && Object.values(value).every((each) => typeof each === "number");
}

function wantedRecords({ rules }, value) {
  const names = Object.keys(rules);
  if (!isListOf(value, (each) => sameNames(each, names))) return `use a list of settings, each with: ${list(names)}`;
  for (const each of value) {
    for (const name of names) {
      const wanted = wantedOf(rules[name], each[name], each);
      if (wanted) return `for ${name} ${wanted}`;
    }
  }
  return "";
}

const CHECKS = {
  number(rule, value, settings) {
    const [low, high] = rule.bounds?.[settings[rule.by]] ?? [rule.low ?? 0, rule.high ?? 0];
    const fits = between(value, low, high) && (!rule.whole || Number.isInteger(value));
    return fits ? "" : `use a ${rule.whole ? "whole number" : "number"} in [${low}, ${high}]`;
  },
  choice: ({ options }, value) => (options.includes(value) ? "" : `use one of: ${list(options.map(plainOf))}`),
  flag: (_, value) => (typeof value === "boolean" ? "" : "use true or false"),
  text: ({ most }, value) => (typeof value === "string" && [...value].length <= most ? "" : `use at most ${most} letters`),
  numbers({ count: many, low, high }, value) {
    const fits = isListOf(value, (each) => between(each, low, high)) && value.length === many;
    return fits ? "" : `use ${many} numbers in [${low}, ${high}]`;
  },
  names: ({ options }, value) =>
    (isListOf(value, (each) => options.includes(each)) ? "" : `use some of: ${list(options)}`),
  records: wantedRecords,
  strokes({ side, most }, value) {
    const fits = value !== null && value.flat().length <= most && value.flat().every((at) => at <= side);
    return fits ? "" : `use a drawing as such a link holds it, ${side} pixels wide`;
  },
  filters({ columns }, value) {
    const fits = isRecord(value) && Object.entries(value).every(([name, each]) => columns.includes(name) && isFilter(each));
    return fits ? "" : `use values, or low and high, of: ${list(columns)}`;
  },
};

// -- drawings

/** A drawing as base64url: eighths of a pixel, a byte each; 255 ends a stroke. */
export function strokesAsText(drawing) {
  const out = [];
  for (const stroke of drawing) {
    const places = stroke.map((at) => Math.floor(EIGHTHS * at + 0.5));
    let kept = null;
    for (let at = 0; at < places.length; at += 2) {
      const [x, y] = [places[at], places[at + 1]];
      const last = at + 2 >= places.length;
      if (!kept || last || Math.hypot(x - kept[0], y - kept[1]) >= NEAREST) {
        kept = [x, y];
        out.push(x, y);
      }
    }
    out.push(STROKE_END);
  }
  return btoa(String.fromCharCode(...out)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** The drawing of such a text, null where it holds none. */
export function strokesFromText(text) {
  if (!/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) return null;
  const found = [];
  let stroke = [];
  for (const character of atob(text.replaceAll("-", "+").replaceAll("_", "/"))) {
    const byte = character.charCodeAt(0);
    if (byte !== STROKE_END) {
      stroke.push(byte / EIGHTHS);
    } else if (stroke.length < 2 || stroke.length % 2) {
      return null;
    } else {
      found.push(stroke);
      stroke = [];
    }
  }
  return stroke.length ? null : found;
}
