// The pictures: each draws what a view shows, and returns its marks and its legend.
//
// A mark is what can be pointed at: { x, y, r or box or line, row }, with `rows` if it stands for
// several runs, `keys` if the arrow keys stop there, and text() if its run does not say it all.
import { axis } from "../axes.js";
import { count, many } from "../numbers.js";
import { scaleOf } from "./columns.js";
import { drawHeatMap } from "./heatmap.js";
import { cross, jitter, marker, stairs, stylesOf } from "./marks.js";
import { drawParallel } from "./parallel.js";
import { SMALL, arrow, leftOf, nothing, parameterAxis, xTicks, xTitle, yAxis } from "./plot.js";
import { BANDS } from "./settings.js";
import { FAILED, bestOf, finite } from "./statistics.js";
import { inSpread, settingText } from "./tips.js";
import { bare, number } from "./words.js";

export const DRAW = { effect: drawEffect, curves: drawCurves, "heat map": drawHeatMap, parallel: drawParallel, "trade-off": drawTradeOff };

// --- effect -------------------------------------------------------------------------------------

function drawEffect(g, table, { settings, rows, shown }) {
  const { height, width } = g;
  const { x, result, better, band } = settings;
  if (!x || !result) return nothing(g, "No result yet.");
  const by = settings.group === x ? "" : settings.group;
  const column = table.column(result);
  const values = rows.flatMap((row) => (finite(table, row, column) ? [column.num[row]] : []));
  const failed = rows.some((row) => FAILED.has(table.status[row]));
  if (!values.length && !failed) return nothing(g, "No finished run with this result among those shown.");
  const bottom = height - (failed ? 74 : 50);
  const place = axis(scaleOf(values, 1000), [bottom, 34], { wanted: 7, room: 0.06 });
  const box = { left: leftOf(g, place), right: width - 14, top: 24, bottom };
  yAxis(g, place, box, `${bare(result)}  ${arrow(better)}`);
  const across = parameterAxis(g, table, x, [box.left, box.right], failed ? bottom + 24 : bottom);
  xTitle(g, box, bare(x), height - 6);
  const styles = stylesOf(g, table, by, shown.series);
  const dodge = Math.min(0.5 * across.gap, across.joined ? 36 : 90) / Math.max(1, shown.series.length);
  const small = values.length > 1500 ? 1.6 : values.length > 300 ? 2.2 : 3;
  const lines = shown.series.map((line, k) => ({
    ...line, style: styles[k], wide: across.binned ? 0 : 0.42 * Math.min(dodge, 30),
    shift: across.binned ? 0 : (k - (shown.series.length - 1) / 2) * dodge,
  }));
  const where = (line, point) =>
    `${bare(x)} ${table.column(x).groups.levels[point.code].label}${by ? `, ${bare(by)} ${line.label}` : ""}`;
  const plot = { g, table, column, across, place, box: { ...box, bottom: bottom + 12 }, where, better, result };
  const marks = lines.flatMap((line) => dots(plot, line, { small, alpha: values.length > 1500 ? 0.28 : 0.45 }));
  for (const line of lines) marks.push(...means(plot, line, { band, asBand: small < 3 && across.joined }));
  if (failed) marks.push(...failures(plot, lines));
  return { marks, legend: legendOf(shown.series, styles, by, BANDS[band]) };
}

/** A dot for each finished run. */
function dots({ g: { context: c }, table, column, across, place }, line, { small, alpha }) {
  c.fillStyle = line.style.color;
  c.globalAlpha = alpha;
  const marks = line.rows.filter((row) => finite(table, row, column)).map((row) => {
    const [x, y] = [across.place(row) + line.shift + line.wide * jitter(row), place(column.num[row])];
    c.fillRect(x - small, y - small, 2 * small, 2 * small);
    return { x, y, row, r: small + 2 };
  });
  c.globalAlpha = 1;
  return marks;
}

