// From a place in the picture to what is drawn there.
import { clamp } from "../numbers.js";

/** The mark at this place, null where none is near. */
export function nearest(drawn, x, y) {
  if (drawn.axes) return nearestLine(drawn, x, y);
  let [best, least] = [null, 18 ** 2];
  for (const mark of drawn.marks) {
    if (mark.box) {
      const [left, top, w, h] = mark.box;
      if (x >= left && x < left + w && y >= top && y < top + h) return mark;
      continue;
    }
    const away = (mark.x - x) ** 2 + (mark.y - y) ** 2 - (mark.keys ? 30 : 0);
    if (away < least) [best, least] = [mark, away];
  }
  return best;
}

function nearestLine({ axes, lines }, x, y) {
  let i = axes.findIndex((each) => each.x > x) - 1;
  if (i === -2) i = axes.length - 2;
  if (i < 0) return null;
  const t = clamp((x - axes[i].x) / (axes[i + 1].x - axes[i].x), 0, 1);
  let [best, least] = [null, 10];
  for (const each of lines) {
    const away = Math.abs(each.ys[i] + t * (each.ys[i + 1] - each.ys[i]) - y);
    if (away < least) [best, least] = [each, away];
  }
  return best && { x, y, row: best.row, line: [axes, best.ys] };
}

/** The filter of a stretch of an axis; null where it holds all. */
export function stretch(table, each, from, to) {
  const [top, bottom] = [Math.min(from, to), Math.max(from, to)];
  if (each.scale) return { low: each.scale.invert(bottom), high: each.scale.invert(top) };
  const { distinct } = table.column(each.name);
  const kept = distinct.filter((_, code) => each.marks[code][0] >= top - each.step / 2 && each.marks[code][0] <= bottom + each.step / 2);
  return kept.length && kept.length < distinct.length ? { values: kept } : null;
}
