// The picture of a training: points and boundary, the network with its units, both losses.
import { axis } from "../axes.js";
import { cells, contour, screen } from "../canvas.js";
import { PALETTE, blend } from "../colors.js";
import { clamp } from "../numbers.js";
import { SMALL, SPAN, boundary, sigmoid } from "./maths.js";

const FINE = 60; // cells along each side of the boundary picture
const COARSE = 40; // the same, while a large network trains on a busy machine
const FONT = "12px system-ui, sans-serif";

const BLUE = [24, 69, 251];
const ORANGE = [255, 94, 2];
const EVEN = [250, 250, 250];
// from class 0 (blue) over even chances (nearly white) to class 1 (orange)
const RAMP = Array.from({ length: 256 }, (_, i) => {
  const t = (i - 127.5) / 127.5;
  return blend(EVEN, t < 0 ? BLUE : ORANGE, 0.62 * Math.abs(t)).map(Math.round);
});
const shade = (share) => RAMP[clamp(Math.round(255 * share), 0, 255)];

// what a unit answers, as a share between blue and orange
const SHARES = {
  tanh: (a) => (a + 1) / 2, sigmoid: (a) => a,
  relu: (a) => 0.5 + a / 4, linear: (a) => 0.5 + a / 6,
};

/** All three panels; draw(training, { ink, theme, coarse, fresh }) paints them. */
export function createPicture() {
  const map = mapPanel();
  const network = networkPanel();
  const losses = lossPanel();
  return {
    canvases: { map: map.canvas, network: network.canvas, losses: losses.canvas },
    resize({ map: side, left }) {
      map.resize(side, side - 10);
      network.resize(left, Math.floor(side * 0.56));
      losses.resize(left, Math.floor(side * 0.44) - 14);
    },
    follow: network.follow,
    drawPoints: map.drawPoints,
    draw(training, { ink, theme, coarse }) {
      const grid = coarse ? COARSE : FINE;
      const values = boundary(training, network.units, grid);
      map.draw(values, grid, ink);
      network.draw(training, ink, PALETTE[theme]);
      losses.draw(training, ink, PALETTE[theme]);
    },
  };
}

// --- points and boundary ------------------------------------------------------------------------

const LEFT = 28; // pixels for the numbers beside the axis

function mapPanel() {
  const panel = screen({ role: "img", "aria-label": "points and decision boundary" });
  const { canvas, context } = panel;
  const points = screen(); // drawn once, laid over every picture
  const heats = { [FINE]: cells(FINE), [COARSE]: cells(COARSE) };
  const side = () => panel.width - LEFT - 2;
  return {
    canvas,
    resize(width, height) { panel.resize(width, height); },
    drawPoints(training, fresh) {
      points.resize(panel.width, panel.height);
      points.context.translate(LEFT, 0);
      drawPoints(points.context, training, side(), fresh);
    },
    draw(values, grid, ink) {
      const size = side();
      heats[grid].paint((k) => shade(values[k]));
      context.clearRect(0, 0, panel.width, panel.height);
      context.imageSmoothingEnabled = true;
      context.drawImage(heats[grid].canvas, LEFT, 0, size, size);
      drawEvenLine(context, values, grid, size);
      context.drawImage(points.canvas, 0, 0, panel.width, panel.height);
      drawAxes(context, size, ink);
    },
  };
}

/** The line where both classes are equally likely. */
function drawEvenLine(context, values, grid, size) {
  const at = (cell) => ((cell + 0.5) / grid) * size;
  context.strokeStyle = "#222";
  context.lineWidth = 1.6;
  context.beginPath();
  contour(values, grid, [0.5], (x0, y0, x1, y1) => {
    context.moveTo(LEFT + at(x0), at(y0));
    context.lineTo(LEFT + at(x1), at(y1));
  });
  context.stroke();
}

