// Which notebooks are the lab's own: by file name and title, so that no other one is touched.

// A copy that JupyterLab makes of a lesson, 01_name-Copy1.ipynb, is one too.
const LESSON = /^(\d\d)_[a-z0-9_]+(-Copy\d+)?\.ipynb$/;

// {lesson: "01"}, {index: true} or {glossary: true}; null for a notebook that is not the lab's.
export function kindOf(panel) {
  const file = panel.context.path.split("/").pop();
  const cells = panel.content.model?.cells;
  const title = cells?.length ? cells.get(0).sharedModel.getSource() : "";
  const number = LESSON.exec(file)?.[1];
  if (number && title.startsWith(`# ${number} · `)) return { lesson: number };
  if (file === "index.ipynb" && title.startsWith("# labkit")) return { index: true };
  if (file === "glossary.ipynb" && /^# (Glossary|术语)/.test(title)) return { glossary: true };
  return null;
}

// Calls of the answer within one frame are one call; a hidden tab waits until it is shown.
export function soon(work) {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      work();
    });
  };
}

// What the lab's part of the server says, null without it: the notebook then stays plain.
export async function ask(settings, question) {
  const headers = settings.token ? { Authorization: `token ${settings.token}` } : {};
  try {
    const reply = await fetch(`${settings.baseUrl}labkit/${question}`, { headers, cache: "no-store" });
    return reply.ok ? await reply.json() : null;
  } catch {
    return null;
  }
}

export function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}
