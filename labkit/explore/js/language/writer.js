// A text that the network writes token by token, and all that is told about each of them.
import { draws } from "./draws.js";
import { reader, softmaxAt } from "./network.js";

const SHOWN = 5; // likeliest tokens that are shown
const MOST = 12; // heads that are shown, a row each

/** Tokens by falling probability; of equals, the smaller one first. */
const ranked = (p) => [...p.keys()].sort((a, b) => p[b] - p[a] || a - b);

/** What is drawn from: the `topK` likeliest (0: all), of these as few as hold `topP` of the chance. */
export function restricted(p, topK, topP) {
  if (!topK && topP >= 1) return p;
  const order = ranked(p).slice(0, topK || p.length);
  const kept = new Float64Array(p.length);
  const whole = order.reduce((sum, token) => sum + p[token], 0);
  let sum = 0;
  for (const token of order) {
    if (sum / whole >= topP) break;
    kept[token] = p[token];
    sum += p[token];
  }
  return kept.map((each) => each / sum);
}

/** The token that a number in [0, 1) draws: where the probabilities add up to more than it. */
function drawn(p, number) {
  let sum = 0;
  for (let token = 0; token < p.length; token++) {
    sum += p[token];
    if (sum > number) return token;
  }
  return p.length - 1;
}

/**
 * A text that begins with the tokens `given`, and grows by one at each `next()`. `written` is what
 * the words and the picture are made of; `rows` holds who looked where, as of rowsOf.
 */
export function startWriting(net, pieces, given, { temperature, top_k, top_p, draw }) {
  const random = draws(draw);
  const tokens = [];
  const rows = [];
  const written = {
    text: [], given: given.length, unit: "token", starts: [], chances: [],
    heads: Math.min(net.layers * net.heads, MOST), each: net.heads,
  };
  let start = Math.max(0, given.length - net.context);
  let cache = reader(net);
  let found = null; // of the last token that was read
  const chances = () => restricted(softmaxAt(found.scores, temperature), top_k, top_p);

  function append(token, from, p) {
    written.text.push(pieces[token]);
    written.starts.push(from);
    written.chances.push(p ? { own: p[token], best: bestOf(p) } : { own: 0, best: [] });
    rows.push(Array.from({ length: written.heads }, (_, head) => (
      { start: from, weights: Uint8Array.from(p ? found.looks[head] : [], (weight) => Math.round(255 * weight)) })));
    tokens.push(token);
  }
  const bestOf = (p) => ranked(p).slice(0, SHOWN).map((token) => [pieces[token], p[token]]);
  const readAll = () => {
    while (start + cache.length < tokens.length) found = cache.read(tokens[start + cache.length]);
  };

  for (const token of given) {
    const place = tokens.length;
    if (place > start) readAll();
    append(token, place > start ? start : place, place > start ? chances() : null);
  }
  return {
    written, rows,
    next() {
      if (tokens.length - start > net.context) { // full: the newer half is read again
        start = tokens.length - Math.max(1, Math.floor(net.context / 2));
        cache = reader(net);
      }
      readAll();
      const p = chances();
      const token = drawn(p, random());
      append(token, start, p);
      return token;
    },
  };
}
