// The copy buttons of an explorer that computes in the kernel; they also mend its controls.
import { copyRow } from "../copying.js";
import { whenInside } from "../dom.js";
import { doors } from "../doors.js";
import { shell, watchTheme } from "../look.js";
import { mend } from "./mend.js";

function mount(host, store) {
  const texts = Object.keys(store.get("texts"))
    .map((label) => [label, () => store.get("texts")[label]]);
  const copies = copyRow(Object.fromEntries(texts));
  const body = shell(host, "settings as text", "", copies.node);
  const ends = [watchTheme(body), store.listen(copies.draw)];
  ends.push(whenInside(host, ".labkit-explorer", (root) => ends.push(mend(root))));
  return () => ends.forEach((end) => end());
}

export default { render: doors(mount, ["texts"]).render };
