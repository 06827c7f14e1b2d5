// The theme, before anything is drawn: what was chosen on this site, else what the system has.
(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const kept = () => { try { return localStorage.getItem("labkit-theme"); } catch { return null; } };
  const media = { light: { light: "all", dark: "not all" }, dark: { light: "not all", dark: "screen" } };
  globalThis.labkitTheme = {
    set(theme, keep) {
      document.documentElement.dataset.theme = theme;
      for (const name of ["light", "dark"]) {
        document.querySelectorAll(`.labkit-${name}[media]`).forEach((sheet) => { sheet.media = media[theme][name]; });
      }
      document.body?.setAttribute("data-jp-theme-light", String(theme === "light"));
      if (keep) try { localStorage.setItem("labkit-theme", theme); } catch { /* it lasts for this page */ }
    },
  };
  const follow = () => globalThis.labkitTheme.set(kept() ?? (dark.matches ? "dark" : "light"));
  follow();
  dark.addEventListener("change", follow);
  document.addEventListener("DOMContentLoaded", follow);
})();
