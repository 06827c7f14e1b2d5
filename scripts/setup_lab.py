"""Make or refresh the lab's own environment, .venv, from the hashed lock file.

Needs nothing but Python: `python3 scripts/setup_lab.py` (or `make lab`, which calls it). A second
call installs nothing. Whatever stands in the way is told in a sentence.
"""
# The first lines must run on any Python, so that an old one gets a sentence, not a SyntaxError.

from __future__ import print_function  # noqa: UP010

import glob
import hashlib
import json
import os
import shutil
import subprocess
import sys

OLDEST, NEWEST = (3, 11), (3, 13)
NEEDED_GB = 4.0
HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(HERE, ".venv")
STAMP = os.path.join(VENV, "labkit-setup")


def main():
    check_python(sys.version_info[:2])
    wanted = fingerprint()
    if wanted == read_stamp():
        return
    check_disk(shutil.disk_usage(HERE).free)
    say("Setting up .venv (once; a few minutes, about 2.8 GB) ...")
    if not os.path.exists(venv_python()):
        make_venv()
    pip = [venv_python(), "-m", "pip", "install", "--disable-pip-version-check"]
    if not sys.stderr.isatty():  # a log needs no line for each package
        pip.append("--quiet")
    lock = os.path.join(HERE, "requirements.lock")
    run(pip + ["--require-hashes", "-r", lock], "install the packages")
    run(pip + ["--no-deps", "--no-build-isolation", "-e", HERE], "install labkit itself")
    # Without compiled bytecode each kernel compiles TensorFlow anew: 23 s a run instead of 8.
    say("Compiling bytecode ...")
    compile_bytecode()
    set_up_jupyter()
    offer_to_jupyter()
    with open(STAMP, "w") as file:
        file.write(wanted)
    say("Ready.")


def check_python(version):
    """Exit with a sentence unless this Python is one that the lock file covers."""
    if OLDEST <= tuple(version) <= NEWEST:
        return
    stop(
        "labkit needs Python %d.%d to %d.%d; this is Python %d.%d (%s). Name another one: "
        "make lab PYTHON=python3.12" % (OLDEST + NEWEST + tuple(version) + (sys.executable,))
    )


def check_disk(free):
    """Exit with a sentence unless the packages fit on the disk."""
    if free < NEEDED_GB * 1e9:
        stop(
            "The packages need about %.0f GB and %s has %.1f GB free. "
            "Free some space, or clone the lab to a larger disk." % (NEEDED_GB, HERE, free / 1e9)
        )


def fingerprint():
    """Return a hash of what decides the environment: what is installed or copied, this Python."""
    digest = hashlib.sha256(sys.version.encode())
    names = ["requirements.lock", "pyproject.toml", os.path.join("scripts", "setup_lab.py")]
    for path in [os.path.join(HERE, name) for name in names] + [path for path, _ in for_jupyter()]:
        with open(path, "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()


def read_stamp():
    try:
        with open(STAMP) as file:
            return file.read()
    except (IOError, OSError):  # noqa: UP024  one name each in old and new Python
        return None


def venv_python():
    folder = "Scripts" if os.name == "nt" else "bin"
    return os.path.join(VENV, folder, "python")


def make_venv():
    done = subprocess.call([sys.executable, "-m", "venv", VENV])
    if done != 0:
        shutil.rmtree(VENV, ignore_errors=True)
        stop(
            "Python could not make a virtual environment (see above). On Debian and Ubuntu the "
            "module is a package of its own: apt-get install python3-venv"
        )


def compile_bytecode():
    environment = dict(os.environ)
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    # Some packages ship templates that are no valid Python; they are not worth a word.
    places = [os.path.join(VENV, "lib"), os.path.join(HERE, "labkit")]
    command = [venv_python(), "-m", "compileall", "-qq", "-j", "0"] + places
    subprocess.call(command, env=environment)


def set_up_jupyter():
    """Keep JupyterLab offline, and widgets in the file: a lesson opened again shows them alive."""
    folder = os.path.join(VENV, "share", "jupyter", "lab", "settings")
    if not os.path.isdir(folder):
        os.makedirs(folder)
    settings = {
        "@jupyterlab/apputils-extension:notification": {
            "fetchNews": "false",
            "checkForUpdates": False,
        },
        "@jupyter-widgets/jupyterlab-manager:plugin": {"saveState": True},
    }
    with open(os.path.join(folder, "overrides.json"), "w") as file:
        json.dump(settings, file)


def for_jupyter():
    """Return (file, folder below .venv) of what Jupyter looks for there, as pyproject names it."""
    import tomllib  # not in the Pythons that check_python refuses

    with open(os.path.join(HERE, "pyproject.toml"), "rb") as file:
        places = tomllib.load(file)["tool"]["setuptools"]["data-files"]
    return [
        (path, folder)
        for folder, patterns in places.items()
        if folder.startswith(("share/jupyter/", "etc/jupyter/"))
        for pattern in patterns
        for path in sorted(glob.glob(os.path.join(HERE, pattern)))
    ]


def offer_to_jupyter():
    """Copy kernel and JupyterLab extension to where they are found: an editable install does not.

    A module that is gone from the extension goes from the copy too.
    """
    shutil.rmtree(os.path.join(VENV, "share", "jupyter", "labextensions", "labkit"), True)
    for path, folder in for_jupyter():
        place = os.path.join(VENV, *folder.split("/"))
        if not os.path.isdir(place):
            os.makedirs(place)
        shutil.copy(path, place)


def run(command, what):
    if subprocess.call(command) != 0:
        stop(
            "Could not %s (see above). If the network or the disk was the reason, mend that and "
            "run the same command again; what is installed stays." % what
        )


def say(text):
    print(text, file=sys.stderr)
    sys.stderr.flush()


def stop(text):
    say(text)
    sys.exit(1)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        stop("Stopped. Run the same command again to go on.")
