"""Memory that one learner takes: a JupyterLab server and the kernel of a lesson, all processes.

    python benchmarks/memory_of_a_learner.py 01 10

Prints for each lesson the peak of the whole process tree, what is left when all its cells have
run, and the server alone. USS is memory of these processes only; PSS adds their share of what they
have in common with others (libraries), so for many learners on one machine the sum lies between.
"""

import json
import os
import secrets
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

import psutil
from jupyter_client import BlockingKernelClient

from labkit.lab import lesson as lessons


def memory(process):
    """Return (USS, PSS) of a process and all below it, in MB."""
    sums = [0, 0]
    for each in [process, *process.children(recursive=True)]:
        try:
            found = each.memory_full_info()
        except psutil.Error:
            continue
        sums[0] += found.uss / 1e6
        sums[1] += getattr(found, "pss", found.uss) / 1e6
    return sums


class Watch(threading.Thread):
    """Keeps the highest USS and PSS that it sees."""

    def __init__(self, process):
        super().__init__(daemon=True)
        self.process, self.peak, self.ended = process, [0, 0], threading.Event()

    def run(self):
        while not self.ended.wait(0.25):
            self.peak = [max(pair) for pair in zip(self.peak, memory(self.process), strict=True)]


def asked(url, token, data=None):
    """Return what the server answers, as plain data."""
    body = None if data is None else json.dumps(data).encode()
    headers = {"Authorization": f"token {token}", "Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=60) as answer:
        return json.load(answer)


def server(folder, token):
    """Start a JupyterLab server; return its process and address."""
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--port=0"]
    command += [f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={folder}"]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    found = Path(os.environ["JUPYTER_RUNTIME_DIR"], f"jpserver-{running.pid}.json")
    for _ in range(600):
        if found.exists():
            return running, json.loads(found.read_text())["url"]
        time.sleep(0.1)
    raise SystemExit("JupyterLab did not start")


def run_all(name, url, token):
    """Run all cells of a lesson in a kernel of the server, as a learner does."""
    id = asked(f"{url}api/kernels", token, {"name": "python3"})["id"]
    client = BlockingKernelClient()
    client.load_connection_file(str(Path(os.environ["JUPYTER_RUNTIME_DIR"], f"kernel-{id}.json")))
    client.start_channels()
    client.wait_for_ready(120)
    failed = 0
    for code in lessons.read(name).code:
        reply = client.execute_interactive(code, timeout=170, output_hook=lambda message: None)
        failed += reply["content"]["status"] != "ok"
    client.stop_channels()
    return failed


def main(names):
    """Print a table."""
    print("lesson  server alone        peak               when done          cells failed")
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            os.environ |= {"JUPYTER_RUNTIME_DIR": folder, "LABKIT_LEARNER": f"{folder}/learner"}
            os.environ |= {"LABKIT_RUNS": f"{folder}/runs"}
            token = secrets.token_hex(16)
            running, url = server(folder, token)
            try:
                time.sleep(3)
                tree = psutil.Process(running.pid)
                alone, watch = memory(tree), Watch(tree)
                watch.start()
                failed = run_all(name, url, token)
                watch.ended.set()
                watch.join()
                done = memory(tree)
            finally:
                running.terminate()
                running.wait(30)
        told = [f"{uss:5.0f} USS {pss:5.0f} PSS" for uss, pss in (alone, watch.peak, done)]
        print(f"{name:6}  " + "  ".join(told) + f"  {failed}")


if __name__ == "__main__":
    main(sys.argv[1:])
