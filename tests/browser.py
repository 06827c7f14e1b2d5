"""JupyterLab in a real browser: a server of our own, a notebook opened and run, pictures taken.

Used by the browser tests, and by hand to look at a notebook:

    python tests/browser.py notebooks/01_gradient_descent.ipynb --theme dark --out shot.png

writes shot-1.png, shot-2.png, ... from top to bottom of the executed notebook.
"""

import argparse
import contextlib
import io
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import nbformat
import numpy as np
import pytest
from PIL import Image

from labkit.explore.kit.script import script

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
QUIET += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]

# The run is over when the command returns; it answers false if a cell raised.
RUN_ALL = """() => Promise.race([
  window.jupyterapp.commands.execute('notebook:run-all-cells'),
  new Promise((_, fail) => setTimeout(() => fail(new Error('not done in 10 minutes')), 600000)),
])"""
# Asked before the kernel is connected, Run All does nothing and says nothing.
KERNEL_READY = """() => {
  const panel = window.jupyterapp?.shell.currentWidget;
  if (!panel?.sessionContext?.isReady) return false;
  const kernel = panel.sessionContext.session?.kernel;
  return kernel?.connectionStatus === 'connected' && kernel.status === 'idle';
}"""
SHUT_DOWN = "() => window.jupyterapp.serviceManager.sessions.shutdownAll()"
SETTLED = """() => new Promise((done) =>
  requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 50))))"""
SCROLL = """(top) => {
  let node = window.jupyterapp.shell.currentWidget.node.querySelector('.jp-Cell');
  while (!/auto|scroll/.test(getComputedStyle(node).overflowY)) node = node.parentElement;
  node.scrollTop = top;
  const last = [...node.querySelectorAll('.jp-Cell')].pop().getBoundingClientRect().bottom;
  const end = last - node.getBoundingClientRect().top + node.scrollTop;
  return [node.scrollTop, node.clientHeight, end];
}"""


def focus(page, node):
    """Focus a node once JupyterLab is done, which takes the focus a moment after a click."""
    page.evaluate(SETTLED)
    node.focus()


def find_browser():
    """Path of Chromium or Chrome, or None."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


needs_browser = pytest.mark.skipif(
    not find_browser(), reason="no Chromium or Chrome on PATH: NOT tried in a browser"
)


@contextlib.contextmanager
def lab_server(folder, seconds=90):
    """Run JupyterLab on `folder`, on a free port with a fresh token and fresh settings.

    Yields the address of the server and its token; stops server and kernels afterwards.
    """
    token = secrets.token_hex(16)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        port = _free_port()
        log = Path(scratch, "server.log")
        with log.open("wb") as out:
            server = subprocess.Popen(
                _server_command(folder, port, token),
                env=_server_environment(Path(scratch)),
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_for(f"{address}/api/status?token={token}", server, log, seconds)
            yield address, token
        finally:
            _stop(server)


def _server_command(folder, port, token):
    return [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
        *("--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}", "--ServerApp.port_retries=0"),
        *(f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={folder}"),
        "--LabApp.expose_app_in_browser=True",  # window.jupyterapp, to run commands
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]


def _server_environment(scratch):
    """Nothing of the user's settings gets in, nothing of ours gets out."""
    # Without "none", cells far from the view are not in the page.
    _setting(scratch, "notebook-extension/tracker", windowingMode="none")
    _setting(scratch, "apputils-extension/notification", fetchNews="false")
    own = {
        "JUPYTER_CONFIG_DIR": scratch / "config",
        "JUPYTER_DATA_DIR": scratch / "data",
        "JUPYTER_RUNTIME_DIR": scratch / "runtime",
        "IPYTHONDIR": scratch / "ipython",
        "LABKIT_RUNS": scratch / "runs",
    }
    inherited = {name: value for name, value in os.environ.items() if name != "LABKIT_HEADLESS"}
    return (
        {"LABKIT_LEARNER": str(scratch / "learner")}
        | inherited
        | {name: str(path) for name, path in own.items()}
    )


def _setting(scratch, name, **values):
    folder = scratch / "config" / "lab" / "user-settings" / "@jupyterlab"
    file = folder / f"{name}.jupyterlab-settings"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(values))


def _free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def _wait_for(address, server, log, seconds):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # never through a proxy
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if server.poll() is not None:
            break
        with contextlib.suppress(OSError), opener.open(address, timeout=5):
            return
        time.sleep(0.1)
    raise RuntimeError("JupyterLab did not start:\n" + log.read_text(errors="replace")[-3000:])