/** Discs are class 0, triangles class 1; hollow ones are fresh. */
function drawPoints(context, { X, y, params }, size, fresh) {
  const radius = params.points > 200 ? 3 : 3.8;
  for (let k = 0; k < (fresh ? 2 : 1) * params.points; k++) {
    const trained = k < params.points;
    const color = `rgb(${y[k] ? "190,62,0" : BLUE})`;
    outline(context, y[k], ((X[2 * k] + SPAN) / (2 * SPAN)) * size, ((SPAN - X[2 * k + 1]) / (2 * SPAN)) * size, radius);
    context.lineWidth = trained ? 0.9 : 1.5;
    context.fillStyle = trained ? color : "#ffffffb0";
    context.strokeStyle = trained ? "#fff" : color;
    context.fill();
    context.stroke();
  }
}

function outline(context, label, x, y, radius) {
  context.beginPath();
  if (label === 0) {
    context.arc(x, y, radius, 0, 2 * Math.PI);
    return;
  }
  context.moveTo(x, y - 1.3 * radius);
  context.lineTo(x + 1.2 * radius, y + 0.9 * radius);
  context.lineTo(x - 1.2 * radius, y + 0.9 * radius);
  context.closePath();
}

function drawAxes(context, size, ink) {
  context.fillStyle = context.strokeStyle = ink;
  context.lineWidth = 1;
  context.strokeRect(LEFT - 0.5, 0.5, size, size);
  context.font = FONT;
  for (const value of [-2, 0, 2]) {
    const at = ((value + SPAN) / (2 * SPAN)) * size;
    const text = String(value).replace("-", "−");
    context.textAlign = "center";
    context.fillText(text, LEFT + at, size + 15);
    context.textAlign = "right";
    context.fillText(text, LEFT - 5, size - at + 4);
  }
  context.textAlign = "center";
  context.fillText("x₁", LEFT + size / 2 + size / 6, size + 15);
  context.fillText("x₂", LEFT - 12, size / 3);
}

// --- the network --------------------------------------------------------------------------------

/** A small picture of what each unit answers, a line for each weight. */
function networkPanel() {
  const panel = screen({ role: "img",
    "aria-label": "network: line width is the size of a weight, dashed lines are negative" });
  const { canvas, context } = panel;
  const units = []; // by layer, what each unit answers on a grid of SMALL x SMALL
  let pictures = [];
  return {
    canvas, units,
    resize(width, height) { panel.resize(width, height); },
    /** Room for the units of another network. */
    follow({ layers }) {
      const each = (makeOne) => layers.map(({ b }) => Array.from(b, makeOne));
      pictures = each(() => cells(SMALL));
      units.splice(0, Infinity, ...each(() => new Float64Array(SMALL * SMALL)));
    },
    draw({ layers, params }, ink, colors) {
      const places = unitPlaces(panel, [2, ...layers.map(({ b }) => b.length)]);
      context.clearRect(0, 0, panel.width, panel.height);
      drawWeights(context, layers, places, colors);
      drawInputs(context, places, ink);
      pictures.forEach((column, l) => {
        const toShare = l === pictures.length - 1 ? sigmoid : SHARES[params.activation];
        column.forEach((picture, n) => {
          picture.paint((k) => shade(toShare(units[l][n][k])));
          drawUnit(context, picture.canvas, places, l + 1, n);
        });
      });
      context.fillText("out", Math.min(places.x(layers.length), panel.width - 12), 12);
    },
  };
}

/** Where unit n of column l stands: x(l), y(l, n), and the side of its picture. */
function unitPlaces({ width, height }, columns) {
  const side = Math.min(34, (height - 30) / Math.max(...columns) - 6);
  return {
    side,
    x: (l) => 26 + (l / (columns.length - 1)) * (width - 26 - side / 2 - 8),
    y: (l, n) => 20 + (height - 24) * ((n + 0.5) / columns[l]),
  };
}

function drawWeights(context, layers, { x, y }, colors) {
  layers.forEach(({ units, W }, l) => W.forEach((w, k) => {
    context.strokeStyle = colors[w < 0 ? 0 : 1];
    context.setLineDash(w < 0 ? [5, 3] : []);
    context.globalAlpha = Math.min(1, 0.25 + Math.abs(w) / 3);
    context.lineWidth = Math.min(5, 0.4 + 1.1 * Math.abs(w));
    context.beginPath();
    context.moveTo(x(l), y(l, Math.floor(k / units)));
    context.lineTo(x(l + 1), y(l + 1, k % units));
    context.stroke();
  }));
  context.setLineDash([]);
  context.globalAlpha = 1;
}

