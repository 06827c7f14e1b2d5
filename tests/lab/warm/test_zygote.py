"""The warm kernel: forked from a parent that has imported everything, and like a fresh one."""

import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import nbformat
import psutil
import pytest
from jupyter_client.manager import start_new_kernel
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from labkit.lab.warm import client as kernels
from labkit.lab.warm import identity, wire, zygote

pytestmark = [
    pytest.mark.alone,
    pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux only"),
]


class Kernel:
    """A forked kernel without Jupyter's client: it runs one program and ends."""

    def __init__(self, code, folder, preload="light", **environment):
        program = folder / f"program-{time.monotonic_ns()}.py"
        program.write_text(code + "\nimport os; os._exit(getattr(os, 'code', 0))")
        arguments = [f"--InteractiveShellApp.exec_files={program}", f"-f={program}.json"]
        given = os.environ | environment
        self.process = kernels.fork_kernel(arguments, given, folder, preload=preload)

    def code(self, seconds=60) -> int:
        return self.process.wait(seconds)


def told(code, folder, preload="light", **environment) -> list[str]:
    """Return the lines that a program wrote in a forked kernel, where `tell` writes one."""
    answer = folder / f"answer-{time.monotonic_ns()}"
    tell = f"def tell(*values):\n    print(*values, file=open({str(answer)!r}, 'a'))\n"
    assert Kernel(tell + code, folder, preload, **environment).code() == 0
    return answer.read_text().splitlines()


# --- choosing a zygote ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["import numpy as np"], "light"),
        (["import keras"], "keras"),
        (["from tensorflow.keras import layers"], "keras"),
        (["from labkit.networks.backend import keras"], "keras"),
        (["def later():\n    import torch"], "keras"),
        (["from labkit.maths import descent\nkeras = 1"], "light"),
        (["compare = False", "if compare:\n    import keras"], "light"),
        (["compare = False", "compare = True", "if compare:\n    import keras"], "keras"),
        (["compare = False", "if compare:\n    pass\nelse:\n    import keras"], "keras"),
        (["compare: bool = False", "if compare:\n    import keras"], "light"),
        (["if unknown:\n    import keras"], "keras"),
        (["%matplotlib inline\nimport keras", "1 +"], "light"),
    ],
)
def test_a_notebook_names_the_imports_it_needs(cells, expected):
    notebook = new_notebook(cells=[new_markdown_cell("import keras"), *map(new_code_cell, cells)])
    assert kernels.preload_for(notebook) == expected


def test_the_lessons_without_a_framework_use_the_light_zygote():
    found = {
        path.name[:2]: kernels.preload_for(nbformat.read(path, as_version=4))
        for path in (Path(__file__).parents[3] / "notebooks").glob("[01]*.ipynb")
    }
    assert {found["00"], found["01"]} == {"light"}
    assert found["11"] == "keras"


def test_another_setting_or_changed_code_is_another_zygote(monkeypatch):
    name = identity.identity("light", {"PATH": "/bin", "TF_NUM_INTRAOP_THREADS": "1"})
    assert name == identity.identity("light", {"PATH": "/usr/bin", "OMP_NUM_THREADS": "1"})
    assert name != identity.identity("keras", {})
    assert name != identity.identity("light", {"CUDA_VISIBLE_DEVICES": ""})
    assert name != identity.identity("light", {"PYTHONPATH": "/elsewhere"})
    changed = identity.version(Path(zygote.__file__))
    monkeypatch.setattr(identity, "version", lambda path: (changed[0] + 1, changed[1]))
    assert name != identity.identity("light", {})


def test_sockets_are_in_a_folder_that_nobody_else_may_enter(tmp_path, monkeypatch):
    monkeypatch.setattr(wire.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / ("long" * 20)))
    place = wire.folder()
    assert place == tmp_path / f"labkit-{os.getuid()}"
    assert place.stat().st_mode & 0o777 == 0o700
    place.chmod(0o755)
    with pytest.raises(wire.ForkError, match="nobody else may enter"):
        wire.folder()


def test_messages_carry_open_files_and_refuse_what_is_too_long(tmp_path):
    here, there = socket.socketpair()
    with here, there, open(tmp_path / "file", "w") as file:
        wire.send(here, {"text": "ä" * 10_000}, (file.fileno(),))
        message, (copy,) = wire.receive(there, files=1)
        assert message == {"text": "ä" * 10_000}
        os.write(copy, b"through the copy")
        os.close(copy)
        here.sendall(b"\xff\xff\xff\xff")
        with pytest.raises(wire.ForkError, match="too long"):
            wire.receive(there)
        here.close()
        with pytest.raises(EOFError):
            wire.receive(there)
    assert (tmp_path / "file").read_text() == "through the copy"


