// A drawing and the network that reads it: ink, centering, forward pass.
//
// labkit/data/drawing.py and labkit/networks/packing.py compute the same; tests/explore/test_digit.py
// compares. The weights come from Python as `layers`, rounded to 6 bits: one character each.

export const SIDE = 28; // the field in pixels of the network
export const FINE = 5; // cells of ink along each of them
export const CELLS = SIDE * FINE;
export const BOX = 20; // MNIST fits the digit into a box of 20 x 20 pixels ...
const CENTER = 14.5; // ... and its center of mass into the pixel in row and column 14, from 0
const SOFT = 0.4; // width of a stroke's soft edge, in pixels
const TRACE = 0.02; // less ink than this is none

/** Lay a straight piece of a stroke on the ink, array of CELLS rows; places in pixels, 0 to 28. */
export function addSegment(ink, x0, y0, x1, y1, pen) {
  const reach = pen / 2 + SOFT;
  const cell = (place) => Math.min(CELLS - 1, Math.max(0, Math.floor(place * FINE)));
  const [left, right] = [cell(Math.min(x0, x1) - reach), cell(Math.max(x0, x1) + reach)];
  const [top, bottom] = [cell(Math.min(y0, y1) - reach), cell(Math.max(y0, y1) + reach)];
  const [dx, dy] = [x1 - x0, y1 - y0];
  const length = dx * dx + dy * dy;
  for (let row = top; row <= bottom; row++) {
    const y = (row + 0.5) / FINE;
    for (let column = left; column <= right; column++) {
      const x = (column + 0.5) / FINE;
      const along = length > 0 ? ((x - x0) * dx + (y - y0) * dy) / length : 0;
      const t = Math.min(1, Math.max(0, along)); // the nearest point of the piece
      const distance = Math.hypot(x - x0 - t * dx, y - y0 - t * dy);
      const value = Math.min(1, Math.max(0, (pen / 2 - distance) / SOFT + 0.5));
      const k = row * CELLS + column;
      if (value > ink[k]) ink[k] = value;
    }
  }
}

/** The last piece of a stroke, list x, y, x, y, ...; a stroke of one point is a dot. */
export function addEnd(ink, stroke, pen) {
  const n = stroke.length;
  const from = n >= 4 ? n - 4 : n - 2;
  addSegment(ink, stroke[from], stroke[from + 1], stroke[n - 2], stroke[n - 1], pen);
}

export function inkOf(strokes, pen) {
  const ink = new Float64Array(CELLS * CELLS);
  for (const stroke of strokes) {
    addEnd(ink, stroke.slice(0, 2), pen);
    for (let n = 4; n <= stroke.length; n += 2) addEnd(ink, stroke.slice(0, n), pen);
  }
  return ink;
}

/** Mean of the ink over SIDE x SIDE squares of `width` cells; the first begins at (left, top). */
export function resample(ink, left, top, width) {
  const spans = (start) => Array.from({ length: SIDE }, (_, k) => {
    const [a, b] = [start + k * width, start + (k + 1) * width];
    const span = [];
    for (let g = Math.max(0, Math.floor(a)); g < Math.min(CELLS, Math.ceil(b)); g++) {
      span.push([g, (Math.min(g + 1, b) - Math.max(g, a)) / width]);
    }
    return span;
  });
  const rows = new Float64Array(SIDE * CELLS);
  spans(top).forEach((span, i) => {
    for (const [g, share] of span) {
      for (let x = 0; x < CELLS; x++) rows[i * CELLS + x] += share * ink[g * CELLS + x];
    }
  });
  const image = new Float64Array(SIDE * SIDE);
  spans(left).forEach((span, j) => {
    for (const [g, share] of span) {
      for (let i = 0; i < SIDE; i++) image[i * SIDE + j] += share * rows[i * CELLS + g];
    }
  });
  return image;
}

/** As MNIST does: the longer side becomes 20 pixels, the center of mass lies in pixel (14, 14). */
export function centerInk(ink) {
  let [top, bottom, left, right] = [CELLS, -1, CELLS, -1];
  let [mass, mx, my] = [0, 0, 0];
  for (let row = 0; row < CELLS; row++) {
    for (let column = 0; column < CELLS; column++) {
      const value = ink[row * CELLS + column];
      mass += value;
      mx += value * (column + 0.5);
      my += value * (row + 0.5);
      if (value <= TRACE) continue;
      top = Math.min(top, row);
      bottom = row;
      left = Math.min(left, column);
      right = Math.max(right, column);
    }
  }
  if (bottom < 0) return new Float64Array(SIDE * SIDE);
  const width = Math.max(bottom - top + 1, right - left + 1) / BOX;
  return resample(ink, mx / mass - CENTER * width, my / mass - CENTER * width, width);
}

/** The 28 x 28 numbers that the network gets; `example` is a held-out image or null. */
export function imageOf(ink, center, example) {
  if (!example) return center ? centerInk(ink) : resample(ink, 0, 0, FINE);
  return resample(ink, 0, 0, FINE).map((value, k) => Math.max(value, example[k]));
}

// --- the network --------------------------------------------------------------------------------

const CODES = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const MIDDLE = 32; // the place of a weight 0

const BENDS = { relu: (z) => Math.max(z, 0), sigmoid: (z) => 1 / (1 + Math.exp(-z)) };

/** Layers as numbers: each weight is a whole number of its unit's steps. */
export function unpack(layers) {
  const places = new Int8Array(128);
  [...CODES].forEach((character, place) => { places[character.charCodeAt(0)] = place - MIDDLE; });
  return layers.map(({ inputs, units, codes, steps, biases, hidden }) => {
    const W = new Float64Array(inputs * units);
    for (let k = 0; k < W.length; k++) W[k] = places[codes.charCodeAt(k)] * steps[k % units];
    return { inputs, units, W, b: Float64Array.from(biases), bend: BENDS[hidden] };
  });
}

/** Ten probabilities: hidden layers with their own activation, softmax at the end. */
export function probabilitiesOf(layers, image) {
  let below = image;
  layers.forEach(({ inputs, units, W, b, bend }, l) => {
    const out = Float64Array.from(b);
    for (let i = 0; i < inputs; i++) {
      const a = below[i];
      if (a === 0) continue; // most pixels are black
      for (let j = 0, k = i * units; j < units; j++, k++) out[j] += a * W[k];
    }
    below = l < layers.length - 1 ? out.map(bend) : out;
  });
  const highest = Math.max(...below);
  const powers = below.map((z) => Math.exp(z - highest));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}

/** Pixels of the held-out image of a digit, 0 to 1. */
export function exampleOf(pixels, digit) {
  const size = SIDE * SIDE;
  return Float64Array.from(pixels.subarray(digit * size, (digit + 1) * size), (v) => v / 255);
}
