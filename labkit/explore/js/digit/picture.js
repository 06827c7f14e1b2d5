// The picture of the digit explorer: the field, what the network sees, ten bars.
import { cells } from "../canvas.js";
import { make } from "../dom.js";
import { BOX, CELLS, FINE, SIDE } from "./maths.js";

export const SIZE = 308; // the field on the screen, in CSS pixels

const gray = (value) => {
  const level = Math.round(255 * value);
  return [level, level, level];
};

/** The field to draw in; `draw(drawing, example, focused)` paints ink and held-out image. */
export function createField(listeners) {
  const fine = cells(CELLS);
  const canvas = make("canvas", {
    class: "field", width: 2 * SIZE, height: 2 * SIZE, tabindex: 0, role: "application",
    "aria-label": "field to draw a digit in: arrow keys move the pen, Space puts it down or lifts it, " +
      "Backspace takes the last stroke back",
    "data-lm-suppress-shortcuts": "true", ...listeners,
  });
  const context = canvas.getContext("2d");
  const unit = canvas.width / SIDE;
  return {
    canvas,
    /** Where a pointer is, in pixels of the network. */
    placeOf({ clientX, clientY }) {
      const { left, top, width, height } = canvas.getBoundingClientRect();
      return [((clientX - left) / width) * SIDE, ((clientY - top) / height) * SIDE];
    },
    draw(drawing, example, focused) {
      const { ink } = drawing;
      fine.paint(example ? (k) => gray(Math.max(ink[k], example[under(k)])) : (k) => gray(ink[k]));
      context.imageSmoothingEnabled = true;
      context.drawImage(fine.canvas, 0, 0, canvas.width, canvas.height);
      context.strokeStyle = "#8886";
      context.lineWidth = 2;
      const edge = ((SIDE - BOX) / 2) * unit;
      context.strokeRect(edge, edge, BOX * unit, BOX * unit);
      if (focused) drawPen(context, drawing, unit);
    },
  };
}

/** The pixel of the network under cell k. */
const under = (k) => Math.floor(Math.floor(k / CELLS) / FINE) * SIDE + Math.floor((k % CELLS) / FINE);

function drawPen(context, { cursor, down }, unit) {
  context.strokeStyle = down ? "#ff5e02" : "#86c8dd";
  context.lineWidth = 4;
  const [x, y] = cursor.map((at) => at * unit);
  context.beginPath();
  context.moveTo(x - 14, y);
  context.lineTo(x + 14, y);
  context.moveTo(x, y - 14);
  context.lineTo(x, y + 14);
  context.stroke();
}

/** The 28 x 28 numbers that the network gets. */
export function createSeen() {
  const { canvas, paint } =
    cells(SIDE, SIDE, { class: "seen", role: "img", "aria-label": "what the network sees: 28 x 28 pixels" });
  return { canvas, draw: (image) => paint((k) => gray(image[k])) };
}

/** Ten bars, one for each answer; the sentence below says the same to a screen reader. */
export function createBars() {
  const bars = Array.from({ length: 10 }, (_, k) => {
    const fill = make("i");
    const number = make("b");
    return { fill, number, row: make("div", { class: "bar" }, make("span", {}, String(k)), make("div", {}, fill), number) };
  });
  return {
    node: make("div", { class: "bars", "aria-hidden": "true" }, bars.map(({ row }) => row)),
    draw(chances) {
      const top = Math.max(...chances);
      bars.forEach(({ fill, number, row }, k) => {
        fill.style.width = `${100 * chances[k]}%`;
        number.textContent = chances[k].toFixed(3);
        row.classList.toggle("top", chances[k] === top);
      });
    },
  };
}
