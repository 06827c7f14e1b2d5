// Parallel coordinates: a line for each run through all axes, the best ones on top.
import { axis } from "../axes.js";
import { rgb } from "../colors.js";
import { make } from "../dom.js";
import { clamp } from "../numbers.js";
import { keyOf, role, scaleOf } from "./columns.js";
import { jitter, ramp } from "./marks.js";
import { SMALL, arrow, fit, halo, nothing } from "./plot.js";
import { FAILED, finite } from "./statistics.js";
import { bare, number } from "./words.js";

export function drawParallel(g, table, { rows, settings, shown }) {
  const { width, height } = g;
  const { result, better } = settings;
  const names = shown.axes;
  if (!names.length) return nothing(g, "All runs have the same parameters.");
  const column = result && table.column(result);
  const failed = rows.filter((row) => FAILED.has(table.status[row]));
  const box = { left: 34, right: width - 44, top: 50, bottom: height - (failed.length ? 46 : 24) };
  const spacing = names.length > 1 ? (box.right - box.left) / (names.length - 1) : 0;
  const axes = names.map((name, i) => verticalAxis(table, name, box, names.length > 1 ? box.left + i * spacing : width / 2));
  const last = axes.length - 1;
  const low = box.bottom + 24; // where failed runs end
  const across = (row) => axes.map((each) => each.place(row));
  const fallen = (row) => axes.map((each, i) => (i === last && column ? low : each.place(row)));
  const ranked = rows.filter((row) => !column || finite(table, row, column))
    .sort((p, q) => (column ? compare(column.num[p], column.num[q], better) : 0)); // the best first
  const paths = [...ranked.map(across), ...failed.map(fallen)];
  drawFailed(g, axes, paths.slice(ranked.length), { crowd: crowdOf(ranked), low: column && failed.length ? low : null });
  drawRanked(g, axes, paths.slice(0, ranked.length), { crowd: crowdOf(ranked), colored: Boolean(column) });
  axes.forEach((each) => drawVertical(g, table, each, box, settings.filters[each.name]));
  const labels = (on) => axes.forEach((each, i) => labelVertical({ ...g, context: on }, each, spacing, i, names.length,
    each.name === result ? arrow(better).slice(0, 1) : "")); // drawn over chosen lines, so not here
  const lines = [...ranked, ...failed].map((row, k) =>
    ({ row, ys: paths[k], x: axes[last].x, y: paths[k][last], keys: true, line: [axes, paths[k]], r: 4 }));
  return { marks: lines, axes, lines, labels, legend: column && ranked.length ? { ramp: true, title: `${bare(result)}, colored by rank`,
    scale: [ranked[ranked.length - 1], ranked[0]].map((row) => column.num[row]) } : null };
}

const compare = (a, b, better) => (better === "min" ? a - b : b - a);

/** 0 for 50 lines, 2 for 5,000. */
const crowdOf = (rows) => clamp(Math.log10(rows.length) - 1.7, 0, 2);

function drawFailed(g, axes, paths, { crowd, low }) {
  const { context: c } = g;
  c.lineWidth = 1.4;
  c.globalAlpha = 0.9 - 0.25 * crowd;
  c.strokeStyle = g.bad;
  c.setLineDash([4, 3]);
  polylines(c, paths, axes);
  c.setLineDash([]);
  c.globalAlpha = 1;
  if (low === null) return;
  c.fillStyle = g.bad;
  c.textAlign = "right";
  c.font = `600 ${SMALL}`;
  c.fillText("✕ failed", g.width - 2, low + 14);
}

/** Lines in the order of their rank, the first on top, under what is drawn already. */
function drawRanked(g, axes, paths, { crowd, colored }) {
  const { context: c } = g;
  const styleAt = (k) => { // [shade, alpha]
    const t = 1 - k / Math.max(1, paths.length);
    const alpha = clamp(0.95 * t ** (1 + 8 * crowd), 0.55 ** (1 + 2.8 * crowd), 0.95);
    return [colored ? t : 0.6, alpha];
  };
  c.save();
  c.globalCompositeOperation = "destination-over";
  if (paths.length > 400) c.drawImage(rastered(g, axes, paths, styleAt), 0, 0, g.width, g.height);
  else {
    c.lineWidth = 1.6 - 0.4 * crowd;
    paths.forEach((ys, k) => {
      const [shade, alpha] = styleAt(k);
      c.strokeStyle = rgb(ramp(shade, g.dark));
      c.globalAlpha = alpha;
      polylines(c, [ys], axes);
    });
  }
  c.restore();
}

/** One axis of the parallel coordinates: where each row crosses it. */
function verticalAxis(table, name, box, x) {
  const column = table.column(name);
  const { levels } = column.groups;
  const isResult = role(name) === "result";
  if (column.numeric && (isResult || column.groups.binned)) {
    const scale = axis(isResult ? scaleOf(column.num, 1000) : column.scale, [box.bottom, box.top], { wanted: 6 });
    const known = (row) => Number.isFinite(column.num[row]);
    return { name, x, scale, place: (row) => (known(row) ? scale(column.num[row]) : box.bottom + 12),
      marks: scale.ticks.map((value) => [scale(value), number(value)]) };
  }
  const step = (box.bottom - box.top) / levels.length;
  const center = (code) => box.bottom - (code + 0.5) * step;
  const wide = Math.min(0.3 * step, 26);
  return { name, x, step, levels, place: (row) => center(column.exact[row]) + wide * jitter(row),
    marks: levels.map(({ label: text }, code) => [center(code), text]) };
}

