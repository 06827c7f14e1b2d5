"""Which zygote a kernel may come from: what it would take over there and could not change."""

import json
import os
import subprocess
import sys

import pytest

from labkit.lab.warm import client, identity, preload

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux only")
NAME = (
    "import os; from labkit.lab.warm import identity; print(identity.identity('light', os.environ))"
)
WHY = "from labkit.lab.warm import client; print(client.unsafe())"


def asked(program, *shell, **environment) -> str:
    """Return what a program prints that a shell with other limits or rights starts."""
    done = subprocess.run(
        [*shell, sys.executable, "-c", program],
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )
    if done.returncode and "labkit" not in done.stderr:
        pytest.skip(f"not allowed here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def limited(command):
    return ["bash", "-c", f'{command} && exec "$@"', "bash"]


def test_a_process_with_nothing_changed_asks_the_same_zygote():
    own = identity.identity("light", os.environ)
    assert asked(NAME) == own
    assert asked(NAME, "setsid", "--wait") == own
    assert asked(NAME, *limited("umask 077")) == own  # it travels with each request


@pytest.mark.parametrize(
    "shell",
    [
        *(limited(f"ulimit {limit}") for limit in ("-f 9999", "-n 99", "-s 9999", "-S -u 999")),
        *(limited(f"ulimit {limit}") for limit in ("-v 99999999", "-d 99999999", "-l 9", "-i 9")),
        ["nice", "-n", "3"],
        ["taskset", "-c", "0"],
        ["chrt", "-b", "0"],
        ["ionice", "-c", "3"],
        ["choom", "-n", "500", "--"],
        ["setarch", "-R"],
        ["setpriv", "--regid=1000", "--clear-groups"],
        ["setpriv", "--groups=5,6"],
        ["setpriv", "--bounding-set=-net_raw"],
        ["setpriv", "--inh-caps=+net_raw"],
        ["setpriv", "--securebits=+noroot"],
        *(["unshare", f"--{space}"] for space in ("net", "mount", "ipc", "uts", "cgroup", "user")),
        ["unshare", "--pid", "--fork"],
    ],
    ids=lambda shell: " ".join(shell).replace('&& exec "$@" bash', ""),
)
def test_other_limits_rights_or_namespaces_are_another_zygote(shell):
    if shell[0] == "taskset" and len(os.sched_getaffinity(0)) == 1:
        pytest.skip("one core")
    if shell[0] == "nice" and os.getpriority(os.PRIO_PROCESS, 0) == 19:
        pytest.skip("lowest priority already")
    assert asked(NAME, *shell) != identity.identity("light", os.environ)


def test_limited_time_is_not_spent_by_a_fork_server():
    assert "ulimit -t" in asked(WHY, *limited("ulimit -t 100"))


def test_filters_of_system_calls_are_known_only_where_all_of_a_machine_has_them(monkeypatch):
    assert "sandbox" in asked(WHY, "setpriv", "--no-new-privs")
    monkeypatch.setattr(client, "process_status", lambda process: {"NoNewPrivs": "1"})
    assert client.unsafe() == ""  # a container: its first process has them too


def test_keras_settings_count_as_keras_reads_them_not_as_a_file(tmp_path):
    environment = {"KERAS_HOME": str(tmp_path / "none")}
    before = identity.keras_settings(environment)
    written = {"floatx": "float32", "epsilon": 1e-07, "backend": "tensorflow"}
    written["image_data_format"] = "channels_last"
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "keras.json").write_text(json.dumps(written, indent=4))
    assert identity.keras_settings(environment) == before == written
    name = identity.identity("keras", environment)
    (tmp_path / "none" / "keras.json").write_text(json.dumps(written | {"backend": "jax"}))
    assert identity.keras_settings(environment)["backend"] == "jax"
    assert identity.identity("keras", environment) != name
    (tmp_path / "none" / "keras.json").write_text("not json")
    assert identity.identity("keras", environment) == name


