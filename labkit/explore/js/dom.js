// Elements of the page: what every explorer is made of.

const SVG = "http://www.w3.org/2000/svg";
const SVG_TAGS = new Set("svg g path line text circle rect clipPath defs tspan".split(" "));
const LEFT_OUT = new Set([false, null, undefined]);

/** An element with attributes (functions become event listeners) and children. */
export function make(tag, attributes = {}, ...children) {
  const element = SVG_TAGS.has(tag)
    ? document.createElementNS(SVG, tag)
    : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (!LEFT_OUT.has(value)) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(2).filter((child) => !LEFT_OUT.has(child)));
  return element;
}

export function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
}

export const button = (text, click, more = {}) => make("button", { type: "button", click, ...more }, text);

let made = 0; // one page may hold several explorers: ids must differ
export const freshId = (name) => `lk-${name}-${(made += 1)}`;

/** Keep plain keys here: JupyterLab would take them for shortcuts ("d d" deletes a cell). */
export function guardKeys(event) {
  const passes = event.ctrlKey || event.metaKey || event.altKey || ["Tab", "Escape"].includes(event.key)
    || (event.shiftKey && event.key === "Enter");
  if (!passes) event.stopPropagation();
}

const MOVES = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

/** [rows down, columns right] of an arrow key, which then does not scroll the page; else null. */
export function arrowMove(event) {
  const move = MOVES[event.key];
  if (!move || event.ctrlKey || event.metaKey || event.altKey) return null;
  event.preventDefault();
  return move;
}

/**
 * Whole pixels inside a block element, always on its safe side. `clientWidth` rounds up and counts
 * the padding: a picture of that width puts a scroll bar below the explorer.
 */
export function roomIn(element) {
  const { paddingLeft, paddingRight } = getComputedStyle(element);
  // Out of the page, where JupyterLab keeps cells far from the view, an element has no style: "".
  const [left, right] = [paddingLeft, paddingRight].map((padding) => parseFloat(padding) || 0);
  const wide = element.getBoundingClientRect().width - left - right;
  return Math.max(0, Math.floor(wide));
}

/**
 * Call `act(root)` once the element stands in the page, inside an ancestor that matches; returns a
 * function that stops waiting. A widget is built before it is put into the page.
 */
export function whenInside(element, selector, act) {
  const sizes = new ResizeObserver(() => {
    const root = element.closest(selector);
    if (!root) return;
    sizes.disconnect();
    act(root);
  });
  sizes.observe(element);
  return () => sizes.disconnect();
}
