// The words of the neuron explorer, and its settings as text: as in labkit/explore/neuron.py.
import { asCommand, asParameters } from "../copying.js";
import { short } from "../numbers.js";
import { answer, learn, SLOPES } from "./maths.js";

export const NAMES = { mse: "squared error", cross_entropy: "cross-entropy" };
export const GOAL = 0.1; // an answer below it counts as learned
const SETTINGS = ["start", "rate_mse", "rate_cross_entropy"];

/** Both neurons at these settings: weights so far, and what happened, in words. */
export function explain(params) {
  const { start, epoch } = params;
  const weights = Object.fromEntries(Object.keys(NAMES).map((loss) =>
    [loss, learn(loss, start, params[`rate_${loss}`], epoch)]));
  const told = Object.keys(NAMES).map((loss) => fate(loss, weights[loss]));
  const when = epoch ? `After ${epoch} epoch${epoch === 1 ? "" : "s"}` : `At the start, w = ${short(start)}`;
  return { weights, text: `${when} (target 0): ${told.join("; ")}.` };
}

function fate(loss, weights) {
  const p = answer(weights[weights.length - 1]);
  const first = weights.findIndex((w) => answer(w) < GOAL);
  const done = first < 0 ? "" : `, below ${GOAL} since epoch ${first}`;
  return `${NAMES[loss]} answers ${short(p)}, slope ${short(SLOPES[loss](p))}${done}`;
}

export function copies(params, lesson) {
  const values = Object.fromEntries(SETTINGS.map((name) => [name, params[name]]));
  return {
    "Copy as parameters": asParameters(values, SETTINGS),
    "Copy as command": asCommand(lesson, values, SETTINGS),
  };
}
