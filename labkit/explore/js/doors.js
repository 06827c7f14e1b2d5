// The two ways into an explorer that computes in the page: a notebook's widget, and a static page.
//
// `mount(host, store)` builds the explorer and returns its clean-up. `store` holds the state:
// get(name); set({name: value}); listen(callback), called when somebody else changed it, the kernel
// or another view. An explorer draws its own changes itself.
import { make } from "./dom.js";
import { linked } from "./address.js";
import { learnPhrases, speakPhrases } from "./phrases.js";

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

/**
 * In a static page: the state is a plain object. Where the page has Python of its own, that is told
 * what changed, by the id in `state.kernel`, and may change the state too.
 */
function plainStore(state) {
  const kernel = state.kernel ? globalThis.labkitKernel : undefined;
  let due = {};
  let waiting = 0;
  const send = () => {
    waiting = 0;
    kernel.changed(state.kernel, due);
    due = {};
  };
  return {
    get: (name) => state[name],
    set(values) {
      Object.assign(state, values);
      if (!kernel) return;
      Object.assign(due, values);
      waiting ||= setTimeout(send, SEND);
    },
    listen(callback) {
      const changed = (values) => { Object.assign(state, values); callback(); };
      return kernel?.listen?.(state.kernel, changed) ?? (() => {});
    },
  };
}

/** Build an explorer in the learner's language; what it says later is put into it, too. */
function spoken(mount, host, store) {
  learnPhrases(store.get("phrases"));
  const end = mount(host, store);
  const silent = speakPhrases(host.shadowRoot ?? host);
  return () => { silent(); end?.(); };
}

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
      return spoken(mount, host, modelStore(model, watched));
    },
    /** The picture makes way for the explorer, set as the page's address says. */
    revive(figure, state) {
      const picture = [...figure.childNodes];
      const open = (store) => {
        const host = make("div", {});
        figure.replaceChildren(host);
        return spoken(mount, host, store);
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
