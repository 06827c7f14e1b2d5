// The heat map: a cell for each pair of values, colored by the mean of its runs.
import { axis } from "../axes.js";
import { rgb } from "../colors.js";
import { scaleOf } from "./columns.js";
import { heat } from "./marks.js";
import { FONT, SMALL, fit, xTitle } from "./plot.js";
import { bestOf } from "./statistics.js";
import { inSpread } from "./tips.js";
import { bare, number } from "./words.js";

export function drawHeatMap(g, table, { settings, shown }) {
  const { context: c, width, height } = g;
  const { x, y, result, better } = settings;
  const up = table.column(y).groups.levels;
  const right = table.column(x).groups.levels;
  c.font = SMALL;
  const widest = Math.min(0.3 * width, Math.max(30, ...up.map((level) => c.measureText(level.label).width)));
  const box = { left: Math.ceil(widest) + 14, right: width - 8, top: 24, bottom: height - 56 };
  const scale = scaleOf(shown.cells.map(({ mean }) => mean), 1000);
  const tint = axis(scale, [0, 1]);
  const [w, h] = [(box.right - box.left) / right.length, (box.bottom - box.top) / up.length];
  c.font = `600 ${FONT}`;
  c.textAlign = "left";
  c.fillStyle = g.ink;
  c.fillText(fit(c, `${bare(y)} ↑`, width), 4, 13);
  const marks = shown.cells.map((cell) => {
    const [left, top] = [box.left + cell.i * w, box.bottom - (cell.j + 1) * h];
    const value = Number.isFinite(cell.mean) ? (scale.high > scale.low ? tint(cell.mean) : 1) : null;
    drawCell(g, cell, value, left, top, w, h);
    const where = `${bare(x)} ${right[cell.i].label}, ${bare(y)} ${up[cell.j].label}`;
    return { x: left + w / 2, y: top + h / 2, r: Math.min(w, h) / 2, box: [left, top, w, h], keys: true, rows: cell.rows,
      row: bestOf(table, cell.rows, result, better) ?? cell.rows[0], text: () => `${where}: mean ${bare(result ?? "result")} ${inSpread(cell)}` };
  });
  const best = shown.cells.indexOf(shown.best);
  if (best >= 0) outline(g, marks[best].box);
  sideLabels(g, up, box, h);
  bottomLabels(g, right, box, w);
  xTitle(g, box, `${bare(x)} →`, height - 6);
  const title = result ? `mean ${bare(result)}, n = runs in the cell` : "";
  return { marks, legend: { scale: [scale.low, scale.high], title } };
}

export function drawCell(g, cell, value, left, top, w, h) {
  const { context: c } = g;
  const color = value === null ? null : heat(value);
  c.fillStyle = color ? rgb(color) : g.faint;
  c.fillRect(left + 1, top + 1, w - 2, h - 2);
  const light = color && 0.3 * color[0] + 0.59 * color[1] + 0.11 * color[2] > 125;
  c.fillStyle = color ? (light ? "#111" : "#fff") : g.bad;
  c.textAlign = "center";
  const lines = []; // what matters most comes first: a low cell shows only that
  if (cell.n) lines.push([FONT, number(cell.mean, 3)]);
  if (cell.failed) lines.push([SMALL, `✕ ${cell.failed}`]);
  if (cell.n) lines.push([SMALL, `n = ${cell.n}`]);
  const told = lines.slice(0, Math.max(1, Math.floor((h - 4) / 15)));
  told.forEach(([font, text], i) => {
    c.font = font;
    if (c.measureText(text).width > w - 4) return;
    c.fillText(text, left + w / 2, top + h / 2 + 4 + 15 * (i - (told.length - 1) / 2));
  });
}

function outline({ context: c, colors }, [left, top, w, h]) {
  c.lineWidth = 3;
  c.strokeStyle = colors[1];
  c.strokeRect(left + 1.5, top + 1.5, w - 3, h - 3);
}

function sideLabels(g, levels, box, h) {
  const { context: c } = g;
  c.font = SMALL;
  c.fillStyle = g.ink;
  c.textAlign = "right";
  const every = Math.ceil(14 / h);
  levels.forEach((level, j) => {
    if (j % every === 0) c.fillText(fit(c, level.label, box.left - 10), box.left - 6, box.bottom - (j + 0.5) * h + 4);
  });
}

function bottomLabels(g, levels, box, w) {
  const { context: c } = g;
  c.font = SMALL;
  c.fillStyle = g.ink;
  const slanted = Math.max(...levels.map((level) => c.measureText(level.label).width)) > w - 4;
  const every = slanted ? Math.ceil(13 / w) : 1;
  levels.forEach((level, i) => {
    if (i % every) return;
    c.save();
    c.translate(box.left + (i + 0.5) * w, box.bottom + (slanted ? 10 : 15));
    if (slanted) c.rotate(-0.5);
    c.textAlign = slanted ? "right" : "center";
    c.fillText(slanted ? fit(c, level.label, 62) : level.label, 0, slanted ? 4 : 0);
    c.restore();
  });
}
