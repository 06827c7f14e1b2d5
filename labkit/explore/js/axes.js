// Axes: from numbers to pixels and back, and where the numbers stand.

/** Round numbers between low and high, about as many as wanted. */
function ticks(low, high, wanted = 5) {
  const raw = (high - low) / wanted;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].find((s) => s * power >= raw * 0.999) * power;
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(10)));
}

/** Powers of ten between low and high, for few of them 2 and 5 times as much too. */
function logTicks(low, high) {
  const first = Math.floor(Math.log10(low));
  const powers = Array.from({ length: Math.ceil(Math.log10(high)) - first + 1 }, (_, i) => 10 ** (first + i));
  const factors = powers.length > 4 ? [1] : [1, 2, 5];
  return powers.flatMap((power) => factors.map((m) => Number((m * power).toPrecision(3))))
    .filter((x) => x >= low * 0.999 && x <= high * 1.001);
}

/** A range that can be drawn: a single number gets room around it, none gives 0 to 1. */
function widened({ low, high, log = false }) {
  if (high > low) return { low, high, log };
  const half = Math.abs(low || 1) / 2;
  return Number.isFinite(low) ? { low: low - half, high: low + half, log: false } : { low: 0, high: 1, log: false };
}

/**
 * A scale place(x) from data to pixels, with place.invert and place.ticks.
 * `room` is the share of the range that stays empty at each end.
 */
export function axis(range, [from, to], { wanted = 5, room = 0 } = {}) {
  const { low, high, log } = widened(range);
  const [f, g] = log ? [Math.log, Math.exp] : [(x) => x, (x) => x];
  const spare = room * (f(high) - f(low));
  const [a, b] = [f(low) - spare, f(high) + spare];
  const place = (x) => from + ((f(x) - a) / (b - a)) * (to - from);
  place.invert = (pixel) => g(a + ((pixel - from) / (to - from)) * (b - a));
  place.ticks = log ? logTicks(g(a), g(b)) : ticks(a, b, wanted);
  return place;
}
