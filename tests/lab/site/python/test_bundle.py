"""What is written for Python in pages: verified, complete, and no more than a lesson needs."""

import base64
import hashlib
import io
import json
import re
import zipfile

import pytest

from labkit.lab import places
from labkit.lab.site.python import bundle

FAKE = {"numpy": [], "pandas": ["numpy", "python-dateutil"], "python_dateutil": [], "ipython": []}
FAKE |= {
    "matplotlib": ["numpy", "matplotlib-pyodide"],
    "matplotlib-pyodide": [],
    "scipy": ["numpy"],
}
FAKE |= {"scikit-learn": ["scipy"], "threadpoolctl": []}
MODULES = {"scikit-learn": "sklearn", "python_dateutil": "dateutil"}


@pytest.fixture
def release(tmp_path, monkeypatch):
    """A folder that looks like a release of Pyodide; its bytes are small, its hashes right."""
    folder = tmp_path / "pyodide"
    folder.mkdir()
    packages = {}
    for name, depends in FAKE.items():
        data = f"wheel of {name}".encode()
        (folder / f"{name}-1.whl").write_bytes(data)
        packages[name.replace("_", "-")] = {
            "name": name,
            "file_name": f"{name}-1.whl",
            "sha256": hashlib.sha256(data).hexdigest(),
            "depends": depends,
            "imports": [MODULES.get(name, name)],
        }
    for name in bundle.CORE:
        (folder / name).write_bytes(name.encode())
    lock = {"info": {"version": bundle.VERSION}, "packages": packages}
    (folder / bundle.LOCK).write_text(json.dumps(lock))
    hashes = {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in bundle.CORE
    }
    monkeypatch.setattr(bundle, "CORE", hashes)
    return folder


def content(out, name):
    """The bytes that an asset's script hands on."""
    text = (out / "assets" / "python" / f"{name}.js").read_text()
    found = re.fullmatch(r'labkitAsset\("(.+?)","(.*)"\);\n', text)
    assert found[1] == name
    return base64.b64decode(found[2])


def test_every_asset_is_a_script_with_the_bytes_of_its_file(release, tmp_path):
    written = bundle.write_python(release, tmp_path / "out")
    for name in ("pyodide.asm.wasm", "numpy-1.whl"):
        assert content(tmp_path / "out", name) == (release / name).read_bytes()
    folder = tmp_path / "out" / "assets" / "python"
    for name, size in written.sizes.items():
        assert (folder / f"{name}.js").stat().st_size == size
    assert {name for names in written.assets.values() for name in names} == set(written.sizes)


@pytest.mark.parametrize("name", ["numpy-1.whl", "pyodide.asm.js", "pyodide-lock.json"])
def test_another_file_stops_the_build_and_names_both_hashes(release, tmp_path, name):
    right = hashlib.sha256((release / name).read_bytes()).hexdigest()
    (release / name).write_bytes(b"something else")
    wrong = hashlib.sha256(b"something else").hexdigest()
    with pytest.raises(bundle.BundleError) as caught:
        bundle.write_python(release, tmp_path / "out")
    assert all(each in str(caught.value) for each in (name, right, wrong))
    assert not (tmp_path / "out").exists()


def test_a_missing_file_stops_the_build_and_is_named(release, tmp_path):
    (release / "pandas-1.whl").unlink()
    with pytest.raises(bundle.BundleError, match=r"pandas-1\.whl cannot be read .*SHA-256"):
        bundle.write_python(release, tmp_path / "out")


def test_the_lock_of_the_site_asks_for_nothing_that_is_not_there(release, tmp_path):
    written = bundle.write_python(release, tmp_path / "out")
    packages = json.loads(content(tmp_path / "out", bundle.LOCK))["packages"]
    assert set(packages) >= {"numpy", "pandas", "python-dateutil", "matplotlib", "ipython"}
    assert "matplotlib-pyodide" not in packages
    for each in packages.values():
        assert each["file_name"] in written.sizes
        assert set(each["depends"]) <= set(packages)


def test_only_the_lesson_that_imports_scikit_learn_pays_for_it(release, tmp_path):
    written = bundle.write_python(release, tmp_path / "out")
    with_it = {lesson for lesson, names in written.packages.items() if "scikit-learn" in names}
    assert with_it == {"05"}
    assert {lesson for lesson, names in written.packages.items() if "scipy" in names} == {"05"}
    assert written.megabytes("01") < written.megabytes("05")


def test_the_archive_holds_the_lab_its_lessons_and_what_pyodide_lacks(release, tmp_path):
    bundle.write_python(release, tmp_path / "out")
    archive = zipfile.ZipFile(io.BytesIO(content(tmp_path / "out", "labkit.zip")))
    names = set(archive.namelist())
    for name in ("labkit/__init__.py", "labkit/explore/js/doors.js", "anywidget/__init__.py"):
        assert f"packages/{name}" in names
    assert {"data/claims.csv", "notebooks/01_gradient_descent.ipynb"} <= names
    assert not [name for name in names if re.search(r"\.so$|\.pyc$|datacenter/|/tests/", name)]
    notebook = places.lesson_file("01")
    assert archive.read("notebooks/01_gradient_descent.ipynb") == notebook.read_bytes()


def test_the_same_lab_gives_the_same_bytes(release, tmp_path):
    for name in ("one", "two"):
        bundle.write_python(release, tmp_path / name)
    assert content(tmp_path / "one", "labkit.zip") == content(tmp_path / "two", "labkit.zip")


def test_a_page_gets_its_own_assets_and_the_scripts_last(release, tmp_path):
    written = bundle.write_python(release, tmp_path / "out")
    page = "<html><head></head><body><main></main></body></html>"
    found = bundle.with_python(page, "01", written, root="../")
    told = json.loads(re.search(r"LABKIT_PYTHON = (.*);</script>", found)[1])
    assert told["root"] == "../assets/python/"
    assert [name for name, _ in told["assets"]] == written.assets["01"]
    assert found.index("LABKIT_PYTHON") < found.index("../assets/python/run.js")
    assert '<link rel="stylesheet" href="../assets/python/run.css">\n</head>' in found


def test_a_lesson_with_a_framework_is_refused(release, tmp_path):
    written = bundle.write_python(release, tmp_path / "out")
    with pytest.raises(ValueError, match="lesson '10' cannot run in a page; these can: 00, 01"):
        bundle.with_python("<head></head><body></body>", "10", written)


def test_the_scripts_of_the_page_are_one_classic_script(release, tmp_path):
    bundle.write_python(release, tmp_path / "out")
    text = (tmp_path / "out" / "assets" / "python" / "run.js").read_text()
    assert not re.search(r"^(import|export)\b", text, re.MULTILINE)
    names = re.findall(r"^(?:async )?(?:function|class|const|let) (\w+)", text, re.MULTILINE)
    assert len(names) == len(set(names))
