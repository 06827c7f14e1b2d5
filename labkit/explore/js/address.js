// A page's address and the explorers on it: a link sets one of them, and a button copies the link.
import { make } from "./dom.js";
import { asHash, readSettings, splitHash } from "./state_link.js";

const ID_PREFIX = "cell-id="; // of the id of a cell of the page
const NOTE_STYLE = "margin:0.4em 0;padding:0.3em 0.7em;border-left:3px solid #c91f16;font:13px/1.4 system-ui,sans-serif";

/** The id of the cell in which a figure stands; "" on a page of its own; null where no link leads. */
function linkedCell(figure) {
  if ("ownPage" in figure.dataset) return "";
  const cell = figure.closest(`[id^="${ID_PREFIX}"]`);
  const others = cell ? [...cell.querySelectorAll("[data-linked]")].filter((each) => each !== figure) : [];
  if (!cell || others.length > 0) return null; // a cell's link is its first explorer's
  figure.dataset.linked = "";
  return cell.id.slice(ID_PREFIX.length);
}

/** The settings that the page's address has for this cell, as texts; null for none. */
function givenTo(cell) {
  if (!location.hash.includes("=")) return null;
  const { cell: named, given } = splitHash(location.hash);
  return named === cell && Object.keys(given).length > 0 ? given : null;
}

/** The cell with its code, where the window holds all of it, else the explorer alone. */
function placeOf(figure) {
  const cell = figure.closest(`[id^="${ID_PREFIX}"]`) ?? figure;
  const high = figure.getBoundingClientRect().bottom - cell.getBoundingClientRect().top;
  return high > innerHeight ? figure : cell;
}

/** Once all is in its place: what stands above may grow until then. */
function scrollTo(figure) {
  const go = () => requestAnimationFrame(() => requestAnimationFrame(() => placeOf(figure).scrollIntoView()));
  if (document.readyState === "complete") go();
  else addEventListener("load", go, { once: true });
}

const LISTS = new Set(["names", "records", "strokes", "filters"]); // kinds of rules
const isSame = (a, b) => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);

/** What a store gives to `copyRow`: the button of the link. `settings()` are those that hold now. */
function linkOf(cell, rules, own, settings) {
  function hash() { // all numbers and words, so that a link stays right; lists where they are not the page's own
    const now = settings();
    const names = Object.keys(rules).filter((name) => !(LISTS.has(rules[name].kind) && isSame(now[name], own[name])));
    return asHash(cell, Object.fromEntries(names.map((name) => [name, now[name]])), rules);
  }
  return {
    label: "Copy link",
    text: () => location.href.replace(/#.*$/, "") + hash(),
    remember() {
      try {
        history.replaceState(history.state, "", hash());
      } catch { /* a page from disk may not be allowed to; the copied text is right all the same */ }
    },
  };
}

/**
 * Open an explorer as the page's address says, and again whenever another link to it is followed.
 * `state.link` are the rules of its settings; without them it has no link. `open(store)` builds it
 * and returns its clean-up, which this returns too; `inside` and `complete` as in `doors`.
 */
export function linked(figure, state, { open, inside, complete, storeOf }) {
  const rules = state.link ?? {};
  const cell = Object.keys(rules).length ? linkedCell(figure) : null;
  const own = (inside ? state[inside] : state) ?? {};
  const note = make("p", { role: "alert", style: NOTE_STYLE, hidden: true });
  let end = () => {};

  function show(changes, problem) {
    const store = storeOf({ ...state, ...(inside ? { [inside]: { ...own, ...changes } } : changes) });
    const now = () => (inside ? store.get(inside)
      : Object.fromEntries(Object.keys(rules).map((name) => [name, store.get(name)])));
    store.link = cell === null ? null : linkOf(cell, rules, own, now);
    end();
    end = () => {};
    end = open(store);
    note.hidden = !problem;
    note.textContent = problem ? `The link to this explorer cannot be followed: ${problem}.` : "";
    figure.append(note);
  }
  function follow() {
    const given = cell === null ? null : givenTo(cell);
    if (!given) return false;
    const { values, problem } = readSettings(given, rules, own);
    try {
      show(complete(values, own), problem);
    } catch (error) { // allowed, and yet the explorer cannot show it
      show({}, String(error.message ?? error));
    }
    scrollTo(figure);
    return true;
  }
  if (!follow()) show({}, "");
  if (cell !== null) addEventListener("hashchange", follow);
  return () => {
    removeEventListener("hashchange", follow);
    end();
  };
}
