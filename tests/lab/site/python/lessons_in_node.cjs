// Runs the cells of a lesson in Pyodide under Node: node lessons_in_node.cjs TASK.json, where TASK has
// pyodide (folder), packages, mounts (folder there -> folder here), files (path there -> path here),
// env, python (source that defines `run(source, cell_id) -> JSON`), cells ([id, source] each),
// after (Python source, whose value is told last). Writes one line of JSON for each cell.
const fs = require("node:fs");
const path = require("node:path");

async function main(task) {
  const { loadPyodide } = require(path.join(task.pyodide, "pyodide.js"));
  const python = await loadPyodide({ indexURL: `${task.pyodide}/`, env: task.env });
  python.setStdout({ batched() {} });
  await python.loadPackage(task.packages, { messageCallback() {} });
  for (const [there, here] of Object.entries(task.mounts)) {
    python.FS.mkdirTree(there);
    python.FS.mount(python.FS.filesystems.NODEFS, { root: here }, there);
  }
  for (const [there, here] of Object.entries(task.files)) {
    python.FS.mkdirTree(path.dirname(there));
    python.FS.writeFile(there, fs.readFileSync(here));
  }
  python.runPython(task.python);
  const run = python.globals.get("run");
  for (const [id, source] of task.cells) {
    const wall = performance.now();
    const before = process.cpuUsage();
    const found = JSON.parse(run(source, id));
    const used = process.cpuUsage(before);
    const cpu = (used.user + used.system) / 1e6;
    console.log(JSON.stringify({ id, cpu, seconds: (performance.now() - wall) / 1000, ...found }));
  }
  console.log(JSON.stringify({ after: JSON.parse(python.runPython(task.after)) }));
}

main(JSON.parse(fs.readFileSync(process.argv[2], "utf8"))).catch((error) => {
  console.error(String(error.message ?? error).slice(0, 5000)); // and not the line of code: a megabyte
  process.exit(1);
});
