// Runs in a picture: the one under way, then the kept ones; each differs in color, line and marker.
import { make, set } from "../dom.js";
import { tenth } from "../numbers.js";

export const STYLES = [
  { dash: null, marker: "circle" },
  { dash: "7 4", marker: "square" },
  { dash: "2 3", marker: "triangle" },
  { dash: "9 3 2 3", marker: "diamond" },
  { dash: "4 3", marker: "cross" },
];

const MARKERS = {
  circle: (x, y, r) => `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`,
  square: (x, y, r) => `M${x - r} ${y - r}h${2 * r}v${2 * r}h${-2 * r}z`,
  triangle: (x, y, r) => `M${x} ${y - 1.3 * r}l${1.3 * r} ${2.2 * r}h${-2.6 * r}z`,
  diamond: (x, y, r) => `M${x} ${y - 1.4 * r}l${1.4 * r} ${1.4 * r}l${-1.4 * r} ${1.4 * r}l${-1.4 * r} ${-1.4 * r}z`,
  cross(x, y, r) {
    const t = 0.67 * r;
    return `M${x - r} ${y - r / 3}h${t}v${-t}h${t}v${t}h${t}v${t}h${-t}v${t}h${-t}v${-t}h${-t}z`;
  },
};

/** A line through points. */
export const lineOf = (points) => (points.length > 1 ? `M${points.map((p) => p.map(tenth).join(" ")).join("L")}` : "");

/** Pixel points of a run; one that flies far off is pulled in along its line of flight. */
function pixels(points, far = 4000) {
  const out = [];
  for (const [x, y] of points) {
    const size = Math.max(Math.abs(x), Math.abs(y));
    const last = out[out.length - 1];
    if (size <= far) out.push([x, y]);
    else if (!last || Math.max(Math.abs(last[0]), Math.abs(last[1])) > far) break;
    else {
      const t = (far * 1.5) / size;
      out.push([last[0] + t * (x - last[0]), last[1] + t * (y - last[1])]);
      if (size > 100 * far) break; // whatever comes after is out of sight
    }
  }
  return out.map((point) => point.map(tenth));
}

/** One run as halo, line and markers inside an SVG group. */
function runLayer({ dash, marker }, index) {
  const halo = make("path", { class: "halo" });
  const line = make("path", { class: `line run${index}`, "stroke-dasharray": dash });
  const markers = make("path", { class: `markers run${index}` });
  function draw(points, radius) {
    const at = pixels(points);
    const every = Math.ceil(at.length / 45);
    for (const path of [halo, line]) set(path, { d: lineOf(at) });
    set(markers, {
      d: at.filter((_, i) => i % every === 0 || i === at.length - 1)
        .map(([x, y]) => MARKERS[marker](x, y, radius)).join(""),
    });
  }
  return { node: make("g", {}, halo, line, markers), draw };
}

/** All runs, the one under way on top; `draw` takes its points and those of the kept ones. */
export function runLayers() {
  const [own, ...others] = STYLES.map(runLayer);
  function draw(points, kept, radius) {
    own.draw(points, radius);
    others.forEach((layer, i) => layer.draw(kept[i] ?? [], radius));
  }
  return { nodes: [...others, own].map(({ node }) => node), draw };
}

/** A piece of a run's line, for the legend. */
export function sample(index) {
  const { dash, marker } = STYLES[index];
  return make("svg", { width: 34, height: 12, "aria-hidden": "true" },
    make("path", { d: "M1 6h32", class: `line run${index}`, "stroke-dasharray": dash }),
    make("path", { d: MARKERS[marker](17, 6, 3), class: `markers run${index}` }));
}
