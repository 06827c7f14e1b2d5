// The look of the results explorer, beside what all explorers share (look.js).
import { ROW, VISIBLE } from "./table.js";

export const STYLE = `
.lk { --bad: var(--danger); --warm: #c24400; max-width: 1120px; line-height: 1.45; }
.lk[data-theme="dark"] { --warm: #ff9a5c; }
h2, h3, dl, dd { margin: 0; }
header { display: flex; flex-wrap: wrap; gap: 4px 14px; align-items: center; }
h2, h3 { font-size: 17px; font-weight: 650; line-height: 1.3; }
.live { color: var(--good); border: 1px solid; border-radius: 9px; padding: 0 8px; font-size: 12px; }
.live::before { content: "● "; animation: pulse 1.6s infinite; }
@keyframes pulse { 50% { opacity: 0.2; } }
@media (prefers-reduced-motion: reduce) { .live::before { animation: none; } }
.states { display: flex; flex-wrap: wrap; gap: 6px; }
button { padding: 3px 10px; }
button[aria-pressed="true"] { border-color: var(--accent); box-shadow: inset 0 0 0 1px var(--accent); font-weight: 600; }
.state.finished { color: var(--good); } .state.failed, .state.interrupted { color: var(--bad); } .state.running { color: var(--accent); }
.causes { color: var(--bad); font-size: 12px; margin-top: 2px; overflow-wrap: anywhere; }
.bar { display: flex; flex-wrap: wrap; gap: 6px 14px; align-items: center; }
.top { margin-top: 6px; border-bottom: 1px solid var(--line); justify-content: space-between; align-items: end; }
.top .bar { padding-bottom: 4px; }
.menu { display: inline-flex; gap: 6px; align-items: center; }
.menu > span { opacity: 0.8; }
select { max-width: 230px; }
.words { display: inline-flex; }
.words button { border-radius: 0; margin-left: -1px; }
.words button:first-child { border-radius: 6px 0 0 6px; margin: 0; } .words button:last-child { border-radius: 0 6px 6px 0; }
.tabs { display: flex; flex-wrap: wrap; gap: 2px; margin-bottom: -1px; }
.tabs button { border: 0; background: none; border-radius: 6px 6px 0 0; padding: 6px 12px; border-bottom: 3px solid transparent; }
.tabs button[aria-selected="true"] { border-bottom-color: var(--accent); font-weight: 650; }
.body { display: grid; grid-template-columns: 218px minmax(0, 1fr); gap: 16px; margin-top: 6px; }
.narrow .body { grid-template-columns: minmax(0, 1fr); gap: 4px; }
.side { contain: size; overflow: auto; scrollbar-width: thin; padding-right: 8px; } /* as high as the picture beside it */
.narrow .side { contain: none; max-height: 280px; }
.side summary { font-weight: 650; cursor: pointer; padding: 3px 0; position: sticky; top: 0; background: var(--paper); z-index: 1; }
.filters { padding-left: 3px; }
.filter { margin: 0 0 10px; }
.name { display: flex; justify-content: space-between; align-items: center; gap: 8px; font-size: 12px; font-weight: 600; margin-bottom: 3px; }
.name > span:first-child { overflow-wrap: anywhere; }
.share { flex: none; width: 52px; height: 6px; border-radius: 3px; background: var(--soft); border: 1px solid var(--line); overflow: hidden; }
.share i { display: block; height: 100%; background: var(--accent); }
.chips { display: flex; flex-wrap: wrap; gap: 4px; }
.chips button { padding: 1px 7px; font-size: 12px; border-radius: 10px; max-width: 100%; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.sliders { position: relative; height: 20px; }
.sliders::before, .sliders i { content: ""; position: absolute; top: 8px; height: 4px; left: 0; right: 0; background: var(--line); border-radius: 2px; }
.sliders i { background: var(--accent); }
.sliders input { position: absolute; inset: 0; width: 100%; margin: 0; height: 20px; background: none; pointer-events: none; appearance: none; -webkit-appearance: none; }
.sliders input::-webkit-slider-thumb { pointer-events: auto; -webkit-appearance: none; width: 14px; height: 14px; border-radius: 50%; background: var(--paper); border: 2px solid var(--accent); cursor: grab; }
.sliders input::-moz-range-thumb { pointer-events: auto; width: 10px; height: 10px; border-radius: 50%; background: var(--paper); border: 2px solid var(--accent); cursor: grab; }
.range output { font-size: 12px; opacity: 0.85; }
.clear { margin-top: 4px; width: 100%; }
.view { margin: 2px 0 4px; min-height: 28px; }
.hint { opacity: 0.8; font-size: 12px; }
.filters .hint { margin-bottom: 8px; line-height: 1.3; }
.chart { position: relative; }
.over { position: absolute; inset: 0; touch-action: pan-y; cursor: crosshair; }
.tip { position: absolute; pointer-events: none; background: var(--ink); color: var(--paper); font-size: 12px; line-height: 1.4; padding: 5px 9px; border-radius: 6px; overflow-wrap: anywhere; z-index: 2; }
.legend { display: flex; flex-wrap: wrap; gap: 3px 14px; align-items: center; font-size: 12px; min-height: 20px; }
.entry { display: inline-flex; gap: 5px; align-items: center; }
.ramp { display: inline-block; width: 120px; height: 10px; border-radius: 3px; }
.star { color: var(--warm); font-size: 15px; line-height: 1; }
.note { opacity: 0.8; }
.status { margin: 8px 0; padding: 6px 11px; background: var(--soft); border-left: 4px solid var(--accent); border-radius: 4px; font-size: 13.5px; overflow-wrap: anywhere; }
.spoken { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.lk > details > summary { cursor: pointer; font-weight: 600; }
.below { margin-top: 6px; display: grid; grid-template-columns: minmax(0, 2fr) minmax(0, 3.4fr); gap: 10px; align-items: start; }
.narrow .below { grid-template-columns: minmax(0, 1fr); }
.below > :only-child, .details:empty + * { grid-column: 1 / -1; }
.details { border: 1px solid var(--line); border-radius: 8px; padding: 9px 12px; }
.details:empty { display: none; }
.head { display: flex; flex-wrap: wrap; gap: 2px 14px; align-items: baseline; }
.head > b { font-size: 14px; }
code { font-family: var(--jp-code-font-family, ui-monospace, monospace); font-size: 0.93em; }
.when { opacity: 0.8; }
.links { margin-left: auto; display: flex; gap: 14px; }
a { color: var(--accent); font-weight: 600; }
.error { color: var(--bad); margin: 6px 0; overflow-wrap: anywhere; max-height: 8em; overflow: auto; }
.columns { display: grid; gap: 7px; margin: 7px 0; }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(112px, 1fr)); gap: 4px 14px; align-content: start; }
dt { font-size: 11.5px; opacity: 0.8; overflow-wrap: anywhere; }
dd { font-weight: 600; overflow-wrap: anywhere; }
.same dd { font-weight: 400; opacity: 0.8; }
.copied { max-height: 200px; margin-top: 8px; }
.scroll { overflow: auto; max-height: ${(VISIBLE + 1) * ROW + 8}px; border: 1px solid var(--line); border-radius: 8px; }
table { border-collapse: collapse; width: 100%; font-size: 12.5px; }
thead { position: sticky; top: 0; background: var(--paper); z-index: 1; box-shadow: 0 1px 0 var(--line); }
th { padding: 0; text-align: left; white-space: nowrap; height: ${ROW}px; }
th button { border: 0; background: none; font-weight: 650; padding: 3px 10px; width: 100%; text-align: inherit; border-radius: 0; }
td { padding: 0 10px; height: ${ROW}px; white-space: nowrap; border-bottom: 1px solid var(--soft); max-width: 260px; overflow: hidden; text-overflow: ellipsis; }
.number { text-align: right; }
.space { padding: 0; height: 0; border: 0; }
tbody tr { cursor: pointer; }
tbody tr:hover td:not(.space) { background: var(--soft); }
tr[aria-selected="true"] td { background: #578dff14 !important; box-shadow: inset 0 1px var(--accent), inset 0 -1px var(--accent); }
tr.best td { font-weight: 650; }
.cause { color: var(--bad); }
@media print { .view, .side { display: none; } .body { grid-template-columns: 1fr; } }
`;
