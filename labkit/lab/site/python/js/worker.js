// Python in a worker, so that the page stays responsive. It asks nobody for anything: what Pyodide
// wants to fetch comes from the page, which reads it from scripts.
"use strict";

const BASE = "https://python.invalid/"; // never asked; its names are looked up in `assets`
const TICK = 200; // milliseconds between two looks at whether the page wants Python to stop
const SIGUSR1 = 10;
const assets = new Map(); // name -> { bytes, ready, arrived }
const CAN_WAIT = "Suspending" in WebAssembly || "Suspender" in WebAssembly; // JSPI, as Pyodide looks for it
const TYPES = { wasm: "application/wasm", json: "application/json" };
let python = null;
let tools = null; // functions of Python
let running = false; // a cell
let wanted = false; // an interrupt

const say = (type, more = {}) => self.postMessage({ type, ...more });

/** The bytes of an asset, as soon as the page has sent them; they are handed out once. */
function asset(name) {
  if (!assets.has(name)) {
    const entry = {};
    entry.ready = new Promise((arrived) => { entry.arrived = arrived; });
    assets.set(name, entry);
  }
  return assets.get(name);
}

async function take(name) {
  const bytes = await asset(name).ready;
  assets.delete(name);
  return bytes;
}

let expected = new Set();

self.fetch = async (asked) => {
  const name = decodeURIComponent(String(asked.url ?? asked).split("/").pop().split("?")[0]);
  if (!expected.has(name)) throw new TypeError(`${name} is no part of this page; nothing is fetched from elsewhere.`);
  const bytes = await take(name);
  const type = TYPES[name.split(".").pop()] ?? "application/octet-stream";
  return new Response(bytes, { headers: { "content-type": type } });
};

/** Run a script that came as bytes. */
async function evaluate(name) {
  const address = URL.createObjectURL(new Blob([await take(name)], { type: "text/javascript" }));
  self.importScripts(address);
  URL.revokeObjectURL(address);
}

/**
 * How Python learns, in the midst of a loop, that it shall stop: Pyodide reads element 0 of a
 * buffer now and then, and takes what it finds there for a signal. Where pages may share memory,
 * the page writes SIGINT there. Elsewhere Python gets SIGUSR1 five times a second, and its handler
 * (`shell.listen`) pauses for a moment, in which a message of the page can arrive. That takes a
 * browser in which WebAssembly can wait; in others a cell hears nothing until it ends.
 */
function signals() {
  let last = 0;
  return {
    get 0() {
      const now = performance.now();
      if (!running || now - last < TICK) return 0;
      last = now;
      return SIGUSR1;
    },
    set 0(value) { /* Python has taken note */ },
  };
}

/** Let messages arrive; resolves with whether the page wants Python to stop. */
const pause = () => new Promise((resolve) => {
  setTimeout(() => {
    resolve(wanted);
    wanted = false;
  });
});

const ENVIRONMENT = {
  HOME: "/home/pyodide", LABKIT_HOME: "/lab", LABKIT_RUNS: "/runs", LABKIT_LEARNER: "/learner",
  MPLBACKEND: "module://matplotlib_inline.backend_inline",
};

const IMPORTS = `
import sys
sys.path.insert(0, "/lab/packages")
import numpy, pandas, matplotlib.pyplot
from labkit.lab.site.python import shell
from labkit.explore.kit import in_page
`;

function write(path, text) {
  python.FS.mkdirTree(path.slice(0, path.lastIndexOf("/")));
  python.FS.writeFile(path, text);
}

async function start({ packages, names, archives, files, shared, language }) {
  expected = new Set(names);
  say("phase", { phase: "starting" });
  await evaluate("pyodide.asm.js"); // before loadPyodide, which would import() it
  await evaluate("pyodide.js");
  python = await self.loadPyodide({
    indexURL: BASE, packages, env: { ...ENVIRONMENT, LABKIT_LANG: language }, checkIntegrity: false,
  });
  say("phase", { phase: "importing" });
  for (const name of archives) python.unpackArchive(await take(name), "zip", { extractDir: "/lab" });
  for (const folder of ["/runs", "/learner"]) python.FS.mkdirTree(folder);
  for (const [path, text] of files) write(path, text);
  python.FS.chdir("/lab/notebooks");
  python.runPython(IMPORTS);
  const post = (text) => self.postMessage(JSON.parse(text));
  const shell = python.pyimport("labkit.lab.site.python.shell");
  const bridge = python.pyimport("labkit.explore.kit.in_page");
  shell.start(post);
  bridge.start(shell.send);
  if (shared) {
    python.setInterruptBuffer(shared);
    shell.listen();
  } else if (CAN_WAIT) {
    python.setInterruptBuffer(signals());
    shell.listen(pause);
  }
  tools = { run: shell.run, keep: shell.keep, call: bridge.call };
  say("ready");
}

async function run({ id, source }) {
  say("running", { id });
  wanted = false;
  running = true;
  try {
    const ended = JSON.parse(CAN_WAIT ? await tools.run.callPromising(source, id) : tools.run(source, id));
    running = false;
    say("done", { id, ...ended });
  } finally {
    running = false;
  }
}

/** A control was turned, or a guess made: `text` is what the explorers' bridge reads. */
function call({ ticket, text }) {
  const answer = tools.call(text);
  tools.keep();
  say("answer", { ticket, text: answer });
}

const HANDLERS = { start, run, call };
let turn = Promise.resolve(); // one thing after another

self.onmessage = ({ data }) => {
  if (data.do === "asset") {
    asset(data.name).arrived(data.bytes);
    return;
  }
  if (data.do === "interrupt") {
    wanted = true;
    return;
  }
  turn = turn.then(() => HANDLERS[data.do](data)).catch((error) => say("broken", { during: data.do, text: String(error?.message ?? error) }));
};
