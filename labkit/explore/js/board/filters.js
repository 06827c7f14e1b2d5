// The filters: a part for each varied parameter and for the result.
import { button, make } from "../dom.js";
import { keyOf, role } from "./columns.js";
import { importance } from "./statistics.js";
import { bare, clip, label, number } from "./words.js";

const MOST = 40; // values that get a button

export function filtersPart(board) {
  const { filter, change } = board;
  const box = make("div", { class: "filters" });
  const clear = button("Clear filters", () => change({ filters: {}, statuses: null }), { class: "clear" });
  const active = make("b", {});
  const node = make("details", { class: "side", open: true }, make("summary", {}, "Filter ", active), box, clear);
  let filters = []; // [name, control, bar of its share]
  let builtFor = "";
  function build(table, names, settings) {
    filters = names.map((name) => [name, filterControl(table, name, filter), make("i", {})]);
    const told = settings.result && table.varied.length ? make("p", { class: "hint" }, "Bar: share of the variance explained.") : null;
    box.replaceChildren(...[told].filter(Boolean), ...filters.map(([name, control, share]) => make("div", { class: "filter" },
      make("div", { class: "name", title: bare(name) }, make("span", {}, bare(name)),
        role(name) === "param" ? make("span", { class: "share" }, share) : null),
      control.node)));
  }
  return {
    node,
    draw() {
      const { table, found: { settings } } = board;
      const names = [...table.varied, ...(settings.result ? [settings.result] : [])];
      const key = JSON.stringify([table.lesson, names.map((name) => [name, table.column(name).distinct.length, table.column(name).distinct.slice(0, MOST)])]);
      if (key !== builtFor) {
        builtFor = key;
        build(table, names, settings);
      }
      for (const [name, control, share] of filters) {
        control.draw(settings.filters[name]);
        if (role(name) === "param" && settings.result) drawShare(table, name, settings.result, share);
      }
      const on = Object.keys(settings.filters).length + (settings.statuses ? 1 : 0);
      active.textContent = on ? `(${on})` : "";
      clear.disabled = !on;
    },
  };
}

function drawShare(table, name, result, bar) {
  table.shares ??= {};
  table.shares[`${name} ${result}`] ??= importance(table, table.rows.map((_, row) => row), name, result);
  const explained = table.shares[`${name} ${result}`];
  bar.style.width = `${100 * explained}%`;
  bar.parentElement.title = `${bare(name)} alone explains ${Math.round(100 * explained)} % of the variance of ${bare(result)}`;
}

/** Buttons for a few values, or two sliders for many numbers. */
function filterControl(table, name, change) {
  const column = table.column(name);
  const numbers = column.numeric ? column.distinct.filter((value) => Number.isFinite(value)) : [];
  return column.distinct.length <= 10 || numbers.length < 3 ? chips(column, name, change) : range(name, numbers, change);
}

function chips(column, name, change) {
  const values = column.distinct.slice(0, MOST);
  let chosen = [];
  const toggle = (value) => {
    const has = chosen.some((each) => keyOf(each) === keyOf(value));
    const next = has ? chosen.filter((each) => keyOf(each) !== keyOf(value)) : [...chosen, value];
    change(name, next.length && next.length < column.distinct.length ? { values: next } : null);
  };
  const buttons = values.map((value) => button(clip(label(value), 24), () => toggle(value), { title: label(value) }));
  return {
    node: make("div", { class: "chips", role: "group", "aria-label": `only these values of ${bare(name)}` }, buttons),
    draw(filter) {
      chosen = filter?.values ?? (filter ? column.distinct.filter((value) => value >= filter.low && value <= filter.high) : []);
      buttons.forEach((each, i) => each.setAttribute("aria-pressed", String(chosen.some((value) => keyOf(value) === keyOf(values[i])))));
    },
  };
}

function range(name, numbers, change) {
  const last = numbers.length - 1;
  const shown = make("output", {});
  const tell = () => {
    const [a, b] = [Math.min(low.valueAsNumber, high.valueAsNumber), Math.max(low.valueAsNumber, high.valueAsNumber)];
    change(name, a === 0 && b === last ? null : { low: numbers[a], high: numbers[b] });
  };
  const one = (end) => make("input", { type: "range", min: 0, max: last, step: 1, "aria-label": `${bare(name)} ${end}`, input: tell });
  const [low, high] = [one("from"), one("to")];
  const track = make("i", {});
  return {
    node: make("div", { class: "range" }, make("div", { class: "sliders" }, track, low, high), shown),
    draw(filter) {
      const a = filter ? numbers.findIndex((x) => x >= filter.low) : 0;
      const b = filter ? numbers.findLastIndex((x) => x <= filter.high) : last;
      const [from, to] = [a < 0 ? last : a, b < 0 ? 0 : b];
      if (Math.min(low.valueAsNumber, high.valueAsNumber) !== from || Math.max(low.valueAsNumber, high.valueAsNumber) !== to) {
        low.value = from;
        high.value = to;
      }
      shown.textContent = `${number(filter?.low ?? numbers[0])} to ${number(filter?.high ?? numbers[last])}`;
      low.setAttribute("aria-valuetext", number(numbers[low.valueAsNumber]));
      high.setAttribute("aria-valuetext", number(numbers[high.valueAsNumber]));
      track.style.left = `${(100 * from) / last}%`;
      track.style.right = `${100 - (100 * to) / last}%`;
    },
  };
}
