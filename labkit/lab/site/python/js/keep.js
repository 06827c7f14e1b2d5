// What is kept between visits, in this browser: changed cells, progress, results.
//
// progress.jsonl only grows, and several pages may be open: each adds its new lines to what the
// browser has by then. Where nothing may be kept, memory serves until the page is closed.
import { make } from "./words.js";

const PREFIX = "labkit.python.";
const PROGRESS = `${PREFIX}progress`;
const FILE = `${PREFIX}file.`;

export const memory = new Map();
export let unkept = ""; // why the browser keeps nothing

function storage() {
  try {
    const probe = `${PREFIX}probe`;
    localStorage.setItem(probe, "1");
    localStorage.removeItem(probe);
    return localStorage;
  } catch (error) {
    unkept = error.name;
    return null;
  }
}

export const browser = storage();

export function readKept(key) {
  return memory.get(key) ?? browser?.getItem(key) ?? null;
}

/** Keep a text; where the browser has no room left it stays in memory. */
export function keepText(key, text) {
  try {
    if (!browser) throw new DOMException("", unkept);
    browser.setItem(key, text);
    memory.delete(key);
  } catch (error) {
    unkept = error.name;
    memory.set(key, text);
  }
}

export function dropText(key) {
  memory.delete(key);
  browser?.removeItem(key);
}

function allKeys() {
  const kept = browser ? Array.from({ length: browser.length }, (_, i) => browser.key(i)) : [];
  return [...new Set([...kept, ...memory.keys()])].filter((key) => key.startsWith(PREFIX));
}

export const cellKey = (lesson, id) => `${PREFIX}cell.${document.documentElement.lang}.${lesson}.${id}`;

export function addProgress(text) {
  keepText(PROGRESS, (readKept(PROGRESS) ?? "") + text);
}

/** What stands in Python's files when it starts: [path, text]. */
export function keptFiles() {
  const results = allKeys().filter((key) => key.startsWith(FILE)).map((key) => [key.slice(FILE.length), readKept(key)]);
  const progress = readKept(PROGRESS);
  return progress ? [...results, ["/learner/progress.jsonl", progress]] : results;
}

export function keepFile(path, text) {
  keepText(FILE + path, text);
}

export function forgetAll() {
  allKeys().forEach(dropText);
}

/** Hand progress.jsonl to the browser's downloads; false if there is none. */
export function exportProgress() {
  const text = readKept(PROGRESS);
  if (!text) return false;
  const address = URL.createObjectURL(new Blob([text], { type: "application/x-ndjson" }));
  const link = make("a", { href: address, download: "progress.jsonl" });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 60000);
  return true;
}
