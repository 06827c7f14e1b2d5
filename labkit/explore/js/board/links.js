// Where the files of a run are, seen from the page that shows it.
import { make } from "../dom.js";

/**
 * link(key, file) gives { href, click } of a file in a run's folder, or null where there is no way:
 * JupyterLab opens it beside the notebook, a page on disk finds it from where it lies.
 */
export const linksOf = (store, host) => (key, file) => {
  if (store.get("place")) return inJupyter(store.get("place"), key, file, host);
  return store.get("pages") ? onSite(store.get("pages"), key, file) : besidePage(store.get("base"), key, file);
};

/** A site has a page of some runs, and no notebooks. */
function onSite(pages, key, file) {
  return file === "lesson.html" && pages[key] ? { href: pages[key], click: () => {} } : null;
}

function besidePage(base, key, file) {
  if (base === null || base === undefined) return null;
  return { href: `${base}${key.split("/").map(encodeURIComponent).join("/")}/${file}`, click: () => {} };
}

/** Null if the run is outside the folder that this JupyterLab shows. */
function inJupyter(place, key, file, host) {
  const page = document.getElementById("jupyter-config-data");
  if (!page || !place.folder) return null;
  const config = JSON.parse(page.textContent);
  const root = (config.serverRoot ?? "").replace(/^~(?=\/|$)/, place.home).replace(/\/$/, "");
  const path = `${place.folder}/${key}/${file}`;
  if (!config.serverRoot || !path.startsWith(`${root}/`)) return null;
  const relative = path.slice(root.length + 1);
  const href = `${config.baseUrl ?? "/"}lab/tree/${relative.split("/").map(encodeURIComponent).join("/")}`;
  const click = (event) => { // JupyterLab opens it beside this notebook, without a second page
    if (config.appName !== "JupyterLab" || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const command = make("a", { "data-commandlinker-command": "docmanager:open", "data-commandlinker-args": JSON.stringify({ path: relative }) });
    host.append(command);
    command.click();
    command.remove();
  };
  return { href, click };
}

/** The links of one run: JupyterLab opens the notebook; a browser shows the page, and a notebook as bare text. */
export function linksTo(board, row) {
  const { table, store, link } = board;
  const inLab = Boolean(store.get("place"));
  const offered = [["page", "lesson.html", "Open page"], ["notebook", "notebook.ipynb", inLab ? "Open notebook" : "Open notebook (.ipynb)"]];
  const made = (inLab ? offered.reverse() : offered).map(([name, file, text]) => {
    const target = table.column(name)?.values[row] === true ? link(table.column("key").values[row], file) : null;
    return target && make("a", { href: target.href, target: "_blank", rel: "noopener", click: target.click }, `${text} ↗`);
  });
  return make("span", { class: "links" }, made);
}
