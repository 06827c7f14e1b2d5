// The frame of a picture: its border, its clipped inside, its axes and their names.
import { freshId, make, set } from "../dom.js";

export const MARGIN = { left: 46, right: 8, top: 8, bottom: 36 };

/** Numbers along an axis; `places` holds { at, text }. */
function axisLabels(group, horizontal, places, across) {
  group.replaceChildren(...places.map(({ at, text }) => (horizontal
    ? make("text", { x: at, y: across, "text-anchor": "middle", class: "tick" }, text)
    : make("text", { x: across, y: at, dy: "0.32em", "text-anchor": "end", class: "tick" }, text))));
}

/** `inside` is clipped at the border, `above` is not. */
export function pictureFrame(attributes, xTitle, inside, above = []) {
  const id = freshId("clip");
  const clip = make("rect", {});
  const border = make("rect", { class: "frame" });
  const [xTicks, yTicks] = [make("g"), make("g")];
  const [xName, yName] = [xTitle, ""].map((text) => make("text", { class: "name", "text-anchor": "middle" }, text));
  const svg = make("svg", attributes, make("defs", {}, make("clipPath", { id }, clip)), border,
    make("g", { "clip-path": `url(#${id})` }, inside), xTicks, yTicks, xName, yName, above);

  /** `box` is the border { left, top, w, h }; labels are { at, text }. */
  function layout(width, rows, box, { yTitle, xLabels, yLabels }) {
    set(svg, { width, height: rows, viewBox: `0 0 ${width} ${rows}` });
    for (const rect of [clip, border]) set(rect, { x: box.left, y: box.top, width: box.w, height: box.h });
    axisLabels(xTicks, true, xLabels, rows - MARGIN.bottom + 16);
    axisLabels(yTicks, false, yLabels, box.left - 7);
    set(xName, { x: box.left + box.w / 2, y: rows - 4 });
    yName.textContent = yTitle;
    set(yName, { transform: `translate(11 ${box.top + box.h / 2}) rotate(-90)` });
  }
  return { svg, clip, layout };
}
