// The two ways into an explorer that computes in the page: a notebook's widget, and a static page.
//
// Not a module of its own: it is put behind the script of an explorer (figures.script), whose
// `make`, `mount(host, store)` and `WATCHED`, the names of the values that may change, it uses.

/** In a notebook: the state lives in the kernel's widget; several changes make one redraw. */
function modelStore(model) {
  let waiting = 0;
  const send = () => { waiting = 0; model.save_changes(); };
  return {
    get: (name) => model.get(name),
    set(values) {
      for (const [name, value] of Object.entries(values)) model.set(name, value);
      if (!waiting) waiting = setTimeout(send, 60); // the page does not wait for the kernel
    },
    listen(callback) {
      let due = false;
      const changed = () => {
        if (due) return;
        due = true;
        queueMicrotask(() => { due = false; callback(); });
      };
      WATCHED.forEach((name) => model.on(`change:${name}`, changed));
      return () => WATCHED.forEach((name) => model.off(`change:${name}`, changed));
    },
  };
}

function render({ model, el }) {
  const host = make("div", {});
  el.append(host);
  return mount(host, modelStore(model));
}

/** In a static page: the state is a plain object, and the picture makes way for the explorer. */
export function revive(figure, state) {
  const listeners = [];
  const store = {
    get: (name) => state[name],
    set(values) {
      Object.assign(state, values);
      listeners.forEach((callback) => callback());
    },
    listen: (callback) => { listeners.push(callback); return () => {}; },
  };
  const picture = [...figure.childNodes];
  const host = make("div", {});
  figure.replaceChildren(host);
  try {
    mount(host, store);
  } catch (error) { // better a picture that stands still than none
    figure.replaceChildren(...picture);
    throw error;
  }
}

export default { render };
