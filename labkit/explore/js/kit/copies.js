// The copy buttons of an explorer that computes in the kernel; they also mend its controls.
import { copyRow } from "../copying.js";
import { make, whenInside } from "../dom.js";
import { doors } from "../doors.js";
import { shell, watchTheme } from "../look.js";
import { mend } from "./mend.js";

const PATIENCE = 3000; // milliseconds until a kernel that has not answered is said to be silent

/** A line that says so while no kernel answers, as in a notebook that was saved and opened again. */
function silence(store) {
  const node = make("p", { role: "note", hidden: true }, "The kernel does not answer: it is busy, "
    + "or this is a kept copy. Its picture stays; to turn its controls, run the cell again.");
  const asked = String(Math.random());
  const isAnswered = () => store.get("answered") === asked;
  store.set({ asked });
  const timer = setTimeout(() => { node.hidden = isAnswered(); }, PATIENCE);
  return {
    node,
    draw: () => { node.hidden ||= isAnswered(); },
    end: () => clearTimeout(timer),
  };
}

function mount(host, store) {
  const texts = Object.keys(store.get("texts"))
    .map((label) => [label, () => store.get("texts")[label]]);
  const copies = copyRow(Object.fromEntries(texts));
  const kernel = silence(store);
  const body = shell(host, "settings as text", "", kernel.node, copies.node);
  const ends = [watchTheme(body), kernel.end];
  ends.push(store.listen(() => { copies.draw(); kernel.draw(); }));
  ends.push(whenInside(host, ".labkit-explorer", (root) => ends.push(mend(root))));
  return () => ends.forEach((end) => end());
}

export default { render: doors(mount, ["texts", "answered"]).render };
