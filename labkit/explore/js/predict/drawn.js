// The curve that is being drawn: a height at some of its places, straight lines between them.
import { clamp } from "../numbers.js";

const SLACK = 2; // places that may lack at an edge: the curve goes on level

export class DrawnCurve {
  /** `task` has `at`, the places, and the range of heights; `heights` are shares of that range. */
  constructor(task) {
    this.task = task;
    const { low, high, log } = task;
    const [f, g] = log ? [Math.log, Math.exp] : [(y) => y, (y) => y];
    this.valueOf = (share) => Number(g(f(low) + share * (f(high) - f(low))).toPrecision(3));
    this.shareAt = (value) => clamp((f(value) - f(low)) / (f(high) - f(low)), 0, 1);
    this.clear();
  }

  clear() {
    this.heights = this.task.at.map(() => null);
    this.cursor = 0; // of the keyboard, counts places
    this.last = null; // where the pointer was
  }

  /** The heights, filled up between those that are set; null beyond the outermost. */
  get filled() {
    const set = [...this.heights.keys()].filter((k) => this.heights[k] !== null);
    return this.heights.map((height, k) => {
      if (height !== null) return height;
      const [before, after] = [set.findLast((j) => j < k), set.find((j) => j > k)];
      if (before === undefined || after === undefined) return null;
      const t = (k - before) / (after - before);
      return this.heights[before] + t * (this.heights[after] - this.heights[before]);
    });
  }

  /** The pointer is over place k (not always whole) at a height: all it passed on its way is set. */
  follow(k, height) {
    const from = this.last ?? [k, height];
    const here = [clamp(k, 0, this.heights.length - 1), clamp(height, 0, 1)];
    const [low, high] = [Math.min(from[0], here[0]), Math.max(from[0], here[0])];
    for (let j = Math.ceil(low); j <= high; j++) {
      const t = here[0] === from[0] ? 1 : (j - from[0]) / (here[0] - from[0]);
      this.heights[j] = from[1] + t * (here[1] - from[1]);
    }
    this.cursor = Math.round(here[0]);
    this.heights[this.cursor] = here[1];
    this.last = here;
  }

  lift() {
    this.last = null;
  }

  /** Move the cursor. */
  go(k) {
    this.cursor = clamp(k, 0, this.heights.length - 1);
  }

  /** Raise or lower the curve at the cursor; where there is none yet it begins beside its neighbor. */
  raise(by) {
    const filled = this.filled;
    const neighbor = this.heights.slice(0, this.cursor).findLast((height) => height !== null) ?? this.heights.find((height) => height !== null);
    this.heights[this.cursor] = clamp((filled[this.cursor] ?? neighbor ?? 0.5) + by, 0, 1);
  }

  takeBack() {
    this.heights[this.cursor] = null;
  }

  put(values) {
    this.heights = values.map(this.shareAt);
  }

  /** { guess }, a value for every place, or { problem }. */
  read() {
    const filled = this.filled;
    const [first, last] = [filled.findIndex((y) => y !== null), filled.findLastIndex((y) => y !== null)];
    const end = filled.length - 1;
    const { at, x_label: name } = this.task;
    if (first === last) return { problem: "Draw your curve first, from the left edge to the right one." };
    if (first > SLACK) return { problem: `Your curve begins at ${name} ${at[first]}; it must begin at ${at[0]}.` };
    if (end - last > SLACK) return { problem: `Your curve ends at ${name} ${at[last]}; it must go on to ${at[end]}.` };
    return { guess: filled.map((y, k) => this.valueOf(y ?? filled[k < first ? first : last])) };
  }

  /** Where the cursor is, in words: "step 10: loss 0.5". */
  get words() {
    const { at, x_label: x, y_label: y } = this.task;
    const height = this.filled[this.cursor];
    return `${x} ${at[this.cursor]}: ${height === null ? "not drawn yet" : `${y} ${this.valueOf(height)}`}`;
  }
}