function means({ g, table, across, place, where, better, result }, line, { band, asBand }) {
  const points = line.points.filter(({ n }) => n)
    .map((point) => ({ ...point, x: across.center(point.code) + line.shift, y: place(point.mean) }));
  lineWithBand(g, points, line.style, { band, place, asBand, joined: across.joined });
  return points.map((point) => ({
    x: point.x, y: point.y, r: 7, keys: true, rows: point.rows, row: bestOf(table, point.rows, result, better) ?? point.rows[0],
    text: () => `${where(line, point)}: mean ${bare(result)} ${inSpread(point)}`,
  }));
}

/** Failed runs on a line of their own below the axis, each at its parameter, in its group's color. */
function failures({ g, table, across, box, where }, lines) {
  const { context: c } = g;
  const isFailed = (row) => FAILED.has(table.status[row]);
  const many = lines.reduce((sum, line) => sum + line.rows.filter(isFailed).length, 0) > 200;
  c.lineWidth = 1.6;
  c.font = `600 ${SMALL}`;
  c.textAlign = "right";
  c.fillStyle = g.bad;
  c.fillText("failed", box.left - 6, box.bottom + 4);
  return lines.flatMap((line) => {
    c.strokeStyle = lines.length > 1 ? line.style.color : g.bad;
    const crosses = line.rows.filter(isFailed).map((row) => {
      const x = across.place(row) + line.shift + line.wide * jitter(row);
      cross(c, x, box.bottom, many ? 2.2 : 3.4);
      return { x, y: box.bottom, row, r: 5 };
    });
    const none = line.points.filter(({ n, failed }) => !n && failed).map((point) => ({
      x: across.center(point.code) + line.shift, y: box.bottom, r: 7, keys: true, rows: point.rows, row: point.rows.find(isFailed),
      text: () => `${where(line, point)}: ${inSpread(point)}`,
    }));
    return [...crosses, ...none];
  });
}

// --- curves -------------------------------------------------------------------------------------

function drawCurves(g, table, { settings, shown }) {
  const { width, height } = g;
  const { metric, group: by, band } = settings;
  const all = shown.series.flatMap(({ points }) => points);
  if (!all.length) return nothing(g, "No curve among the runs shown.");
  const reach = all.flatMap((point) => [point.mean, ...(ends(point, band) ?? [])]);
  const place = axis(scaleOf(reach, 1000), [height - 50, 34], { wanted: 7, room: 0.04 });
  const box = { left: leftOf(g, place), right: width - 14, top: 24, bottom: height - 50 };
  yAxis(g, place, box, metric);
  const steps = { ...scaleOf(all.map(({ step }) => step), Infinity), log: false };
  const across = axis(steps, [box.left + 6, box.right - 6], { wanted: Math.max(3, width / 90) });
  xTicks(g, across, box);
  xTitle(g, box, "step", height - 6);
  const styles = stylesOf(g, table, by, shown.series);
  const marks = shown.series.flatMap((line, k) => {
    const points = line.points.map((point) => ({ ...point, x: across(point.step), y: place(point.mean) }));
    lineWithBand(g, points, styles[k], { band, place, asBand: true, joined: true, bareLine: points.length > 24 });
    return points.map((point, i) => ({
      x: point.x, y: point.y, r: 7, keys: i === points.length - 1, rows: line.rows, row: line.rows[0],
      text: () => `${by ? `${bare(by)} ${line.label}, ` : ""}step ${number(point.step)}: mean ${metric} ${inSpread(point)}`,
    }));
  });
  const named = shown.series.map((line) => ({ ...line, label: `${line.label}, ${many(line.runs, "run")}` }));
  return { marks, legend: legendOf(named, styles, by, BANDS[band]) };
}

// --- trade-off ----------------------------------------------------------------------------------

