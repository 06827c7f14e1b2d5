// Axes and letters on the canvas.
import { axis } from "../axes.js";
import { number } from "./words.js";

export const FONT = "12px system-ui, -apple-system, 'Segoe UI', sans-serif";
export const SMALL = "11px system-ui, -apple-system, 'Segoe UI', sans-serif";

/** Text cut to a width. */
export function fit(c, text, width) {
  if (c.measureText(text).width <= width) return text;
  let [low, high] = [0, text.length];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (c.measureText(`${text.slice(0, middle)}…`).width <= width) low = middle;
    else high = middle - 1;
  }
  return low ? `${text.slice(0, low)}…` : "";
}

/** The x-axis of a parameter by its layout: `center(code)` and `place(row)` in pixels, `joined` if lines may join. */
export function parameterAxis(g, table, name, [left, right], bottom) {
  const column = table.column(name);
  const { layout, groups: { levels, codes, binned } } = column;
  const step = (right - left) / levels.length;
  const scale = ["linear", "log"].includes(layout)
    ? axis(column.scale, [left, right], { wanted: 6, room: binned ? 0.03 : 0.5 / levels.length }) : null;
  const centers = levels.map(({ value }, code) => (scale ? scale(value) : left + (code + 0.5) * step));
  const gap = Math.min(step, ...centers.slice(1).map((x, i) => Math.abs(x - centers[i])));
  const named = binned && scale ? scale.ticks.map((value) => [scale(value), number(value)])
    : levels.map(({ label: text }, code) => [centers[code], text]);
  nameTicks(g, named, bottom, scale ? Infinity : step - 6);
  const place = (row) => (binned && scale ? scale(column.num[row]) : centers[codes[row]]);
  return { center: (code) => centers[code], place, gap: Math.max(4, gap), binned: binned && Boolean(scale), joined: layout !== "names" };
}

/** Names below an axis, slanted if one is wider than its room; those that would touch are left out. */
function nameTicks({ context: c, ink, grid }, named, bottom, room) {
  c.font = SMALL;
  c.fillStyle = ink;
  c.strokeStyle = grid;
  const slanted = Math.max(...named.map(([, text]) => c.measureText(text).width)) > room;
  let last = -Infinity;
  for (const [x, text] of named) {
    c.beginPath();
    c.moveTo(x, bottom);
    c.lineTo(x, bottom + 4);
    c.stroke();
    const half = slanted ? 7 : c.measureText(text).width / 2;
    if (x - half < last + 5) continue;
    last = x + half;
    c.save();
    c.translate(x, bottom + (slanted ? 10 : 17));
    if (slanted) c.rotate(-0.6);
    c.textAlign = slanted ? "right" : "center";
    c.fillText(slanted ? fit(c, text, 70) : text, 0, slanted ? 4 : 0);
    c.restore();
  }
}

export function yAxis(g, place, { left, right, top, bottom }, title) {
  const { context: c } = g;
  c.font = SMALL;
  c.lineWidth = 1;
  c.strokeStyle = g.grid;
  c.fillStyle = g.ink;
  c.textAlign = "right";
  for (const value of place.ticks) {
    const y = Math.round(place(value)) + 0.5;
    if (y < top - 1 || y > bottom + 1) continue;
    c.beginPath();
    c.moveTo(left, y);
    c.lineTo(right, y);
    c.stroke();
    c.fillText(number(value), left - 6, y + 4);
  }
  c.font = `600 ${FONT}`;
  c.textAlign = "left";
  c.fillText(fit(c, title, right - 8), 4, 13);
}

export function xTitle(g, box, title, y) {
  const { context: c } = g;
  c.font = `600 ${FONT}`;
  c.fillStyle = g.ink;
  c.textAlign = "center";
  c.fillText(fit(c, title, box.right - box.left), (box.left + box.right) / 2, y);
}

/** Room on the left for the widest label of an axis. */
export function leftOf(g, place) {
  g.context.font = SMALL;
  return Math.ceil(Math.max(26, ...place.ticks.map((value) => g.context.measureText(number(value)).width)) + 14);
}

/** Beside the title of an axis; nothing where no direction is chosen. */
export const arrow = (better) => ({ max: "↑ higher is better", min: "↓ lower is better" })[better] ?? "";

export function nothing(g, text) {
  const { context: c, width, height } = g;
  c.font = FONT;
  c.fillStyle = g.ink;
  c.textAlign = "center";
  c.fillText(text, width / 2, height / 2);
  return { marks: [], legend: null };
}

export function xTicks(g, across, { left, right, bottom }) {
  const { context: c } = g;
  c.font = SMALL;
  c.fillStyle = g.ink;
  c.strokeStyle = g.grid;
  c.textAlign = "center";
  let last = -Infinity;
  for (const value of across.ticks) {
    const [x, text] = [across(value), number(value)];
    const half = c.measureText(text).width / 2;
    if (x < left - 1 || x > right + 1 || x - half < last + 6) continue;
    c.beginPath();
    c.moveTo(x, bottom);
    c.lineTo(x, bottom + 4);
    c.stroke();
    c.fillText(text, Math.min(x, g.width - half - 2), bottom + 17);
    last = x + half;
  }
}

/** Text with an edge in the color of the ground, readable over lines. */
export function halo(g, text, x, y) {
  const { context: c } = g;
  c.lineWidth = 4;
  c.lineJoin = "round";
  c.strokeStyle = g.paper;
  c.strokeText(text, x, y);
  c.fillStyle = g.ink;
  c.fillText(text, x, y);
}
