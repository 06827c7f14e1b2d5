// The picture, and what lies over it: the star, the chosen run, the mark under the pointer.
import { screen } from "../canvas.js";
import { PALETTE } from "../colors.js";
import { make } from "../dom.js";
import { isDark } from "../look.js";
import { clamp } from "../numbers.js";
import { legendPart } from "./legend.js";
import { drawStar } from "./marks.js";
import { polylines } from "./parallel.js";
import { DRAW } from "./pictures.js";
import { nearest, stretch } from "./pointing.js";
import { runText } from "./tips.js";

/** The two grounds on which is drawn. */
const GROUNDS = {
  light: { colors: PALETTE.light, grid: "#0000001f", faint: "#0000000d", soft: "#00000047", bad: "#c91f16", brush: "#1845fb40" },
  dark: { colors: PALETTE.dark, grid: "#ffffff2b", faint: "#ffffff14", soft: "#ffffff5c", bad: "#ff746b", brush: "#8ba4ff66" },
};

export function chartPart(board) {
  const picture = pictureOf(board);
  const handlers = { ...pointerOf(board, picture), keydown: (event) => walk(event, board, picture) };
  for (const [name, act] of Object.entries(handlers)) picture.canvas.addEventListener(name, act);
  return picture;
}

/** The two canvases, one over the other, with tip and legend; `drawn` is what the view returned. */
function pictureOf(board) {
  const base = screen({ "aria-hidden": "true" });
  const over = screen({ class: "over", role: "img", tabindex: 0, "aria-label": "picture of the runs" });
  const tip = make("div", { class: "tip", hidden: true });
  const legend = legendPart(board);
  const frame = make("div", { class: "chart" }, base.canvas, over.canvas, tip);
  const picture = { node: make("div", {}, frame, legend.node), canvas: over.canvas, tip, drawn: { marks: [] }, hovered: null, draw, hover, resize };

  function draw() {
    if (!base.width) return;
    base.context.clearRect(0, 0, base.width, base.height);
    const g = { ...groundOf(frame), context: base.context, width: base.width, height: base.height };
    picture.drawn = { ...DRAW[board.found.settings.view](g, board.table, board.found), g };
    legend.draw(picture.drawn, starredMarks(picture.drawn.marks, board).length > 0);
    over.canvas.setAttribute("aria-label", `${board.found.shown.text} Arrow keys go from mark to mark, Enter chooses its run.`);
    picture.hovered = null;
    drawOver();
  }

  function drawOver() {
    over.context.clearRect(0, 0, over.width, over.height);
    const { drawn, hovered } = picture;
    const g = { ...drawn.g, context: over.context };
    emphasize(g, drawn.marks, board);
    if (hovered) point(g, hovered, g.ink, 2.6);
    drawn.labels?.(over.context);
    tip.hidden = !hovered;
    if (hovered) showTip(tip, hovered, over, board);
  }

  function hover(mark) {
    if (mark === picture.hovered) return;
    picture.hovered = mark;
    drawOver();
  }

  function resize(height) {
    const room = Math.floor(frame.clientWidth);
    base.resize(room, height);
    over.resize(room, height);
    draw();
  }
  return picture;
}

function showTip(tip, mark, { width, height }, board) {
  tip.textContent = mark.text?.() ?? runText(board.table, mark.row, board.found.settings.result);
  tip.style.maxWidth = `${Math.min(320, width - 20)}px`;
  const { offsetWidth: w, offsetHeight: h } = tip;
  tip.style.left = `${clamp(mark.x + 14, 0, Math.max(0, width - w - 4))}px`;
  tip.style.top = `${mark.y - h - 14 > 0 ? mark.y - h - 14 : Math.min(mark.y + 16, height - h)}px`;
}

