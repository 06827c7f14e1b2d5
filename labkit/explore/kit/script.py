"""Small JavaScript modules laid one behind the other: what anywidget and an HTML page can take."""

import functools
import re
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "js"
_IMPORT = re.compile(r'^import\s+(?:\{[^}]*\}\s+from\s+)?"(\.[^"]+)";\n', re.MULTILINE)
# What a page need not carry with each script: comments on lines of their own, and the indentation.
# Of texts over several lines there are only style sheets, which lose nothing by it (tested).
_COMMENT = re.compile(r"^[ \t]*(?://.*|/\*(?:[^*]|\*(?!/))*\*/[ \t]*)\n", re.MULTILINE)
_INDENTATION = re.compile(r"^[ \t]+", re.MULTILINE)
_NAME = re.compile(
    r"^(?:export )?(?:async )?(?:function\*?|class|const|let|var) (.+)", re.MULTILINE
)


@functools.cache
def script(name: str) -> str:
    """Return a module with all that it imports, as one module without imports and comments.

    The names at the top level of all modules must differ, because they now share one room.

    Args:
        name: path below `labkit/explore/js`, without ".js", for instance "descent/explorer".

    Raises:
        ValueError: an import this function does not know, or two modules use one name.
    """
    modules: dict[Path, str] = {}
    _collect((FOLDER / f"{name}.js").resolve(), modules)
    owners: dict[str, Path] = {}
    for path, source in modules.items():
        for found in re.findall(r"[\w$]+", " ".join(map(_declared, _NAME.findall(source)))):
            if owners.setdefault(found, path) != path:
                raise ValueError(
                    f"{path.name} and {owners[found].name} both have {found!r} at their top level; "
                    "they become one script, so rename one of them"
                )
    return _INDENTATION.sub("", "\n".join(modules.values()))


def _collect(path: Path, modules: dict[Path, str]) -> None:
    """Add the module behind all that it imports; each module once."""
    if path in modules:
        return
    source = path.read_text("utf-8")
    for needed in _IMPORT.findall(source):
        _collect((path.parent / needed).resolve(), modules)
    modules[path] = _COMMENT.sub("", _IMPORT.sub("", source))
    if left := re.search(r"^import\b.*", modules[path], re.MULTILINE):
        raise ValueError(
            f'{path.name}: `{left[0]}` cannot be joined; write import {{ name }} from "./file.js";'
        )


def _declared(text: str) -> str:
    """Return the names of a declaration such as `f(x) {`, `A = 1;` or `{ a, b } = ...`."""
    pattern = re.match(r"[\[{]([\w$,\s]+)[\]}] =", text)
    return pattern[1] if pattern else re.match(r"[\w$]+", text)[0]
