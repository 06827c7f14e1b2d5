// A prediction: the question, a guess, and then the measurement beside it.
//
// What never changes is `task`; `kept` is {} until the first guess (or "Show me"), which counts.
import { button, make, roomIn, whenInside } from "../dom.js";
import { doors } from "../doors.js";
import { shell, watchTheme } from "../look.js";
import { short } from "../numbers.js";
import { chooseForm, written } from "./choose.js";
import { curveForm } from "./curve.js";
import { numberForm } from "./number.js";
import { STYLE } from "./style.js";
import { verdict } from "./words.js";

const FORMS = { choice: chooseForm, number: numberForm, curve: curveForm };
const APART = ".jupyter-widgets-disconnected"; // a notebook that was opened again: no kernel hears of a guess
const PAUSE = 300; // milliseconds without a change until a further guess is judged

class PredictView {
  constructor(host, store) {
    Object.assign(this, { host, store, task: store.get("task") });
    this.form = FORMS[this.task.form](this.task, { changed: () => this.changed(), submit: () => this.submit() });
    this.build();
    this.ends = [watchTheme(this.body), store.listen(() => this.refresh(false))];
    const sizes = new ResizeObserver(() => this.form.layout?.(roomIn(this.body)));
    sizes.observe(this.body);
    const apart = whenInside(host, APART, () => this.hint.prepend("To have your guess kept, run this cell first. "));
    this.ends.push(() => sizes.disconnect(), apart);
    host.dataset.labkitPredict = `${this.task.lesson}/${this.task.name}`;
    host.addEventListener("labkit:show-me", () => this.showMe());
    this.refresh(false);
  }

  end() {
    clearTimeout(this.timer);
    this.ends.forEach((end) => end());
  }

  build() {
    const { task, form } = this;
    this.hint = make("p", { class: "hint" }, form.hint);
    this.problem = make("span", { class: "problem", role: "alert" });
    this.asking = make("div", {},
      make("div", { class: "buttons" },
        button("That is my guess", () => this.submit(), { class: "primary" }),
        button("Show me", () => this.showMe(), { title: "the answer, without a guess" }),
        form.clear, this.problem),
      this.hint);
    this.result = make("div", { class: "result", tabindex: -1, hidden: true });
    this.verdict = make("p", { class: "verdict", role: "status" });
    this.counts = make("p", { class: "counts" });
    this.body = shell(this.host, `prediction: ${task.question}`, STYLE,
      make("p", { class: "question" }, make("b", {}, "Predict."), task.question), form.node, this.asking, this.result);
  }

  get kept() {
    return this.store.get("kept") ?? {};
  }

  get answered() {
    return "shown" in this.kept;
  }

  // -- answering

  submit() {
    if (this.answered) {
      this.judge(true);
      return;
    }
    const { guess, problem } = this.form.read();
    this.problem.textContent = problem ?? "";
    if (problem === undefined) this.keep({ guess, close: verdict(this.task, guess).close, shown: false });
  }

  showMe() {
    if (!this.answered) this.keep({ guess: null, close: false, shown: true });
  }

  keep(kept) {
    const here = this.host.shadowRoot.activeElement; // the button under it goes
    this.store.set({ kept });
    this.refresh(true);
    if (here) this.result.focus({ preventScroll: true });
    const { lesson, name } = this.task;
    this.host.dispatchEvent(new CustomEvent("labkit:answered", { bubbles: true, composed: true, detail: { lesson, name } }));
  }

  /** A change of the guess; after the answer was seen it is judged, too, but does not count. */
  changed() {
    this.problem.textContent = "";
    clearTimeout(this.timer);
    if (this.answered) this.timer = setTimeout(() => this.judge(true), PAUSE);
  }

  // -- the answer

  refresh(slowly) {
    if (!this.answered) return;
    const { guess } = this.kept;
    this.host.dataset.labkitAnswered = "true";
    if (guess !== null) this.form.put(guess);
    this.form.open(this.task, slowly);
    this.asking.hidden = true;
    this.result.hidden = false;
    const { task } = this;
    this.mine = make("b", {});
    this.result.replaceChildren(
      make("div", { class: "sides" },
        make("div", { class: "side" }, make("span", {}, "Your guess"), this.mine),
        make("div", { class: "side measured" }, make("span", {}, task.mark[0].toUpperCase() + task.mark.slice(1)), make("b", {}, inShort(task, task.answer ?? task.truth.y)))),
      this.verdict, make("p", {}, (task.notes ?? []).join(" ")), make("p", { class: "because" }, task.because), this.counts);
    this.judge(guess !== null);
  }

  /** Say what is right or wrong about the guess that stands there now, if there is to be one. */
  judge(guessed) {
    const { guess = null, problem } = this.form.read();
    const { task, kept } = this;
    this.mine.textContent = guess === null ? "—" : inShort(task, guess);
    const said = guess === null ? { head: guessed ? problem : "", text: "" } : verdict(task, guess);
    this.verdict.hidden = !said.head && !said.text;
    this.verdict.replaceChildren(make("b", {}, said.head), " ", said.text);
    this.verdict.className = `verdict ${guess === null ? "" : said.close ? "close" : "far"}`;
    this.counts.textContent = counting(task, kept, guess);
  }
}

/** A guess or an answer in a few words; of a curve its two ends. */
function inShort(task, value) {
  if (task.form !== "curve") return written(task, value);
  const ends = value.filter((y) => y !== null);
  return `${short(ends[0])} → ${short(ends.at(-1))}`;
}

/** Which guess counts. */
function counting(task, kept, guess) {
  if (kept.guess === null) return "You looked without a guess; that is what was kept.";
  if (JSON.stringify(guess) === JSON.stringify(kept.guess)) return "";
  return `This is a further guess. The first one counts: ${inShort(task, kept.guess)}.`;
}

function mount(host, store) {
  const view = new PredictView(host, store);
  return () => view.end();
}

export const { render, revive } = doors(mount, ["kept"]);
export default { render };
