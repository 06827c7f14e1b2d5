"""Jupyter starts warm kernels from anywhere: pools of processes, threads, other kernels."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import papermill
import psutil
import pytest
from jupyter_client.manager import start_new_kernel
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from labkit.lab.warm import client, zygote

pytestmark = [
    pytest.mark.alone,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux only"),
]
WORK = """
import os, sys
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

FORKED = "import psutil; print('zygote' in str(psutil.Process().cmdline()))"

def by_nbclient(number, kernel="light"):
    return number, told(FORKED, kernel)

def told(code, kernel="light"):
    notebook = new_notebook(cells=[new_code_cell(code)])
    NotebookClient(notebook, kernel_name=kernel).execute()
    return notebook.cells[0].outputs[0].text.strip()

def by_papermill(number):
    import json, papermill
    notebook = new_notebook(cells=[new_code_cell(FORKED)])
    notebook.metadata.kernelspec = {"name": "python3", "language": "python"}
    name = f"{os.getpid()}-{number}.ipynb"
    json.dump(notebook, open(name, "w"))
    done = papermill.execute_notebook(name, name, engine_name="labkit", progress_bar=False)
    return number, done.cells[0].outputs[0].text.strip()
"""


@pytest.fixture(scope="module")
def light():
    """Kernelspecs (warm ones with each set of imports, a cold one) and zygotes of this module."""
    spec = json.loads((Path(zygote.__file__).with_name("kernelspec") / "kernel.json").read_text())
    spec["argv"][0] = sys.executable
    with tempfile.TemporaryDirectory(prefix="lk") as short, pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_RUNTIME_DIR", short)
        patch.setenv("JUPYTER_PATH", short)
        patch.setenv("LABKIT_ZYGOTE_IDLE", "30")
        configs = {"light": {"preload": "light"}, "keras": {"preload": "keras"}}
        for name, config in {**configs, "cold": {"fork": "never"}}.items():
            spec["metadata"]["kernel_provisioner"]["config"] = config
            (Path(short) / "kernels" / name).mkdir(parents=True)
            (Path(short) / "kernels" / name / "kernel.json").write_text(json.dumps(spec))
        yield Path(short)
        client.stop_all()


@pytest.fixture
def run_python(light, tmp_path):
    """A function that runs a program beside the module `work`, and returns its lines."""
    (tmp_path / "work.py").write_text(WORK)

    def run(program, *shell, seconds=100, **environment):
        (tmp_path / "program.py").write_text(program)
        started = subprocess.Popen(
            [*shell, sys.executable, "program.py"],
            cwd=tmp_path,
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            return started.communicate(timeout=seconds)[0].splitlines()
        finally:
            if started.poll() is None:
                os.killpg(started.pid, signal.SIGKILL)

    return run


@pytest.mark.parametrize("way", ["by_nbclient", "by_papermill"])
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_workers_start_kernels_after_their_parent_has_started_one(run_python, method, way):
    lines = run_python(
        f"import multiprocessing, concurrent.futures\nfrom work import {way}\n"
        "if __name__ == '__main__':\n"
        f"    print({way}(0))\n"
        f"    context = multiprocessing.get_context({method!r})\n"
        "    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:\n"
        f"        print(*pool.map({way}, [1, 2, 3, 4]), sep='\\n')\n"
        f"    print({way}(5))\n"
    )
    assert lines == [f"({number}, 'True')" for number in range(6)]


def test_threads_start_kernels_each_in_a_loop_of_its_own_that_is_closed(run_python):
    lines = run_python(
        "import asyncio, concurrent.futures\nfrom work import by_nbclient\n"
        "async def later(number):\n"
        "    return await asyncio.to_thread(by_nbclient, number)\n"
        "print(by_nbclient(0))\n"
        "with concurrent.futures.ThreadPoolExecutor(2) as pool:\n"
        "    print(*pool.map(by_nbclient, [1, 2]), sep='\\n')\n"
        "    print(*pool.map(lambda n: asyncio.run(later(n)), [3, 4]), sep='\\n')\n"
        "print(asyncio.run(later(5)), asyncio.run(later(6)), sep='\\n')\n"
    )
    assert lines == [f"({number}, 'True')" for number in range(7)]


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_kernel_opens_a_pool_whose_workers_start_kernels(light, tmp_path, method):
    (tmp_path / "work.py").write_text(WORK)
    cells = [
        "import multiprocessing, work\nprint(work.by_nbclient(0))",
        f"with multiprocessing.get_context({method!r}).Pool(2) as pool:\n"
        "    print(*pool.map(work.by_nbclient, [1, 2, 3]), sep='\\n')",
    ]
    notebook = new_notebook(cells=[new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, kernel_name="light", timeout=100).execute(cwd=str(tmp_path))
    text = "".join(output.get("text", "") for cell in notebook.cells for output in cell.outputs)
    assert text.splitlines() == [f"({number}, 'True')" for number in range(4)]


def test_a_kernel_ends_with_its_client_though_a_process_forked_from_it_lives(light, tmp_path):
    program = (
        "import os, sys, time\nfrom labkit.lab.warm import client\n"
        "kernel = client.fork_kernel(['-f', 'k.json'], os.environ, '.')\n"
        "worker = os.fork()\n"
        "if worker:\n    print(kernel.poll(), kernel.pid, worker, flush=True)\n"
        "else:\n    assert kernel.poll() == -9 and kernel.kill() is None\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    ) as started:
        code, *pids = started.stdout.readline().split()
        assert code == "None"
        kernel, worker = (psutil.Process(int(pid)) for pid in pids)
        started.kill()
        assert psutil.wait_procs([kernel], timeout=10)[0]
        assert worker.is_running()
        worker.kill()


FACTS = """
import multiprocessing.process, os, resource, sys, tempfile
from pathlib import Path
import matplotlib, matplotlib.pyplot as plt
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
names = "Umask Groups CapBnd CapInh NoNewPrivs SigBlk SigIgn Cpus_allowed Gid Uid".split()
print([(name, status[name].strip()) for name in names])
print(Path("/proc/self/limits").read_text(), Path("/proc/self/oom_score_adj").read_text())
print(sorted((name, os.readlink(f"/proc/self/ns/{name}")) for name in os.listdir("/proc/self/ns")))
print(os.getpriority(os.PRIO_PROCESS, 0), os.sched_getscheduler(0), os.getcwd())
print(sys.path, sys.flags, sys.argv[1], sys.stdin.closed, tempfile.gettempdir())
print(multiprocessing.process.ORIGINAL_DIR)
print(*sorted(os.environ.items()), sep="\\n")
print(matplotlib.rcParams["lines.linewidth"], matplotlib.get_configdir())
figure = plt.figure()
print(matplotlib.get_backend())
print(__import__("mine").value if os.path.exists("src/mine.py") else "")
"""
COMPARE = f"from work import told, FORKED\nfacts = {FACTS!r}\nprint(told(FORKED))\n"
COMPARE += "warm, cold = (set(told(facts, kind).splitlines()) for kind in ('light', 'cold'))\n"
COMPARE += "print(*(('warm:', line) for line in warm - cold), sep='\\n', end='')\n"
COMPARE += "print(*(('cold:', line) for line in cold - warm), sep='\\n', end='')\n"


@pytest.mark.parametrize(
    ("shell", "environment"),
    [
        ([], {}),
        (["bash", "-c", 'ulimit -f 99999 -n 999 -s 9999; umask 027; exec "$@"', "bash"], {}),
        (["nice", "-n", "2", "nohup"], {}),
        (["env", "--block-signal=USR2", "--ignore-signal=INT"], {}),
        (["setpriv", "--groups=5,6", "--bounding-set=-net_raw"], {}),
        ([], {"PYTHONPATH": "src", "MPLCONFIGDIR": "settings", "TZ": "Asia/Tokyo"}),
        ([], {"PYTHONPATH": "/nowhere:src::/opt:"}),
        (["env", "-u", "DISPLAY"], {"MPLBACKEND": "TkAgg", "TMPDIR": "src"}),
        ([], {"MPLBACKEND": "svg", "PYTHONDONTWRITEBYTECODE": "1"}),
    ],
    ids=str,
)
def test_a_forked_kernel_tells_of_itself_what_a_started_one_does(
    run_python, tmp_path, shell, environment
):
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "mine.py").write_text("from usercustomize import value")
    (tmp_path / "src" / "usercustomize.py").write_text("value = 7")
    (tmp_path / "settings").mkdir()
    (tmp_path / "settings" / "matplotlibrc").write_text("lines.linewidth: 7")
    if shell[:1] == ["setpriv"] and os.getuid():
        pytest.skip("only root may change groups")
    if "src" not in environment.get("PYTHONPATH", ""):
        (tmp_path / "src" / "mine.py").unlink()
    assert "\n".join(run_python(COMPARE, *shell, **environment)) == "True"


def test_two_projects_with_the_same_relative_path_have_each_its_own_modules(run_python, tmp_path):
    program = "import os\nfrom work import told\n"
    for name in ("one", "two"):
        (tmp_path / name / "src").mkdir(parents=True)
        (tmp_path / name / "src" / "mine.py").write_text(f"value = {name!r}")
        program += f"os.chdir({str(tmp_path / name)!r})\n"
        program += "print(told('import mine; print(mine.value)'))\n"
    assert run_python(program, PYTHONPATH="src") == ["one", "two"]


def test_in_a_fresh_home_the_first_kernel_with_keras_is_forked(run_python, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    program = "from work import by_nbclient\nfor n in range(2): print(by_nbclient(n, 'keras'))\n"
    program += "import os; print(os.path.exists(os.path.expanduser('~/.keras/keras.json')))"
    shell = ["env", *(f"--unset={name}" for name in ("KERAS_HOME", "MPLCONFIGDIR", "IPYTHONDIR"))]
    lines = run_python(program, *shell, HOME=str(home))
    assert lines == ["(0, 'True')", "(1, 'True')", "True"]


@pytest.mark.parametrize("way", ["by_nbclient", "by_papermill"])
def test_where_no_home_can_be_written_kernels_are_forked_all_the_same(
    run_python, light, tmp_path, way
):
    closed = tmp_path / "home"
    closed.mkdir(mode=0o555)
    # root writes everywhere but without these rights
    rights = "--bounding-set=-dac_override,-dac_read_search"
    shell = [] if os.getuid() else ["setpriv", rights]
    environment = {"HOME": str(closed), "JUPYTER_RUNTIME_DIR": str(closed / "runtime")}
    environment |= {"TMPDIR": str(light), "LABKIT_ZYGOTE_IDLE": "1"}
    program = f"from work import {way}\nfor number in range(2): print({way}(number))"
    assert run_python(program, *shell, **environment) == ["(0, 'True')", "(1, 'True')"]
    assert (light / f"labkit-{os.getuid()}").stat().st_mode & 0o777 == 0o700


def test_a_zygote_more_than_enough_takes_the_place_of_the_one_used_longest_ago(run_python):
    program = "import os\nfrom work import told\nfrom labkit.lab.warm import wire\n"
    program += "for turn in range(7):\n    os.environ['PYTHON_TURN'] = str(turn)\n"
    program += "    print(told('import os; print(os.getppid())'))\n"
    program += "print(len([*wire.folder().glob('*.sock')]))"
    *parents, left = run_python(program)
    assert len(set(parents)) == 7
    assert int(left) <= 5
    assert sum(psutil.pid_exists(int(parent)) for parent in parents) <= 5
    assert psutil.pid_exists(int(parents[-1]))


@pytest.mark.parametrize("home", ["open", "closed"])
@pytest.mark.parametrize("how", ["run", "sweep"])
def test_the_lab_runs_in_any_home_with_modules_beside_the_caller(light, lab, tmp_path, home, how):
    lab.lesson(
        "import matplotlib, mine\nfrom labkit import record\n"
        "record('98', answer=mine.value, backend=matplotlib.get_backend(), rate=rate)"
    )
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "mine.py").write_text("value = 7")
    (tmp_path / "home").mkdir(mode={"open": 0o755, "closed": 0o555}[home])
    shell = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if not os.getuid() else []
    shell += ["env", "--unset=DISPLAY", "--unset=JUPYTER_RUNTIME_DIR", "MPLBACKEND=TkAgg"]
    shell += [f"HOME={tmp_path}/home", f"TMPDIR={light}", "PYTHONPATH=src"]
    what = {"run": ["run", "98"], "sweep": ["sweep", "98", "-g", "rate=0.1,0.2"]}[how]
    done = subprocess.run(
        [*shell, sys.executable, "-m", "labkit", *what],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    print(done.stderr)
    records = [json.loads(path.read_text()) for path in lab.runs.rglob("record.json")]
    assert len(records) == {"run": 1, "sweep": 2}[how]
    for record in records:
        assert record["results"]["answer"] == 7
        assert "inline" in record["results"]["backend"]
        assert record["environment"]["kernel"] == {"run": "started", "sweep": "forked"}[how]


def test_history_shows_the_cells_and_leaves_the_users_own_alone(light, tmp_path, monkeypatch):
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    notebook = new_notebook(cells=[new_code_cell("x = 1"), new_code_cell("%history")])
    notebook.metadata.kernelspec = {"name": "python3", "language": "python"}
    (tmp_path / "in.ipynb").write_text(json.dumps(notebook))
    done = papermill.execute_notebook(
        tmp_path / "in.ipynb", tmp_path / "out.ipynb", engine_name="labkit", progress_bar=False
    )
    assert done.cells[1].outputs[0].text == "x = 1\n%history\n"
    assert not [*tmp_path.rglob("history.sqlite")]


def test_no_signal_goes_to_whoever_has_the_number_of_a_kernel_that_ended(light):
    manager, kernel = start_new_kernel(kernel_name="light")
    try:
        kernel.execute("import os; os._exit(3)")
        assert manager.provisioner.process.wait(30) == 3
        with subprocess.Popen(["sleep", "60"], start_new_session=True) as innocent:
            manager.provisioner.pid = manager.provisioner.pgid = innocent.pid
            manager.interrupt_kernel()
            manager.shutdown_kernel(now=True)
            with pytest.raises(subprocess.TimeoutExpired):
                innocent.wait(0.5)
            innocent.kill()
    finally:
        kernel.stop_channels()
