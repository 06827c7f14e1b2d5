// The words of the digit explorer, as in labkit/explore/digit.py, and the drawing as text.
import { bytes, many, python } from "../numbers.js";
import { exampleOf, imageOf, inkOf, probabilitiesOf, unpack } from "./maths.js";

/** What the network answers: { text, kind }. */
export function inWords(chances, digit, count) {
  const strokes = many(count, "stroke");
  let what = count ? `A drawing of ${strokes}` : "An empty field";
  if (digit >= 0) what = `A held-out image of a ${digit}${count ? ` with ${strokes} added` : ""}`;
  const order = [...chances.keys()].sort((a, b) => chances[b] - chances[a] || a - b);
  const [first, second] = order.map((k) => `${k} (probability ${chances[k].toFixed(3)})`);
  const top = chances[order[0]];
  if (top >= 0.9) return { kind: "sure", text: `${what}: the network is sure, ${first}.` };
  if (top < 0.5) return { kind: "torn", text: `${what}: the network is torn, ${first} or ${second}.` };
  return { kind: "leans", text: `${what}: the network says ${first}; next comes ${second}.` };
}

export const asStrokes = (strokes) => `strokes = ${python(strokes)}`;

/** All of it for one state, as the tests ask. */
export function answer({ layers, examples, digit, pen, center, strokes }) {
  const example = digit >= 0 ? exampleOf(bytes(examples), digit) : null;
  const image = imageOf(inkOf(strokes, pen), center, example);
  const chances = probabilitiesOf(unpack(layers), image);
  return { image, chances, ...inWords(chances, digit, strokes.length) };
}
