// The pictures of the sliding window: the image, the map, the pooled map, nine products.
import { cells, cellUnder } from "../canvas.js";
import { blend } from "../colors.js";
import { make } from "../dom.js";
import { clamp } from "../numbers.js";
import { KERNEL, SIDE } from "./maths.js";
import { twoDecimals } from "./words.js";

export const FRAME = "#ff5e02";
const UNIT = 15; // of a pixel on the canvas; half as large on the page
const [VIOLET, WHITE, BROWN] = [[84, 39, 136], [255, 255, 255], [179, 88, 6]];

const gray = (value) => [255 * value, 255 * value, 255 * value];
const signed = (share) => blend(WHITE, share < 0 ? VIOLET : BROWN, Math.abs(share));

/**
 * A square picture of numbers, `cellsAcross` of them across the frame at most.
 * `draw(side, colorOf, offset, frames)`: offset moves the picture by cells, a frame is [row, column, size, color].
 */
function squarePicture(cellsAcross, attributes) {
  const unit = UNIT;
  const canvas = make("canvas", { width: unit * cellsAcross, height: unit * cellsAcross, class: "square", ...attributes });
  canvas.style.width = `${canvas.width / 2}px`;
  const context = canvas.getContext("2d");
  let fine = null;
  function draw(side, colorOf, offset, frames) {
    if (fine?.canvas.width !== side) fine = cells(side);
    fine.paint(colorOf);
    hatch(context, canvas.width);
    context.imageSmoothingEnabled = false;
    context.drawImage(fine.canvas, offset * unit, offset * unit, side * unit, side * unit);
    for (const [row, column, size, color] of frames) {
      context.strokeStyle = color;
      context.lineWidth = 5;
      context.strokeRect((column + offset) * unit, (row + offset) * unit, size * unit, size * unit);
    }
  }
  return { canvas, draw, cellAt: (event) => cellUnder(event, canvas, cellsAcross, cellsAcross) };
}

/** The ground on which no number lies: where the padding's zeros are, and nothing else. */
function hatch(context, width) {
  context.clearRect(0, 0, width, width);
  context.strokeStyle = "#8883";
  context.lineWidth = 1;
  context.beginPath();
  for (let at = -width; at < width; at += 12) {
    context.moveTo(at, 0);
    context.lineTo(at + width, width);
  }
  context.stroke();
}

/** The digit, with a frame of padding around it; `seen` is { top, left } or null. */
export function imagePicture() {
  const picture = squarePicture(SIDE + 2, { role: "img", "aria-label": "the digit, and the window on it" });
  return {
    node: picture.canvas,
    draw(image, [before, after], seen) {
      const frames = seen ? [[seen.top, seen.left, KERNEL, FRAME]] : [];
      const all = SIDE + before + after;
      if (all > SIDE) frames.unshift([-before, -before, all, "#3f86a0"]);
      picture.draw(SIDE, (k) => gray(image[k]), 1, frames);
    },
  };
}

/** A map of positive and negative numbers, `across` of them at most, with framed places. */
export function mapPicture(label, across, listeners) {
  const picture = squarePicture(across, { tabindex: 0, role: "application", "aria-label": label, class: "square pointed",
    "data-lm-suppress-shortcuts": "true", ...listeners });
  return {
    node: picture.canvas,
    cellAt: picture.cellAt,
    draw({ side, values }, largest, frames) {
      picture.draw(side, (k) => signed(clamp(values[k] / largest, -1, 1)), 0, frames);
    },
  };
}

/** Nine products with their sum; empty while nothing is pointed at. */
export function productGrid() {
  const grid = Array.from({ length: KERNEL ** 2 }, () => make("div", { class: "product" }));
  const sum = make("p", { class: "sum" });
  return {
    node: make("div", { class: "products", "aria-hidden": "true" }, make("div", { class: "nine" }, grid), sum),
    draw(seen, weights) {
      grid.forEach((cell, k) => {
        const product = seen ? twoDecimals(seen.products[k]) : "";
        cell.replaceChildren(make("small", {}, seen ? `${twoDecimals(seen.pixels[k])} × ${weights[k]}` : " "),
          make("span", {}, product));
      });
      sum.textContent = seen ? `sum: ${twoDecimals(seen.sum)}` : " ";
    },
  };
}
