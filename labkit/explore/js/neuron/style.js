// The look of the neuron explorer; what it shares with the others is in ../look.js.

export const STYLE = `
.lk { --mse: #1845fb; --cross_entropy: #ff5e02; }
.lk[data-theme="dark"] { --mse: #8ba4ff; --cross_entropy: #ff8a47; }
.sliders { display: grid; grid-template-columns: repeat(auto-fit, minmax(300px, 1fr)); gap: 2px 24px; margin-bottom: 6px; }
.sliders label { display: flex; flex-direction: column; }
.sliders input { width: 100%; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 20px; margin: 8px 0 2px 46px; font-weight: 600; }
.legend .mse { color: var(--mse); } .legend .mse::before { content: "■ "; }
.legend .cross_entropy { color: var(--cross_entropy); } .legend .cross_entropy::before { content: "● "; }
.legend .yours::before { content: "○ "; }
.panels { display: flex; gap: 16px; }
.panels.narrow { flex-direction: column; }
svg { display: block; }
.grid { stroke: var(--line); stroke-width: 0.6; fill: none; }
.tick, .name { fill: var(--ink); font-size: 12px; }
.sigmoid { stroke: var(--ink); opacity: 0.5; stroke-width: 2; fill: none; }
.line { fill: none; stroke-width: 2.6; }
.line.cross_entropy { stroke-dasharray: 7 3; }
.line.mse { stroke: var(--mse); } .line.cross_entropy { stroke: var(--cross_entropy); }
.mark.mse { fill: var(--mse); } .mark.cross_entropy { fill: var(--cross_entropy); }
.own { fill: none; stroke-width: 1.6; }
.own.mse { stroke: var(--mse); } .own.cross_entropy { stroke: var(--cross_entropy); }
.status { margin: 6px 0; min-height: 2.8em; }
.below { display: flex; flex-wrap: wrap; align-items: flex-start; gap: 8px 16px; }
`;