/** The pointer shows, chooses, and drags along an axis to filter. */
function pointerOf(board, picture) {
  let brush = null; // { axis, from, moved } while it drags
  return {
    pointerleave: () => picture.hover(null),
    pointercancel: () => { brush = null; },
    pointermove({ offsetX: x, offsetY: y }) {
      if (!brush) return picture.hover(nearest(picture.drawn, x, y));
      brush.moved ||= Math.abs(y - brush.from) > 4;
      return brush.moved ? board.filter(brush.axis.name, stretch(board.table, brush.axis, brush.from, y)) : null;
    },
    pointerdown({ offsetX: x, offsetY: y, pointerId }) {
      const here = picture.drawn.axes?.find((each) => Math.abs(each.x - x) < 12);
      if (!here) return;
      brush = { axis: here, from: y, moved: false };
      picture.canvas.setPointerCapture(pointerId);
    },
    pointerup({ offsetX: x, offsetY: y }) {
      const ended = brush;
      brush = null;
      if (ended?.moved) return null;
      const filtered = ended && board.found.settings.filters[ended.axis.name];
      return filtered ? board.filter(ended.axis.name, null) : board.choose(nearest(picture.drawn, x, y)?.row);
    },
  };
}

/** Arrow keys go from mark to mark, Enter chooses. */
function walk(event, board, picture) {
  const marks = picture.drawn.marks.filter((mark) => mark.keys);
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  const chosen = ["Enter", " "].includes(event.key);
  if (!chosen && !(step && marks.length)) return;
  event.preventDefault();
  if (chosen) return board.choose(picture.hovered?.row);
  const at = marks.indexOf(picture.hovered);
  picture.hover(marks[at < 0 ? (step > 0 ? 0 : marks.length - 1) : (at + step + marks.length) % marks.length]);
  return board.say(picture.tip.textContent);
}

function groundOf(element) {
  const style = getComputedStyle(element);
  const dark = isDark(element);
  const paper = style.getPropertyValue("--paper").trim();
  return { ink: style.color, dark, paper: paper === "Canvas" || !paper ? (dark ? "#121212" : "#fff") : paper, ...GROUNDS[dark ? "dark" : "light"] };
}

/** The best setting, where it is drawn, gets a star; the chosen run a ring or a line of its own. */
function emphasize(g, marks, board) {
  const { view } = board.found.settings;
  if (view === "curves") return;
  const chosen = board.chosen();
  const starred = starredMarks(marks, board);
  const mark = marks.find((each) => each.row === chosen && !each.rows) ?? marks.find((each) => each.row === chosen);
  for (const each of starred) if (each.line) strokeLine(g, each, g.colors[1], 3);
  if (mark) point(g, mark, g.colors[0], 3);
  g.context.fillStyle = g.colors[1];
  g.context.strokeStyle = g.paper;
  g.context.lineWidth = 1.5;
  for (const { box, x, y } of starred) drawStar(g.context, ...(box ? [box[0] + 12, box[1] + 12] : [x, y]), 9);
}

/** The mark of the best setting as a whole, if there is one, else those of its runs. */
function starredMarks(marks, { table, found: { star } }) {
  if (!star) return [];
  const setting = table.setting[star.rows[0]];
  const whole = marks.find(({ rows }) => rows?.every((row) => table.setting[row] === setting));
  return whole ? [whole] : marks.filter(({ rows, row }) => !rows && star.rows.includes(row));
}

function point(g, mark, color, width) {
  if (mark.line) strokeLine(g, mark, color, width);
  else ring(g.context, mark, color);
}

function strokeLine({ context: c, paper }, { line: [axes, ys] }, color, width) {
  for (const [style, wide] of [[paper, width + 3], [color, width]]) {
    c.strokeStyle = style;
    c.lineWidth = wide;
    polylines(c, [ys], axes);
  }
}

function ring(c, mark, color) {
  c.strokeStyle = color;
  c.lineWidth = 2;
  c.beginPath();
  if (mark.box) c.rect(mark.box[0] + 1, mark.box[1] + 1, mark.box[2] - 2, mark.box[3] - 2);
  else c.arc(mark.x, mark.y, (mark.r ?? 4) + 3, 0, 2 * Math.PI);
  c.stroke();
}
