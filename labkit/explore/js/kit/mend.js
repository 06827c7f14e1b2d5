// What ipywidgets' controls lack: names for sliders and groups, a live status line, arrow keys.
import { guardKeys } from "../dom.js";

/** Set an attribute where it differs: a change that changes nothing would wake the observer again. */
function mark(node, name, value) {
  if (node && node.getAttribute(name) !== value) node.setAttribute(name, value);
}

const labelOf = (box) => (box.querySelector(".widget-label")?.textContent ?? "").trim();

function mendSlider(box) {
  const readout = box.querySelector(".widget-readout");
  const handle = box.querySelector(".noUi-handle");
  mark(handle, "aria-label", labelOf(box));
  if (readout) mark(handle, "aria-valuetext", readout.textContent); // not rounded, not a logarithm
  mark(readout, "role", "textbox");
  mark(readout, "aria-label", `${labelOf(box)}, type a value`);
}

function mendChoice(box) {
  if (!box.classList.contains("widget-inline-hbox")) { // add() would count as a change each time
    box.classList.add("jupyter-widgets", "widget-inline-hbox"); // label beside the buttons
  }
  mark(box, "role", "group");
  mark(box, "aria-label", labelOf(box));
  for (const button of box.querySelectorAll("button")) {
    mark(button, "aria-pressed", String(button.classList.contains("mod-active")));
  }
}

function mendAll(root) {
  root.querySelectorAll(".widget-slider").forEach(mendSlider);
  root.querySelectorAll(".widget-toggle-buttons").forEach(mendChoice);
  for (const row of root.querySelectorAll(".labkit-presets")) {
    mark(row, "role", "group");
    mark(row, "aria-label", "presets");
  }
  mark(root.querySelector(".labkit-status .widget-html-content"), "role", "status");
}

/** Mend an explorer of ipywidgets now and after every change; returns a function that ends this. */
export function mend(root) {
  const observer = new MutationObserver(() => mendAll(root));
  mendAll(root);
  observer.observe(root, {
    subtree: true, childList: true, characterData: true,
    attributes: true, attributeFilter: ["class", "aria-valuenow"],
  });
  root.addEventListener("keydown", guardKeys);
  return () => {
    observer.disconnect();
    root.removeEventListener("keydown", guardKeys);
  };
}
