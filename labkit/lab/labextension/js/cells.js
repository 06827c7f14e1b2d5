// Links to a cell of a lesson: JupyterLab opens the notebook at its beginning, and this goes on.

const MARK = "#cell-id=";
const TRIES = 40; // a tenth of a second each: a long lesson takes its time to be laid out

export function openAtTheCell(commands, tracker) {
  commands.commandExecuted.connect(async (_, { id, args, result }) => {
    if (id !== "rendermime:handle-local-link" || !args.id?.startsWith(MARK)) return;
    await result;
    const panel = tracker.find((each) => each.context.path === args.path);
    if (panel) await show(panel, decodeURIComponent(args.id.slice(MARK.length)));
  });
}

async function show(panel, cell) {
  await panel.context.ready;
  await panel.revealed;
  const { content } = panel;
  const at = content.widgets.findIndex(({ model }) => model.id === cell);
  if (at < 0) return;
  content.activeCellIndex = at;
  // JupyterLab draws only what is in view, and what it draws moves what stands below.
  for (let tries = 0, still = 0; tries < TRIES && still < 3 && !panel.isDisposed; tries += 1) {
    still = inPlace(content, at) ? still + 1 : 0;
    if (!still) bring(content, at);
    await new Promise((done) => setTimeout(done, 100));
  }
}

function bring(content, at) {
  const { node } = content.widgets[at];
  if (node.isConnected) node.scrollIntoView({ block: "start" });
  else content.scrollToItem(at, "start").catch(() => {});
}

function inPlace({ widgets, outerNode }, at) {
  const { node } = widgets[at];
  const from = node.getBoundingClientRect().top - outerNode.getBoundingClientRect().top;
  const atTheEnd = outerNode.scrollTop + outerNode.clientHeight >= outerNode.scrollHeight - 2;
  return node.isConnected && (Math.abs(from) < 60 || (atTheEnd && from > 0));
}
