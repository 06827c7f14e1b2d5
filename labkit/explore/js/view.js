// An explorer that is built once, drawn anew at every change of its state, and forgotten at the end.
import { watchTheme } from "./look.js";

/** Subclasses have `build(host)`, which sets `this.body`, and `refresh()`; `own` is theirs from the start. */
export class View {
  constructor(host, store, own) {
    Object.assign(this, { store, ...own });
    this.build(host);
    this.endTheme = watchTheme(this.body);
    this.forget = store.listen(() => this.refresh());
    this.refresh();
  }

  end() {
    this.endTheme();
    this.forget();
  }
}
