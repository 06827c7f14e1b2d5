// The controls above the picture: views, lesson and result, and what each view can be asked.
import { button, make } from "../dom.js";
import { nameMenu, switcher } from "./parts.js";
import { BANDS } from "./settings.js";

const TITLES = {
  effect: "Effect", curves: "Curves", "heat map": "Heat map", parallel: "Parallel", "trade-off": "Trade-off",
};
const WAYS = { max: "higher is better", min: "lower is better" };
const ALL_NEW = { filters: {}, statuses: null, selected: null, x: null, y: null, group: null, result: null, second: null, better: null };

/** Tabs of the views, the lesson, the result and which way of it is better. */
export function topBar(board) {
  const { change } = board;
  const tabs = make("div", { class: "tabs", role: "tablist", "aria-label": "view", keydown: turn });
  const lessons = nameMenu("lesson", (lesson) => board.show({ ...ALL_NEW, lesson }));
  const results = nameMenu("result", (result) => change({ result, better: null, second: null }));
  const way = switcher("which is better", WAYS, (better) => change({ better }));
  function turn(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const { views, view } = board.found.settings;
    change({ view: views[(views.indexOf(view) + step + views.length) % views.length] });
    [...tabs.children].find((tab) => tab.dataset.view === board.found.settings.view).focus();
  }
  function drawTabs({ views, view }) {
    if (tabs.dataset.seen !== views.join()) {
      tabs.dataset.seen = views.join();
      tabs.replaceChildren(...views.map((each) => button(TITLES[each], () => change({ view: each }), { role: "tab", "data-view": each })));
    }
    for (const tab of tabs.children) {
      const on = tab.dataset.view === view;
      tab.setAttribute("aria-selected", String(on));
      tab.tabIndex = on ? 0 : -1;
    }
  }
  return {
    node: make("div", { class: "bar top" }, tabs, make("div", { class: "bar" }, lessons.node, results.node, way.node)),
    draw() {
      const { table, found: { settings } } = board;
      drawTabs(settings);
      lessons.node.hidden = table.lessons.length < 2;
      lessons.draw(table.lessons, table.lesson);
      results.node.hidden = way.node.hidden = !table.results.length;
      results.draw(table.results, settings.result);
      way.draw(settings.better);
    },
  };
}

const USED = {
  effect: ["x", "group", "band"], curves: ["metric", "group", "band"], "heat map": ["x", "swap", "y"], parallel: [],
  "trade-off": ["second", "secondWay", "average"],
};
const HINTS = {
  effect: "Each dot is a run; the line joins means.",
  curves: "Each line is the mean of its runs at each step.",
  "heat map": "Each cell is the mean of its runs.",
  parallel: "Each line is a run. Drag along an axis to keep only what crosses there; click it to undo.",
  "trade-off": "No run beats a front run in one result without losing in the other.",
};
const NO_LINE = "Each dot is a run, each marker a mean.";

/** The controls of the view that is shown. */
export function viewBar(board) {
  const { change } = board;
  const controls = {
    metric: nameMenu("metric", (metric) => change({ metric })),
    x: nameMenu("x", (x) => change({ x })),
    swap: { node: button("⇄", () => change({ x: board.found.settings.y, y: board.found.settings.x }), { title: "exchange x and y", "aria-label": "exchange x and y" }) },
    y: nameMenu("y", (y) => change({ y })),
    group: nameMenu("group by", (group) => change({ group }), "nothing"),
    band: nameMenu("spread", (text) => change({ band: Object.keys(BANDS).find((key) => BANDS[key] === text) })),
    second: nameMenu("against", (second) => change({ second, betterSecond: null })),
    secondWay: switcher("which is better", { max: "higher", min: "lower" }, (betterSecond) => change({ betterSecond })),
    average: switcher("points are", { mean: "means of repeats", run: "single runs" }, (value) => change({ average: value === "mean" })),
  };
  const hint = make("span", { class: "hint" });
  return {
    node: make("div", { class: "bar view" }, Object.values(controls).map(({ node }) => node), hint),
    draw() {
      const { table, found: { settings, shown } } = board;
      const used = USED[settings.view];
      for (const [name, { node }] of Object.entries(controls)) node.hidden = !used.includes(name);
      controls.average.node.hidden ||= !table.repeats;
      controls.x.draw(table.varied, settings.x);
      controls.y.draw(table.varied.filter((name) => name !== settings.x), settings.y);
      controls.group.draw(table.varied, settings.group);
      controls.metric.draw(Object.keys(table.curves), settings.metric);
      controls.band.draw(Object.values(BANDS), BANDS[settings.band]);
      controls.second.draw(table.results.filter((name) => name !== settings.result), settings.second);
      controls.secondWay.draw(settings.betterSecond);
      controls.average.draw(settings.average ? "mean" : "run");
      hint.textContent = shown.layout === "names" ? NO_LINE : HINTS[settings.view];
    },
  };
}
