// How many runs of which lesson, their states as buttons, and what went wrong.
import { button, make } from "../dom.js";
import { count, many } from "../numbers.js";
import { keepFocus } from "./parts.js";
import { FAILED } from "./statistics.js";
import { ORDER } from "./views.js";

export const ICONS = { finished: "●", running: "◔", failed: "✕", interrupted: "■" };

export function headerPart(board) {
  const title = make(`h${board.store.get("heading") ?? 3}`, {}); // below the heading of the page around it
  const live = make("span", { class: "live", hidden: true }, "live");
  const states = make("div", { class: "states", role: "group", "aria-label": "only runs that are" });
  const causes = make("p", { class: "causes" });
  function stateButton(name, n) {
    const chosen = board.found.settings.statuses;
    const only = chosen?.length === 1 && chosen[0] === name;
    return button([make("span", { "aria-hidden": "true" }, `${ICONS[name]} `), `${count(n)} ${name}`],
      () => board.change({ statuses: only ? null : [name] }),
      { class: `state ${name}`, "aria-pressed": String(chosen?.includes(name) === true), title: `only ${name} runs` });
  }
  return {
    node: make("div", {}, make("header", {}, title, live, states), causes),
    draw() {
      const { table } = board;
      title.textContent = `${many(table.n, "run")} of ${table.title || "no lesson"}`;
      const counts = tally(table.status);
      const there = ORDER.filter((name) => counts.has(name));
      keepFocus(states, () => states.replaceChildren(...there.map((name) => stateButton(name, counts.get(name)))));
      live.hidden = !board.store.get("live");
      causes.textContent = tellCauses(table);
      causes.hidden = !causes.textContent;
    },
  };
}

function tally(values) {
  const counts = new Map();
  for (const each of values) counts.set(each, (counts.get(each) ?? 0) + 1);
  return counts;
}

function tellCauses(table) {
  const causes = table.column("cause")?.values ?? [];
  const counts = tally(table.status.flatMap((each, row) => (FAILED.has(each) ? [causes[row] ?? each] : [])));
  const told = [...counts].sort((a, b) => b[1] - a[1]).map(([cause, n]) => `${count(n)} × ${cause}`);
  const { unreadable } = table;
  const broken = unreadable.length ? `${many(unreadable.length, "record")} cannot be read: ${unreadable.slice(0, 3).join("; ")}.` : "";
  return `${told.length ? `Not finished: ${told.join(", ")}. ` : ""}${broken}`.trim();
}
