// The look that all explorers share, and the theme of the page around them.
import { guardKeys, make } from "./dom.js";

/** A page whose text is light is a dark page, whatever made it so. */
export function isDark(element) {
  const [r, g, b] = (getComputedStyle(element).color.match(/[\d.]+/g) ?? [0, 0, 0]).map(Number);
  return 0.3 * r + 0.59 * g + 0.11 * b > 140;
}

/**
 * Keep data-theme of the explorer's body true, and call `changed(theme)` at each turn; returns a
 * function that ends this. The body's color tells: a transition of it begins whenever and for
 * whatever reason it changes, also when a style sheet comes late.
 */
export function watchTheme(body, changed = () => {}) {
  const read = (event) => {
    if (event && (event.target !== body || event.propertyName !== "color")) return;
    const theme = isDark(body) ? "dark" : "light";
    if (theme === body.dataset.theme) return;
    body.dataset.theme = theme;
    changed(theme);
  };
  body.style.transition = "color 1ms";
  const ends = ["transitionend", "transitioncancel"]; // canceled where another change overtakes it
  ends.forEach((name) => body.addEventListener(name, read));
  // In the page at last, or in view again: what is out of view may be left without transitions.
  const views = new IntersectionObserver(() => read());
  views.observe(body);
  read();
  return () => {
    ends.forEach((name) => body.removeEventListener(name, read));
    views.disconnect();
  };
}

/** The body of an explorer inside `host`, shut off from the styles of the page. */
export function shell(host, label, style, ...children) {
  const shadow = host.attachShadow({ mode: "open" });
  const body = make("div", { class: "lk", role: "group", "aria-label": label, keydown: guardKeys }, ...children);
  shadow.append(make("style", {}, LOOK + style), body);
  return body;
}

const LOOK = `
:host { display: block; }
.lk {
  --ink: var(--jp-content-font-color1, currentColor); --paper: var(--jp-layout-color0, Canvas);
  --line: #8886; --soft: #8881; --accent: #1845fb; --on-accent: #fff; --danger: #c91f16; --good: #1a7f37;
  font: 13px/1.4 var(--jp-ui-font-family, system-ui, sans-serif); color: var(--ink); max-width: 1080px;
  font-variant-numeric: tabular-nums; padding: 4px 2px; container-type: inline-size;
}
.lk[data-theme="dark"] { --accent: #8ba4ff; --on-accent: #0b0d12; --danger: #ff746b; --good: #6fdd8b; }
*, .lk { box-sizing: border-box; }
[hidden] { display: none !important; }
p { margin: 0; }
canvas { display: block; }
button, input, select { font: inherit; color: inherit; }
:focus { outline: none; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 4px; }
button { border: 1px solid var(--line); background: var(--soft); border-radius: 6px; padding: 4px 11px; cursor: pointer; line-height: 1.4; }
button:hover:not(:disabled) { border-color: var(--accent); }
button:disabled { opacity: 0.4; cursor: default; }
.play { display: inline-flex; align-items: center; gap: 6px; min-width: 82px; }
.play svg { fill: currentColor; }
select { padding: 3px 6px; border: 1px solid var(--line); border-radius: 6px; background: var(--paper); }
input[type="range"], input[type="checkbox"] { accent-color: var(--accent); }
input[type="range"] { margin: 2px 0; } /* with the browser's margin one as wide as its column sticks out of it */
.off { opacity: 0.4; }
.row { display: inline-flex; align-items: center; gap: 4px; }
.options { display: flex; border: 1px solid var(--line); border-radius: 6px; overflow: hidden; }
.options input { position: absolute; opacity: 0; pointer-events: none; }
.options label { flex: 1; text-align: center; padding: 5px 8px; cursor: pointer; border-left: 1px solid var(--line); }
.options label:first-of-type { border-left: 0; }
.options label:hover { background: var(--soft); }
.options input:checked + label { background: var(--accent); color: var(--on-accent); font-weight: 600; }
.options input:focus-visible + label { outline: 2px solid var(--ink); outline-offset: -3px; border-radius: 6px; }
.buttons, .buttons > div { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; }
.said { min-width: 4em; } /* kept free, so that nothing moves when it speaks */
.copied { width: 0; min-width: 100%; margin: 10px 0 0; padding: 8px 12px; background: var(--soft); border-radius: 6px; font: 12px/1.5 var(--jp-code-font-family, monospace); white-space: pre-wrap; overflow-wrap: anywhere; max-height: 340px; overflow: auto; }
@media print { .buttons, .copied { display: none; } }
`;
