// The random numbers of NumPy: `numpy.random.default_rng(seed).random()`, one after the other.
// Sources: M. E. O'Neill, PCG (2014); NumPy's SeedSequence and PCG64.

const WORD = 0xffffffffn;
const LONG = (1n << 64n) - 1n;
const WIDE = (1n << 128n) - 1n;
const STEP = 0x2360ed051fc65da44385df649fccf645n;

/** Mixes words of 32 bits; what it multiplies by changes from call to call. */
function hasher(factor, multiplier) {
  return (word) => {
    let mixed = word ^ factor;
    factor = (factor * multiplier) & WORD;
    mixed = (mixed * factor) & WORD;
    return mixed ^ (mixed >> 16n);
  };
}

/** Eight words of 32 bits from a whole number of 0 to 2^53. */
function seedWords(seed) {
  const hash = hasher(0x43b0d7e5n, 0x931e8875n);
  const big = BigInt(seed);
  const pool = [big & WORD, big >> 32n, 0n, 0n].map(hash);
  for (let from = 0; from < 4; from++) {
    for (let to = 0; to < 4; to++) {
      if (from === to) continue;
      const mixed = (pool[to] * 0xca01f9ddn - hash(pool[from]) * 0x4973f715n) & WORD;
      pool[to] = mixed ^ (mixed >> 16n);
    }
  }
  const last = hasher(0x8b51f9ddn, 0x58f38dedn);
  return Array.from({ length: 8 }, (_, k) => last(pool[k % 4]));
}

/** A function that returns the next number in [0, 1). */
export function draws(seed) {
  const words = seedWords(seed);
  const [high, low, more, less] = [0, 2, 4, 6].map((k) => words[k] | (words[k + 1] << 32n));
  const odd = ((((more << 64n) | less) << 1n) | 1n) & WIDE;
  const next = (state) => (state * STEP + odd) & WIDE;
  let state = next((odd + ((high << 64n) | low)) & WIDE);
  return () => {
    state = next(state);
    const turn = state >> 122n;
    const folded = (state >> 64n) ^ (state & LONG);
    const turned = ((folded >> turn) | (folded << (64n - turn))) & LONG;
    return Number(turned >> 11n) / 2 ** 53;
  };
}
