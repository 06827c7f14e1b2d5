// A kernel of 3 x 3 that slides over a digit, and max pooling; the same as labkit/maths/convolution.py.
import { bytes } from "../numbers.js";

export const SIDE = 28; // pixels of a digit along an axis
export const KERNEL = 3;
export const BLOCK = 2; // of the pooling

/** The ten digits, values in [0, 1], out of the text that Python sends. */
export function unpackDigits(text) {
  const pixels = bytes(text);
  return Array.from({ length: pixels.length / SIDE ** 2 }, (_, k) =>
    Array.from(pixels.subarray(k * SIDE ** 2, (k + 1) * SIDE ** 2), (level) => level / 255));
}

/** Zeros before and after an axis; the odd one comes after, as in TensorFlow. */
export function padsOf(stride, padding) {
  if (padding === "valid") return [0, 0];
  const total = Math.max((Math.ceil(SIDE / stride) - 1) * stride + KERNEL - SIDE, 0);
  return [Math.floor(total / 2), total - Math.floor(total / 2)];
}

/** The nine pixels under the kernel, what they are multiplied to, and the sum. */
export function windowAt(image, weights, row, column, stride, padding) {
  const [before] = padsOf(stride, padding);
  const [top, left] = [row * stride - before, column * stride - before];
  const pixels = weights.map((_, k) => pixelOf(image, top + Math.floor(k / KERNEL), left + (k % KERNEL)));
  const products = pixels.map((pixel, k) => pixel * weights[k]);
  return { top, left, pixels, products, sum: products.reduce((sum, each) => sum + each, 0) };
}

const pixelOf = (image, row, column) =>
  (row < 0 || column < 0 || row >= SIDE || column >= SIDE ? 0 : image[row * SIDE + column]);

/** The feature map: { side, values }, row by row. */
export function slideOver(image, weights, stride, padding) {
  const [before, after] = padsOf(stride, padding);
  const side = Math.floor((SIDE + before + after - KERNEL) / stride) + 1;
  const values = Array.from({ length: side ** 2 }, (_, k) =>
    windowAt(image, weights, Math.floor(k / side), k % side, stride, padding).sum);
  return { side, values };
}

/** The largest of each block of 2 x 2: { side, values, winners }, winners as places of the map. */
export function maxPool({ side, values }) {
  const blocks = Math.floor(side / BLOCK);
  const winners = Array.from({ length: blocks ** 2 }, (_, k) => {
    const [row, column] = [BLOCK * Math.floor(k / blocks), BLOCK * (k % blocks)];
    const places = [0, 1, side, side + 1].map((step) => row * side + column + step);
    return places.reduce((best, place) => (values[place] > values[best] ? place : best));
  });
  return { side: blocks, values: winners.map((place) => values[place]), winners };
}

/** All that is shown at these settings. */
export function resultOf(digits, { weights, digit, stride, padding, pooling }) {
  const image = digits[digit];
  const map = slideOver(image, weights, stride, padding);
  return { image, map, pooled: pooling === "none" ? null : maxPool(map) };
}
