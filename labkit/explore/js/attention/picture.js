// The text of the look explorer, and below it a row of colored letters for each head.
import { PALETTE } from "../colors.js";
import { make } from "../dom.js";
import { headName, marked } from "./words.js";

const BEFORE = 64; // letters that a row shows

/** The text, letter by letter; `point(place)` is told what the pointer is on. */
export function createText({ point, typed }) {
  let letters = [];
  let here = -1;
  const under = ({ target }) => { if (target.dataset?.place) point(Number(target.dataset.place)); };
  const node = make("div", {
    class: "text", tabindex: 0, role: "application", pointermove: under, pointerdown: under, keydown: typed,
    "aria-label": "the text: arrow keys go from letter to letter, Escape leaves them",
    "data-lm-suppress-shortcuts": "true",
  });
  return {
    node,
    fill({ text, given }) {
      here = -1;
      letters = [...text].map((letter, place) => make("span", { "data-place": place, class: place < given ? "given" : "" },
        letter === "\n" ? "↵\n" : letter));
      node.replaceChildren(...letters);
      node.scrollTop = 0;
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
      const best = place > 0 ? written.chances[place].best : [];
      chances.replaceChildren(...best.map(([letter, p]) => {
        const bar = make("u");
        bar.style.width = `${70 * p}px`;
        return make("div", {}, make("span", {}, letter), bar, p.toFixed(3));
      }));
    },
  };
}

function headRow(written, { weights }, head, place) {
  const color = PALETTE.light[[1, 6, 3, 5][Math.floor(head / written.each) % 4]];
  const near = weights.slice(-BEFORE);
  const pad = Array.from({ length: BEFORE - near.length }, () => make("i"));
  const letters = Array.from(near, (weight, k) => {
    const letter = make("i", {}, marked(written.text[place - near.length + k]));
    if (weight) letter.style.background = color + Math.max(weight, 10).toString(16).padStart(2, "0");
    return letter;
  });
  return make("div", {}, make("b", {}, headName(written, head)), pad, letters);
}
