// Draw a digit, and a trained network answers while you draw: ink, centering, forward pass, picture.
//
// The maths and the words repeat labkit/explore/network.py; tests/test_explore_network.py compares
// both. The weights come from Python as `layers`, rounded to 6 bits: one character each.

// --- ink ----------------------------------------------------------------------------------------

export const SIDE = 28; // the field in pixels of the network
const FINE = 5; // cells of ink along each of them
export const CELLS = SIDE * FINE;
const BOX = 20; // MNIST fits the digit into a box of 20 x 20 pixels ...
const CENTER = 14.5; // ... and its center of mass into the pixel in row and column 14, from 0
const SOFT = 0.4; // width of a stroke's soft edge, in pixels
const TRACE = 0.02; // less ink than this is none

/** Lay a straight piece of a stroke on the ink, array of CELLS rows; places in pixels, 0 to 28. */
export function addSegment(ink, x0, y0, x1, y1, pen) {
  const reach = pen / 2 + SOFT;
  const cell = (place) => Math.min(CELLS - 1, Math.max(0, Math.floor(place * FINE)));
  const [left, right] = [cell(Math.min(x0, x1) - reach), cell(Math.max(x0, x1) + reach)];
  const [top, bottom] = [cell(Math.min(y0, y1) - reach), cell(Math.max(y0, y1) + reach)];
  const [dx, dy] = [x1 - x0, y1 - y0];
  const length = dx * dx + dy * dy;
  for (let row = top; row <= bottom; row++) {
    const y = (row + 0.5) / FINE;
    for (let column = left; column <= right; column++) {
      const x = (column + 0.5) / FINE;
      const along = length > 0 ? ((x - x0) * dx + (y - y0) * dy) / length : 0;
      const t = Math.min(1, Math.max(0, along)); // the nearest point of the piece
      const distance = Math.hypot(x - x0 - t * dx, y - y0 - t * dy);
      const value = Math.min(1, Math.max(0, (pen / 2 - distance) / SOFT + 0.5));
      const k = row * CELLS + column;
      if (value > ink[k]) ink[k] = value;
    }
  }
}

/** The last piece of a stroke, list x, y, x, y, ...; a stroke of one point is a dot. */
function addEnd(ink, stroke, pen) {
  const n = stroke.length;
  const from = n >= 4 ? n - 4 : n - 2;
  addSegment(ink, stroke[from], stroke[from + 1], stroke[n - 2], stroke[n - 1], pen);
}

export function inkOf(strokes, pen) {
  const ink = new Float64Array(CELLS * CELLS);
  for (const stroke of strokes) {
    addEnd(ink, stroke.slice(0, 2), pen);
    for (let n = 4; n <= stroke.length; n += 2) addEnd(ink, stroke.slice(0, n), pen);
  }
  return ink;
}

/** Mean of the ink over SIDE x SIDE squares of `width` cells; the first begins at (left, top). */
export function resample(ink, left, top, width) {
  const spans = (start) => Array.from({ length: SIDE }, (_, k) => {
    const [a, b] = [start + k * width, start + (k + 1) * width];
    const span = [];
    for (let g = Math.max(0, Math.floor(a)); g < Math.min(CELLS, Math.ceil(b)); g++) {
      span.push([g, (Math.min(g + 1, b) - Math.max(g, a)) / width]);
    }
    return span;
  });
  const rows = new Float64Array(SIDE * CELLS);
  spans(top).forEach((span, i) => {
    for (const [g, share] of span) {
      for (let x = 0; x < CELLS; x++) rows[i * CELLS + x] += share * ink[g * CELLS + x];
    }
  });
  const image = new Float64Array(SIDE * SIDE);
  spans(left).forEach((span, j) => {
    for (const [g, share] of span) {
      for (let i = 0; i < SIDE; i++) image[i * SIDE + j] += share * rows[i * CELLS + g];
    }
  });
  return image;
}

/** As MNIST does: the longer side becomes 20 pixels, the center of mass lies in pixel (14, 14). */
export function centerInk(ink) {
  let [top, bottom, left, right] = [CELLS, -1, CELLS, -1];
  let [mass, mx, my] = [0, 0, 0];
  for (let row = 0; row < CELLS; row++) {
    for (let column = 0; column < CELLS; column++) {
      const value = ink[row * CELLS + column];
      mass += value;
      mx += value * (column + 0.5);
      my += value * (row + 0.5);
      if (value <= TRACE) continue;
      top = Math.min(top, row);
      bottom = row;
      left = Math.min(left, column);
      right = Math.max(right, column);
    }
  }
  if (bottom < 0) return new Float64Array(SIDE * SIDE);
  const width = Math.max(bottom - top + 1, right - left + 1) / BOX;
  return resample(ink, mx / mass - CENTER * width, my / mass - CENTER * width, width);
}

