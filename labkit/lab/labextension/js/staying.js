// Running all cells leaves the page where it is. JupyterLab selects the last cell and scrolls to
// it; and outputs that come and go above what is read would push that away.

const RUN_MANY = ["notebook:run-all-cells", "notebook:run-all-above", "notebook:run-all-below"];
const RESTART_AND_RUN = "notebook:restart-run-all";

export function runInPlace(commands, current) {
  const execute = commands.execute.bind(commands);
  commands.execute = (id, args) => {
    const notebook = RUN_MANY.includes(id) || id === RESTART_AND_RUN ? current() : null;
    if (!notebook) return execute(id, args);
    const still = holdStill(notebook);
    if (id !== RESTART_AND_RUN) return inPlace(notebook, still, () => execute(id, args));
    still.hard = true; // the dialog that asks gives the focus back to a cell anywhere
    return execute("notebook:restart-kernel", args).then((restarted) => {
      still.hard = false;
      if (restarted) return inPlace(notebook, still, () => execute(RUN_MANY[0], args));
      still.end();
      return undefined;
    });
  };
}

// Cell and place are chosen before the command returns; the cells run afterwards.
function inPlace(notebook, still, run) {
  const here = notebook.activeCellIndex;
  Object.defineProperty(notebook, "activeCellIndex", {
    configurable: true,
    get: () => here,
    set: () => {},
  });
  notebook.scrollToItem = () => Promise.resolve();
  try {
    const running = run();
    running.catch(() => {}).then(() => setTimeout(still.end, LINGER));
    return running;
  } finally {
    delete notebook.activeCellIndex;
    delete notebook.scrollToItem;
  }
}

// --- what is read stays in its place until the run ends, or the reader scrolls -------------------

const LINGER = 2000; // ms that the last outputs may take to be drawn

function holdStill(notebook) {
  const { outerNode } = notebook;
  const inner = notebook.viewportNode.parentElement;
  let held = standing(notebook);
  let last = outerNode.scrollTop;
  const resized = new ResizeObserver(() => {
    if (held?.cell.node.isConnected) putBack(outerNode, held);
    else held = standing(notebook);
    last = outerNode.scrollTop;
  });
  const scrolled = () => {
    if (still.hard) putBack(outerNode, held);
    else if (Math.abs(outerNode.scrollTop - last) > 1) held = standing(notebook);
    last = outerNode.scrollTop;
  };
  const still = {
    hard: false, // whether a scrolling cannot be the reader's
    end() {
      resized.disconnect();
      outerNode.removeEventListener("scroll", scrolled);
      inner.style.minHeight = "";
    },
  };
  // Outputs go before they come again: without them the page could be too short for its place.
  inner.style.minHeight = `${outerNode.scrollHeight}px`;
  notebook.widgets.forEach((cell) => resized.observe(cell.node));
  outerNode.addEventListener("scroll", scrolled);
  outerNode.addEventListener("wheel", () => (still.hard = false), { once: true, passive: true });
  return still;
}

// The first cell that begins in view, or else the one that fills it, and where it is.
function standing(notebook) {
  const view = notebook.outerNode.getBoundingClientRect();
  const seen = notebook.widgets
    .filter((cell) => cell.node.isConnected)
    .map((cell) => ({ cell, rect: cell.node.getBoundingClientRect() }))
    .filter(({ rect }) => rect.bottom > view.top && rect.top < view.bottom);
  const found = seen.find(({ rect }) => rect.top >= view.top) ?? seen[0];
  return found && { cell: found.cell, top: found.rect.top - view.top };
}

function putBack(outerNode, held) {
  if (!held?.cell.node.isConnected) return;
  const { cell, top } = held;
  const now = cell.node.getBoundingClientRect().top - outerNode.getBoundingClientRect().top;
  if (Math.abs(now - top) > 1) outerNode.scrollTop += now - top;
}
