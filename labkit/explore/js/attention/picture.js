// A text that a network wrote, letter by letter or piece by piece, and below it who looked where.
import { PALETTE } from "../colors.js";
import { make } from "../dom.js";
import { clamp } from "../numbers.js";
import { headName, marked } from "./words.js";

const BEFORE = 64; // letters that a row shows

/**
 * The text; `point(place)` is told what the pointer or a key is on, -1 for nothing. `stand()`
 * returns [the place that is pointed at, the last one that can be].
 */
export function createText({ point, stand, unit = "letter" }) {
  let letters = [];
  let here = -1;
  const under = ({ target }) => { if (target.dataset?.place) point(Number(target.dataset.place)); };
  function typed(event) {
    const [at, last] = stand();
    const to = {
      ArrowLeft: at < 0 ? last : at - 1, ArrowRight: at + 1, Home: 0, End: last, Escape: -1,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    point(event.key === "Escape" ? -1 : clamp(to, 0, last));
  }
  const letterOf = (letter, place, given) => make("span", { "data-place": place, class: place < given ? "given" : "" },
    letter.replaceAll("\n", "↵\n"));
  const node = make("div", {
    class: "text", tabindex: 0, role: "application", pointermove: under, pointerdown: under, keydown: typed,
    "aria-label": `the text: arrow keys go from ${unit} to ${unit}, Escape leaves them`,
    "data-lm-suppress-shortcuts": "true",
  });
  return {
    node,
    fill({ text, given }) {
      here = -1;
      letters = [...text].map((letter, place) => letterOf(letter, place, given));
      node.replaceChildren(...letters);
      node.scrollTop = 0;
    },
    /** One more at the end, which comes into view. */
    add(letter) {
      letters.push(letterOf(letter, letters.length, 0));
      node.append(letters.at(-1));
      node.scrollTop = node.scrollHeight;
    },
    /** Only the first letters can be seen; the others keep their room. */
    reveal(count) {
      letters.forEach((letter, place) => letter.classList.toggle("coming", place >= count));
    },
    mark(place) {
      letters[here]?.classList.remove("here");
      letters[place]?.classList.add("here");
      here = place;
    },
  };
}

/** A row for each head: the letters before, the nearest at the right, on the color of their weight. */
export function createHeads() {
  const rows = make("div", { class: "heads", "aria-hidden": "true" });
  const chances = make("div", { class: "chances", "aria-hidden": "true" });
  return {
    node: make("div", { class: "panels" }, rows, chances),
    draw(written, looks, place) {
      rows.replaceChildren(...looks.map((look, head) => headRow(written, look, head, place)));
      const best = place > 0 ? written.chances[place].best : []; // [] too where nothing was seen
      chances.replaceChildren(...best.map(([letter, p]) => {
        const bar = make("u");
        bar.style.width = `${70 * p}px`;
        return make("div", {}, make("span", {}, marked(letter)), bar, p.toFixed(3));
      }));
    },
  };
}

function headRow(written, { weights }, head, place) {
  const color = PALETTE.light[[1, 6, 3, 5][Math.floor(head / written.each) % 4]];
  const shown = [];
  let room = BEFORE;
  for (let back = 1; back <= weights.length; back++) {
    const letter = make("i", {}, marked(written.text[place - back]));
    room -= [...letter.textContent].length;
    if (room < 0) break;
    const weight = weights[weights.length - back];
    if (weight) letter.style.background = color + Math.max(weight, 10).toString(16).padStart(2, "0");
    shown.unshift(letter);
  }
  const pad = Array.from({ length: Math.max(room, 0) }, () => make("i"));
  return make("div", {}, make("b", {}, headName(written, head)), pad, shown);
}

export const TEXT_STYLE = `
.top { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; }
.top input[type="text"] { flex: 1 1 16em; min-width: 8em; padding: 4px 8px; border: 1px solid var(--line);
  border-radius: 6px; background: transparent; font: 15px var(--jp-code-font-family, monospace); }
.top label { display: inline-flex; gap: 6px; align-items: center; }
.top label b { display: inline-block; min-width: 2em; }
.small { opacity: 0.8; margin-top: 4px; }
.text { margin: 8px 0; padding: 8px 10px; height: 156px; overflow: auto; border: 1px solid var(--line); border-radius: 6px;
  font: 19px/1.45 var(--jp-code-font-family, monospace); white-space: pre-wrap; overflow-wrap: anywhere; cursor: default; }
.text span { border-radius: 3px; }
.text .given { opacity: 0.7; }
.text .coming { visibility: hidden; }
.text .here { outline: 2px solid var(--accent); outline-offset: 0; opacity: 1; }
.status { min-height: 2.8em; }
.panels { display: flex; gap: 16px; align-items: flex-start; flex-wrap: wrap; min-height: 200px; }
.heads { overflow-x: auto; max-height: 290px; overflow-y: auto; max-width: 100%; }
.heads > div { display: flex; align-items: center; height: 24px; }
.heads b { width: 2.6em; flex: none; font-weight: 600; }
.heads i { flex: none; min-width: 9.2px; height: 22px; line-height: 22px; text-align: center; font: 15px/22px var(--jp-code-font-family, monospace); }
.chances { min-width: 130px; }
.chances div { display: grid; grid-template-columns: 1.4em 70px auto; gap: 6px; align-items: center; height: 24px; }
.chances span { font: 16px var(--jp-code-font-family, monospace); }
.chances u { display: block; height: 12px; background: var(--accent); min-width: 1px; }
`;