function drawTradeOff(g, table, { settings, shown }) {
  const { context: c, width, height } = g;
  const { result, second, better, betterSecond, average } = settings;
  const { points, front } = shown;
  if (!points.length) return nothing(g, "No finished run has both results among those shown.");
  const place = axis(scaleOf(points.map((p) => p.b), 1000), [height - 50, 36], { wanted: 7, room: 0.06 });
  const box = { left: leftOf(g, place), right: width - 18, top: 24, bottom: height - 50 };
  yAxis(g, place, box, `${bare(second)}  ${arrow(betterSecond)}`);
  const across = axis(scaleOf(points.map((p) => p.a), 1000), [box.left, box.right], { wanted: Math.max(3, width / 110), room: 0.05 });
  xTicks(g, across, box);
  xTitle(g, box, `${bare(result)}  ${arrow(better).replace("↑", "→").replace("↓", "←")}`, height - 6);
  const on = new Set(front);
  const at = points.map((p) => [across(p.a), place(p.b)]);
  const small = points.length > 1500 ? 1.7 : 3;
  c.fillStyle = g.soft;
  at.forEach(([x, y], i) => { if (!on.has(i)) c.fillRect(x - small, y - small, 2 * small, 2 * small); });
  stairs(g, front.map((i) => at[i]), better);
  c.fillStyle = g.colors[1];
  c.strokeStyle = g.paper;
  c.lineWidth = 1;
  front.forEach((i) => marker(c, 3, ...at[i], 5.5));
  const describe = (p) => `${bare(result)} ${number(p.a)}, ${bare(second)} ${number(p.b)}${p.n > 1 ? ` (means of ${p.n} runs)` : ""}`;
  const order = [...at.keys()].sort((i, j) => on.has(j) - on.has(i) || at[i][0] - at[j][0]);
  const marks = order.map((i) => ({ x: at[i][0], y: at[i][1], r: on.has(i) ? 7 : 4, keys: on.has(i) || !front.length,
    row: points[i].row, rows: average ? [points[i].row] : null,
    text: () => `${on.has(i) ? "On the front: " : ""}${describe(points[i])}; ${settingText(table, points[i].row)}` }));
  const others = { label: `the other ${average ? "settings" : "runs"} (${count(points.length - front.length)})`, style: { color: g.soft, dash: null, shape: 1 } };
  const fronts = { label: `Pareto front (${front.length})`, style: { color: g.colors[1], dash: [], shape: 3 } };
  return { marks, legend: { entries: [fronts, others] } };
}

// --- lines and legends --------------------------------------------------------------------------

/** The ends of a point's spread, null where one run has none. */
function ends(point, band) {
  if (point.n < 2) return null;
  if (band === "range") return [point.least, point.most];
  if (band === "interval") return [point.low, point.high];
  return [point.mean - point.std, point.mean + point.std];
}

/** Means with their spread as a band (or bars where points are few), joined by a line, with markers. */
function lineWithBand(g, points, { color, dash, shape }, { band, place, asBand, joined, bareLine = false }) {
  const { context: c } = g;
  const spans = points.map((point) => ends(point, band)?.map(place) ?? [point.y, point.y]);
  c.fillStyle = c.strokeStyle = color;
  if (asBand && points.length > 1) {
    c.globalAlpha = 0.16;
    c.beginPath();
    points.forEach(({ x }, i) => c[i ? "lineTo" : "moveTo"](x, spans[i][1]));
    [...points.keys()].reverse().forEach((i) => c.lineTo(points[i].x, spans[i][0]));
    c.fill();
    c.globalAlpha = 1;
  } else {
    c.lineWidth = 1.5;
    points.forEach(({ x }, i) => {
      c.beginPath();
      c.moveTo(x, spans[i][0]);
      c.lineTo(x, spans[i][1]);
      c.stroke();
    });
  }
  if (joined) {
    c.lineWidth = 2;
    c.setLineDash(dash);
    c.beginPath();
    points.forEach(({ x, y }, i) => c[i ? "lineTo" : "moveTo"](x, y));
    c.stroke();
    c.setLineDash([]);
  }
  c.strokeStyle = g.paper;
  c.lineWidth = 1.2;
  const every = bareLine ? Math.ceil(points.length / 8) : 1;
  points.forEach(({ x, y }, i) => { if (i % every === 0 || i === points.length - 1) marker(c, shape, x, y, 4.5); });
}

function legendOf(lines, styles, by, band) {
  const entries = lines.slice(0, 12).map((line, k) => ({ label: line.label, style: styles[k] }));
  if (lines.length > 12) entries.push({ label: `and ${lines.length - 12} more` });
  return { entries, title: by ? bare(by) : "", note: `mean ${band}` };
}
