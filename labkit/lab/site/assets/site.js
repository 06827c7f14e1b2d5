// The site's frame: theme, search, links to cells, the contents of the page, the ledger's filters.
(() => {
  const top = document.body.dataset.top;
  const by = (id) => document.getElementById(id);
  const make = (tag, attributes, ...children) => {
    const node = Object.assign(document.createElement(tag), attributes);
    node.append(...children);
    return node;
  };

  // --- theme
  const theme = by("theme");
  const pressed = () => theme.setAttribute("aria-pressed", String(document.documentElement.dataset.theme === "dark"));
  theme.addEventListener("click", () => {
    globalThis.labkitTheme.set(document.documentElement.dataset.theme === "dark" ? "light" : "dark", true);
    pressed();
  });
  pressed();

  // --- a link to a cell: #cell-id=ID, perhaps with settings of its explorer behind it
  const cellOf = (hash) => new URLSearchParams(hash.slice(1)).get("cell-id");
  function show() {
    const cell = cellOf(location.hash);
    const node = cell && by(`cell-id=${cell}`);
    if (!node) return;
    for (let up = node.parentElement; up; up = up.parentElement) if (up.tagName === "DETAILS") up.open = true;
    node.scrollIntoView();
  }
  addEventListener("hashchange", show);
  if (location.hash.includes("&")) addEventListener("load", show); // the browser finds plain ones itself

  // --- the other language, at the same cell: that of the address while it is in view, else the one that is read
  function cellInView() {
    const named = by(`cell-id=${cellOf(location.hash)}`);
    const place = named?.getBoundingClientRect().top;
    if (named && place > -200 && place < 0.8 * innerHeight) return `#${named.id}`;
    const cells = [...document.querySelectorAll(".jp-Cell[id]")];
    const passed = cells.filter((cell) => cell.getBoundingClientRect().top < 100);
    return passed.length && scrollY > 200 ? `#${passed.at(-1).id}` : "";
  }
  document.querySelectorAll("a.language").forEach((link) => link.addEventListener("click", () => {
    link.hash = cellInView();
  }));

  // --- menus that close again
  const menus = [...document.querySelectorAll("details.menu")];
  document.addEventListener("click", (event) => menus.forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; }));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    menus.filter((menu) => menu.open).forEach((menu) => { menu.open = false; menu.firstElementChild.focus(); });
    by("hits").hidden = true;
  });

  // --- the contents of the page: folded on a narrow screen; the section in view is marked
  const contents = document.querySelector(".contents details");
  if (contents) {
    contents.open = matchMedia("(min-width: 1240px)").matches;
    const links = [...contents.querySelectorAll("a")];
    const marks = links.map((link) => [link, by(`cell-id=${cellOf(link.hash)}`)]).filter(([, node]) => node);
    let due = false;
    const mark = () => {
      due = false;
      const passed = marks.filter(([, node]) => node.getBoundingClientRect().top < 140);
      const [now] = passed.at(-1) ?? [null];
      links.forEach((link) => (link === now ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current")));
    };
    addEventListener("scroll", () => { if (!due) { due = true; requestAnimationFrame(mark); } }, { passive: true });
    mark();
  }

  // --- search: the words are loaded when somebody searches
  const field = by("search");
  const hits = by("hits");
  const [status, list] = hits.children;
  let loading = null;
  const load = () => {
    loading ??= new Promise((done) => {
      const name = document.documentElement.lang === "zh-CN" ? "zh" : "en";
      document.head.append(make("script", { src: `${top}assets/search-${name}.js`, onload: done, onerror: done }));
    });
    return loading;
  };
  const MOST = 12;
  /** Higher is better; 0 where a word is missing. */
  function score(entry, words) {
    const heading = entry.h.toLowerCase();
    const text = entry.t.toLowerCase();
    let sum = 0;
    for (const word of words) {
      const inHeading = heading.includes(word);
      if (!inHeading && !text.includes(word)) return 0;
      sum += (inHeading ? 8 : 0) + (heading.startsWith(word) ? 8 : 0) + Math.min(4, text.split(word).length - 1);
    }
    return sum;
  }
  function around(text, word) {
    const at = text.toLowerCase().indexOf(word);
    if (at < 0) return [text.slice(0, 110)];
    const from = Math.max(0, at - 40);
    return [from ? "…" : "", text.slice(from, at), make("mark", {}, text.slice(at, at + word.length)), `${text.slice(at + word.length, at + 70)}…`];
  }
  function hit(entry, words) {
    const where = entry.n ? `${entry.n} · ` : "";
    return make("li", {}, make("a", { href: entry.u, onclick: () => { hits.hidden = true; } },
      make("b", {}, `${where}${entry.h}`), make("span", {}, ...around(entry.t, words[0]))));
  }
  async function search() {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    hits.hidden = words.join("").length < (/[\u3400-\u9fff]/.test(field.value) ? 1 : 2);
    if (hits.hidden) return;
    await load();
    const found = (globalThis.LABKIT_SEARCH ?? []).map((entry) => [score(entry, words), entry])
      .filter(([points]) => points > 0).sort(([a], [b]) => b - a);
    list.replaceChildren(...found.slice(0, MOST).map(([, entry]) => hit(entry, words)));
    status.textContent = found.length ? `${found.length} ${document.body.dataset.found}` : document.body.dataset.nothing;
  }
  field.addEventListener("focus", load);
  field.addEventListener("input", search);
  const step = (event, move) => {
    const links = [field, ...list.querySelectorAll("a")];
    const next = links[links.indexOf(document.activeElement) + move];
    if (next) { event.preventDefault(); next.focus(); }
  };
  by("hits").parentElement.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") step(event, 1);
    if (event.key === "ArrowUp") step(event, -1);
    if (event.key === "Enter" && event.target === field) list.querySelector("a")?.click();
  });
  document.addEventListener("click", (event) => { if (!field.parentElement.contains(event.target)) hits.hidden = true; });
  document.addEventListener("keydown", (event) => {
    const busy = event.composedPath()[0].closest?.("input, textarea, select, [contenteditable]");
    if (event.key !== "/" || busy || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    field.focus();
  });

  // --- the ledger: statements that fit
  const filters = document.querySelector(".filters");
  if (filters) {
    const rows = [...document.querySelectorAll(".statements > li")];
    const said = filters.querySelector("output");
    const choose = () => {
      const asked = [...filters.querySelectorAll("[data-column]")].map((each) => [each.dataset.column, each.value.toLowerCase()]);
      let count = 0;
      for (const row of rows) {
        row.hidden = !asked.every(([column, value]) => !value
          || (column ? row.dataset[column].toLowerCase() === value : row.textContent.toLowerCase().includes(value)));
        count += !row.hidden;
      }
      said.textContent = `${count} ${count === 1 ? "statement" : "statements"}`;
    };
    filters.addEventListener("input", choose);
    choose();
  }
})();
