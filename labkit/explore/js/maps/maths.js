// The feature maps of a network of 3 x 3 convolutions with ReLU; Python packs its weights in 6 bits.
import { SIDE, exampleOf, unpack } from "../digit/maths.js";
import { bytes } from "../numbers.js";

const WINDOW = 3;
const MILLION = 1e6;

/** A function that gives all maps of a digit: a list of { side, channels, values }, one a layer. */
export function mapMaker(layers, examples) {
  const weights = unpack(layers);
  const pixels = bytes(examples);
  const known = new Map();
  return (digit) => {
    if (!known.has(digit)) known.set(digit, mapsOf(layers, weights, exampleOf(pixels, digit)));
    return known.get(digit);
  };
}

function mapsOf(layers, weights, image) {
  let below = { side: SIDE, channels: 1, values: image };
  const found = [];
  layers.forEach(({ pool }, l) => {
    if (pool > 1) below = pooledMaps(below, pool);
    below = convolved(below, weights[l]);
    found.push(below);
  });
  return { image, found };
}

function pooledMaps({ side, channels, values }, pool) {
  const blocks = Math.floor(side / pool);
  const out = new Float64Array(blocks ** 2 * channels);
  for (let k = 0; k < out.length; k++) {
    const [row, column] = [Math.floor(k / channels / blocks), Math.floor(k / channels) % blocks];
    let most = -Infinity;
    for (let u = 0; u < pool; u++) {
      for (let v = 0; v < pool; v++) {
        most = Math.max(most, values[((pool * row + u) * side + pool * column + v) * channels + (k % channels)]);
      }
    }
    out[k] = most;
  }
  return { side: blocks, channels, values: out };
}

function convolved({ side, channels, values }, { units, W, b }) {
  const places = side - WINDOW + 1;
  const out = new Float64Array(places ** 2 * units);
  for (let place = 0; place < places ** 2; place++) {
    const sums = Float64Array.from(b);
    for (let i = 0; i < WINDOW ** 2 * channels; i++) {
      const [step, channel] = [Math.floor(i / channels), i % channels];
      const row = Math.floor(place / places) + Math.floor(step / WINDOW);
      const a = values[(row * side + (place % places) + (step % WINDOW)) * channels + channel];
      if (a === 0) continue; // ReLU left nothing
      for (let j = 0, k = i * units; j < units; j++, k++) sums[j] += a * W[k];
    }
    for (let j = 0; j < units; j++) out[place * units + j] = Math.max(sums[j], 0);
  }
  return { side: places, channels: units, values: out };
}

/** One channel, and the place of it that is looked at: the one pointed at, or the strongest. */
export function lookAt(layers, { found }, { layer, channel, row, column }) {
  const l = layers.findIndex(({ name }) => name === layer);
  const { side, channels, values } = found[l];
  const own = channel % channels;
  // To a millionth: equal answers stay equal, in whatever order they were added up.
  const answer = Array.from({ length: side ** 2 }, (_, k) => Math.floor(MILLION * values[k * channels + own] + 0.5) / MILLION);
  const pointed = row >= 0 && column >= 0 && row < side && column < side;
  const place = pointed ? row * side + column : answer.indexOf(Math.max(...answer));
  const { size, step, corner } = layers[l];
  const at = [Math.floor(place / side), place % side];
  return { own, channels, side, answer, pointed, at, value: answer[place], strongest: Math.max(...answer),
    seen: [corner + step * at[0], corner + step * at[1], size] };
}
