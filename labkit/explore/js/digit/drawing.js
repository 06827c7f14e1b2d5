// What is being drawn: strokes, their ink, and the pen that draws them.
import { clamp } from "../numbers.js";
import { SIDE, addEnd, inkOf } from "./maths.js";

const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const round = (place) => Math.round(100 * clamp(place, 0, SIDE)) / 100;

export class Drawing {
  constructor() {
    this.pen = 2;
    this.down = false; // a stroke is being drawn, by mouse or by keys
    this.cursor = [14, 8]; // of the keyboard, in pixels
    this.strokes = [];
  }

  /** Begin anew from strokes that somebody else drew. */
  restore(strokes, pen) {
    this.down = false;
    this.pen = pen;
    this.strokes = this.copy(strokes);
    this.ink = inkOf(this.strokes, pen);
  }

  copy(strokes = this.strokes) {
    return strokes.map((stroke) => [...stroke]);
  }

  begin(place) {
    this.down = true;
    this.strokes.push(place.map(round));
    addEnd(this.ink, this.strokes.at(-1), this.pen);
  }

  extend(place) {
    const [x, y] = place.map(round);
    const stroke = this.strokes.at(-1);
    if (stroke.at(-2) === x && stroke.at(-1) === y) return;
    stroke.push(x, y);
    addEnd(this.ink, stroke, this.pen);
  }

  /** The pen goes to a place, and draws on its way if it is down. */
  move(place) {
    this.cursor = place.map(round);
    if (this.down) this.extend(place);
  }

  /** Move by an arrow key; false for any other key. */
  step(key) {
    const way = KEYS[key];
    if (way) this.move(this.cursor.map((at, axis) => clamp(at + way[axis], 0.5, SIDE - 0.5)));
    return Boolean(way);
  }

  /** Where the pen is, in words. */
  get hand() {
    const [column, row] = this.cursor.map(Math.ceil);
    return `Pen ${this.down ? "down" : "up"}, column ${column}, row ${row}.`;
  }
}
