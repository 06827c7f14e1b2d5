// The two ways into an explorer that computes in the page: a notebook's widget, and a static page.
//
// `mount(host, store)` builds the explorer and returns its clean-up. `store` holds the state:
// get(name); set({name: value}); listen(callback), called when somebody else changed it, the kernel
// or another view. An explorer draws its own changes itself.
import { make } from "./dom.js";
import { linked } from "./address.js";

const SEND = 60; // milliseconds; the page does not wait for the kernel

/** In a notebook: the state lives in the kernel's widget; several changes make one redraw. */
function modelStore(model, watched) {
  let waiting = 0;
  let ours = false;
  const send = () => { waiting = 0; model.save_changes(); };
  return {
    get: (name) => model.get(name),
    set(values) {
      ours = true;
      for (const [name, value] of Object.entries(values)) model.set(name, value);
      ours = false;
      waiting ||= setTimeout(send, SEND);
    },
    listen(callback) {
      let due = false;
      const changed = () => {
        if (ours || due) return;
        due = true;
        queueMicrotask(() => { due = false; callback(); });
      };
      watched.forEach((name) => model.on(`change:${name}`, changed));
      return () => watched.forEach((name) => model.off(`change:${name}`, changed));
    },
  };
}

/** In a static page: the state is a plain object that nobody else changes. */
const plainStore = (state) => ({
  get: (name) => state[name],
  set: (values) => { Object.assign(state, values); },
  listen: () => () => {},
});

/**
 * `render` for a notebook and `revive` for a page; `watched` names the values that may change.
 * Of the settings in a link: `inside` names the value of the state that holds them, if it is not the
 * state itself; `complete(settings, own)` adds what follows from them.
 */
export function doors(mount, watched, { inside = null, complete = (settings) => settings } = {}) {
  return {
    render({ model, el }) {
      const host = make("div", {});
      el.append(host);
      return mount(host, modelStore(model, watched));
    },
    /** The picture makes way for the explorer, set as the page's address says. */
    revive(figure, state) {
      const picture = [...figure.childNodes];
      const open = (store) => {
        const host = make("div", {});
        figure.replaceChildren(host);
        return mount(host, store);
      };
      try {
        return linked(figure, state, { open, inside, complete, storeOf: plainStore });
      } catch (error) { // better a picture that stands still than none
        figure.replaceChildren(...picture);
        throw error;
      }
    },
  };
}
