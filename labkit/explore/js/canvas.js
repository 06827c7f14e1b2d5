// Canvases: one for lines and letters, one of colored cells; and lines of equal height.
import { make } from "./dom.js";
import { translatedPhrase } from "./phrases.js";

/** Sharp on any screen: sizes in CSS pixels, drawing in CSS pixels. */
export function screen(attributes = {}) {
  const canvas = make("canvas", attributes);
  const context = canvas.getContext("2d");
  const [write, measure] = [context.fillText.bind(context), context.measureText.bind(context)];
  context.fillText = (text, ...place) => write(translatedPhrase(String(text)), ...place);
  context.measureText = (text) => measure(translatedPhrase(String(text)));
  return {
    canvas, context, width: 0, height: 0,
    resize(width, height) {
      const ratio = globalThis.devicePixelRatio || 1;
      Object.assign(this, { width, height });
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
      canvas.style.width = `${width}px`;
      canvas.style.height = `${height}px`;
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
    },
  };
}

/** The cell under a pointer, [row, column], on a canvas of so many columns and rows of cells. */
export function cellUnder({ clientX, clientY }, canvas, columns, rows) {
  const { left, top, width, height } = canvas.getBoundingClientRect();
  return [Math.floor(((clientY - top) / height) * rows), Math.floor(((clientX - left) / width) * columns)];
}

/** A canvas of cells; `paint(colorOf)` asks the color [r, g, b] of cell k, row by row. */
export function cells(width, height = width, attributes = {}) {
  const canvas = make("canvas", { width, height, ...attributes });
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  image.data.fill(255);
  return {
    canvas, context,
    paint(colorOf) {
      for (let k = 0; k < width * height; k++) {
        const color = colorOf(k);
        image.data[4 * k] = color[0];
        image.data[4 * k + 1] = color[1];
        image.data[4 * k + 2] = color[2];
      }
      context.putImageData(image, 0, 0);
    },
  };
}

// The corners of a cell, clockwise from the upper left one.
const CORNERS = [[0, 0], [1, 0], [1, 1], [0, 1]];

/**
 * Lines of equal height by marching squares: calls piece(x0, y0, x1, y1) for each straight piece.
 * `heights` holds rows of `columns` numbers; x and y count columns and rows, from 0.
 */
export function contour(heights, columns, levels, piece) {
  const rows = heights.length / columns;
  for (let j = 0; j + 1 < rows; j++) {
    for (let i = 0; i + 1 < columns; i++) {
      const k = j * columns + i;
      const corners = [heights[k], heights[k + 1], heights[k + columns + 1], heights[k + columns]];
      const least = Math.min(...corners);
      const most = Math.max(...corners);
      for (const level of levels) {
        if (level > least && level <= most) crossCell(corners, level, i, j, piece);
      }
    }
  }
}

function crossCell(corners, level, i, j, piece) {
  let from = null;
  for (let edge = 0; edge < 4; edge++) {
    const next = (edge + 1) % 4;
    const [a, b] = [corners[edge], corners[next]];
    if (a < level === b < level) continue;
    const t = (level - a) / (b - a);
    const x = i + CORNERS[edge][0] + t * (CORNERS[next][0] - CORNERS[edge][0]);
    const y = j + CORNERS[edge][1] + t * (CORNERS[next][1] - CORNERS[edge][1]);
    if (from) piece(from[0], from[1], x, y);
    from = from ? null : [x, y];
  }
}