function drawInputs(context, { x, y }, ink) {
  context.font = FONT;
  context.textAlign = "center";
  context.lineWidth = 1;
  context.fillStyle = context.strokeStyle = ink;
  ["x₁", "x₂"].forEach((name, n) => {
    context.fillText(name, 11, y(0, n) + 4);
    context.beginPath();
    context.arc(x(0), y(0, n), 4, 0, 2 * Math.PI);
    context.fill();
  });
}

function drawUnit(context, picture, { side, x, y }, l, n) {
  const corner = [x(l) - side / 2, y(l, n) - side / 2, side, side];
  context.drawImage(picture, ...corner);
  context.strokeRect(...corner);
}

// --- the losses ---------------------------------------------------------------------------------

/** Both losses against the epoch. */
function lossPanel() {
  const panel = screen({ role: "img", "aria-label": "loss by epoch" });
  const { canvas, context } = panel;
  return {
    canvas,
    resize(width, height) { panel.resize(width, height); },
    draw({ losses }, ink, colors) {
      const { train, fresh } = losses;
      const box = { left: 44, right: panel.width - 8, top: 22, bottom: panel.height - 34 };
      const most = Math.min(4, Math.max(0.8, ...train.slice(-2000), ...fresh.slice(-2000)));
      const longest = Math.max(20, train.length - 1);
      const x = axis({ low: 0, high: longest }, [box.left, box.right]);
      const y = axis({ low: 0, high: most }, [box.bottom, box.top]);
      context.clearRect(0, 0, panel.width, panel.height);
      drawFrame(context, box, { x, y, most, longest, ink });
      const lines = [
        { name: "fresh points", losses: fresh, dash: [6, 4], color: colors[3] },
        { name: "training points", losses: train, dash: [], color: colors[1] },
      ];
      let end = panel.width - 8;
      for (const line of lines) {
        drawCurve(context, line, x, (loss) => y(Math.min(loss, most)));
        end = drawName(context, line, end);
      }
    },
  };
}

function drawFrame(context, { left, right, top, bottom }, { x, y, most, longest, ink }) {
  context.font = FONT;
  context.fillStyle = ink;
  context.strokeStyle = "#8888";
  context.lineWidth = 1;
  context.setLineDash([]);
  context.strokeRect(left + 0.5, top + 0.5, right - left, bottom - top);
  context.textAlign = "right";
  for (const value of [0, most / 2, most]) context.fillText(value.toFixed(1), left - 5, y(value) + 4);
  context.textAlign = "center";
  for (const value of [0, longest]) context.fillText(String(value), Math.min(x(value), right - 8), bottom + 15);
  context.fillText("epoch", (left + right) / 2, bottom + 28);
  context.textAlign = "left";
  context.fillText("loss", 4, 13);
  context.setLineDash([2, 3]); // guessing
  context.strokeStyle = ink;
  line(context, [left, y(Math.LN2)], [right, y(Math.LN2)]);
}

function drawCurve(context, { losses, dash, color }, x, y) {
  const every = Math.ceil(losses.length / 400);
  context.setLineDash(dash);
  context.strokeStyle = color;
  context.lineWidth = 2;
  context.beginPath();
  for (let k = 0; k < losses.length; k += every) context.lineTo(x(k), y(losses[k]));
  context.lineTo(x(losses.length - 1), y(losses[losses.length - 1]));
  context.stroke();
}

/** A name of the legend, ending at this place; returns where the one before it ends. */
function drawName(context, { name }, end) {
  context.textAlign = "right";
  context.fillText(name, end, 13);
  const at = end - context.measureText(name).width - 6;
  line(context, [at - 22, 9], [at, 9]);
  return at - 36;
}

function line(context, from, to) {
  context.beginPath();
  context.moveTo(...from);
  context.lineTo(...to);
  context.stroke();
}
