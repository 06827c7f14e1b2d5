// The plugin: which notebooks are the lab's, and what each of them gets.

import { openAtTheCell } from "./cells.js";
import { keepClean } from "./clean.js";
import { cover } from "./covers.js";
import { openAtTheWord, tellWords } from "./glossary.js";
import { kindOf } from "./notebooks.js";
import { tendIndex } from "./overview.js";
import { runInPlace } from "./staying.js";

export function lessons(INotebookTracker) {
  return {
    id: "labkit:lessons",
    description: "Covers, progress and words in the notebooks of labkit.",
    autoStart: true,
    requires: [INotebookTracker],
    activate(app, tracker) {
      addStyle();
      tracker.widgetAdded.connect((_, panel) => tend(app, panel));
      tracker.forEach((panel) => tend(app, panel));
      runInPlace(app.commands, () => {
        const panel = tracker.currentWidget;
        return panel && kindOf(panel) ? panel.content : null;
      });
      openAtTheCell(app.commands, tracker);
      openAtTheWord(app.commands, tracker);
      tellWords();
    },
  };
}

function addStyle() {
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = new URL("./style.css", import.meta.url);
  document.head.append(link);
}

async function tend(app, panel) {
  await panel.context.ready;
  const ours = kindOf(panel);
  if (!ours || panel.isDisposed) return;
  panel.addClass("labkit-notebook");
  keepClean(panel.context.model);
  if (ours.lesson) cover(panel, ours.lesson, app.serviceManager.serverSettings);
  if (ours.index) tendIndex(panel, app);
}