def test_an_installed_package_counts_and_a_cache_beside_it_does_not(tmp_path, monkeypatch):
    monkeypatch.setattr(identity.sysconfig, "get_path", lambda *_: str(tmp_path))
    name = identity.identity("light", {})
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "package-1.0.dist-info").mkdir()
    assert (other := identity.identity("light", {})) != name
    (tmp_path / "package").mkdir()
    assert (third := identity.identity("light", {})) != other
    (tmp_path / "package" / "cache").touch()
    (tmp_path / "__pycache__" / "six.pyc").touch()
    assert identity.identity("light", {}) == third
    os.utime(tmp_path / "package-1.0.dist-info", (1, 1))  # the same version, installed anew
    assert (fourth := identity.identity("light", {})) != third
    (tmp_path / "sitecustomize.py").write_text("x = 1")
    assert identity.identity("light", {}) != fourth


@pytest.mark.parametrize("name", ["usercustomize.py", "sitecustomize.py"])
def test_start_up_files_and_settings_of_matplotlib_count(tmp_path, name):
    environment = {"PYTHONPATH": f"/nowhere:{tmp_path}", "MPLCONFIGDIR": str(tmp_path)}
    before = identity.identity("light", environment)
    (tmp_path / "fontlist-v999.json").write_text("{}")  # matplotlib's import writes it
    assert identity.identity("light", environment) == before
    (tmp_path / name).write_text("x = 1")
    assert (after := identity.identity("light", environment)) != before
    (tmp_path / "matplotlibrc").write_text("lines.linewidth: 7")
    assert identity.identity("light", environment) != after


def test_relative_paths_start_where_the_kernel_does(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path)
    given = {"PYTHONPATH": "src::/opt", "MPLCONFIGDIR": "set", "KERAS_HOME": "~/k", "OTHER": "a"}
    given["IPYTHONDIR"] = ""
    made = identity.with_absolute_paths(given, tmp_path / "link")
    assert made["PYTHONPATH"] == f"{tmp_path}/src:/opt"
    assert made["MPLCONFIGDIR"] == f"{tmp_path}/set"
    assert {name: made[name] for name in ("KERAS_HOME", "OTHER", "IPYTHONDIR")} == {
        name: given[name] for name in ("KERAS_HOME", "OTHER", "IPYTHONDIR")
    }
    other = identity.with_absolute_paths(given, tmp_path / "other")
    assert identity.identity("light", made) != identity.identity("light", other)


def test_what_labkit_sets_itself_is_no_other_setting():
    assert identity.identity("light", {}) == identity.identity(
        "light", {"TF_CPP_MIN_LOG_LEVEL": "3"}
    )


def test_light_imports_load_no_framework_and_all_of_labkit_that_needs_none():
    program = (
        "import sys; from labkit.lab.warm.preload import import_all; import_all('light')\n"
        f"print([name for name in {preload.FRAMEWORKS} if name in sys.modules])\n"
        "print(*sorted(name for name in sys.modules if name.startswith('labkit.')))\n"
        "from matplotlib import mathtext\n"
        "print(mathtext.MathTextParser._parser is not None)"
    )
    loaded, modules, has_grammar = asked(program).splitlines()[-3:]
    assert loaded == "[]"
    assert {"labkit.maths.descent", "labkit.explore.descent", "labkit.exercises.descent"} <= set(
        modules.split()
    )
    assert not {"labkit.cli", "labkit.lab.runs.engine", "labkit.lab.pages.page"} & set(
        modules.split()
    )
    assert has_grammar == "True"  # or each kernel would build it with its first formula


def test_the_runner_starts_where_python_lacks_what_only_unix_has():
    program = (
        "import os, signal, sys, jupyter_client, papermill, psutil, zmq  # each system has these\n"
        "sys.modules |= dict.fromkeys(('fcntl', 'grp', 'pwd', 'resource', 'termios'))\n"
        "for name in ('fork', 'getuid', 'getgid', 'killpg', 'register_at_fork', 'setsid'):\n"
        "    delattr(os, name)\n"
        "for name in ('SIGCHLD', 'SIGKILL', 'SIGPIPE', 'pthread_sigmask', 'set_wakeup_fd'):\n"
        "    delattr(signal, name)\n"
        "import labkit.lab.runs.runner, labkit.lab.runs.engine, labkit.lab.sweeps.sweep\n"
        "from labkit.lab.warm import client\n"
        "print(client.unsafe())\n"
        "sys.platform = 'win32'\n"
        "print(client.unsafe())\n"
    )
    lines = asked(program).splitlines()
    assert lines == [
        "this Python has no module fcntl and no resource",
        "forking a kernel is not safe on win32",
    ]
