// Python's worker: started, fed with assets, asked, interrupted.
import { WORDS, make, words } from "./words.js";
import { keptFiles } from "./keep.js";

const arrivals = new Map(); // asset -> what waits for it

/** Called by each asset's script. */
globalThis.labkitAsset = (name, text) => {
  arrivals.get(name)?.(bytesOf(text));
  arrivals.delete(name);
};

function bytesOf(base64) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64);
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i += 1) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** Read an asset: a classic script, which pages from a disk may load, too. */
function readAsset(root, name) {
  return new Promise((arrived, failed) => {
    const missing = () => { script.remove(); failed(new Error(words.missing(`${root}${name}.js`))); };
    const script = make("script", { src: `${root}${encodeURIComponent(name)}.js`, error: missing, load: () => script.remove() });
    arrivals.set(name, arrived);
    document.head.append(script);
  });
}

/** Python in a worker. `hear(message)` gets what is not an answer to `ask`. */
export class Kernel {
  constructor(told, hear) {
    Object.assign(this, { told, hear, asked: new Map(), tickets: 0 });
    if (globalThis.crossOriginIsolated) this.shared = new Uint8Array(new SharedArrayBuffer(1));
  }

  async start(phase) {
    const { root, assets, packages, archives } = this.told;
    const [[first], ...others] = assets;
    const code = await readAsset(root, first);
    const address = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
    this.worker = new Worker(address);
    const ready = new Promise((done, failed) => {
      this.worker.onmessage = ({ data }) => this.receive(data, { phase, done, failed });
      this.worker.onerror = (event) => failed(new Error(event.message || "worker"));
    });
    this.send({ do: "start", packages, names: others.map(([name]) => name), archives, files: keptFiles(),
      shared: this.shared, language: words === WORDS.zh ? "zh" : "en" });
    await Promise.race([ready, this.feed(root, others, phase).then(() => ready)]);
    URL.revokeObjectURL(address);
  }

  /** Send all assets, in their order: what Python needs first comes first. */
  async feed(root, assets, phase) {
    const all = assets.reduce((sum, [, size]) => sum + size, 0);
    let done = 0;
    for (const [name, size] of assets) {
      phase("reading", { done, all });
      const bytes = await readAsset(root, name);
      this.worker?.postMessage({ do: "asset", name, bytes }, [bytes.buffer]);
      done += size;
    }
    phase("unpacking", {});
  }

  send(message) {
    this.worker.postMessage(message);
  }

  receive(message, { phase, done, failed }) {
    const { type } = message;
    if (type === "phase") phase(message.phase, {});
    else if (type === "ready") done();
    else if (type === "broken" && message.during === "start") failed(new Error(message.text));
    else if (type === "answer") this.answered(message);
    else this.hear(message);
  }

  answered({ ticket, text }) {
    this.asked.get(ticket)?.(JSON.parse(text));
    this.asked.delete(ticket);
  }

  /** Ask the explorers' bridge; resolves with its answer. */
  ask(message) {
    const ticket = this.tickets += 1;
    this.send({ do: "call", ticket, text: JSON.stringify(message) });
    return new Promise((answered) => { this.asked.set(ticket, answered); });
  }

  run(id, source) {
    this.send({ do: "run", id, source });
  }

  /** Ask Python to raise KeyboardInterrupt in the cell that runs. */
  interrupt() {
    if (this.shared) this.shared[0] = 2; // SIGINT
    else this.send({ do: "interrupt" });
  }

  stop() {
    this.worker?.terminate();
    this.worker = null;
  }
}
