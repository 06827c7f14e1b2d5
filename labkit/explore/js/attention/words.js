// What is said of letters and tokens that a network wrote, as in labkit/explore/attention.py.
import { bytes } from "../numbers.js";

/** Blanks and line ends as marks. */
export const marked = (piece) => piece.replaceAll(" ", "␣").replaceAll("\n", "↵");

/** For each letter and head { start, weights }: the first place that was seen, weights in 255ths. */
export function rowsOf({ looks, heads, starts }) {
  const all = bytes(looks);
  let at = 0;
  return starts.map((start, place) => Array.from({ length: heads }, () => {
    const weights = all.subarray(at, (at += place - start));
    return { start, weights };
  }));
}

/** Block and head of a row: 1.1, 1.2, ... */
export const headName = ({ each }, head) => `${Math.floor(head / each) + 1}.${(head % each) + 1}`;

function most(text, { start, weights }) {
  let best = 0;
  weights.forEach((weight, k) => { if (weight > weights[best]) best = k; });
  return `“${marked(text[start + best])}” ${weights.length - best} back (${(weights[best] / 255).toFixed(2)})`;
}

/**
 * Where the network looked when it told a letter; -1 for none. `written.text` holds letters, or
 * pieces of several; `unit` is the word for one of them.
 */
export function lookedInWords(written, rows, place) {
  const { text, given, starts, unit = "letter" } = written;
  if (place < 0) {
    return `${given} ${unit}s are given, ${text.length - given} follow. Point at a ${unit}, or use the arrow keys.`;
  }
  const who = `${unit[0].toUpperCase()}${unit.slice(1)} ${place + 1}, “${marked(text[place])}”, ${place < given ? "given" : "written"}`;
  if (place === 0) return `${who}: the first ${unit}. Nothing stands before it.`;
  if (starts[place] === place) return `${who}: too far back. The network saw nothing before it.`;
  const told = rows[place].map((row, head) => `${headName(written, head)} ${most(text, row)}`);
  return `${who}, had probability ${written.chances[place].own.toFixed(3)}. Most weight: ${told.join("; ")}.`;
}
