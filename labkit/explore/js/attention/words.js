// What the look explorer says, as in labkit/explore/attention.py, and the weights as numbers.

const mark = (letter) => ({ " ": "␣", "\n": "↵" })[letter] ?? letter;
export const marked = mark;

/** For each letter and head { start, weights }: the first place that was seen, weights in 255ths. */
export function rowsOf({ looks, heads, starts }) {
  const all = Uint8Array.from(atob(looks), (character) => character.charCodeAt(0));
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
  return `“${mark(text[start + best])}” ${weights.length - best} back (${(weights[best] / 255).toFixed(2)})`;
}

/** Where the network looked when it told a letter; -1 for none. */
export function lookedInWords(written, rows, place) {
  const { text, given } = written;
  if (place < 0) {
    return `${given} letters are given, ${text.length - given} follow. Point at a letter, or use the arrow keys.`;
  }
  const who = `Letter ${place + 1}, “${mark(text[place])}”, ${place < given ? "given" : "written"}`;
  if (place === 0) return `${who}: the first letter. Nothing stands before it.`;
  const told = rows[place].map((row, head) => `${headName(written, head)} ${most(text, row)}`);
  return `${who}, had probability ${written.chances[place].own.toFixed(3)}. Most weight: ${told.join("; ")}.`;
}
