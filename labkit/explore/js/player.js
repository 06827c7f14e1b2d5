// What moves: a button that plays and pauses, and the frames between.
import { make, set } from "./dom.js";

const ICONS = { play: "M4 2.5v11l9-5.5z", pause: "M4 2.5h3v11H4zM9 2.5h3v11H9z" };

/** Whether the reader asked the system for less motion. */
export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/**
 * A button that plays; its name may be a function, asked at each `draw`. `frame(milliseconds since
 * the start)` draws one picture; it returns false after the last one. `begin` is called before the
 * first (false: do not play), `end` after the last.
 */
export function player(frame, { name = "Play", pause = "Pause", begin = () => true, end = () => {} } = {}) {
  let request = 0;
  const named = () => (typeof name === "function" ? name() : name);
  const icon = make("path", { d: ICONS.play });
  const label = make("span", {}, named());
  const node = make("button", { type: "button", class: "play", click: () => (request ? stop() : play()) },
    make("svg", { viewBox: "0 0 16 16", width: 12, height: 12, "aria-hidden": "true" }, icon), label);
  function show() {
    set(icon, { d: request ? ICONS.pause : ICONS.play });
    label.textContent = request ? pause : named();
  }
  function play() {
    if (request || begin() === false) return;
    const began = performance.now();
    const next = (now) => {
      if (frame(Math.max(0, now - began)) === false) stop();
      else if (request) request = requestAnimationFrame(next); // `frame` may have called stop
    };
    request = requestAnimationFrame(next);
    show();
  }
  function stop() {
    if (!request) return;
    cancelAnimationFrame(request);
    request = 0;
    show();
    end();
  }
  return { node, play, stop, draw: show, get running() { return request !== 0; } };
}
