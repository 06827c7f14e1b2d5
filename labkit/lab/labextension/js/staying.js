// Running all cells leaves the page where it is. JupyterLab selects the last cell and scrolls to
// it; and outputs that come and go above what is read would push that away.

const RUN_MANY = ["notebook:run-all-cells", "notebook:run-all-above", "notebook:run-all-below"];
const RESTART_AND_RUN = "notebook:restart-run-all";

export function runInPlace(commands, current) {
  const execute = commands.execute.bind(commands);
  commands.execute = (id, args) => {
    const notebook = RUN_MANY.includes(id) || id === RESTART_AND_RUN ? current() : null;
    if (!notebook) return execute(id, args);
    if (id !== RESTART_AND_RUN) return inPlace(notebook, () => execute(id, args));
    return execute("notebook:restart-kernel", args).then((restarted) =>
      restarted ? inPlace(notebook, () => execute(RUN_MANY[0], args)) : undefined,
    );
  };
}

// Cell and place are chosen before the command returns; the cells run afterwards.
function inPlace(notebook, run) {
  const here = notebook.activeCellIndex;
  const still = holdStill(notebook);
  Object.defineProperty(notebook, "activeCellIndex", {
    configurable: true,
    get: () => here,
    set: () => {},
  });
  notebook.scrollToItem = () => Promise.resolve();
  try {
    const running = run();
    running.catch(() => {}).then(still.end);
    return running;
  } finally {
    delete notebook.activeCellIndex;
    delete notebook.scrollToItem;
  }
}

// --- what is read stays in its place until the run ends, or the reader scrolls -------------------

const INPUTS = ["wheel", "touchmove", "pointerdown", "keydown"];
const FREE = 1000; // ms that a scrolling may take after its last key, click or turn of the wheel
const LINGER = 2000; // ms that the last outputs may take to be drawn

function holdStill(notebook) {
  let held = standing(notebook);
  let free = 0;
  let end = Infinity;
  const scrolling = () => {
    free = performance.now() + FREE;
  };
  INPUTS.forEach((name) => document.addEventListener(name, scrolling, { capture: true, passive: true }));
  const frame = (now) => {
    if (now > end || notebook.isDisposed) {
      INPUTS.forEach((name) => document.removeEventListener(name, scrolling, { capture: true }));
      return;
    }
    if (now < free || !held?.cell.node.isConnected) held = standing(notebook);
    else putBack(notebook, held);
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  return { end: () => (end = performance.now() + LINGER) };
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

function putBack({ outerNode }, { cell, top }) {
  const now = cell.node.getBoundingClientRect().top - outerNode.getBoundingClientRect().top;
  if (Math.abs(now - top) > 1) outerNode.scrollTop += now - top;
}
