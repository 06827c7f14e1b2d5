// A network that learns in the page: its points, its weights, its epochs.
//
// labkit/explore/training.py computes the same; tests/explore/test_training.py compares over a grid.

const DIVERGED = 1e6; // a weight larger than this counts as diverged, and the training stops there
export const SPAN = 3; // the picture shows -3 to 3 on both axes
export const SMALL = 20; // cells along each side of the small pictures of the units

export const sigmoid = (z) => {
  const e = Math.exp(-Math.abs(z));
  return (z >= 0 ? 1 : e) / (1 + e);
};

// the function of z, and its slope written with the activation a it gave
const ACTIVATIONS = {
  tanh: [Math.tanh, (a) => 1 - a * a],
  sigmoid: [sigmoid, (a) => a * (1 - a)],
  relu: [(z) => (z > 0 ? z : 0), (a) => (a > 0 ? 1 : 0)],
  linear: [(z) => z, () => 1],
};

/** The same numbers in [0, 1) as Python's random_numbers (mulberry32). */
export function randomNumbers(seed, count) {
  let state = seed | 0;
  return Float64Array.from({ length: count }, () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  });
}

const POINTS = {
  xor(label, u, v, c) {
    const across = c < 0.5 ? -1 : 1;
    return [across * (0.2 + 2.3 * u), (label === 1 ? -across : across) * (0.2 + 2.3 * v)];
  },
  circle(label, u, v) {
    const radius = label === 1 ? 1.2 * u : 1.7 + 0.8 * u;
    return [radius * Math.cos(2 * Math.PI * v), radius * Math.sin(2 * Math.PI * v)];
  },
  blobs(label, u, v) {
    const center = label === 1 ? 1.2 : -1.2;
    return [center + 2 * (u - 0.5), center + 2 * (v - 0.5)];
  },
  spiral(label, u) {
    const angle = 2.5 * Math.PI * u + Math.PI * label;
    return [(0.2 + 2.3 * u) * Math.cos(angle), (0.2 + 2.3 * u) * Math.sin(angle)];
  },
};

/** Training points, then as many fresh ones: X = x1, x2, x1, x2, ...; every second label is 1. */
export function makePoints({ data, points, noise, seed }) {
  const draws = randomNumbers(seed, 10 * points);
  const X = new Float64Array(4 * points);
  const y = new Float64Array(2 * points);
  for (let i = 0; i < 2 * points; i++) {
    const [u, v, c, e, f] = draws.subarray(5 * i, 5 * i + 5);
    y[i] = i % 2;
    const [x1, x2] = POINTS[data](y[i], u, v, c);
    X[2 * i] = x1 + noise * (2 * e - 1);
    X[2 * i + 1] = x2 + noise * (2 * f - 1);
  }
  return { X, y };
}

export const sizesOf = ({ depth, width }) => [2, ...Array(depth).fill(width), 1];

/** Layers { inputs, units, W, b }: W by rows, one row for each input; Glorot uniform, biases 0. */
export function makeLayers(params) {
  const sizes = sizesOf(params);
  const count = sizes.slice(1).reduce((sum, units, i) => sum + units * sizes[i], 0);
  const draws = randomNumbers(params.seed + 1, count);
  let at = 0;
  return sizes.slice(1).map((units, i) => {
    const inputs = sizes[i];
    const limit = Math.sqrt(6 / (inputs + units));
    const W = draws.slice(at, at + inputs * units).map((number) => limit * (2 * number - 1));
    at += inputs * units;
    return { inputs, units, W, b: new Float64Array(units) };
  });
}

/** One network in training: its points, layers and losses. */
export class Training {
  constructor(params) {
    this.params = params;
    Object.assign(this, makePoints(params));
    this.layers = makeLayers(params);
    this.outputs = this.layers.map(({ units }) => new Float64Array(units)); // of one sample
    this.deltas = this.layers.map(({ units }) => new Float64Array(units));
    this.sums = this.layers.map(({ W, b }) => ({ W: new Float64Array(W.length), b: new Float64Array(b.length) }));
    this.epoch = 0;
    this.diverged = false;
    this.losses = { train: [], fresh: [] };
    this.note();
  }

