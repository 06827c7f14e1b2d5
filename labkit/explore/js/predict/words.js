// What is right or wrong about a guess, in words: { close, head, text } for each form of a question.
import { clamp, count, short } from "../numbers.js";

const EDGE = 0.1; // two heights are the same if they differ by less of the axis
const NEAR = 0.07; // a curve is close if it lies on average as near to the truth
const LEVEL = 0.06; // less of the axis up or down is neither rising nor falling, and no turn

/** A number in three digits, a whole one in all of its digits; as `say` in predict.py. */
export const say = (x) => (Number.isInteger(x) && Math.abs(x) < 1e12 ? count(x) : short(x));

export const withUnit = (x, unit) => `${say(x)} ${unit}`.trim();

/** Whether a guess is close to the answer of a task, and what is right or wrong about it. */
export function verdict(task, guess) {
  return { choice: onChoice, number: onNumber, curve: onCurve }[task.form](task, guess);
}

function onChoice({ answer, choices }, guess) {
  const close = guess === answer;
  const text = choices.find(([label]) => label === guess)?.[1] ?? "";
  return { close, head: text ? "" : close ? "Right." : "Not so.", text };
}

// --- a number ---------------------------------------------------------------------------------

/** How many times the larger one is as large as the smaller, of numbers above 0; else Infinity. */
function factorOf(a, b) {
  if (a === b) return 1;
  return a > 0 && b > 0 ? Math.max(a / b, b / a) : Infinity;
}

/** How far a guess lies from the answer: "too large by 0.3 s", "too small by a factor of 12". */
function howFar(guess, answer, unit, byFactor) {
  const factor = factorOf(guess, answer);
  const side = guess > answer ? "too large" : "too small";
  if (byFactor && Number.isFinite(factor)) return `${side} by a factor of ${short(factor)}`;
  const points = unit === "%" ? "percentage points" : unit;
  return `${side} by ${`${short(Math.abs(guess - answer))} ${points}`.trim()}`;
}

function onNumber({ answer, low, high, unit, log, close: within }, guess) {
  const factor = factorOf(guess, answer);
  const off = log ? factor : Math.abs(guess - answer);
  const close = off <= within * (1 + 1e-9) || say(guess) === say(answer);
  const text = answer < low || answer > high ? "What was measured lies outside of the range that could be entered." : "";
  if (say(guess) === say(answer)) return { close, head: guess === answer ? "Exactly right." : "Right in all digits shown.", text };
  const far = howFar(guess, answer, unit, log || (!close && factor >= 2));
  const across = guess * answer < 0 && !close ? ", and of the other sign" : "";
  return { close, head: `${close ? "Close" : "Not close"}: ${far}${across}.`, text };
}

// --- a curve ----------------------------------------------------------------------------------

/** Where a value stands on its axis: 0 at the foot, 1 at the top, what lies beyond at its edge. */
export function shareOf({ low, high, log }) {
  const f = log ? Math.log : (y) => y;
  return (y) => (y === null ? null : clamp((f(Math.max(y, log ? low : y)) - f(low)) / (f(high) - f(low)), 0, 1));
}

/** The heights of a true curve, as shares, at other places; null in a gap. */
export function sampled(x, shares, places) {
  let i = 0;
  return places.map((place) => {
    while (i < x.length - 2 && x[i + 1] < place) i += 1;
    const [a, b] = [shares[i], shares[i + 1]];
    const slack = 1e-6 * (x.at(-1) - x[0]);
    if (place < x[0] - slack || place > x.at(-1) + slack) return null;
    const t = x[i + 1] > x[i] ? clamp((place - x[i]) / (x[i + 1] - x[i]), 0, 1) : 0;
    if (t === 0 || t === 1) return t ? b : a;
    return a === null || b === null ? null : a + t * (b - a);
  });
}

/** How often a curve turns from up to down or back; wiggles below LEVEL are none. */
export function turnsOf(shares) {
  let [turns, way, extreme] = [0, 0, null];
  for (const y of shares) {
    if (y === null) continue;
    extreme ??= y;
    const moved = y - extreme;
    if (way === 0 ? Math.abs(moved) > LEVEL : -way * moved > LEVEL) {
      if (way !== 0) turns += 1;
      way = Math.sign(moved);
      extreme = y;
    } else if (way * moved > 0) extreme = y;
  }
  return turns;
}

