// Byte-pair tokens as labkit/networks/tokens.py has them: words are borders, merges come in order.

const BYTES = 256;
const WORDS = / ?[A-Za-z]+| ?[0-9]+| ?[^A-Za-z0-9 \n]+|[ \n]+/g;

/** { encode(text) -> tokens, pieces: each token for the eye } of merges, a list of pairs. */
export function tokenizer(merges) {
  const parts = Array.from({ length: BYTES }, (_, byte) => [byte]);
  const rank = new Map();
  merges.forEach(([left, right], number) => {
    parts.push([...parts[left], ...parts[right]]);
    rank.set(left * (BYTES + merges.length) + right, number);
  });
  const rankOf = (left, right) => rank.get(left * (BYTES + merges.length) + right) ?? Infinity;
  const reader = new TextDecoder();
  return {
    pieces: parts.map((piece) => reader.decode(Uint8Array.from(piece))),
    encode: (text) => (text.match(WORDS) ?? []).flatMap((word) => mergedWord(word, rankOf)),
  };
}

/** One merge after the other, the one that was found first; all its places from left to right. */
function mergedWord(word, rankOf) {
  let tokens = [...new TextEncoder().encode(word)];
  for (;;) {
    const ranks = tokens.slice(1).map((right, k) => rankOf(tokens[k], right));
    const first = Math.min(Infinity, ...ranks);
    if (first === Infinity) return tokens;
    const merged = [];
    for (let k = 0; k < tokens.length; k++) {
      const both = ranks[k] === first;
      merged.push(both ? BYTES + first : tokens[k]);
      if (both) k += 1;
    }
    tokens = merged;
  }
}
