// The pointer moves the point of the activation explorer: the kernel hears of it as a traitlet.
import { whenInside } from "../dom.js";
import { clamp } from "../numbers.js";

const isPicture = (node) => node.matches?.("img[width]");

/** Follow the pointer over the picture in `root`; `move(value)` gets where it stands on the x axis. */
function follow(root, { low, high, panels }, move) {
  let panel = null; // the one in which the drag began; left and right edge, 0 to 1
  let wanted = null;
  function send() {
    move(wanted);
    wanted = null;
  }
  function point(event) {
    const box = root.querySelector("img[width]").getBoundingClientRect(); // a new one after each move
    const across = (event.clientX - box.left) / box.width;
    panel ??= panels.find(([left, right]) => across >= left && across <= right) ?? null;
    if (!panel) return;
    const share = clamp((across - panel[0]) / (panel[1] - panel[0]), 0, 1);
    if (wanted === null) requestAnimationFrame(send); // one message a frame is enough
    wanted = Number((low + share * (high - low)).toFixed(2));
  }
  function begin(event) {
    if (!isPicture(event.target) || event.button !== 0) return;
    event.preventDefault(); // else the browser drags the picture away
    panel = null;
    point(event);
    if (!panel) return;
    root.setPointerCapture(event.pointerId);
    root.addEventListener("pointermove", point);
  }
  const end = () => root.removeEventListener("pointermove", point);
  const listeners = { pointerdown: begin, pointerup: end, pointercancel: end, dragstart: (event) => event.preventDefault() };
  for (const [name, listener] of Object.entries(listeners)) root.addEventListener(name, listener);
  return () => {
    end();
    for (const [name, listener] of Object.entries(listeners)) root.removeEventListener(name, listener);
  };
}

function render({ model, el }) {
  const ends = [];
  const move = (value) => {
    model.set("value", value);
    model.save_changes();
  };
  ends.push(whenInside(el, ".labkit-explorer", (root) => ends.push(follow(root, model.get("place"), move))));
  return () => ends.forEach((end) => end());
}

export default { render };