const DIRECTIONS = { "-1": "falls", 0: "ends about as high as it starts", 1: "rises" };
const OWN = { "-1": "yours falls", 0: "yours ends about as high as it starts", 1: "yours rises" };
const directionOf = (from, to) => (Math.abs(to - from) < LEVEL ? 0 : Math.sign(to - from));
const times = (n) => ["never", "once", "twice"][n] ?? `${count(n)} times`;
const turning = (n) => (n === 0 ? "never turns" : `turns ${times(n)}`);
const SWINGS = 3; // so many turns or more: then its direction tells nothing

/** The findings about a guess, each { what, right, text }, the most telling first; null if none can be. */
function findings(task, guess) {
  const { at, log, truth, x_label: name } = task;
  const share = shareOf(task);
  const real = truth.y.map(share);
  const there = sampled(truth.x, real, at);
  const shown = [...at.keys()].filter((k) => there[k] !== null);
  if (shown.length === 0) return null;
  const mine = guess.map(share);
  const gaps = shown.map((k) => Math.abs(mine[k] - there[k]));
  const [first, last, widest] = [shown[0], shown.at(-1), shown[gaps.indexOf(Math.max(...gaps))]];
  const alike = (k) => Math.abs(mine[k] - there[k]) <= EDGE;
  const both = (k) => {
    const measured = truth.y[nearest(truth, at[k])];
    return `${short(measured)}, yours at ${short(guess[k])}: ${howFar(guess[k], measured, "", log || factorOf(guess[k], measured) >= 2)}`;
  };
  const all = [
    ...ofShape([real, shown.map((k) => mine[k])]),
    { what: "the end", right: alike(last), text: `It ends at ${both(last)}.` },
    { what: "the start", right: alike(first), text: `It starts at ${both(first)}.` },
    { right: alike(widest) || widest === first || widest === last,
      text: `The largest gap is at ${name} ${short(at[widest])}: measured ${both(widest)}.` },
  ];
  return { all, mean: gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length };
}

/** Findings about direction and turns of two curves, shares of their axis: the true and the guessed. */
function ofShape(curves) {
  const ways = curves.map((shares) => {
    const known = shares.filter((y) => y !== null);
    return directionOf(known[0], known.at(-1));
  });
  const turns = curves.map(turnsOf);
  const [swings, mine] = turns.map((n) => n >= SWINGS);
  const direction = { what: "the direction", right: ways[0] === ways[1], text: `It ${DIRECTIONS[ways[0]]}; ${OWN[ways[1]]}.` };
  const both = { what: swings ? "that it swings" : `that it ${turning(turns[0])}`, right: turns[0] === turns[1] || (swings && mine),
    text: `It ${turning(turns[0])}; yours ${turning(turns[1])}.` };
  const often = { right: !(swings && mine) || turns[0] === turns[1], text: both.text };
  return swings ? [both, often] : [both, direction];
}

/** The measured point nearest to a place, gaps left out. */
function nearest({ x, y }, place) {
  let best = -1;
  x.forEach((here, i) => {
    if (y[i] !== null && (best < 0 || Math.abs(here - place) < Math.abs(x[best] - place))) best = i;
  });
  return best;
}

const listed = (words) => (words.length < 3 ? words.join(" and ") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`);

function onCurve(task, guess) {
  const found = findings(task, guess);
  if (!found) return { close: false, head: "What was measured has too many gaps to be compared.", text: "" };
  const { mean, all } = found;
  const close = mean <= NEAR;
  const { low, high, log } = task;
  const apart = log ? `a factor of ${short((high / low) ** mean)}` : short(mean * (high - low));
  const right = all.filter((each) => each.right && each.what).map((each) => each.what).reverse();
  const wrong = all.filter((each) => !each.right).slice(0, 2).map((each) => each.text);
  const told = right.length ? [`Right: ${listed(right)}.`, ...wrong] : wrong;
  const far = mean < 0.001 ? "the same all along" : `on average ${apart} apart`;
  return { close, head: `${close ? "Close" : "Not close"}: ${far}.`, text: told.join(" ") };
}
