// Gradient descent, rule by rule as in labkit/maths/descent.py.

const DIVERGED = 1e6; // a weight larger than this counts as diverged, and the walk stops there
const EPSILON = 1e-7;

// How far a point lies along and across a ravine that runs along (4, 3).
const alongRavine = (x, y) => 0.8 * x + 0.6 * y;
const acrossRavine = (x, y) => 0.8 * y - 0.6 * x;

export const SURFACES = {
  article: {
    value: (x) => (2 * x - 1) * (2 * x - 1),
    gradient: (x) => [4 * (2 * x - 1), 0],
  },
  bowl: {
    value: (x, y) => x * x + y * y,
    gradient: (x, y) => [2 * x, 2 * y],
  },
  ravine: {
    value: (x, y) => 0.1 * (x * x) + 2.5 * (y * y),
    gradient: (x, y) => [0.2 * x, 5 * y],
  },
  rotated: {
    value: (x, y) => 0.1 * alongRavine(x, y) ** 2 + 2.5 * acrossRavine(x, y) ** 2,
    gradient: (x, y) => {
      const [flat, steep] = [0.2 * alongRavine(x, y), 5 * acrossRavine(x, y)];
      return [0.8 * flat - 0.6 * steep, 0.6 * flat + 0.8 * steep];
    },
  },
  saddle: {
    value: (x, y) => x * x - (y * y) / 2 + (y * y * y * y) / 4,
    gradient: (x, y) => [2 * x, y * (y * y - 1)],
  },
  rosenbrock: {
    value: (x, y) => (1 - x) * (1 - x) + 100 * ((y - x * x) * (y - x * x)),
    gradient: (x, y) => [-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)],
  },
};

// Each starts one optimizer for one weight, with empty memory: new w = update(w, gradient).
const OPTIMIZERS = {
  sgd: (rate) => (w, g) => w - rate * g,
  momentum: (rate, momentum) => {
    let velocity = 0;
    return (w, g) => {
      velocity = momentum * velocity - rate * g;
      return w + velocity;
    };
  },
  nesterov: (rate, momentum) => {
    let velocity = 0;
    return (w, g) => {
      velocity = momentum * velocity - rate * g;
      return w + momentum * velocity - rate * g;
    };
  },
  rmsprop: (rate) => {
    let squares = 0;
    return (w, g) => {
      squares = 0.9 * squares + (1 - 0.9) * (g * g);
      return w - (rate * g) / Math.sqrt(squares + EPSILON);
    };
  },
  adam: (rate) => adam(rate),
  adamw: (rate) => {
    const update = adam(rate);
    return (w, g) => update(w - rate * 0.004 * w, g); // weight decay 0.004 comes first
  },
  adadelta: (rate) => {
    let squares = 0;
    let squaredSteps = 0;
    return (w, g) => {
      squares = 0.95 * squares + (1 - 0.95) * (g * g);
      const step = (-Math.sqrt(squaredSteps + EPSILON) / Math.sqrt(squares + EPSILON)) * g;
      squaredSteps = 0.95 * squaredSteps + (1 - 0.95) * (step * step);
      return w + rate * step;
    };
  },
};

function adam(rate) {
  let mean = 0;
  let squares = 0;
  let step = 0;
  return (w, g) => {
    step += 1;
    mean = mean + (1 - 0.9) * (g - mean);
    squares = squares + (1 - 0.999) * (g * g - squares);
    const corrected = (rate * Math.sqrt(1 - 0.999 ** step)) / (1 - 0.9 ** step);
    return w - (corrected * mean) / (Math.sqrt(squares) + EPSILON);
  };
}

/** The points visited, [[w1, w2], ...], start first; ends with the first point beyond DIVERGED. */
export function descend({ surface, optimizer, learning_rate, momentum, steps, start_x, start_y }) {
  const { gradient } = SURFACES[surface];
  const update = [0, 1].map(() => OPTIMIZERS[optimizer](learning_rate, momentum));
  const path = [[start_x, start_y]];
  for (let step = 0; step < steps; step++) {
    const w = path[step];
    const g = gradient(...w);
    path.push([update[0](w[0], g[0]), update[1](w[1], g[1])]);
    if (beyond(path[step + 1])) break;
  }
  return path;
}

/** Whether a weight has left the range, or is no number. */
export const beyond = (w) => !(Math.abs(w[0]) <= DIVERGED && Math.abs(w[1]) <= DIVERGED);

/** The largest stable learning rate on a quadratic, or null where theory has none. */
export function stableRate(curvature, optimizer, momentum) {
  if (optimizer === "sgd") return 2 / curvature;
  if (optimizer === "momentum") return (2 * (1 + momentum)) / curvature;
  if (optimizer === "nesterov") return (2 * (1 + momentum)) / ((1 + 2 * momentum) * curvature);
  return null; // the others divide by the size of the gradient
}