/** Thousands of thin lines, pixel by pixel: many times faster than a canvas without a GPU strokes them. */
function rastered({ width, height, dark }, axes, lines, styleAt) {
  const { cover, shades, canvas } = memory(width, height);
  const places = axes.map(({ x }) => x);
  lines.forEach((ys, k) => {
    const [shade, alpha] = styleAt(k);
    for (let i = 0; i + 1 < places.length; i++) {
      let [x, y] = [places[i], ys[i]];
      const steps = Math.ceil(Math.max(places[i + 1] - x, Math.abs(ys[i + 1] - y)));
      const dx = (places[i + 1] - x) / steps;
      const dy = (ys[i + 1] - y) / steps;
      for (let step = 0; step < steps; step++, x += dx, y += dy) {
        const at = (y | 0) * width + (x | 0);
        const free = 1 - cover[at]; // front to back: what is covered stays as it is
        if (free < 0.04) continue;
        cover[at] += free * alpha;
        shades[at] += free * alpha * shade;
      }
    }
  });
  const image = new ImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  const colors = Array.from({ length: 256 }, (_, i) => {
    const [red, green, blue] = ramp(i / 255, dark).map(Math.round);
    return (blue << 16) | (green << 8) | red; // as memory holds them: the lowest byte first
  });
  for (let at = 0; at < pixels.length; at++) {
    const share = cover[at];
    if (share > 0) pixels[at] = (Math.round(255 * share) << 24) | colors[Math.round((255 * shades[at]) / share)];
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

/** What `rastered` works on, kept from picture to picture: how far each pixel is covered, by what shade. */
let kept = { width: 0, height: 0 };
function memory(width, height) {
  if (kept.width !== width || kept.height !== height) {
    const [cover, shades] = [0, 0].map(() => new Float32Array(width * height));
    kept = { width, height, cover, shades, canvas: make("canvas", { width, height }) };
  }
  kept.cover.fill(0);
  kept.shades.fill(0); // sum of the shades, each by its share
  return kept;
}

export function polylines(c, lines, axes) {
  c.beginPath();
  for (const ys of lines) {
    c.moveTo(axes[0].x, ys[0]);
    for (let i = 1; i < axes.length; i++) c.lineTo(axes[i].x, ys[i]);
    if (axes.length === 1) c.lineTo(axes[0].x + 8, ys[0]);
  }
  c.stroke();
}

function drawVertical(g, table, each, box, filter) {
  const { context: c } = g;
  const { x } = each;
  c.strokeStyle = g.ink;
  c.lineWidth = 1.2;
  c.beginPath();
  c.moveTo(x, box.top - 4);
  c.lineTo(x, box.bottom + 4);
  c.stroke();
  if (filter) {
    const [from, to] = brushOf(table, each, filter, box);
    c.fillStyle = g.brush;
    c.fillRect(x - 6, from, 12, to - from);
    c.strokeRect(x - 6, from, 12, to - from);
  }
}

/** Name and values of an axis; `i` of `total`. */
function labelVertical(g, each, spacing, i, total, sign) {
  const { context: c } = g;
  const { x } = each;
  const last = i === total - 1;
  const room = Math.max(40, spacing * (spacing < 84 ? 1.9 : 0.98));
  c.font = `600 ${SMALL}`;
  const title = fit(c, `${bare(each.name)}${sign ? ` ${sign}` : ""}`, total > 1 ? room : 300);
  const half = c.measureText(title).width / 2;
  c.textAlign = "center";
  halo(g, title, clamp(x, half + 2, g.width - half - 2), spacing < 84 && i % 2 ? 14 : 30);
  c.font = SMALL;
  c.textAlign = "left";
  let before = Infinity;
  for (const [y, text] of [...each.marks].sort((p, q) => q[0] - p[0])) {
    if (before - y < 13) continue;
    before = y;
    const width = last ? g.width - x - 8 : Math.max(26, spacing - 12);
    halo(g, fit(c, text, Math.min(110, width)), x + 5, y + 4);
  }
}

/** Pixels of a filter on its axis. */
function brushOf(table, each, filter, box) {
  if (each.scale && filter.values === undefined) {
    const [a, b] = [each.scale(filter.low), each.scale(filter.high)];
    return [clamp(Math.min(a, b), box.top, box.bottom) - 2, clamp(Math.max(a, b), box.top, box.bottom) + 2];
  }
  if (!each.levels) return [box.top, box.bottom];
  const column = table.column(each.name);
  const inside = column.distinct.map((value, code) => {
    if (filter.values) return filter.values.some((wanted) => keyOf(wanted) === keyOf(value)) ? code : -1;
    return value >= filter.low && value <= filter.high ? code : -1;
  }).filter((code) => code >= 0);
  if (!inside.length) return [box.bottom, box.bottom];
  const top = box.bottom - (Math.max(...inside) + 0.9) * each.step;
  return [top, box.bottom - (Math.min(...inside) + 0.1) * each.step];
}
