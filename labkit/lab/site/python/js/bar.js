// The part of the page that is about Python as a whole: what it costs, how far it is, its buttons.
import { button, make, words } from "./words.js";
import { exportProgress, unkept } from "./keep.js";

export class Bar {
  constructor(lesson) {
    this.lesson = lesson;
    this.status = make("span", { class: "lkp-status", role: "status", tabindex: -1 });
    this.progress = make("progress", { max: 1, value: 0, hidden: true, "aria-label": words.python });
    this.actions = make("span", { class: "lkp-actions" });
    this.keeping = make("p", { class: "lkp-small" });
    this.node = make("section", { class: "lkp-bar", "aria-label": words.python },
      make("div", { class: "lkp-line" }, this.status, this.progress, this.actions), this.keeping);
    this.off();
  }

  say(text) {
    this.status.textContent = text;
  }

  show(...buttons) {
    const held = this.node.contains(document.activeElement);
    this.actions.replaceChildren(...buttons);
    if (held && !this.node.contains(document.activeElement)) this.status.focus({ preventScroll: true });
  }

  tellKept() {
    this.keeping.textContent = unkept ? words.notKept(unkept) : words.kept;
  }

  /** Python does not run: what it would cost, and the button that starts it. */
  off() {
    document.querySelector("main").prepend(this.node);
    this.node.classList.remove("lkp-on");
    this.progress.hidden = true;
    this.say(this.lesson.cost());
    this.show(button(words.start, () => this.lesson.start(), { class: "lkp-main" }), ...this.kept());
    this.tellKept();
  }

  phase(name, { done, all }) {
    const text = { reading: () => words.reading(megabytes(done), megabytes(all)), starting: () => words.starting,
      unpacking: () => words.unpacking, importing: () => words.importing }[name]();
    this.progress.hidden = false;
    if (name === "reading") this.progress.value = 0.5 * done / all;
    else this.progress.value = Math.max(this.progress.value, { starting: 0, unpacking: 0.55, importing: 0.8 }[name]);
    if (name !== "starting") this.say(text);
  }

  starting() {
    this.say(words.starting);
    this.progress.value = 0;
    this.show();
    document.querySelector("main").append(this.node);
    this.node.classList.add("lkp-on");
  }

  failed(why) {
    this.progress.hidden = true;
    this.say(words.failed(why));
    this.show(button(words.again, () => this.lesson.start(), { class: "lkp-main" }));
  }

  idle(text) {
    this.progress.hidden = true;
    this.say(text);
    this.show(button(words.runAll, () => this.lesson.runAll()), button(words.restart, () => this.lesson.restart()), ...this.kept());
    this.tellKept();
  }

  busy(text) {
    this.say(text);
    this.show(button(words.interrupt, () => this.lesson.interrupt(), { class: "lkp-main" }));
  }

  stuck() {
    this.say(words.stuck);
    this.show(button(words.stop, () => this.lesson.restart(), { class: "lkp-main" }));
  }

  /** The buttons for what is kept, which need no Python. */
  kept() {
    return [
      button(words.export, () => this.say(exportProgress() ? words.exported : words.nothingToExport), { title: words.exportTitle }),
      button(words.forget, () => this.askForget(), { class: "lkp-quiet" }),
    ];
  }

  askForget() {
    const before = [...this.actions.children];
    const told = this.status.textContent;
    this.say(words.forgetAsk);
    const back = (text) => { this.say(text); this.show(...before); };
    this.show(
      button(words.forgetNo, () => back(told)),
      button(words.forgetYes, () => { this.lesson.forget(); back(words.forgotten); }, { class: "lkp-danger" }));
  }
}

export const megabytes = (bytes) => Math.round(bytes / 1e6);
