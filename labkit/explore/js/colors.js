// Colors: the lab's palette in both themes, and two ramps of matplotlib.
import { clamp } from "./numbers.js";

// figures.COLORS: petroff8 (M. A. Petroff, 2021) with sand and sky dark enough for white paper (3 : 1),
// and the same hues for a dark ground. Never the only sign.
export const PALETTE = {
  light: ["#1845fb", "#ff5e02", "#c91f16", "#c849a9", "#85854a", "#3f86a0", "#578dff", "#656364"],
  dark: ["#8ba4ff", "#ff9a5c", "#ff746b", "#ea92d6", "#cfcf92", "#86c8dd", "#5e8dff", "#c4c2c3"],
};

// 17 and 13 colors of matplotlib's tables; between them we interpolate
const VIRIDIS = [
  [68, 1, 84], [72, 24, 106], [71, 45, 123], [66, 64, 134], [59, 82, 139], [51, 99, 141],
  [44, 114, 142], [38, 130, 142], [33, 145, 140], [31, 160, 136], [40, 174, 128], [63, 188, 115],
  [94, 201, 98], [132, 212, 75], [173, 220, 48], [216, 226, 25], [253, 231, 37],
];
const CIVIDIS = [
  [0, 34, 78], [0, 49, 112], [42, 63, 109], [67, 78, 108], [87, 93, 109], [106, 108, 113],
  [125, 124, 120], [145, 139, 120], [165, 156, 116], [188, 174, 108], [210, 192, 96],
  [233, 211, 78], [254, 232, 56],
];

/** [r, g, b] between two colors. */
export const blend = (a, b, t) => a.map((c, k) => c + t * (b[k] - c));

function along(table, t) {
  const at = clamp(t, 0, 1) * (table.length - 1);
  const i = Math.min(Math.floor(at), table.length - 2);
  return blend(table[i], table[i + 1], at - i);
}
export const viridis = (t) => along(VIRIDIS, t);
export const cividis = (t) => along(CIVIDIS, t);

/** For a style sheet. */
export const rgb = (color) => `rgb(${color.map(Math.round)})`;
