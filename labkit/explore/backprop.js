// A network that learns in the page: the maths, its words, its picture.
//
// The maths repeats labkit/maths/backprop.py and the words repeat labkit/explore/backprop.py;
// tests/test_explore_backprop.py compares both over a grid. What is mere data (ranges, choices, the
// text of the exported code) comes from Python as `catalog`.

// --- the maths ----------------------------------------------------------------------------------

const DIVERGED = 1e6; // a weight larger than this counts as diverged, and the training stops there
export const SPAN = 3; // the picture shows -3 to 3 on both axes

const sigmoid = (z) => {
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

const sizesOf = ({ depth, width }) => [2, ...Array(depth).fill(width), 1];

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

/** Train for params.epochs epochs and say what happened. */
export function explain(params) {
  const training = new Training(params);
  while (training.epoch < params.epochs && training.step());
  return { training, ...inWords(training) };
}

// --- its words ----------------------------------------------------------------------------------

/** A number in at most three digits: 0.0123, 12.3, 1.2e-7. */
export function short(number) {
  const size = Math.abs(number);
  if (number !== 0 && (size < 1e-3 || size >= 1e5)) {
    return number.toExponential(1).replace(".0e", "e").replace("e+", "e");
  }
  return String(Number(number.toPrecision(3)));
}

const percent = (share) => `${Math.floor(100 * share + 0.5)} %`;

export function inWords(training) {
  const { params, epoch } = training;
  const { kind, headline, detail } = judge(training);
  const text =
    `${params.data} points, noise ${short(params.noise)}; a ${sizesOf(params).join("-")} network with ` +
    `${params.activation}, learning rate ${short(params.learning_rate)}, batches of ` +
    `${Math.min(params.batch_size, params.points)}; epoch ${epoch}: ${headline}${detail}.`;
  return { text, kind, headline };
}

function judge({ params, epoch, diverged, losses, right }) {
  const say = (kind, headline, detail) => ({ kind, headline, detail });
  const [train, fresh] = [losses.train, losses.fresh].map((list) => list[list.length - 1]);
  const now = `${percent(right.train)} of the training points are right (loss ${short(train)}), ` +
    `${percent(right.fresh)} of fresh points (loss ${short(fresh)})`;
  if (diverged) {
    return say("diverges", "diverged", ": a weight passed 1,000,000. The picture shows the epoch before. " +
      "Try a smaller learning rate");
  }
  if (epoch === 0) return say("start", "at the start", `. The weights are random; ${now}`);
  if (train > 1.2 * Math.max(losses.train[0], Math.LN2)) {
    return say("worse", "worse than at the start", `; ${now}. Try a smaller learning rate`);
  }
  const recent = losses.train.slice(-10);
  const rise = Math.max(0, ...recent.slice(1).map((loss, i) => loss - recent[i]));
  if (epoch >= 10 && rise > 0.1) {
    return say("jumps", "the loss jumps", ` up by ${short(rise)} in one epoch; ${now}. Try a smaller learning rate`);
  }
  if (fresh > 1.3 * train + 0.1) {
    return say("overfits", "overfitting", `: it knows the training points better than fresh ones; ${now}`);
  }
  if (train > 0.95 * Math.LN2) {
    return say("guesses", "no better than guessing", `, which has loss 0.693; ${now}`);
  }
  if (right.train === 1) return say("learned", "learned", `; ${now}`);
  return say("learns", "learning", `; ${now}`);
}

// --- the settings as text -----------------------------------------------------------------------

const REAL = ["noise", "learning_rate"]; // floats in Python: 1 is 1.0

function python(name, value) {
  if (typeof value === "string") return `"${value}"`;
  if (!REAL.includes(name)) return String(value);
  if (Number.isInteger(value)) return `${value}.0`;
  return String(value).replace(/e-(\d)$/, "e-0$1"); // 1e-7 is 1e-07 in Python
}

export const asParameters = (params) =>
  Object.entries(params).map(([name, value]) => `${name} = ${python(name, value)}`).join("\n");

export const asCommand = (lesson, params) =>
  `labkit run ${lesson}` + Object.entries(params)
    .map(([name, value]) => ` -p ${name}=${typeof value === "string" ? value : python(name, value)}`).join("");

/** Code that computes the same losses; `kind` is "numpy" or "keras". */
export function asCode(kind, params, code) {
  const slots = {
    settings: asParameters(params), points: code.points[params.data],
    function: code.functions[params.activation][0], slope: code.functions[params.activation][1],
    data: params.data,
  };
  return code[kind].replace(/<<(\w+)>>/g, (_, name) => slots[name]);
}

// --- drawing ------------------------------------------------------------------------------------

/** An element with attributes (functions become event listeners) and children. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null) element.setAttribute(name, value);
  }
  element.append(...children.flat(2).filter((child) => child !== null));
  return element;
}

const BLUE = [24, 69, 251];
const ORANGE = [255, 94, 2];
const blend = (a, b, t) => a.map((c, k) => c + t * (b[k] - c));
const GROUND = [250, 250, 250];
// from class 0 (blue) over even chances (nearly white) to class 1 (orange)
const RAMP = Array.from({ length: 256 }, (_, i) => {
  const t = (i - 127.5) / 127.5;
  return blend(GROUND, t < 0 ? BLUE : ORANGE, 0.62 * Math.abs(t)).map(Math.round);
});
const shade = (t) => RAMP[Math.max(0, Math.min(255, Math.round(255 * t)))];

const GRID = 60; // points along each side of the boundary picture
const COARSE = 40; // the same, while a large network trains on a busy machine
const SMALL = 20; // and of the small pictures of the units

/** Probability of class 1 on a grid, row by row from the top; also every unit's activation. */
export function boundary(training, units = null, grid = GRID) {
  const values = new Float64Array(grid * grid);
  const every = grid / SMALL;
  for (let j = 0, k = 0; j < grid; j++) {
    const x2 = SPAN * (1 - (2 * j + 1) / grid);
    for (let i = 0; i < grid; i++, k++) {
      values[k] = sigmoid(training.forward(SPAN * ((2 * i + 1) / grid - 1), x2));
      if (units && j % every === 1 && i % every === 1) {
        const spot = ((j - 1) / every) * SMALL + (i - 1) / every;
        units.forEach((layer, l) => layer.forEach((unit, n) => { unit[spot] = training.outputs[l][n]; }));
      }
    }
  }
  return values;
}

function pixelCanvas(size) {
  const canvas = make("canvas", { width: size, height: size });
  const context = canvas.getContext("2d");
  const image = context.createImageData(size, size);
  image.data.fill(255);
  return {
    canvas,
    paint(values, toShare) {
      for (let k = 0; k < values.length; k++) {
        const color = shade(toShare(values[k]));
        image.data[4 * k] = color[0];
        image.data[4 * k + 1] = color[1];
        image.data[4 * k + 2] = color[2];
      }
      context.putImageData(image, 0, 0);
    },
  };
}

/** Sharp on any screen: sizes in CSS pixels, drawing in CSS pixels. */
function screen(label) {
  const canvas = make("canvas", { role: "img", "aria-label": label });
  const context = canvas.getContext("2d");
  return {
    canvas, context, width: 0, height: 0,
    resize(width, height) {
      const ratio = globalThis.devicePixelRatio || 1;
      Object.assign(this, { width, height });
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
      canvas.style.width = `${width}px`;
      canvas.style.height = `${height}px`;
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
    },
  };
}

/** The line where both classes are equally likely, by marching squares. */
function evenLine(context, values, grid, toX, toY) {
  context.beginPath();
  for (let j = 0; j + 1 < grid; j++) {
    for (let i = 0; i + 1 < grid; i++) {
      const k = j * grid + i;
      const corners = [values[k], values[k + 1], values[k + grid + 1], values[k + grid]];
      const above = corners.map((v) => v > 0.5);
      if (above.every((v) => v === above[0])) continue;
      let open = false;
      for (let edge = 0; edge < 4; edge++) {
        const next = (edge + 1) % 4;
        if (above[edge] === above[next]) continue;
        const t = (0.5 - corners[edge]) / (corners[next] - corners[edge]);
        const [a, b] = [PLACES[edge], PLACES[next]];
        const x = toX(i + 0.5 + a[0] + t * (b[0] - a[0]));
        const y = toY(j + 0.5 + a[1] + t * (b[1] - a[1]));
        if (open) context.lineTo(x, y);
        else context.moveTo(x, y);
        open = !open;
      }
    }
  }
  context.stroke();
}
const PLACES = [[0, 0], [1, 0], [1, 1], [0, 1]];

/** Points on a layer of their own: discs are class 0, triangles class 1; hollow ones are fresh. */
function drawPoints(context, training, size, fresh) {
  const { X, y, params } = training;
  const radius = params.points > 200 ? 3 : 3.8;
  for (let k = 0; k < (fresh ? 2 : 1) * params.points; k++) {
    const px = ((X[2 * k] + SPAN) / (2 * SPAN)) * size;
    const py = ((SPAN - X[2 * k + 1]) / (2 * SPAN)) * size;
    context.beginPath();
    if (y[k] === 0) context.arc(px, py, radius, 0, 2 * Math.PI);
    else {
      context.moveTo(px, py - 1.3 * radius);
      context.lineTo(px + 1.2 * radius, py + 0.9 * radius);
      context.lineTo(px - 1.2 * radius, py + 0.9 * radius);
      context.closePath();
    }
    const color = `rgb(${y[k] ? "190,62,0" : BLUE})`;
    context.lineWidth = k < params.points ? 0.9 : 1.5;
    context.fillStyle = k < params.points ? color : "#ffffffb0";
    context.strokeStyle = k < params.points ? "#fff" : color;
    context.fill();
    context.stroke();
  }
}

function drawAxes(context, size, left, ink) {
  context.fillStyle = context.strokeStyle = ink;
  context.lineWidth = 1;
  context.strokeRect(left - 0.5, 0.5, size, size);
  context.font = "12px system-ui, sans-serif";
  for (const value of [-2, 0, 2]) {
    const at = ((value + SPAN) / (2 * SPAN)) * size;
    context.textAlign = "center";
    context.fillText(String(value).replace("-", "−"), left + at, size + 15);
    context.textAlign = "right";
    context.fillText(String(value).replace("-", "−"), left - 5, size - at + 4);
  }
  context.textAlign = "center";
  context.fillText("x₁", left + size / 2 + size / 6, size + 15);
  context.fillText("x₂", left - 12, size / 3);
}

/** Both losses against the epoch. */
function drawLosses(panel, training, ink) {
  const { context, width, height } = panel;
  const { train, fresh } = training.losses;
  const box = { left: 44, right: width - 8, top: 22, bottom: height - 34 };
  const most = Math.min(4, Math.max(0.8, ...train.slice(-2000), ...fresh.slice(-2000)));
  const longest = Math.max(20, train.length - 1);
  const x = (epoch) => box.left + (epoch / longest) * (box.right - box.left);
  const y = (loss) => box.bottom - (Math.min(loss, most) / most) * (box.bottom - box.top);
  context.clearRect(0, 0, width, height);
  context.font = "12px system-ui, sans-serif";
  context.fillStyle = ink;
  context.strokeStyle = "#8888";
  context.lineWidth = 1;
  context.strokeRect(box.left + 0.5, box.top + 0.5, box.right - box.left, box.bottom - box.top);
  context.textAlign = "right";
  for (const value of [0, most / 2, most]) context.fillText(value.toFixed(1), box.left - 5, y(value) + 4);
  context.textAlign = "center";
  for (const value of [0, longest]) context.fillText(String(value), Math.min(x(value), width - 16), box.bottom + 15);
  context.fillText("epoch", (box.left + box.right) / 2, box.bottom + 28);
  context.setLineDash([2, 3]); // guessing
  context.strokeStyle = ink;
  context.beginPath();
  context.moveTo(box.left, y(Math.LN2));
  context.lineTo(box.right, y(Math.LN2));
  context.stroke();
  const legend = [["fresh points", fresh, [6, 4], "#c849a9"], ["training points", train, [], "#ff5e02"]];
  const every = Math.ceil(train.length / 400);
  let at = width - 8;
  for (const [name, losses, dash, color] of legend) {
    context.setLineDash(dash);
    context.strokeStyle = color;
    context.lineWidth = 2;
    context.beginPath();
    for (let k = 0; k < losses.length; k += every) context.lineTo(x(k), y(losses[k]));
    context.lineTo(x(losses.length - 1), y(losses[losses.length - 1]));
    context.stroke();
    context.textAlign = "right";
    context.fillText(name, at, 13);
    at -= context.measureText(name).width + 6;
    context.beginPath();
    context.moveTo(at - 22, 9);
    context.lineTo(at, 9);
    context.stroke();
    at -= 36;
  }
  context.setLineDash([]);
  context.textAlign = "left";
  context.fillText("loss", 4, 13);
}

/** The network: a small picture of what each unit answers, a line for each weight. */
function drawNetwork(panel, training, pictures, ink) {
  const { context, width, height } = panel;
  const { layers } = training;
  context.clearRect(0, 0, width, height);
  const columns = [2, ...layers.map(({ units }) => units)];
  const side = Math.min(34, (height - 30) / Math.max(...columns) - 6);
  const x = (l) => 26 + (l / layers.length) * (width - 26 - side / 2 - 8);
  const y = (l, n) => 20 + (height - 24) * ((n + 0.5) / columns[l]);
  layers.forEach(({ inputs, units, W }, l) => {
    for (let i = 0; i < inputs; i++) {
      for (let j = 0; j < units; j++) {
        const w = W[i * units + j];
        context.strokeStyle = w < 0 ? `rgb(${BLUE})` : `rgb(${ORANGE})`;
        context.setLineDash(w < 0 ? [5, 3] : []);
        context.globalAlpha = Math.min(1, 0.25 + Math.abs(w) / 3);
        context.lineWidth = Math.min(5, 0.4 + 1.1 * Math.abs(w));
        context.beginPath();
        context.moveTo(x(l), y(l, i));
        context.lineTo(x(l + 1), y(l + 1, j));
        context.stroke();
      }
    }
  });
  context.setLineDash([]);
  context.globalAlpha = 1;
  context.font = "13px system-ui, sans-serif";
  context.textAlign = "center";
  context.lineWidth = 1;
  ["x₁", "x₂"].forEach((name, n) => {
    context.fillStyle = ink;
    context.fillText(name, 11, y(0, n) + 4);
    context.beginPath();
    context.arc(x(0), y(0, n), 4, 0, 2 * Math.PI);
    context.fill();
  });
  pictures.forEach((layer, l) => layer.forEach(({ canvas }, n) => {
    const [left, top] = [x(l + 1) - side / 2, y(l + 1, n) - side / 2];
    context.drawImage(canvas, left, top, side, side);
    context.strokeStyle = ink;
    context.strokeRect(left, top, side, side);
  }));
  context.fillStyle = ink;
  context.fillText("out", Math.min(x(layers.length), width - 12), 12);
}

// --- the explorer -------------------------------------------------------------------------------

const PARAMETERS = ["data", "points", "noise", "depth", "width", "activation", "learning_rate", "batch_size", "epochs", "seed"];
const WATCHED = PARAMETERS;
const LABELS = {
  data: "data", points: "training points", noise: "noise", depth: "hidden layers", width: "units per layer",
  activation: "activation", learning_rate: "learning rate", batch_size: "batch size",
};
const SPEEDS = { slow: 0.1, normal: 1, fast: 8 }; // epochs for each picture
const FRAME = 20; // milliseconds for training and drawing together, so that pictures keep coming

const button = (text, click, more = {}) => make("button", { type: "button", click, ...more }, text);

function menu(name, options, store, label = LABELS[name]) {
  const node = make("select", { "aria-label": label, change: () => {
    const value = node.value;
    store.set({ [name]: typeof options[0] === "number" ? Number(value) : value });
  } });
  return {
    node: make("label", { class: name }, make("span", {}, label), node),
    draw(value) {
      const all = options.includes(value) ? options : [...options, value].sort((a, b) => a - b);
      if (node.options.length !== all.length || ![...node.options].some((o) => o.value === String(value))) {
        node.replaceChildren(...all.map((each) => make("option", { value: each }, String(each))));
      }
      node.value = String(value);
    },
  };
}

function slider(name, [low, high], step, store) {
  const shown = make("b", {});
  const node = make("input", { type: "range", min: low, max: high, step, "aria-label": LABELS[name],
    input: () => store.set({ [name]: Number(node.value) }) });
  return {
    node: make("label", { class: name }, make("span", {}, LABELS[name], " ", shown), node),
    draw(value) { node.value = value; shown.textContent = short(value); },
  };
}

export function mount(host, store) {
  const catalog = store.get("catalog");
  const hidden = new Set(store.get("hide"));
  const shadow = host.attachShadow({ mode: "open" });
  let training = null;
  let running = false;
  let request = 0;
  let owed = 0; // parts of an epoch that a slow run has gathered
  let drawing = 0; // milliseconds that the last picture took
  let fresh = false;
  let speed = "normal";
  let spoken = 0;
  let ours = false; // the change of state comes from this page
  let key = "";

  const changed = { get: store.get, set: (values) => write({ ...values, epochs: 0 }) };
  const { choices, ranges } = catalog;
  const parts = {
    data: menu("data", choices.data, changed),
    points: slider("points", ranges.points, 10, changed),
    noise: slider("noise", ranges.noise, 0.05, changed),
    depth: slider("depth", ranges.depth, 1, changed),
    width: slider("width", ranges.width, 1, changed),
    activation: menu("activation", choices.activation, changed),
    learning_rate: menu("learning_rate", choices.learning_rate, changed),
    batch_size: menu("batch_size", choices.batch_size, changed),
  };
  const shown = Object.entries(parts).filter(([name]) => !hidden.has(name));
  const status = make("p", { role: "status", class: "status" });
  const readout = make("p", { class: "readout" });
  const copied = make("pre", { class: "copied", role: "status", hidden: true, tabindex: 0 });
  const map = screen("points and decision boundary");
  const net = screen("network: line width is the size of a weight, dashed lines are negative");
  const curve = screen("loss by epoch");
  const layer = make("canvas"); // the points: drawn once, laid over every picture
  const heats = { [GRID]: pixelCanvas(GRID), [COARSE]: pixelCanvas(COARSE) };
  let grid = GRID;
  let pictures = [];
  let units = [];

  const player = button("▶ Start", () => (running ? pause() : start()), { class: "play" });
  const one = button("1 epoch", () => { pause(); advance(1); settle(); });
  const reset = button("Reset", () => { pause(); write({ epochs: 0 }); }, { title: "back to the random weights" });
  const again = button("New weights and points", () => write({ seed: (store.get("seed") + 2) % 4294967296, epochs: 0 }));
  const pace = make("select", { "aria-label": "speed", change: () => { speed = pace.value; } },
    Object.keys(SPEEDS).map((name) => make("option", { value: name }, name)));
  pace.value = speed;
  const tests = make("input", { type: "checkbox", change: () => { fresh = tests.checked; pointsLayer(); draw(); } });
  const body = make("div", { class: "lk", role: "group", "aria-label": "training explorer", keydown: guardKeys },
    make("div", { class: "buttons" }, player, one, reset, again,
      make("label", { class: "row" }, "speed ", pace), make("label", { class: "row" }, tests, " show fresh points")),
    make("div", { class: "controls" }, shown.map(([, part]) => part.node)),
    make("div", { class: "panels" }, make("div", { class: "left" }, net.canvas, curve.canvas), map.canvas),
    readout, status,
    hidden.has("copy") ? null : make("div", { class: "buttons", role: "group", "aria-label": "copy these settings" },
      button("Copy as parameters", () => copy(asParameters(settings()))),
      button("Copy as command", () => copy(asCommand(store.get("lesson"), settings()))),
      button("Copy as NumPy code", () => copy(asCode("numpy", settings(), catalog.code))),
      button("Copy as Keras code", () => copy(asCode("keras", settings(), catalog.code)))),
    copied);
  shadow.append(make("style", {}, STYLE), body);

  function guardKeys(event) { // plain keys are ours: JupyterLab would take them for shortcuts
    const passes = event.ctrlKey || event.metaKey || event.altKey || ["Tab", "Escape"].includes(event.key)
      || (event.shiftKey && event.key === "Enter");
    if (!passes) event.stopPropagation();
  }

  const paramsNow = () => Object.fromEntries(PARAMETERS.map((name) => [name, store.get(name)]));
  const settings = () => ({ ...paramsNow(), epochs: training.epoch });

  function write(values) {
    ours = true;
    store.set(values);
    ours = false;
    refresh();
  }

  // -- from state to picture
  function refresh() {
    const params = paramsNow();
    const { epochs, ...rest } = params;
    const same = JSON.stringify(rest) === key;
    if (!same || (epochs < training.epoch && !running)) {
      key = JSON.stringify(rest);
      training = new Training(params);
      owed = 0;
      pictures = training.layers.map(({ units: n }) => Array.from({ length: n }, () => pixelCanvas(SMALL)));
      units = training.layers.map(({ units: n }) => Array.from({ length: n }, () => new Float64Array(SMALL * SMALL)));
      pointsLayer();
    }
    for (const [name, part] of shown) part.draw(params[name]);
    parts.width.node.classList.toggle("off", params.depth === 0);
    parts.activation.node.classList.toggle("off", params.depth === 0);
    catchUp(epochs);
  }

  /** Train up to the wanted epoch, in pieces: the page stays alive. */
  function catchUp(epochs) {
    const until = performance.now() + 60;
    while (training.epoch < epochs && performance.now() < until && training.step());
    draw();
    speak(true);
    if (training.epoch < epochs && !training.diverged && !running) {
      const of = training;
      setTimeout(() => of === training && !running && catchUp(epochs), 0);
    }
  }

  function pointsLayer() {
    if (!map.width) return;
    layer.width = map.canvas.width;
    layer.height = map.canvas.height;
    const context = layer.getContext("2d");
    const ratio = globalThis.devicePixelRatio || 1;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const size = map.width - 30;
    context.translate(28, 0);
    drawPoints(context, training, size, fresh);
  }

  function draw() {
    if (!map.width) return;
    const ink = getComputedStyle(body).color;
    if (!running) grid = GRID;
    const values = boundary(training, units, grid);
    const heat = heats[grid];
    const size = map.width - 30;
    heat.paint(values, (share) => share);
    map.context.clearRect(0, 0, map.width, map.height);
    map.context.imageSmoothingEnabled = true;
    map.context.drawImage(heat.canvas, 28, 0, size, size);
    map.context.strokeStyle = "#222";
    map.context.lineWidth = 1.6;
    evenLine(map.context, values, grid, (i) => 28 + (i / grid) * size, (j) => (j / grid) * size);
    map.context.drawImage(layer, 0, 0, map.width, map.height);
    drawAxes(map.context, size, 28, ink);
    const toShare = SHARES[training.params.activation];
    pictures.forEach((column, l) => column.forEach((picture, n) =>
      picture.paint(units[l][n], l === pictures.length - 1 ? sigmoid : toShare)));
    drawNetwork(net, training, pictures, ink);
    drawLosses(curve, training, ink);
    host.frames = (host.frames ?? 0) + 1; // pictures drawn since the start, for the benchmark
    drawReadout();
  }

  function drawReadout() {
    const { epoch, losses, right } = training;
    const last = (list) => list[list.length - 1];
    readout.textContent = `epoch ${epoch}   training loss ${last(losses.train).toFixed(3)}, ${percent(right.train)} right` +
      `   fresh points: loss ${last(losses.fresh).toFixed(3)}, ${percent(right.fresh)} right`;
    reset.disabled = epoch === 0;
    player.disabled = one.disabled = training.diverged || epoch >= ranges.epochs[1];
    player.textContent = running ? "❚❚ Pause" : "▶ Start";
  }

  function speak(now) { // twice a second is enough for a screen reader
    if (!now && performance.now() - spoken < 500) return;
    spoken = performance.now();
    const { text, kind, headline } = inWords(training);
    body.dataset.verdict = kind;
    body.dataset.epoch = training.epoch;
    if (status.textContent === text) return;
    const [before, after] = text.split(`: ${headline}`);
    status.replaceChildren(`${before}: `, make("strong", {}, headline), after);
  }

  // -- training
  function advance(epochs) {
    const began = performance.now();
    owed += epochs;
    while (owed >= 1 && training.epoch < ranges.epochs[1]) {
      const from = performance.now();
      owed -= 1;
      if (!training.step()) break;
      const now = performance.now();
      if (now - began + (now - from) + drawing > FRAME) break; // no time for another one
    }
    owed = Math.min(owed, 1);
    const trained = performance.now();
    draw();
    drawing = performance.now() - trained;
    if (drawing > FRAME / 2) grid = COARSE;
    speak(!running || training.diverged);
  }

  function frame() {
    if (!running) return;
    advance(SPEEDS[speed]);
    if (training.diverged || training.epoch >= ranges.epochs[1]) return pause();
    request = requestAnimationFrame(frame);
  }

  function start() {
    running = true;
    request = requestAnimationFrame(frame);
    drawReadout();
  }

  function pause() {
    if (!running) return;
    running = false;
    cancelAnimationFrame(request);
    draw(); // finely again
    settle();
  }

  function settle() { // now the kernel and the copied settings know the epoch
    drawReadout();
    speak(true);
    ours = true;
    store.set({ epochs: training.epoch });
    ours = false;
  }

  async function copy(text) {
    pause();
    copied.hidden = false;
    copied.textContent = text;
    try {
      await navigator.clipboard.writeText(text);
      copied.dataset.note = "copied";
    } catch { // no clipboard on this page: the text is selected, ready for the learner's own copy
      getSelection()?.selectAllChildren(copied);
      copied.dataset.note = "select and copy";
    }
  }

  let wide = 0;
  function layout() {
    const width = Math.floor(body.clientWidth);
    if (!width || width === wide) return;
    wide = width;
    const narrow = width < 620;
    body.classList.toggle("narrow", narrow);
    const right = narrow ? Math.min(width, 420) : Math.min(430, Math.floor(width * 0.46));
    const left = narrow ? width : width - right - 20;
    map.resize(right, right - 10);
    net.resize(left, Math.floor(right * 0.56));
    curve.resize(left, Math.floor(right * 0.44) - 14);
    pointsLayer();
    draw();
  }

  const sizes = new ResizeObserver(layout);
  refresh();
  layout();
  sizes.observe(body);
  const forget = store.listen(() => { if (!ours) refresh(); });
  return () => {
    running = false;
    cancelAnimationFrame(request);
    sizes.disconnect();
    forget();
  };
}

// what a unit answers, as a share between blue and orange
const SHARES = {
  tanh: (a) => (a + 1) / 2, sigmoid: (a) => a,
  relu: (a) => 0.5 + a / 4, linear: (a) => 0.5 + a / 6,
};

const STYLE = `
:host { display: block; }
.lk {
  --ink: var(--jp-content-font-color1, currentColor); --line: #8886; --soft: #8881; --accent: #1845fb;
  font: 13px/1.4 var(--jp-ui-font-family, system-ui, sans-serif); color: var(--ink); max-width: 1000px;
  font-variant-numeric: tabular-nums; padding: 4px 2px; box-sizing: border-box;
}
* { box-sizing: border-box; }
p { margin: 0; }
canvas { display: block; }
button, select { font: inherit; color: inherit; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 4px; }
.buttons { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; margin: 8px 0; }
.controls { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 8px 20px; margin: 10px 0 12px; }
.controls label > span { display: block; font-weight: 600; }
.row { display: inline-flex; align-items: center; gap: 4px; margin-left: 8px; }
select { padding: 3px 6px; border: 1px solid var(--line); border-radius: 6px; background: var(--jp-layout-color0, Canvas); min-width: 90px; }
.controls select { width: 100%; }
input[type="range"] { width: 100%; accent-color: var(--accent); }
b { font-weight: 400; }
.off { opacity: 0.4; }
button { border: 1px solid var(--line); background: var(--soft); border-radius: 6px; padding: 4px 11px; cursor: pointer; line-height: 1.4; }
button:hover:not(:disabled) { border-color: var(--accent); }
button:disabled { opacity: 0.4; cursor: default; }
.play { min-width: 92px; font-weight: 600; background: var(--accent); color: #fff; border-color: var(--accent); }
.panels { display: flex; gap: 20px; align-items: flex-start; }
.narrow .panels { flex-direction: column; }
.readout { white-space: pre-wrap; margin: 6px 0 2px; font-weight: 600; }
.status { min-height: 2.8em; font-size: 14px; }
[data-verdict="diverges"] strong, [data-verdict="worse"] strong, [data-verdict="jumps"] strong { color: #c91f16; background: #fff; padding: 0 4px; border-radius: 3px; }
.copied { margin: 10px 0 0; padding: 8px 12px; background: var(--soft); border-radius: 6px; font: 12px/1.5 var(--jp-code-font-family, monospace); white-space: pre-wrap; max-height: 340px; overflow: auto; }
.copied::after { content: attr(data-note); float: right; opacity: 0.7; font-style: italic; }
.copied[hidden] { display: none; }
@media print { .buttons, .copied { display: none; } }
`;
