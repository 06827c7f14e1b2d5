"""Do controls and picture of each explorer fit together into a window of 1366 x 768 pixels?

    python benchmarks/explorer_sizes.py                 every explorer, with small data
    python benchmarks/explorer_sizes.py 02 13           those of these lessons, which are run
    python benchmarks/explorer_sizes.py --width 1100    in a narrower window
    python benchmarks/explorer_sizes.py --theme dark --shots FOLDER

JupyterLab, its left side bar open. A row tells how high an explorer is, from its first control to
its last button, and by how many pixels anything in its output is wider than its room: more than 0
shows as a horizontal scroll bar. The lessons are cut behind their last explorer and train one
epoch.
"""

import argparse
import re
import sys
import tempfile
from pathlib import Path

import nbformat

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
import browser
import gallery

ROOT = Path(__file__).parents[1]


def shots(page, names, folder, theme):
    """Save a picture of the window for each explorer, its top at the top."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    cells = page.locator(".jp-Notebook .jp-Cell")
    for at, name in names.items():
        output = cells.nth(at).locator(".jp-OutputArea-output").last
        output.evaluate("node => node.scrollIntoView({ block: 'start' })")
        page.wait_for_timeout(300)
        page.screenshot(path=Path(folder, f"{name.replace(' ', '-')}-{theme}.png"))


def write_lesson(path, folder):
    """Write a copy of a lesson that ends with its last explorer; return cell -> name."""
    text = re.sub(r"(epochs: int =) \d+", r"\1 1", path.read_text(encoding="utf-8"))
    notebook = nbformat.reads(re.sub(r"(\bseeds: int =) \d+", r"\1 2", text), as_version=4)
    cells = notebook.cells
    at = [n for n, cell in enumerate(cells) if "explorer" in cell.metadata.get("tags", [])]
    del notebook.cells[at[-1] + 1 :]
    nbformat.write(notebook, folder / path.name)
    return {n: f"{path.name[:2]} {cells[n].id}" for n in at}


def notebooks(lessons, folder):
    """Write what is to be measured; return file -> {cell: name of its explorer}."""
    if not lessons:
        gallery.write_gallery(folder / "gallery.ipynb")
        return {"gallery.ipynb": dict(enumerate(gallery.EXPLORERS, start=1))}
    paths = [path for each in lessons for path in (ROOT / "notebooks").glob(f"{each}_*.ipynb")]
    return {path.name: write_lesson(path, folder) for path in paths}


def main():
    """Print a row for each explorer, and whether all fit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lessons", nargs="*")
    parser.add_argument("--width", type=int, default=1366)
    parser.add_argument("--height", type=int, default=768)
    parser.add_argument("--theme", choices=["light", "dark"], default="light")
    parser.add_argument("--shots", type=Path, help="a folder for a picture of each")
    options = parser.parse_args()
    worst = 0
    with tempfile.TemporaryDirectory() as folder:
        files = notebooks(options.lessons, Path(folder))
        with browser.Lab(folder, options.width, options.height) as lab:
            for file, names in files.items():
                page = lab.open(file, options.theme)
                if not lab.run(page):
                    print(f"{file}: a cell raised; those before it were measured")
                sizes = gallery.measure(page, options.width, options.height)
                for at, name in names.items():
                    size = sizes[at] or {"width": 0, "height": 0, "over": 0}
                    fits = "" if size["height"] <= gallery.MOST else "  TOO HIGH"
                    print("{:26}{width:5} x {height:4}  over {over}{}".format(name, fits, **size))
                    worst = max(worst, size["height"])
                if options.shots:
                    shots(page, names, options.shots, options.theme)
                for problem in page.problems:
                    print("console:", problem)
                lab.close(page)
    print(f"highest: {worst} pixels (at most {gallery.MOST})")


if __name__ == "__main__":
    main()
