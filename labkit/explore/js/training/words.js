// The words of the training explorer, and its settings as text: as in labkit/explore/training.py.
import { percent, short } from "../numbers.js";
import { asParameters } from "../copying.js";
import { Training, sizesOf } from "./maths.js";

export const PARAMETERS =
  ["data", "points", "noise", "depth", "width", "activation", "learning_rate", "batch_size", "epochs", "seed"];
export const REAL = ["noise", "learning_rate"]; // floats in Python: 1 is 1.0
const SMALLER = ". Try a smaller learning rate";

/** Train for params.epochs epochs and say what happened. */
export function explain(params) {
  const training = new Training(params);
  while (training.epoch < params.epochs && training.step());
  return { training, ...inWords(training) };
}

/** What is trained, and how it goes: { text, kind, headline }. */
export function inWords(training) {
  const { params, epoch } = training;
  const { kind, headline, detail } = judge(training);
  const text =
    `${params.data} points, noise ${short(params.noise)}; a ${sizesOf(params).join("-")} network with ` +
    `${params.activation}, learning rate ${short(params.learning_rate)}, batches of ` +
    `${Math.min(params.batch_size, params.points)}; epoch ${epoch}: ${headline}${detail}.`;
  return { text, kind, headline };
}

function judge({ epoch, diverged, losses, right }) {
  const say = (kind, headline, detail) => ({ kind, headline, detail });
  const [train, fresh] = [losses.train, losses.fresh].map((list) => list[list.length - 1]);
  const now = `${percent(right.train)} of the training points are right (loss ${short(train)}), ` +
    `${percent(right.fresh)} of fresh points (loss ${short(fresh)})`;
  if (diverged) {
    return say("diverges", "diverged", `: a weight passed 1,000,000. The picture shows the epoch before${SMALLER}`);
  }
  if (epoch === 0) return say("start", "at the start", `. The weights are random; ${now}`);
  if (train > 1.2 * Math.max(losses.train[0], Math.LN2)) {
    return say("worse", "a higher loss than at the start", `; ${now}${SMALLER}`);
  }
  const recent = losses.train.slice(-10);
  const rise = Math.max(0, ...recent.slice(1).map((loss, i) => loss - recent[i]));
  if (epoch >= 10 && rise > 0.1) {
    return say("jumps", "the loss jumps", ` up by ${short(rise)} in one epoch; ${now}${SMALLER}`);
  }
  if (train > 0.95 * Math.LN2 && right.train <= 0.6) {
    const guess = right.train >= 0.4 && train <= 1.05 * Math.LN2;
    const [kind, headline] = guess ? ["guesses", "no better than guessing"] : ["wrong", "worse than guessing"];
    return say(kind, headline, `, which is right for half of the points and has loss 0.693; ${now}`);
  }
  if (fresh > 1.3 * train + 0.1 && right.train - right.fresh > 0.05) {
    return say("overfits", "overfitting", `: it knows the training points better than fresh ones; ${now}`);
  }
  if (right.train === 1) return say("learned", "learned", `; ${now}`);
  return say("learns", "learning", `; ${now}`);
}

/** Code that computes the same losses; `kind` is "numpy" or "keras". */
export function asCode(kind, params, code) {
  const slots = {
    settings: asParameters(params, REAL), points: code.points[params.data],
    function: code.functions[params.activation][0], slope: code.functions[params.activation][1],
    data: params.data,
  };
  return code[kind].replace(/<<(\w+)>>/g, (_, name) => slots[name]);
}
