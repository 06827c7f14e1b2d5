// A small GPT as labkit/networks/transformer.py has it: one token after the other, its keys and
// values kept; and how the next token is drawn.
import { bytes } from "../numbers.js";

const EPSILON = 1e-3; // of the layer normalizations, as Keras has it

/** Numbers of half precision, base64 of 16 bits each. */
function halves(text) {
  const raw = new DataView(bytes(text).buffer);
  return Float64Array.from({ length: raw.byteLength / 2 }, (_, k) => {
    const bits = raw.getUint16(2 * k, true);
    const [power, rest] = [(bits >> 10) & 31, bits & 1023];
    const size = power ? 2 ** (power - 15) * (1 + rest / 1024) : 2 ** -24 * rest;
    return bits & 0x8000 ? -size : size;
  });
}

/** Arrays of the network, in the order of Keras' get_weights(). */
export function unpackNetwork({ layers, heads, d, hidden, width, context, vocabulary, weights }) {
  const all = halves(weights);
  let at = 0;
  const take = (size) => all.subarray(at, (at += size));
  const pair = (inputs, outputs) => [take(inputs * outputs), take(outputs)];
  const norm = () => [take(width), take(width)];
  const [tokens, positions] = [take(vocabulary * width), take(context * width)];
  const blocks = Array.from({ length: layers }, () => ({
    first: norm(), query: pair(width, heads * d), key: pair(width, heads * d),
    value: pair(width, heads * d), out: pair(heads * d, width),
    second: norm(), hidden: pair(width, hidden), back: pair(hidden, width),
  }));
  return { layers, heads, d, width, context, tokens, positions, blocks, last: norm(), scores: pair(width, vocabulary) };
}

/** Rows of x times a matrix, and a bias. */
function linear(x, [W, b]) {
  const out = Float64Array.from(b);
  for (let i = 0, k = 0; i < x.length; i++) {
    for (let j = 0; j < out.length; j++, k++) out[j] += x[i] * W[k];
  }
  return out;
}

function normalized(x, [gamma, beta]) {
  const mean = x.reduce((sum, each) => sum + each, 0) / x.length;
  const variance = x.reduce((sum, each) => sum + (each - mean) ** 2, 0) / x.length;
  return x.map((each, k) => gamma[k] * ((each - mean) / Math.sqrt(variance + EPSILON)) + beta[k]);
}

const plus = (x, y) => x.map((each, k) => each + y[k]);

/** The error function to all digits: its series, whose terms have one sign. */
function erf(x) {
  if (Math.abs(x) > 6) return Math.sign(x);
  let [term, sum] = [x, x];
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) sum += (term *= (2 * x * x) / (2 * n + 1));
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}
const gelu = (x) => x.map((each) => (each * (1 + erf(each / Math.SQRT2))) / 2);

export function softmaxAt(scores, temperature) {
  const highest = scores.reduce((a, b) => Math.max(a, b));
  if (temperature === 0) return scores.map((_, k) => Number(k === scores.indexOf(highest)));
  const parts = scores.map((score) => Math.exp((score - highest) / temperature));
  const sum = parts.reduce((a, b) => a + b, 0);
  return parts.map((part) => part / sum);
}

/** An empty cache: `read(token)` returns { scores, looks }, a list of weights for each head. */
export function reader(net) {
  const kept = net.blocks.map(() => ({ keys: [], values: [] }));
  return {
    get length() { return kept[0].keys.length; },
    read(token) {
      const place = kept[0].keys.length;
      const row = (table, k) => table.subarray(k * net.width, (k + 1) * net.width);
      const looks = [];
      let x = plus(row(net.tokens, token), row(net.positions, place));
      net.blocks.forEach((block, n) => { x = through(net, block, x, kept[n], looks); });
      return { scores: linear(normalized(x, net.last), net.scores), looks };
    },
  };
}

function through({ heads, d }, block, x, { keys, values }, looks) {
  const before = normalized(x, block.first);
  const query = linear(before, block.query);
  keys.push(linear(before, block.key));
  values.push(linear(before, block.value));
  const mixed = new Float64Array(heads * d);
  for (let head = 0; head < heads; head++) {
    const [from, to] = [head * d, (head + 1) * d];
    const scores = Float64Array.from(keys, (key) => {
      let product = 0;
      for (let k = from; k < to; k++) product += query[k] * key[k];
      return product / Math.sqrt(d);
    });
    const weights = softmaxAt(scores, 1);
    weights.forEach((weight, place) => {
      for (let k = from; k < to; k++) mixed[k] += weight * values[place][k];
    });
    looks.push(weights);
  }
  const between = plus(x, linear(mixed, block.out));
  const hidden = gelu(linear(normalized(between, block.second), block.hidden));
  return plus(between, linear(hidden, block.back));
}
