// The words of the sliding window, as in labkit/explore/convolution.py.
import { BLOCK, resultOf, unpackDigits, windowAt } from "./maths.js";

/** Two decimals, rounded as Python's twin does it. */
export function twoDecimals(number) {
  const size = Math.floor(100 * Math.abs(number) + 0.5) / 100;
  return `${number < 0 && size ? "-" : ""}${size.toFixed(2)}`;
}

/** The name of the kernel with these weights, or null. */
export function kernelName(kernels, weights) {
  const found = Object.entries(kernels).find(([, known]) => known.every((each, k) => Math.abs(each - weights[k]) <= 1e-3));
  return found ? found[0] : null;
}

/** What kernel lies on which digit, and what comes out. */
export function summaryOf(kernels, params, { map, pooled }) {
  const { weights, digit, stride, padding } = params;
  const name = kernelName(kernels, weights);
  const [low, high] = [Math.min(...map.values), Math.max(...map.values)];
  const said = `${name ? `The kernel “${name}”` : "Your kernel"} on a ${digit}, stride ${stride}, padding ${padding}: ` +
    `${map.side} × ${map.side} numbers from ${twoDecimals(low)} to ${twoDecimals(high)}` +
    `${pooled ? `; after pooling ${pooled.side} × ${pooled.side}` : ""}.`;
  if (weights.every((weight) => weight === 0)) return `${said} All weights are 0, so nothing of the image is left.`;
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (Math.abs(total) < 0.01) return `${said} The weights sum to 0: even areas vanish, edges stay.`;
  return `${said} The weights sum to ${twoDecimals(total)}: even areas are multiplied by that.`;
}

/** What happens at one place of the map. */
export function placeInWords(params, { image, map, pooled }, row, column) {
  if (row < 0 || column < 0 || row >= map.side || column >= map.side) {
    return "Point at a number of the map, or go there with the arrow keys.";
  }
  const { top, left, sum } = windowAt(image, params.weights, row, column, params.stride, params.padding);
  const said = `Row ${row}, column ${column} of the map: the window begins at row ${top}, column ${left} of the image; ` +
    `its nine products add up to ${twoDecimals(sum)}.`;
  if (!pooled) return said;
  const [blockRow, blockColumn] = [row, column].map((at) => Math.floor(at / BLOCK));
  if (blockRow >= pooled.side || blockColumn >= pooled.side) return `${said} No block of four holds it: pooling leaves it out.`;
  const winner = pooled.winners[blockRow * pooled.side + blockColumn];
  if (winner === row * map.side + column) return `${said} It is the largest of its block: pooling keeps it.`;
  return `${said} Its block has a larger number, ${twoDecimals(map.values[winner])}, and pooling keeps that.`;
}

/** All of it for one state, as the tests ask. */
export function answer({ examples, kernels, row, column, ...params }) {
  const result = resultOf(unpackDigits(examples), params);
  const text = `${summaryOf(kernels, params, result)} ${placeInWords(params, result, row, column)}`;
  return { map: result.map.values, pooled: result.pooled?.values ?? [], text };
}
