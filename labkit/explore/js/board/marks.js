// Signs on the canvas: markers, crosses, stars, the dashes and colors of groups.
import { cividis, rgb } from "../colors.js";

const DASHES = [[], [7, 4], [2, 3], [9, 3, 2, 3], [5, 2], [12, 4], [4, 4, 1, 4], [1, 3]];

/** From 0, close to the ground, to 1, far from it: bright in the dark theme, dark in the light one. */
export const ramp = (t, dark) => cividis(dark ? 0.25 + 0.75 * t : 0.85 * (1 - t));

/** Colors of a heat map: t from 0, the least, to 1. */
export const heat = (t) => cividis(0.04 + 0.96 * t);

const SHAPES = [
  (c, x, y, r) => c.arc(x, y, r, 0, 2 * Math.PI),
  (c, x, y, r) => c.rect(x - 0.9 * r, y - 0.9 * r, 1.8 * r, 1.8 * r),
  (c, x, y, r) => polygon(c, x, y, 1.3 * r, 3, -Math.PI / 2),
  (c, x, y, r) => polygon(c, x, y, 1.25 * r, 4, 0),
  (c, x, y, r) => polygon(c, x, y, 1.3 * r, 3, Math.PI / 2),
  (c, x, y, r) => polygon(c, x, y, 1.15 * r, 6, 0),
  (c, x, y, r) => polygon(c, x, y, 1.2 * r, 5, -Math.PI / 2),
  (c, x, y, r) => c.rect(x - 1.2 * r, y - 0.5 * r, 2.4 * r, r),
];

function polygon(c, x, y, r, corners, turn) {
  for (let k = 0; k < corners; k++) {
    const angle = turn + (2 * Math.PI * k) / corners;
    c[k ? "lineTo" : "moveTo"](x + r * Math.cos(angle), y + r * Math.sin(angle));
  }
  c.closePath();
}

export function marker(c, shape, x, y, r) {
  c.beginPath();
  SHAPES[shape % SHAPES.length](c, x, y, r);
  c.fill();
  c.stroke();
}

export function cross(c, x, y, r) {
  c.beginPath();
  c.moveTo(x - r, y - r);
  c.lineTo(x + r, y + r);
  c.moveTo(x + r, y - r);
  c.lineTo(x - r, y + r);
  c.stroke();
}

export function drawStar(c, x, y, r) {
  c.beginPath();
  for (let k = 0; k < 10; k++) {
    const angle = -Math.PI / 2 + (Math.PI * k) / 5;
    const at = k % 2 ? 0.45 * r : r;
    c[k ? "lineTo" : "moveTo"](x + at * Math.cos(angle), y + at * Math.sin(angle));
  }
  c.closePath();
  c.fill();
  c.stroke();
}

/** In [-1, 1], always the same for a row: spreads dots that would cover each other. */
export function jitter(row) {
  let t = Math.imul(row + 1, 0x9e3779b1);
  t = Math.imul(t ^ (t >>> 15), 0x85ebca6b);
  return ((t ^ (t >>> 13)) >>> 0) / 0x80000000 - 1;
}

/** How each line is drawn: color, dash and marker by its number; many numbers in their order by a ramp. */
export function stylesOf(g, table, by, lines) {
  const column = by && table.column(by);
  const total = column ? column.groups.levels.length : 1;
  return lines.map(({ code, color: k }) => ({
    color: column?.numeric && total > 4 ? rgb(ramp(code / (total - 1), g.dark)) : g.colors[k % g.colors.length],
    dash: DASHES[k % DASHES.length], shape: k % SHAPES.length,
  }));
}

/** The edge of what is reachable: steps from front point to front point. */
export function stairs(g, at, better) {
  const { context: c } = g;
  const order = [...at].sort((p, q) => p[0] - q[0]);
  c.strokeStyle = g.colors[1];
  c.lineWidth = 2;
  c.beginPath();
  order.forEach(([x, y], i) => {
    if (!i) return c.moveTo(x, y);
    const [px, py] = order[i - 1];
    if (better === "max") c.lineTo(px, y);
    else c.lineTo(x, py);
    return c.lineTo(x, y);
  });
  c.stroke();
}