def _stop(server):
    """End the server and its kernels, which share its process group or die with it."""
    server.send_signal(signal.SIGTERM)
    try:
        server.wait(15)
    except subprocess.TimeoutExpired:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


class Lab:
    """A browser on a JupyterLab of its own: `with Lab(folder) as lab: page = lab.open(name)`."""

    def __init__(self, folder, width=1200, height=900):
        self.folder, self.viewport = Path(folder), {"width": width, "height": height}

    def __enter__(self):
        from playwright.sync_api import sync_playwright

        with contextlib.ExitStack() as stack:
            self.address, self.token = stack.enter_context(lab_server(self.folder))
            play = stack.enter_context(sync_playwright())
            browser = play.chromium.launch(executable_path=find_browser(), args=QUIET)
            stack.callback(browser.close)
            self.context = browser.new_context(viewport=self.viewport)
            self.context.grant_permissions(["clipboard-read", "clipboard-write"])
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception):
        self._stack.close()

    def open(self, notebook, theme="light", seconds=90):
        """Open a notebook of the folder; the page collects what the console says is wrong."""
        page = self.context.new_page()
        page.set_default_timeout(seconds * 1000)
        page.problems = []
        page.on("console", lambda message: _note(page, message.type, message.text))
        page.on("pageerror", lambda error: page.problems.append(f"page error: {error}"))
        page.outside = []  # requests to any other host
        page.on("request", lambda request: _outside(page, request.url, self.address))
        # A workspace of its own, or JupyterLab would reopen what other pages have shown.
        space = f"lab/workspaces/{secrets.token_hex(4)}"
        page.goto(f"{self.address}/{space}/tree/{notebook}?token={self.token}")
        wait_until(page, KERNEL_READY)
        page.evaluate("() => window.jupyterapp.shell.collapseLeft()")
        self.change_theme(page, theme)
        return page

    def change_theme(self, page, theme):
        """Switch to the "light" or the "dark" theme; returns when the page has it."""
        wait_until(page, "() => jupyterapp.commands.hasCommand('apputils:change-theme')")
        page.evaluate(
            "(theme) => jupyterapp.commands.execute('apputils:change-theme', {theme})",
            f"JupyterLab {theme.capitalize()}",
        )
        light = str(theme == "light").lower()
        wait_until(page, f"() => document.body.dataset.jpThemeLight === '{light}'")
        page.evaluate(SETTLED)

    def close(self, page):
        """Close the page without saving and end its kernel, which would eat memory."""
        page.evaluate(SHUT_DOWN)
        page.close()

    def run(self, page):
        """Run all cells; returns once the kernel is done."""
        fine = page.evaluate(RUN_ALL)
        wait_until(page, KERNEL_READY)
        page.evaluate(SETTLED)
        return fine


def pixels_of(locator):
    """Return what is seen of a part of the page, array (height, width, 3) of whole numbers."""
    return np.asarray(Image.open(io.BytesIO(locator.screenshot())).convert("RGB")).astype(int)


def contrast_of(locator):
    """Contrast ratio of the text color to the nearest opaque ground behind it."""
    colors = locator.evaluate("""(node) => {
        const color = getComputedStyle(node).color;
        let ground = 'rgba(0, 0, 0, 0)';
        while (node && /, 0\\)$|transparent/.test(ground)) {
            ground = getComputedStyle(node).backgroundColor;
            node = node.parentElement ?? node.getRootNode().host;
        }
        return [color, ground];
    }""")
    light = [_luminance([float(x) for x in re.findall(r"[\d.]+", color)[:3]]) for color in colors]
    return (max(light) + 0.05) / (min(light) + 0.05)


def _luminance(rgb):
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in np.array(rgb) / 255
    ]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


def wait_until(page, question, seconds=90):
    """Ask the page (JavaScript, may be async) until the answer is true."""
    deadline = time.monotonic() + seconds
    while not page.evaluate(question):
        if time.monotonic() > deadline:
            raise TimeoutError(f"still not true after {seconds} s: {question}")
        page.wait_for_timeout(50)


