// What JupyterLab loads first: a module-federation container, written by hand, with one module.
// The folder is not called "static": JupyterLab lets browsers keep such files for a year.
(() => {
  let shared;
  const entry = document.currentScript.src;
  const modules = {
    "./extension": async () => {
      const { lessons } = await import(new URL("./plugin.js", entry));
      const [notebook] = Object.values(shared["@jupyterlab/notebook"]);
      const { INotebookTracker } = (await notebook.get())();
      return () => ({ __esModule: true, default: lessons(INotebookTracker) });
    },
  };
  window._JUPYTERLAB = window._JUPYTERLAB ?? {};
  window._JUPYTERLAB.labkit = {
    init: (scope) => {
      shared = scope;
    },
    get: (name) => modules[name]?.() ?? Promise.reject(new Error(`labkit has no module ${name}`)),
  };
})();
