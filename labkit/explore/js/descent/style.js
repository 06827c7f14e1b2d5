// The look of the gradient descent explorer; what it shares with the others is in ../look.js.
import { STYLES } from "./runs.js";

const RUNS = STYLES.map((_, i) => `.line.run${i} { stroke: var(--run${i}); } .markers.run${i} { fill: var(--run${i}); }`);

export const STYLE = `
.lk {
  --rail: #0000002e; --halo: #ffffffd9; --iso: #ffffff73; --now: #ffffff;
  --run0: #ff5e02; --run1: #1845fb; --run2: #c849a9; --run3: #656364; --run4: #c91f16;
}
.lk[data-theme="dark"] {
  --rail: #ffffff3d; --halo: #0b0d12cc; --iso: #ffffff38; --now: #0b0d12;
  --run1: #86c8dd; --run2: #f08ad6; --run3: #c9c9a0; --run4: #9db9ff;
}
.controls { display: flex; flex-wrap: wrap; gap: 4px 28px; margin-bottom: 4px; }
.control { flex: 1 1 150px; min-width: 0; border: 0; padding: 0; margin: 0; }
.control.learning_rate { flex: 2 1 240px; }
.control.surface { flex: 3 1 420px; display: flow-root; } /* its name floats: a legend cannot stand in a row */
.control.optimizer { flex: 1 1 190px; max-width: 300px; display: flex; align-items: center; gap: 10px; }
.control.optimizer > span, legend, .head label { font-weight: 600; padding: 0; white-space: nowrap; }
legend { float: left; line-height: 30px; margin-right: 10px; }
.control select { width: 100%; padding: 4px 8px; height: 30px; }
.head { display: flex; justify-content: space-between; align-items: baseline; height: 24px; }
input[type="number"] {
  width: 5.6em; min-width: 3em; text-align: right; background: none; border: 0; border-bottom: 1px dotted var(--line);
  padding: 0 2px; font-weight: 600; appearance: textfield; -moz-appearance: textfield;
}
input[type="number"]::-webkit-inner-spin-button { display: none; }
.rail { position: relative; height: 36px; }
input[type="range"] {
  --spot: calc(8px + (100% - 16px) * var(--at, 0)); --stop: calc(8px + (100% - 16px) * var(--limit, 2));
  --track: linear-gradient(to right, var(--accent) var(--spot), transparent var(--spot)),
    linear-gradient(to right, var(--rail) var(--stop), var(--danger) var(--stop));
  appearance: none; -webkit-appearance: none; width: 100%; height: 20px; margin: 0; background: none; cursor: pointer;
}
input[type="range"]::-webkit-slider-runnable-track { height: 4px; border-radius: 2px; background: var(--track); }
input[type="range"]::-moz-range-track { height: 4px; border-radius: 2px; background: var(--track); }
input[type="range"]::-webkit-slider-thumb {
  -webkit-appearance: none; width: 16px; height: 16px; margin-top: -6px; border-radius: 50%;
  background: var(--accent); border: 2px solid var(--paper); box-shadow: 0 0 0 1px var(--accent);
}
input[type="range"]::-moz-range-thumb {
  width: 12px; height: 12px; border-radius: 50%; background: var(--accent); border: 2px solid var(--paper);
  box-shadow: 0 0 0 1px var(--accent);
}
.mark { position: absolute; top: 16px; left: calc(8px + (100% - 16px) * var(--limit)); color: var(--danger); font-size: 12px; line-height: 1; pointer-events: none; }
.mark i { position: absolute; left: -1px; top: -13px; width: 2px; height: 17px; background: var(--danger); }
.mark span { position: absolute; left: -1px; top: 7px; white-space: nowrap; }
.mark.late span { left: auto; right: -1px; }
.presets { display: flex; flex-wrap: wrap; gap: 6px; align-items: center; margin: 0 0 6px; }
.presets span { font-weight: 600; margin-right: 4px; }
.presets button { border-radius: 14px; padding: 2px 12px; }
.below { display: flex; flex-wrap: wrap; align-items: flex-start; gap: 8px 16px; margin-top: 8px; }
.below > .copying { flex: 1 0 auto; max-width: 100%; }
.panels { display: flex; gap: 20px; }
.narrow .panels { flex-direction: column; gap: 8px; }
.above { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 2px 28px; margin: 0 8px 4px 46px; min-height: 22px; }
.formula { font-style: italic; font-size: 14px; display: flex; align-items: center; gap: 18px; }
.scale { font-style: normal; font-size: 12px; display: inline-flex; align-items: center; gap: 6px; }
.scale i { width: 84px; height: 9px; border-radius: 2px; }
.legend { display: flex; flex-wrap: wrap; gap: 2px 16px; list-style: none; margin: 0; padding: 0; }
.legend li { display: flex; align-items: center; gap: 6px; }
.drop { border: 0; background: none; padding: 0 4px; line-height: 1; font-size: 15px; }
.panel { position: relative; line-height: 0; }
.panel svg { position: relative; display: block; overflow: visible; }
.panel text { font-size: 12px; fill: currentColor; }
.panel .tick { opacity: 0.75; font-size: 11.5px; }
.panel .name { font-style: italic; font-size: 13px; }
.map { border-radius: 3px; }
.frame { fill: none; stroke: var(--line); }
.grid { fill: none; stroke: var(--line); stroke-width: 0.6; opacity: 0.7; }
.contours { fill: none; stroke: var(--iso); stroke-width: 1; }
.curve { fill: none; stroke: currentColor; stroke-width: 2; opacity: 0.55; }
.goal { stroke: currentColor; stroke-width: 2.2; }
.lk[data-theme="light"] .goal { stroke: #111; }
.halo { fill: none; stroke: var(--halo); stroke-width: 4.5; stroke-linejoin: round; }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; }
.markers { stroke: var(--halo); stroke-width: 0.8; }
${RUNS.join("\n")}
.rest { fill: none; stroke: var(--run0); stroke-width: 1.5; opacity: 0.3; }
.now { fill: var(--now); stroke: var(--run0); stroke-width: 3; }
.arrow { fill: none; stroke: currentColor; stroke-width: 1.8; stroke-linecap: round; stroke-linejoin: round; }
.cursor { stroke: currentColor; opacity: 0.35; stroke-dasharray: 3 3; }
.flag { fill: var(--danger) !important; font-weight: 600; }
.movable { cursor: crosshair; }
.handle { cursor: grab; touch-action: none; }
.dragging, .dragging .handle { cursor: grabbing; }
.grip { fill: transparent; }
.ring { fill: none; stroke: currentColor; stroke-width: 2.2; }
.handle:hover .ring, .handle:focus .ring { stroke-width: 3.5; }
.handle:focus-visible { outline: none; }
.focus { fill: none; stroke: none; } /* a ring of its own, on every ground */
.handle:focus-visible .focus { stroke: var(--accent); stroke-width: 2.5; }
.handle:focus-visible .under { stroke: var(--halo); stroke-width: 6; }
.start-label { font-weight: 600; paint-order: stroke; stroke: var(--halo); stroke-width: 3px; }
.status { margin-top: 8px; font-size: 14px; min-height: 2.8em; }
.status strong { font-weight: 700; }
[data-verdict="diverges"] .status strong { color: var(--danger); }
.readout { display: flex; flex-wrap: wrap; gap: 2px 22px; font-size: 13px; min-height: 1.4em; }
.readout span { min-width: 7em; }
.readout em { opacity: 0.7; margin-right: 3px; }
@media print { .presets, .below { display: none; } }
`;
