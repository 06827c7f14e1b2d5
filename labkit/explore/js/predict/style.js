// The look of a prediction; what it shares with the explorers is in ../look.js.
import { PALETTE } from "../colors.js";

const hues = (theme) => `--guess: ${PALETTE[theme][0]}; --truth: ${PALETTE[theme][1]};`;

export const STYLE = `
.lk { ${hues("light")} max-width: 760px; font-size: 14px; border-left: 3px solid var(--accent); padding: 2px 2px 2px 14px; margin: 6px 0; position: relative; }
.lk[data-theme="dark"] { ${hues("dark")} }
.question { font-size: 15px; margin-bottom: 8px; }
.question b { color: var(--accent); margin-right: 4px; }
fieldset { border: 0; margin: 0; padding: 0; min-width: 0; }
legend, .unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.choices .options { flex-wrap: wrap; gap: 8px; border: 0; border-radius: 0; overflow: visible; }
.choices .options label { flex: 0 1 auto; text-align: left; border: 1px solid var(--line); border-radius: 6px; padding: 5px 12px; }
.choices .options label:hover { border-color: var(--accent); }
.choices .options input:focus-visible + label { outline: 2px solid var(--accent); outline-offset: 2px; }
.choices .options label.measured { border: 2px solid var(--truth); padding: 4px 11px; }
.choices .options label.measured::after { content: " ✓ " attr(data-mark); font-weight: 600; }
.number { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; }
.number label { font-weight: 600; }
.number input[type="text"] { width: 8em; padding: 4px 8px; border: 1px solid var(--line); border-radius: 6px; background: none; }
.number .end { opacity: 0.8; font-size: 12px; }
.number .end:first-of-type, .rail { margin-left: 8px; }
.rail { position: relative; flex: 1 1 160px; max-width: 320px; margin: 0; }
.rail input { width: 100%; display: block; }
.rail input.unset { accent-color: #888; opacity: 0.6; }
.mark { position: absolute; top: -3px; bottom: -3px; width: 3px; margin-left: -1.5px; background: var(--truth); pointer-events: none; left: calc(8px + (100% - 16px) * var(--at, 0)); }
.plot { display: block; touch-action: none; cursor: crosshair; user-select: none; -webkit-user-select: none; }
.plot .frame { fill: none; stroke: var(--line); }
.plot .grid { stroke: var(--line); stroke-width: 0.6; opacity: 0.7; }
.plot text { fill: currentColor; font-size: 12px; }
.guess { fill: none; stroke: var(--guess); stroke-width: 2.4; stroke-dasharray: 7 4; stroke-linejoin: round; }
.points { stroke: var(--guess); stroke-width: 6; stroke-linecap: round; }
.here { fill: none; stroke: currentColor; stroke-width: 1; opacity: 0.8; }
.truth { fill: none; stroke: var(--truth); stroke-width: 2.8; stroke-linejoin: round; }
.dots { stroke: var(--truth); stroke-width: 7; stroke-linecap: square; }
.hint { font-size: 12px; opacity: 0.8; margin-top: 4px; }
.buttons { margin-top: 8px; }
.primary { background: var(--accent); border-color: var(--accent); color: var(--on-accent); font-weight: 600; }
.problem { color: var(--danger); font-weight: 600; }
.result { margin-top: 10px; display: grid; gap: 6px; }
.sides { display: grid; grid-template-columns: 1fr 1fr; gap: 10px; max-width: 560px; }
.side { padding: 5px 12px; background: var(--soft); border-radius: 6px; border-left: 4px dashed var(--guess); overflow-wrap: anywhere; }
.side.measured { border-left: 4px solid var(--truth); }
.side span { display: block; font-size: 12px; opacity: 0.85; }
.side b { font-size: 15px; }
.verdict.far::before { content: "✕ "; color: var(--danger); font-weight: 700; }
.verdict.close::before { content: "✓ "; color: var(--good); font-weight: 700; }
.result p:empty { display: none; }
.counts { font-size: 12px; opacity: 0.85; }
`;