@pytest.mark.parametrize(
    ("module", "state", "words"),
    [
        (
            "tensorflow.python.eager.context",
            SimpleNamespace(_context=SimpleNamespace(_initialized=True)),
            "TensorFlow has run",
        ),
        (
            "tensorflow.python.eager.context",
            SimpleNamespace(
                _context=SimpleNamespace(
                    _initialized=False,
                    _physical_devices=[
                        SimpleNamespace(device_type=kind) for kind in ("CPU", "GPU")
                    ],
                )
            ),
            "TensorFlow has looked for GPUs",
        ),
        ("jax._src.xla_bridge", SimpleNamespace(_backends={"cpu": object()}), "JAX has run"),
        ("torch", SimpleNamespace(cuda=SimpleNamespace(is_initialized=lambda: True)), "PyTorch"),
    ],
)
def test_a_parent_that_used_a_framework_is_refused(monkeypatch, module, state, words):
    for name in ("tensorflow.python.eager.context", "jax._src.xla_bridge", "torch"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    assert zygote.hazard() == ""
    monkeypatch.setitem(sys.modules, module, state)
    assert words in zygote.hazard()


def test_frameworks_that_were_only_imported_are_no_hazard(monkeypatch):
    cpu = [SimpleNamespace(device_type="CPU")]  # looking for devices starts no thread
    context = SimpleNamespace(_initialized=False, _physical_devices=cpu)
    imported = {
        "tensorflow.python.eager.context": SimpleNamespace(_context=context),
        "jax._src.xla_bridge": SimpleNamespace(_backends={}),
        "torch": SimpleNamespace(cuda=SimpleNamespace(is_initialized=lambda: False)),
    }
    for name, state in imported.items():
        monkeypatch.setitem(sys.modules, name, state)
    monkeypatch.setattr(zygote, "_open_files", lambda: ["/dev/null", "/home/dev/nvidia0"])
    assert zygote.hazard() == ""


@pytest.mark.parametrize(
    "name", ["/dev/nvidiactl", "/dev/nvidia0", "/dev/nvidia-uvm", "/dev/dxg", "/dev/kfd"]
)
def test_a_parent_with_an_open_gpu_is_refused(monkeypatch, name):
    for module in ("tensorflow.python.eager.context", "jax._src.xla_bridge", "torch"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setattr(zygote, "_open_files", lambda: ["/dev/null", name])
    assert f"opened a GPU ({name})" in zygote.hazard()


DRIVER = "static int on = 0; int cuInit() { on = 1; return 0; }"
DRIVER += " int cuDeviceGetCount(int *n) { *n = 1; return on ? 0 : 3; }"  # 3: not initialized


@pytest.mark.skipif(not shutil.which("gcc"), reason="needs a compiler for a driver of its own")
def test_a_driver_that_any_library_started_is_noticed_and_a_loaded_one_is_not(tmp_path):
    (tmp_path / "cuda.c").write_text(DRIVER)
    library = tmp_path / "libcuda.so.1"
    build = ["gcc", "-shared", "-fPIC", "-Wl,-soname,libcuda.so.1", "-o", library]
    subprocess.run([*build, tmp_path / "cuda.c"], check=True)
    code = (
        "import ctypes\nfrom labkit.lab.warm.zygote import hazard\nprint(hazard())\n"
        f"driver = ctypes.CDLL({str(library)!r})\nprint(hazard())\n"
        "driver.cuInit()\nprint(hazard())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    absent, loaded, initialized = done.stdout.splitlines()
    assert (absent, loaded) == ("", "")
    assert "opened a GPU (CUDA's driver)" in initialized


def test_a_lasting_refusal_is_asked_for_once(monkeypatch, tmp_path):
    asked = []

    def refuse(connection, *_):
        asked.append(connection)
        return {"error": "the parent has opened a GPU", "lasting": True}, []

    monkeypatch.setattr(kernels, "_refused", {})
    monkeypatch.setattr(kernels, "_connect", lambda *_: socket.socketpair()[0])
    monkeypatch.setattr(kernels.wire, "send", lambda *_: None)
    monkeypatch.setattr(kernels.wire, "receive", refuse)
    for _ in range(2):
        with pytest.raises(wire.ForkError, match="opened a GPU"):
            kernels.fork_kernel([], {}, tmp_path)
    assert len(asked) == 1


def test_other_systems_do_not_fork(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(wire.ForkError, match="not safe on darwin"):
        kernels.fork_kernel([], {}, tmp_path)


def test_no_running_zygote_and_none_to_start(monkeypatch, tmp_path):
    with tempfile.TemporaryDirectory(prefix="lk") as short:
        monkeypatch.setenv("JUPYTER_RUNTIME_DIR", short)
        with pytest.raises(wire.ForkError, match="no fork server runs"):
            kernels.fork_kernel([], {}, tmp_path, start=False)


# --- a forked kernel is like a fresh one ------------------------------------------------------


@pytest.mark.slow
def test_each_kernel_has_its_own_state_folder_environment_and_chance(warm, tmp_path):
    code = (
        "import os, random, sys, uuid, numpy as np, matplotlib, labkit\n"
        "tell(os.getcwd(), os.environ.get('MINE'), os.environ.get('HERS'), 'leak' in globals())\n"
        "width = matplotlib.rcParams['lines.linewidth']\n"
        "tell(hasattr(labkit, 'leak'), 'leak' in sys.path, width)\n"
        "tell(random.random(), np.random.rand(), uuid.uuid4())\n"
        "tell(os.getpid(), os.getsid(0), os.umask(0o022), len(os.listdir('/proc/self/fd')))\n"
        "leak = labkit.leak = os.environ['HERS'] = 'x'; sys.path.append('leak')\n"
        "matplotlib.rcParams['lines.linewidth'] = 7; np.random.seed(0)\n"
    )
    first = told(code, tmp_path, MINE="1")
    second = told(code, tmp_path)
    assert first[:2] == [f"{tmp_path} 1 None False", "False False 1.5"]
    assert second[:2] == [f"{tmp_path} None None False", "False False 1.5"]
    assert not set(first[2].split()) & set(second[2].split())
    pid, session, *same = second[3].split()
    assert pid == session != first[3].split()[0]
    assert same == first[3].split()[2:]


@pytest.mark.slow
def test_ends_are_told_as_they_were(warm, tmp_path):
    assert Kernel("import os; os.code = 7", tmp_path).code() == 7
    assert Kernel("import ctypes; ctypes.string_at(0)", tmp_path).code() == -signal.SIGSEGV
    kernel = Kernel("import time; time.sleep(60)", tmp_path)
    assert kernel.process.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        kernel.process.wait(0.1)
    kernel.process.kill()
    assert kernel.code() == -signal.SIGKILL
    kernel.process.terminate()  # nothing happens to one that has ended
    kernel = Kernel("import time; time.sleep(60)", tmp_path)
    kernel.process.terminate()
    assert kernel.code() == -signal.SIGTERM


@pytest.mark.slow
@pytest.mark.parametrize("goes", [True, False])
def test_a_kernel_without_a_folder_says_so_to_a_client_that_is_still_there(
    warm, tmp_path, monkeypatch, goes
):
    monkeypatch.setattr(Path, "is_dir", lambda path: True)  # removed in this very moment
    with (tmp_path / "told").open("w+") as file:
        streams, gone = (file.fileno(),) * 3, tmp_path / "gone"
        process = kernels.fork_kernel(["-f=x.json"], os.environ, gone, streams=streams)
        pid, parent = process.pid, psutil.Process(process.pid).parent()
        if goes:
            time.sleep(0.3)  # its kernel has met the missing folder
            process._connection.close()
            while pid in [child.pid for child in parent.children()]:
                time.sleep(0.01)
        else:
            assert process.wait(20) == 1
        told = (tmp_path / "told").read_text()
    assert ("FileNotFoundError" in told) == (not goes)
    assert goes == (told == "")


@pytest.mark.slow
def test_threads_processes_and_their_number_work_in_a_kernel(warm, tmp_path):
    code = (
        "import multiprocessing, subprocess, sys, threading, numpy as np, threadpoolctl\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "tell(sum(ThreadPoolExecutor(4).map(len, ['a'] * 50)))\n"
        "tell(multiprocessing.get_context('fork').Pool(2).map(abs, [-1, -2]))\n"
        "tell(subprocess.run([sys.executable, '-c', 'print(6)'], capture_output=True).stdout)\n"
        "tell(np.linalg.svd(np.ones((300, 300)))[1][0].round(6))\n"
        "tell({p['num_threads'] for p in threadpoolctl.threadpool_info()})\n"
    )
    assert told(code, tmp_path, OMP_NUM_THREADS="1") == ["50", "[1, 2]", "b'6\\n'", "300.0", "{1}"]


@pytest.mark.slow
def test_each_kernel_has_its_number_of_threads_and_starts_none_for_it(warm, tmp_path):
    code = (
        "import numpy, os, threadpoolctl\n"
        "tell(len(os.listdir('/proc/self/task')))\n"
        "tell({p['num_threads'] for p in threadpoolctl.threadpool_info()})\n"
    )
    numbers = [None, "1", "2", None, "1"]
    settings = [{} if n is None else {"OMP_NUM_THREADS": n} for n in numbers]
    found = [told(code, tmp_path, **each) for each in settings]
    assert len({tasks for tasks, _ in found}) == 1
    assert found[0] == found[3]
    assert [found[1], found[2], found[4]] == [[found[0][0], f"{{{n}}}"] for n in (1, 2, 1)]


@pytest.mark.slow
@pytest.mark.parametrize("number", ["²", "9" * 30])
def test_a_number_of_threads_that_no_library_takes_ends_no_zygote(warm, tmp_path, number):
    first = told("import os\ntell(os.getppid())", tmp_path, OMP_NUM_THREADS=number)
    assert told("import os\ntell(os.getppid())", tmp_path) == first


@pytest.mark.slow
def test_keras_traces_a_training_step_once_in_a_kernel(warm, tmp_path):
    code = (
        "import keras, numpy as np\n"
        "traced = []\n"
        "def loss(y, p):\n    traced.append(y)\n    return keras.ops.mean((y - p) ** 2)\n"
        "model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])\n"
        "model.compile('adam', loss, metrics=['mae'])\n"
        "model.fit(np.ones((4, 2)), np.ones((4, 1)), epochs=2, verbose=0)\n"
        "tell(len(traced))\n"
    )
    assert told(code, tmp_path, preload="keras", KERAS_BACKEND="tensorflow") == ["1"]


@pytest.mark.slow
def test_twenty_four_kernels_two_at_a_time(warm, tmp_path):
    with ThreadPoolExecutor(2) as pool:
        code = "import os\nos.code = int(os.environ['TURN'])"
        turns = [str(turn) for turn in range(24)]
        codes = pool.map(lambda turn: Kernel(code, tmp_path, TURN=turn).code(), turns)
    assert list(codes) == list(range(24))


@pytest.mark.slow
def test_a_kernel_goes_with_its_client_with_its_zygote_and_takes_its_children_along(warm, tmp_path):
    code = (
        "import os, subprocess, time\n"
        f"child = subprocess.Popen(['sleep', '60'])\n"
        f"open('{tmp_path}/' + os.environ['OUT'], 'w').write(f'{{os.getpid()}} {{child.pid}}')\n"
        "time.sleep(60)\n"
    )
    (tmp_path / "program.py").write_text(code)
    script = (
        "import os, sys, time\nfrom labkit.lab.warm import client as kernels\n"
        f"kept = kernels.fork_kernel(['--InteractiveShellApp.exec_files={tmp_path}/program.py',"
        f"'-f={tmp_path}/k.json'], os.environ, '/')\ntime.sleep(60)"
    )
    environment = os.environ | {"OUT": "client"}
    with subprocess.Popen([sys.executable, "-c", script], env=environment) as client:
        family = [psutil.Process(pid) for pid in wait_for_pids(tmp_path / "client")]
        client.kill()
        assert len(psutil.wait_procs(family, timeout=5)[0]) == 2
    kernel = Kernel(code, tmp_path, OUT="zygote").process
    (process, child) = [psutil.Process(pid) for pid in wait_for_pids(tmp_path / "zygote")]
    process.parent().kill()
    assert kernel.wait(5) == -signal.SIGKILL
    assert psutil.wait_procs([process], timeout=5)[0]
    child.kill()
    assert Kernel("", tmp_path).code() == 0  # the next one starts a zygote where the dead one was


def wait_for_pids(path, seconds=60) -> list[int]:
    deadline = time.monotonic() + seconds
    while not (path.exists() and len(path.read_text().split()) == 2):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return [int(pid) for pid in path.read_text().split()]


@pytest.mark.slow
def test_an_idle_zygote_leaves_nothing_behind(monkeypatch, tmp_path):
    with tempfile.TemporaryDirectory(prefix="lk") as short:
        monkeypatch.setenv("JUPYTER_RUNTIME_DIR", short)
        monkeypatch.setenv("LABKIT_ZYGOTE_IDLE", "0.5")
        parent = int(told("import os\ntell(os.getppid())", tmp_path)[0])
        assert psutil.wait_procs([psutil.Process(parent)], timeout=20)[0]
        assert [path.name for path in (Path(short) / "labkit").iterdir()] == ["lock"]


# --- Jupyter's view ---------------------------------------------------------------------------


@pytest.mark.slow
def test_jupyter_starts_interrupts_restarts_and_ends_it(warm, tmp_path):
    manager, client = start_new_kernel(kernel_name="labkit", cwd=str(tmp_path))
    try:
        assert manager.provisioner.forked
        first = answer(client, "import os\nx = 1\nprint(os.getcwd(), os.getpid())").split()
        assert first[0] == str(tmp_path)
        request = client.execute("import time\nprint('on', flush=True)\ntime.sleep(60)")
        wait_for_stream(client, request)
        manager.interrupt_kernel()
        assert reply(client, request)["ename"] == "KeyboardInterrupt"
        manager.restart_kernel(now=True)
        client.wait_for_ready(timeout=30)
        second = answer(client, "import os\nprint('x' in globals(), os.getpid())").split()
        assert second[0] == "False"
        assert second[1] != first[1]
        client.execute("import os; os._exit(7)")
        assert manager.provisioner.process.wait(10) == 7
        assert not manager.is_alive()
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    manager, client = start_new_kernel(kernel_name="labkit")
    process = manager.provisioner.process
    client.stop_channels()
    manager.shutdown_kernel()  # asked, not killed
    assert process.returncode == 0


@pytest.mark.slow
def test_nbclient_gets_a_forked_kernel_by_its_name(warm, tmp_path):
    code = "import os, sys, psutil\nprint(psutil.Process().cmdline())"
    notebook = new_notebook(cells=[new_code_cell(code), new_code_cell("1 / 0")])
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        NotebookClient(notebook, kernel_name="labkit", resources={}).execute(cwd=str(tmp_path))
    assert "labkit.lab.warm.zygote" in notebook.cells[0].outputs[0].text


def answer(client, code) -> str:
    request = client.execute(code)
    text = wait_for_stream(client, request)
    assert reply(client, request)["status"] == "ok"
    return text


def reply(client, request) -> dict:
    """Return the reply to a request; a slow kernel has told of itself several times before."""
    while True:
        message = client.get_shell_msg(timeout=30)
        if message["parent_header"].get("msg_id") == request:
            return message["content"]


def wait_for_stream(client, request) -> str:
    while True:
        message = client.get_iopub_msg(timeout=30)
        if message["parent_header"].get("msg_id") == request and message["msg_type"] == "stream":
            return message["content"]["text"]


@pytest.mark.slow
def test_where_no_kernel_can_be_forked_one_is_started_and_that_is_said_once(
    tmp_path, monkeypatch, caplog, warm
):
    with tempfile.TemporaryDirectory(prefix="lk") as short:
        monkeypatch.setenv("JUPYTER_RUNTIME_DIR", short)
        (Path(short) / "labkit").mkdir(mode=0o755)
        with caplog.at_level(logging.WARNING, "labkit"):
            for _ in range(2):
                manager, client = start_new_kernel(kernel_name="labkit")
                assert not manager.provisioner.forked
                assert answer(client, "print(6)") == "6\n"
                client.stop_channels()
                manager.shutdown_kernel(now=True)
    said = [record.message for record in caplog.records if record.name == "labkit"]
    assert len(said) == 1
    assert said[0].startswith("Kernels are started, not forked")
    assert "nobody else may enter" in said[0]


def test_whoever_waits_for_a_zygote_that_leaves_learns_it_at_once_and_finds_no_socket(tmp_path):
    program = (
        "import os, socket\nfrom pathlib import Path\nfrom labkit.lab.warm import zygote\n"
        "listener, client = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)\n"
        "listener.bind('z.sock')\nlistener.listen()\n"
        "leaving = zygote.Zygote(listener, 'light', 'name')\n"
        "client.connect('z.sock')\nclient.settimeout(5)\n"
        "zygote._kill = lambda pid: print(pid, Path('z.sock').exists())\n"
        "leaving.clients = {7: None}\nleaving._end_all()\n"
        "try:\n    print(client.recv(1))\nexcept ConnectionError:\n    print(b'')\n"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["7 False", "b''"]
