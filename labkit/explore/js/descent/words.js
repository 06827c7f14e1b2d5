// What happened on a walk, in the words of labkit/explore/descent.py, and its settings as text.
import { asCommand, asParameters } from "../copying.js";
import { short } from "../numbers.js";
import { SURFACES, beyond, descend, stableRate } from "./maths.js";

const TOLERANCE = 1e-6; // closer to a minimum than this counts as arrived
const FAR = 0.01; // a point without a slope that is farther away from a minimum than this is none

/** Everything the picture shows of one run: path, losses, verdict, text. */
export function explain(params, info, tellLimit = true) {
  const path = descend(params);
  const losses = path.map((w) => SURFACES[params.surface].value(...w));
  const limits = limitsOf(params, info);
  const verdict = judge(params, info, path, losses, limits.own);
  const text =
    `${nameOf(params)} on the ${params.surface} surface, learning rate ` +
    `${short(params.learning_rate)}, ${stepsOf(path.length - 1)}: ${verdict.headline}${verdict.detail}.` +
    (tellLimit ? theory(limits, info) : "");
  return { params, path, losses, verdict, limit: limits.limit, text };
}

const stepsOf = (n) => `${n} step${n === 1 ? "" : "s"}`;
export const usesMomentum = (optimizer) => optimizer === "momentum" || optimizer === "nesterov";
export const nameOf = ({ optimizer, momentum }) =>
  usesMomentum(optimizer) ? `${optimizer} (${short(momentum)})` : optimizer;

/** The largest stable rate, and the one of this walk: a weight that starts at its best stays there. */
function limitsOf({ surface, optimizer, momentum, start_x, start_y }, info) {
  const limit = stableRate(info.curvature, optimizer, momentum);
  const slope = SURFACES[surface].gradient(start_x, start_y);
  const moving = info.local ? [] : info.curvatures.filter((_, i) => slope[i] !== 0);
  const own = moving.length ? stableRate(Math.max(...moving), optimizer, momentum) : limit;
  return { limit, own };
}

function theory({ limit, own }, info) {
  if (limit === null) return "";
  const where = info.local ? "near the minimum, " : "";
  const here = own > limit ? `, and below ${short(own)} as long as w2 is exactly 0` : "";
  return ` Theory: ${where}stable below ${short(limit)}${here}.`;
}

function judge(params, info, path, losses, limit) {
  const n = path.length - 1;
  const say = (kind, headline, detail = "") => ({ kind, headline, detail });
  if (n < params.steps || beyond(path[n])) {
    return say("diverges", `diverged at step ${n}`, ": the steps grow until a weight passes 1,000,000");
  }
  if (n === 0) return say("start", "at the start");
  const distance = path.map((w) => toNearest(info, w));
  const arrived = settled(distance);
  if (arrived !== null) return say("converges", `converged in ${stepsOf(arrived)}`, ", |w - w*| < 1e-6");
  const [first, last] = [losses[0], losses[n]].map(short);
  if (losses[n] > losses[0] + 1e-9 * Math.abs(losses[0])) { // memory may lift J for a while
    const diverging = !info.local && limit !== null && params.learning_rate > limit;
    if (diverging) return say("diverges", "diverging", `: J grew from ${first} to ${last}`);
    return say("higher", "higher than at the start", `: J went from ${first} to ${last}`);
  }
  const slope = Math.hypot(...SURFACES[params.surface].gradient(...path[n]));
  if (slope < TOLERANCE && distance[n] > FAR) {
    return say("gets stuck", "stuck", ": the gradient is 0 here, and this is no minimum");
  }
  return progress(info, path, distance, `: J fell from ${first} to ${last}`, say);
}

/** How far a walk has come that neither arrived nor grew. */
function progress(info, path, distance, fell, say) {
  const n = path.length - 1;
  const left = ` (|w - w*| = ${short(distance[n])})`;
  const half = n - 2 * Math.max(1, Math.floor(n / 4)); // even: on the same side of the minimum
  if (reversals(info, path) >= 0.5 && distance[n] > 0.5 * distance[half]) {
    const closer = closerBy(distance[half], distance[n], half);
    return say("oscillates", "oscillates", `: it jumps to and fro and ${closer}${left}`);
  }
  if (distance[n] > 0.5 * distance[0] && distance[n] <= distance[0]) {
    const percent = Math.floor((100 * distance[n]) / distance[0] + 0.5);
    return say("crawls", "crawls", `: ${percent} % of the way is left${left}`);
  }
  return say("on its way", "on its way", fell + left);
}

function closerBy(before, now, step) {
  if (now > before * (1 - 1e-9)) return "comes no closer";
  if (short(now) === short(before)) return "comes hardly closer";
  return `comes closer slowly, from ${short(before)} at step ${step}`;
}

/** Distance to the nearest minimum; on a curve the second weight plays no part. */
function toNearest({ minima, flat }, w) {
  return Math.min(...minima.map((m) => Math.hypot(w[0] - m[0], flat ? 0 : w[1] - m[1])));
}

/** The first step from which on the distance stays below TOLERANCE, null if never. */
function settled(distance) {
  let first = distance.length;
  while (first > 0 && distance[first - 1] < TOLERANCE) first -= 1;
  return first < distance.length ? first : null;
}

/** The share of the last ten moves that turn back against the move before. */
function reversals({ flat }, path) {
  const from = Math.max(2, path.length - 10);
  let back = 0;
  for (let i = from; i < path.length; i++) {
    const [a, b, c] = [path[i - 2], path[i - 1], path[i]];
    const turn = (b[0] - a[0]) * (c[0] - b[0]) + (flat ? 0 : (b[1] - a[1]) * (c[1] - b[1]));
    if (turn < 0) back += 1;
  }
  return path.length > 2 ? back / (path.length - from) : 0;
}

const REAL = ["learning_rate", "momentum", "start_x", "start_y"]; // floats in Python: 1 is 1.0

/** What the copy buttons copy: the lesson's parameters, the start only where it was moved. */
export function copies(state, info, lesson) {
  const { start_x, start_y, ...params } = state;
  const moved = start_x !== info.start[0] || start_y !== info.start[1];
  const shown = moved ? { ...params, start_x, start_y } : params;
  return {
    "Copy as parameters": asParameters(shown, REAL),
    "Copy as command": asCommand(lesson, shown, REAL),
  };
}