def write_notebook(path, *cells, kernel="python3"):
    """Write a notebook of these code cells."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    notebook.metadata["kernelspec"] = {"name": kernel, "display_name": kernel}
    nbformat.write(notebook, path)


def run_last_cell(page, source):
    """Put this source into the last cell of the open notebook and run it."""
    page.evaluate(
        """(source) => {
          const { content } = jupyterapp.shell.currentWidget;
          content.activeCellIndex = content.widgets.length - 1;
          content.activeCell.model.sharedModel.setSource(source);
          return jupyterapp.commands.execute('notebook:run-cell');
        }""",
        source,
    )


def run_until(page, source, text, seconds=30):
    """Run this source in the last cell until it prints the text.

    What is turned in the page reaches the kernel a moment later, on a busy machine after a cell
    that was asked for later.
    """
    deadline = time.monotonic() + seconds
    while not page.get_by_text(text).count():
        assert time.monotonic() < deadline, f"{text!r} was not printed within {seconds} s"
        run_last_cell(page, source)
        page.wait_for_timeout(500)


def _note(page, kind, text):
    # JupyterLab's debugger asks a kernel that is just being restarted, and says so when it hears
    # nothing: with any kernel, and nothing of ours is in it.
    if kind == "error" and "Could not restore the debugger state" not in text:
        page.problems.append(text)


def _outside(page, url, address):
    if not url.startswith((address, address.replace("http", "ws"), "data:", "blob:", "about:")):
        page.outside.append(url)


def shots(page, out):
    """Save the notebook from top to bottom as out-1.png, out-2.png, ...; returns the paths."""
    out, paths, top = Path(out), [], 0
    out.parent.mkdir(parents=True, exist_ok=True)
    while True:
        here, height, whole = page.evaluate(SCROLL, top)
        page.evaluate(SETTLED)
        paths.append(out.with_name(f"{out.stem}-{len(paths) + 1}{out.suffix or '.png'}"))
        page.screenshot(path=paths[-1])
        top = here + height - 40  # a little overlap
        if here + height >= whole - 1:
            return paths


def main():
    """Run a copy of a notebook in JupyterLab and save pictures of all of it."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("notebook", type=Path)
    parser.add_argument("--theme", choices=["light", "dark"], default="light")
    parser.add_argument("--out", type=Path, default=Path("shot.png"))
    parser.add_argument("--width", type=int, default=1200)
    parser.add_argument("--height", type=int, default=1500, help="pixels of one picture")
    parser.add_argument("--no-run", action="store_true", help="show the outputs in the file")
    arguments = parser.parse_args()
    if not find_browser():
        sys.exit("No Chromium or Chrome on PATH; on Debian: apt-get install chromium")
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(arguments.notebook, folder)
        with Lab(folder, arguments.width, arguments.height) as lab:
            page = lab.open(arguments.notebook.name, arguments.theme)
            fine = arguments.no_run or lab.run(page)
            for path in shots(page, arguments.out):
                print(path)
            for problem in page.problems:
                print("console:", problem)
            for url in page.outside:
                print("other host:", url)
    sys.exit(0 if fine else "A cell raised; see the pictures.")


if __name__ == "__main__":
    main()


def ask(module, name, code, question, folder):
    """Return what a JavaScript module answers, asked in node, or else in Chromium.

    Args:
        module: its path below labkit/explore/js, without ".js", or a path of a file that imports
            nothing; known to the code by `name`.
        code: JavaScript that defines answer(question).
        question: plain data, as JSON can hold it.
        folder: where files for node may be written.
    """
    text = json.dumps(question)
    source = script(module) if isinstance(module, str) else module.read_text("utf-8")
    if node := shutil.which("node"):
        (folder / "module.mjs").write_text(source, "utf-8")
        (folder / "question.json").write_text(text)
        (folder / "ask.mjs").write_text(
            f'import * as {name} from "./module.mjs"; import fs from "fs";'
            + code
            + 'const question = JSON.parse(fs.readFileSync("question.json", "utf8"));'
            + "process.stdout.write(JSON.stringify(answer(question)));"
        )
        run = [node, "ask.mjs"]
        return json.loads(subprocess.run(run, cwd=folder, check=True, capture_output=True).stdout)
    if not find_browser():
        pytest.skip(f"neither node nor Chromium on PATH: {module} was NOT asked")
    from playwright.sync_api import sync_playwright

    asked = f"""async ([source, question]) => {{
      const blob = new Blob([source], {{ type: "text/javascript" }});
      const {name} = await import(URL.createObjectURL(blob));
      {code}
      return JSON.stringify(answer(JSON.parse(question)));
    }}"""
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=find_browser(), args=QUIET)
        answers = json.loads(chromium.new_page().evaluate(asked, [source, text]))
        chromium.close()
    return answers
