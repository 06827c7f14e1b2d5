// An explorer that is built once, drawn anew at every change of its state, and forgotten at the end.
import { watchTheme } from "./look.js";

/**
 * Subclasses have `build(host)`, which sets `this.body`, and `refresh()`. `parameters` names the
 * lesson's parameters that it shows; `own` is the subclass's from the start.
 */
export class View {
  constructor(host, store, parameters, own = {}) {
    Object.assign(this, { store, parameters, ...own });
    this.build(host);
    this.endTheme = watchTheme(this.body);
    this.forget = store.listen(() => this.refresh());
    this.refresh();
  }

  get params() {
    return Object.fromEntries(this.parameters.map((name) => [name, this.store.get(name)]));
  }

  write(values) {
    this.store.set(values);
    this.refresh();
  }

  end() {
    this.endTheme();
    this.forget();
  }
}

/** What `doors` takes: builds a view of this kind and returns its clean-up. */
export const mounted = (Kind) => (host, store) => {
  const view = new Kind(host, store);
  return () => view.end();
};
