// What the colors and signs of the picture mean.
import { screen } from "../canvas.js";
import { rgb } from "../colors.js";
import { make } from "../dom.js";
import { heat, marker, ramp } from "./marks.js";
import { clip, number } from "./words.js";

const STARRED = "best setting: the best mean of at least two runs with different seeds";
const NO_STAR = "no ★: no setting was run again with another seed";

export function legendPart(board) {
  const node = make("div", { class: "legend" });
  function draw({ legend, g }, starred) {
    const parts = [];
    if (legend?.title && legend.entries) parts.push(make("b", {}, `${legend.title}:`));
    for (const { label: text, style } of legend?.entries ?? []) {
      parts.push(make("span", { class: "entry" }, style ? swatch(style, g) : null, clip(text, 48)));
    }
    if (legend?.note) parts.push(make("span", { class: "note" }, legend.note));
    if (legend?.scale && Number.isFinite(legend.scale[0])) parts.push(...scaleBar(legend, g));
    parts.push(starEntry(board.found, starred));
    node.replaceChildren(...parts.filter(Boolean));
  }
  return { node, draw };
}

/** Says what the star in the picture means, or why there is none; its setting may be spread over several cells. */
function starEntry({ star, best, settings: { view } }, starred) {
  if (view === "curves" || (star && !starred) || (!star && best === null)) return null;
  return star ? make("span", { class: "entry" }, make("span", { class: "star", "aria-hidden": "true" }, "★"), STARRED)
    : make("span", { class: "note" }, NO_STAR);
}

function scaleBar({ scale, ramp: ranked, title }, g) {
  const stops = [0, 0.25, 0.5, 0.75, 1].map((t) => rgb(ranked ? ramp(t, g.dark) : heat(t)));
  return [make("b", {}, title), make("span", { class: "entry" }, number(scale[0]),
    make("i", { class: "ramp", style: `background:linear-gradient(to right,${stops})` }), number(scale[1]))];
}

function swatch({ color, dash, shape }, g) {
  const picture = screen({ "aria-hidden": "true" });
  picture.resize(34, 14);
  const c = picture.context;
  c.strokeStyle = c.fillStyle = color;
  c.lineWidth = 2;
  if (dash) {
    c.setLineDash(dash);
    c.beginPath();
    c.moveTo(1, 7);
    c.lineTo(33, 7);
    c.stroke();
    c.setLineDash([]);
  }
  c.strokeStyle = g.paper;
  c.lineWidth = 1;
  marker(c, shape, 17, 7, 4);
  return picture.canvas;
}