/** The 28 x 28 numbers that the network gets; `example` is a held-out image or null. */
export function imageOf(ink, center, example) {
  if (!example) return center ? centerInk(ink) : resample(ink, 0, 0, FINE);
  return resample(ink, 0, 0, FINE).map((value, k) => Math.max(value, example[k]));
}

// --- the network --------------------------------------------------------------------------------

const CODES = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const MIDDLE = 32; // the place of a weight 0

function bytes(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

/** Layers as numbers: each weight is a whole number of its unit's steps. */
export function unpack(layers) {
  const places = new Int8Array(128);
  [...CODES].forEach((character, place) => { places[character.charCodeAt(0)] = place - MIDDLE; });
  return layers.map(({ inputs, units, codes, steps, biases }) => {
    const W = new Float64Array(inputs * units);
    for (let k = 0; k < W.length; k++) W[k] = places[codes.charCodeAt(k)] * steps[k % units];
    return { inputs, units, W, b: Float64Array.from(biases) };
  });
}

/** Ten probabilities: hidden layers with ReLU, softmax at the end. */
export function probabilitiesOf(layers, image) {
  let below = image;
  layers.forEach(({ inputs, units, W, b }, l) => {
    const out = Float64Array.from(b);
    for (let i = 0; i < inputs; i++) {
      const a = below[i];
      if (a === 0) continue; // most pixels are black
      for (let j = 0, k = i * units; j < units; j++, k++) out[j] += a * W[k];
    }
    if (l < layers.length - 1) for (let j = 0; j < units; j++) if (out[j] < 0) out[j] = 0;
    below = out;
  });
  const highest = Math.max(...below);
  const powers = below.map((z) => Math.exp(z - highest));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}

// --- its words ----------------------------------------------------------------------------------

export function inWords(chances, digit, count) {
  const strokes = `${count} ${count === 1 ? "stroke" : "strokes"}`;
  let what = count ? `A drawing of ${strokes}` : "An empty field";
  if (digit >= 0) what = `A held-out image of a ${digit}${count ? ` with ${strokes} added` : ""}`;
  const order = [...chances.keys()].sort((a, b) => chances[b] - chances[a] || a - b);
  const [first, second] = order.map((k) => `${k} (probability ${chances[k].toFixed(3)})`);
  const top = chances[order[0]];
  if (top >= 0.9) return { kind: "sure", text: `${what}: the network is sure, ${first}.` };
  if (top < 0.5) return { kind: "torn", text: `${what}: the network is torn, ${first} or ${second}.` };
  return { kind: "leans", text: `${what}: the network says ${first}; next comes ${second}.` };
}

/** All of it for one state, as the tests ask. */
export function answer({ layers, examples, digit, pen, center, strokes }) {
  const example = digit >= 0 ? exampleOf(bytes(examples), digit) : null;
  const image = imageOf(inkOf(strokes, pen), center, example);
  const chances = probabilitiesOf(unpack(layers), image);
  return { image, chances, ...inWords(chances, digit, strokes.length) };
}

function exampleOf(pixels, digit) {
  const size = SIDE * SIDE;
  return Float64Array.from(pixels.subarray(digit * size, (digit + 1) * size), (v) => v / 255);
}

// --- the settings as text -----------------------------------------------------------------------

const python = (value) => (typeof value === "boolean" ? (value ? "True" : "False")
  : Array.isArray(value) ? `[${value.map(python).join(", ")}]` : String(value));
const real = (value) => (Number.isInteger(value) ? `${value}.0` : String(value));

export const asParameters = ({ digit, pen, center }) =>
  `digit = ${digit}\npen = ${real(pen)}\ncenter = ${python(center)}`;
export const asCommand = (lesson, { digit, pen, center }) =>
  `labkit run ${lesson} -p digit=${digit} -p pen=${real(pen)} -p center=${python(center)}`;
export const asStrokes = ({ strokes }) => `strokes = ${python(strokes)}`;

// --- the explorer -------------------------------------------------------------------------------

/** An element with attributes (functions become event listeners) and children. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null) element.setAttribute(name, value);
  }
  element.append(...children.flat(2).filter((child) => child !== null));
  return element;
}

const button = (text, click, more = {}) => make("button", { type: "button", click, ...more }, text);

const SIZE = 308; // the field on the screen, in CSS pixels
const WATCHED = ["digit", "pen", "center", "strokes"];
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const round = (place) => Math.round(100 * Math.min(SIDE, Math.max(0, place))) / 100;

/** A canvas of gray cells: `paint` fills it with values of 0 (black) to 1 (white). */
function grayCanvas(side, attributes) {
  const canvas = make("canvas", { width: side, height: side, ...attributes });
  const context = canvas.getContext("2d");
  const data = context.createImageData(side, side);
  data.data.fill(255);
  return {
    canvas, context,
    paint(values) {
      for (let k = 0; k < values.length; k++) {
        const gray = Math.round(255 * values[k]);
        data.data[4 * k] = data.data[4 * k + 1] = data.data[4 * k + 2] = gray;
      }
      context.putImageData(data, 0, 0);
    },
  };
}

export function mount(host, store) {
  const shadow = host.attachShadow({ mode: "open" });
  const layers = unpack(store.get("layers"));
  const pixels = bytes(store.get("examples"));
  let strokes = [];
  let ink = new Float64Array(CELLS * CELLS);
  let down = false; // a stroke is being drawn, by mouse or by keys
  let cursor = [14, 8]; // of the keyboard, in pixels
  let ours = false; // the change of state comes from this page
  let spoken = 0;

  const cells = grayCanvas(CELLS, {});
  const field = make("canvas", {
    class: "field", width: 2 * SIZE, height: 2 * SIZE, tabindex: 0, role: "application",
    "aria-label": "field to draw a digit in: arrow keys move the pen, Space puts it down or lifts it, " +
      "Backspace takes the last stroke back",
    "data-lm-suppress-shortcuts": "true",
    pointerdown: startStroke, pointermove: moveStroke, pointerup: endStroke, pointercancel: endStroke,
    keydown: typed, focus: drawField, blur: () => { lift(); drawField(); },
  });
  const seen = grayCanvas(SIDE, { class: "seen", role: "img", "aria-label": "what the network sees: 28 x 28 pixels" });
  const bars = Array.from({ length: 10 }, (_, k) => {
    const fill = make("i", {});
    const number = make("b", {});
    const row = make("div", { class: "bar" }, make("span", {}, String(k)), make("div", {}, fill), number);
    return { fill, number, row };
  });
  const status = make("p", { role: "status", class: "status" });
  const hand = make("p", { class: "hand", "aria-live": "polite" });
  const copied = make("pre", { class: "copied", role: "status", hidden: true, tabindex: 0 });

  const slider = (name, label, low, high, step, shown) => {
    const value = make("b", {});
    const node = make("input", { type: "range", min: low, max: high, step, "aria-label": label,
      input: () => change(name, Number(node.value)) });
    return {
      node: make("label", {}, make("span", {}, label, " ", value), node),
      draw(now) {
        node.value = now;
        value.textContent = shown(now);
        node.setAttribute("aria-valuetext", shown(now));
      },
    };
  };
  const parts = {
    digit: slider("digit", "held-out image", -1, 9, 1, (k) => (k < 0 ? "none: empty field" : String(k))),
    pen: slider("pen", "pen width", 1, 5, 0.25, (width) => `${width} pixels`),
  };
  const centered = make("input", { type: "checkbox", change: () => change("center", centered.checked) });
  const undo = button("Undo", takeBack, { title: "take the last stroke back (Backspace)" });
  const clear = button("Clear", () => write({ digit: -1, strokes: [] }), { title: "an empty field" });
  const body = make("div", { class: "lk", role: "group", "aria-label": "draw a digit", keydown: guardKeys },
    make("div", { class: "panels" },
      make("div", {}, field, make("div", { class: "buttons" }, clear, undo)),
      make("div", { class: "side" }, seen.canvas, make("p", { class: "small" }, "what the network sees"),
        make("div", { class: "controls" }, parts.digit.node, parts.pen.node,
          make("label", { class: "row" }, centered, " center and scale a drawing, as MNIST does"))),
      make("div", { class: "bars", "aria-hidden": "true" }, bars.map(({ row }) => row))),
    status, hand,
    make("p", { class: "small" }, "Draw with the mouse, a finger, or the keys: click the field or Tab to it, then " +
      "arrow keys, Space (pen down or up), Backspace."),
    make("div", { class: "buttons", role: "group", "aria-label": "copy" },
      button("Copy as parameters", () => copy(asParameters(settings()))),
      button("Copy as command", () => copy(asCommand(store.get("lesson"), settings()))),
      button("Copy the drawing", () => copy(asStrokes(settings())))),
    copied);
  shadow.append(make("style", {}, STYLE), body);

  const settings = () => ({ digit: store.get("digit"), pen: store.get("pen"), center: store.get("center"), strokes });

  function guardKeys(event) { // plain keys are ours: JupyterLab would take them for shortcuts
    const passes = event.ctrlKey || event.metaKey || event.altKey || ["Tab", "Escape"].includes(event.key)
      || (event.shiftKey && event.key === "Enter");
    if (!passes) event.stopPropagation();
  }

  // -- state
  function write(values) {
    ours = true;
    store.set(values);
    ours = false;
    refresh();
  }

  function change(name, value) { // another image is another field: strokes of the old one go
    write(name === "digit" ? { digit: value, strokes: [] } : { [name]: value });
  }

  function refresh() { // from the state: all strokes anew
    down = false;
    strokes = store.get("strokes").map((stroke) => [...stroke]);
    ink = inkOf(strokes, store.get("pen"));
    const { digit, pen, center } = settings();
    parts.digit.draw(digit);
    parts.pen.draw(pen);
    centered.checked = center;
    centered.disabled = digit >= 0; // those images are centered already
    show(true);
  }

  // -- strokes
  function place(event) {
    const box = field.getBoundingClientRect();
    return [round(((event.clientX - box.left) / box.width) * SIDE), round(((event.clientY - box.top) / box.height) * SIDE)];
  }

  function begin([x, y]) {
    down = true;
    strokes.push([x, y]);
    addEnd(ink, strokes[strokes.length - 1], store.get("pen"));
  }

  function extend([x, y]) {
    const stroke = strokes[strokes.length - 1];
    const n = stroke.length;
    if (stroke[n - 2] === x && stroke[n - 1] === y) return;
    stroke.push(x, y);
    addEnd(ink, stroke, store.get("pen"));
  }

  function lift() { // now the kernel knows the stroke
    if (!down) return;
    down = false;
    ours = true;
    store.set({ strokes: strokes.map((stroke) => [...stroke]) });
    ours = false;
    show(true);
  }

  function startStroke(event) {
    if (event.button > 0) return;
    event.preventDefault();
    field.focus({ preventScroll: true });
    try { field.setPointerCapture(event.pointerId); } catch { /* a synthetic pointer has no capture */ }
    lift();
    begin(place(event));
    show(false);
  }

  function moveStroke(event) {
    if (!down || event.buttons === 0) return;
    const all = event.getCoalescedEvents?.() ?? [];
    for (const each of all.length ? all : [event]) extend(place(each));
    cursor = place(event);
    show(false);
  }

  function endStroke() {
    lift();
  }

  function takeBack() {
    lift();
    write({ strokes: strokes.slice(0, -1) });
  }

  function typed(event) {
    const move = KEYS[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (move) {
      cursor = cursor.map((at, axis) => Math.min(SIDE - 0.5, Math.max(0.5, at + move[axis])));
      if (down) extend(cursor.map(round));
    } else if (event.key === " ") {
      if (down) lift();
      else begin(cursor.map(round));
    } else if (event.key === "Backspace" || event.key === "Delete") {
      takeBack();
    } else return;
    event.preventDefault(); // the page does not scroll
    hand.textContent = `Pen ${down ? "down" : "up"}, column ${Math.ceil(cursor[0])}, row ${Math.ceil(cursor[1])}.`;
    show(!down);
  }

  // -- picture
  function show(finished) {
    const { digit, center } = settings();
    const example = digit >= 0 ? exampleOf(pixels, digit) : null;
    const image = imageOf(ink, center, example);
    const chances = probabilitiesOf(layers, image);
    seen.paint(image);
    cells.paint(example ? ink.map((value, k) => Math.max(value, example[under(k)])) : ink);
    drawField();
    const top = Math.max(...chances);
    bars.forEach(({ fill, number, row }, k) => {
      fill.style.width = `${100 * chances[k]}%`;
      number.textContent = chances[k].toFixed(3);
      row.classList.toggle("top", chances[k] === top);
    });
    undo.disabled = strokes.length === 0;
    if (!finished && performance.now() - spoken < 500) return; // enough for a screen reader
    spoken = performance.now();
    const { text, kind } = inWords(chances, digit, strokes.length);
    body.dataset.kind = kind;
    if (status.textContent !== text) status.textContent = text;
  }

  const under = (k) => Math.floor(Math.floor(k / CELLS) / FINE) * SIDE + Math.floor((k % CELLS) / FINE);

  function drawField() {
    const context = field.getContext("2d");
    const unit = field.width / SIDE;
    context.imageSmoothingEnabled = true;
    context.drawImage(cells.canvas, 0, 0, field.width, field.height);
    context.strokeStyle = "#8886";
    context.lineWidth = 2;
    const edge = ((SIDE - BOX) / 2) * unit;
    context.strokeRect(edge, edge, BOX * unit, BOX * unit);
    if (shadow.activeElement !== field) return;
    context.strokeStyle = down ? "#ff5e02" : "#86c8dd";
    context.lineWidth = 4;
    const [x, y] = cursor.map((at) => at * unit);
    context.beginPath();
    context.moveTo(x - 14, y);
    context.lineTo(x + 14, y);
    context.moveTo(x, y - 14);
    context.lineTo(x, y + 14);
    context.stroke();
  }

  async function copy(text) {
    copied.hidden = false;
    copied.textContent = text;
    try {
      await navigator.clipboard.writeText(text);
      copied.dataset.note = "copied";
    } catch { // no clipboard on this page: the text is selected, ready for the learner's own copy
      getSelection()?.selectAllChildren(copied);
      copied.dataset.note = "select and copy";
    }
  }

  refresh();
  return store.listen(() => { if (!ours) refresh(); });
}

const STYLE = `
:host { display: block; }
.lk {
  --ink: var(--jp-content-font-color1, currentColor); --line: #8886; --soft: #8881; --accent: #1845fb;
  font: 13px/1.4 var(--jp-ui-font-family, system-ui, sans-serif); color: var(--ink); max-width: 1000px;
  font-variant-numeric: tabular-nums; padding: 4px 2px; box-sizing: border-box;
}
* { box-sizing: border-box; }
p { margin: 0; }
canvas { display: block; }
.field { width: ${SIZE}px; height: ${SIZE}px; max-width: 100%; touch-action: none; cursor: crosshair; border: 1px solid var(--line); border-radius: 4px; background: #000; }
.seen { width: 112px; height: 112px; image-rendering: pixelated; border: 1px solid var(--line); background: #000; }
:focus-visible { outline: 3px solid #578dff; outline-offset: 2px; }
button { font: inherit; color: inherit; border: 1px solid var(--line); background: var(--soft); border-radius: 6px; padding: 4px 11px; cursor: pointer; }
button:hover:not(:disabled) { border-color: var(--accent); }
button:disabled { opacity: 0.4; cursor: default; }
.buttons { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; margin: 8px 0; }
.panels { display: flex; flex-wrap: wrap; gap: 24px; align-items: flex-start; }
.side { width: 220px; }
.controls { display: grid; gap: 8px; margin-top: 10px; }
.controls label > span { display: block; font-weight: 600; }
.controls .row { display: block; }
input[type="range"] { width: 100%; accent-color: var(--accent); }
b { font-weight: 400; }
.bars { flex: 1 1 240px; max-width: 380px; display: grid; gap: 5px; font-size: 14px; }
.bar { display: grid; grid-template-columns: 1.2em 1fr 3.2em; gap: 8px; align-items: center; }
.bar > div { background: var(--soft); height: 20px; border-radius: 3px; }
.bar i { display: block; height: 100%; background: #86c8dd; border-radius: 3px; }
.top { font-weight: 700; }
.top b { font-weight: 700; }
.top i { background: #ff5e02; }
.small { opacity: 0.8; margin-top: 4px; }
.status { min-height: 1.5em; font-size: 14px; font-weight: 600; margin-top: 6px; }
.hand { min-height: 1.4em; }
.copied { margin: 10px 0 0; padding: 8px 12px; background: var(--soft); border-radius: 6px; font: 12px/1.5 var(--jp-code-font-family, monospace); white-space: pre-wrap; max-height: 200px; overflow: auto; }
.copied::after { content: attr(data-note); float: right; opacity: 0.7; font-style: italic; }
.copied[hidden] { display: none; }
@media print { .buttons, .copied { display: none; } }
`;