  /** The logit z of the output for one point; `outputs` then holds every layer's activations. */
  forward(x1, x2) {
    const [activate] = ACTIVATIONS[this.params.activation];
    const last = this.layers.length - 1;
    let below = null;
    for (let l = 0; l <= last; l++) {
      const { inputs, units, W, b } = this.layers[l];
      const out = this.outputs[l];
      for (let j = 0; j < units; j++) {
        let z = b[j];
        if (l === 0) z += x1 * W[j] + x2 * W[units + j];
        else for (let i = 0; i < inputs; i++) z += below[i] * W[i * units + j];
        out[j] = l === last ? z : activate(z);
      }
      below = out;
    }
    return below[0];
  }

  /** Adds one sample's gradient to `sums`: the chain rule, last layer first. */
  backward(x1, x2, target) {
    const slope = ACTIVATIONS[this.params.activation][1];
    const last = this.layers.length - 1;
    this.deltas[last][0] = sigmoid(this.forward(x1, x2)) - target;
    for (let l = last; l >= 0; l--) {
      const { inputs, units, W } = this.layers[l];
      const delta = this.deltas[l];
      const sum = this.sums[l];
      for (let i = 0; i < inputs; i++) {
        const a = l > 0 ? this.outputs[l - 1][i] : i === 0 ? x1 : x2;
        let back = 0;
        for (let j = 0; j < units; j++) {
          sum.W[i * units + j] += a * delta[j];
          back += delta[j] * W[i * units + j];
        }
        if (l > 0) this.deltas[l - 1][i] = back * slope(a);
      }
      for (let j = 0; j < units; j++) sum.b[j] += delta[j];
    }
  }

  /** One pass over the training points in batches; false when it diverged or had before. */
  step() {
    if (this.diverged) return false;
    const { points, batch_size, learning_rate } = this.params;
    const before = this.layers.map(({ W, b }) => ({ W: W.slice(), b: b.slice() }));
    for (let first = 0; first < points; first += batch_size) {
      const end = Math.min(points, first + batch_size);
      this.sums.forEach(({ W, b }) => { W.fill(0); b.fill(0); });
      for (let k = first; k < end; k++) this.backward(this.X[2 * k], this.X[2 * k + 1], this.y[k]);
      const rate = learning_rate / (end - first);
      this.layers.forEach(({ W, b }, l) => {
        for (let k = 0; k < W.length; k++) W[k] -= rate * this.sums[l].W[k];
        for (let k = 0; k < b.length; k++) b[k] -= rate * this.sums[l].b[k];
      });
    }
    this.epoch += 1;
    const inside = (w) => Math.abs(w) <= DIVERGED; // false for nan too
    this.diverged = !this.layers.every(({ W, b }) => W.every(inside) && b.every(inside));
    if (this.diverged) this.layers.forEach((layer, l) => Object.assign(layer, before[l]));
    else this.note();
    return !this.diverged;
  }

  /** Loss and share of right answers of training and fresh points. */
  note() {
    const { points } = this.params;
    this.right = {};
    for (const [name, from] of [["train", 0], ["fresh", points]]) {
      let loss = 0;
      let right = 0;
      for (let k = from; k < from + points; k++) {
        const z = this.forward(this.X[2 * k], this.X[2 * k + 1]);
        loss += Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))) - this.y[k] * z;
        right += z > 0 === (this.y[k] === 1) ? 1 : 0;
      }
      this.losses[name].push(loss / points);
      this.right[name] = right / points;
    }
  }
}

/**
 * Probability of class 1 on a grid over the picture, row by row from the top. `units`, by layer,
 * gets every unit's activation on a coarser grid of SMALL x SMALL.
 */
export function boundary(training, units = [], grid = 60) {
  const values = new Float64Array(grid * grid);
  const every = grid / SMALL;
  for (let j = 0, k = 0; j < grid; j++) {
    const x2 = SPAN * (1 - (2 * j + 1) / grid);
    for (let i = 0; i < grid; i++, k++) {
      values[k] = sigmoid(training.forward(SPAN * ((2 * i + 1) / grid - 1), x2));
      if (j % every !== 1 || i % every !== 1) continue;
      const spot = ((j - 1) / every) * SMALL + (i - 1) / every;
      units.forEach((layer, l) => layer.forEach((unit, n) => { unit[spot] = training.outputs[l][n]; }));
    }
  }
  return values;
}
