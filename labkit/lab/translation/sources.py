"""The texts in the package's own code, Python and JavaScript, that learners read.

They are found, not marked: a string of two words or more is a text, unless it is a docstring, a
part of an error that is raised, or something that the code looks up. Strings that are added are
one text; what is no string in it is a hole.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import labkit
from labkit.lab.translation import code, javascript
from labkit.lab.translation.texts import Text

TOP = Path(labkit.__file__).parent
FOLDERS = {
    "exercises": ("exercises",),
    "learn": ("learn",),
    "explore": ("explore",),
    "lab": ("lab/records", "lab/words.py", "lab/table.py"),
    "javascript": ("explore/js",),
}
_WORDS = re.compile(r"[A-Za-z][\w'’]*[,.:;)]* +[^A-Za-z]*[A-Za-z]{2,}")
_ONE = re.compile(r"[A-Za-z]{3,}")
_NOT = re.compile(
    r"^\s*<|style=|class=|[\w-]+:[^ ]+;|</\w+>|\{\{|^\w+\.\w+|^[a-z_]+=|://|^import |^from |^def "
    r"|\\[a-z]\{|^(create|select|insert|pragma|begin) "
)
_LABELS = code.LABELS | {"description", "tooltip", "text", "suptitle", "caption"}
# Words that are read although they stand alone: kinds of mistakes, parts of sentences.
SINGLE = {
    "alarm",
    "patient",
    "layer",
    "unit",
    "arrives",
    "vanishes",
    "explodes",
    "above",
    "below",
    "error",
    "infinity",
    "sum",
    "mean",
    "maximum",
    "minimum",
    "yours",
    "large",
    "small",
    "rows",
    "columns",
    "numbers",
    "values",
    "value",
    "row",
    "column",
    "first",
    "second",
    "third",
    "fourth",
    "last",
    "measured",
    "modeled",
    "simulated",
    "missing",
    "few",
    "many",
    "exchanged",
    "root",
    "averaged",
    "swapped",
    "rounded",
    "squared",
    "negative",
    "copy",
    "shape",
    "nan",
    "zero",
    "always",
    "never",
    "uphill",
    "halved",
    "doubled",
    "transposed",
    "reversed",
    "constant",
    "finite",
    "infinite",
    "diverged",
    "converged",
    "median",
    "product",
    "for",
    "times",
    "twice",
    "overwritten",
    "step",
    "steps",
    "epoch",
    "epochs",
    "loss",
    "weight",
    "weights",
}
_KEYED = {"mistakes", "presets"}  # arguments or attributes whose keys are labels
_MAKERS = {"make_controls"}  # functions that return name -> control


def texts_of_package(name: str) -> list[Text]:
    """Return the texts of a part of the package, each once for the file that has it.

    >>> {text.context for text in texts_of_package("exercises")} >= {"exercises/descent"}
    True
    """
    found: dict[tuple[str, str], Text] = {}
    for path in _files(name):
        context = path.relative_to(TOP).with_suffix("").as_posix()
        source = path.read_text(encoding="utf-8")
        pairs = javascript.texts(source) if path.suffix == ".js" else python_texts(source)
        for text, kind in pairs:
            found.setdefault((context, text), Text(context, text, kind))
    return list(found.values())


def _files(name: str) -> list[Path]:
    suffix = "*.js" if name == "javascript" else "*.py"
    found = []
    for part in FOLDERS[name]:
        place = TOP / part
        found += [place] if place.is_file() else sorted(place.rglob(suffix))
    return [path for path in found if path.name != "__init__.py" or "kinds" in path.parts]


def python_texts(source: str) -> list[tuple[str, str]]:
    r"""Return (text, kind) of the texts of a module, in order.

    >>> python_texts('def f(x):\n    "What it does."\n    return f"It is {x:.1f} cm" + " long."')
    [('It is {x:.1f} cm long.', 'template')]
    """
    finder = _Finder()
    finder.visit(ast.parse(source))
    return finder.found


class _Finder(ast.NodeVisitor):
    """Collects the texts of a module."""

    def __init__(self):
        self.found: list[tuple[str, str]] = []
        self._raw: tuple[str, str, str] | None = None  # the latest text, as it stands
        self._last: dict[str, tuple[str, str, str]] = {}  # name -> the text that was given to it

    def visit_Raise(self, node):  # errors stay English
        pass

    def visit_Compare(self, node):
        pass

    def visit_Subscript(self, node):
        self.visit(node.value)

    def visit_AnnAssign(self, node):
        if node.value is not None:
            self._assigned([node.target], node.value)

    def visit_Assign(self, node):
        self._assigned(node.targets, node.value)

    def visit_FunctionDef(self, node):
        inner = node.body[1:] if ast.get_docstring(node) is not None else node.body
        for default in (*node.args.defaults, *filter(None, node.args.kw_defaults)):
            self.visit(default)
        for part in inner:
            self.visit(part)
            if node.name in _MAKERS and isinstance(part, ast.Return):
                self._labels(part.value)

    def visit_ClassDef(self, node):
        for part in node.body[1:] if ast.get_docstring(node) is not None else node.body:
            self.visit(part)

    def visit_Module(self, node):
        for part in node.body[1:] if ast.get_docstring(node) is not None else node.body:
            self.visit(part)

    def visit_keyword(self, node):
        if node.arg in _KEYED:
            self._labels(node.value)
        if node.arg in _LABELS and code.is_string(node.value):
            self._add(node.value.value, node.value.value, "string", _ONE)
            return
        self.visit(node.value)

    def visit_Call(self, node):
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if name in code.ASKED or name in ("compile", "script", "getattr", "isinstance", "warn"):
            self.visit(node.func)
            for keyword in node.keywords:
                self.visit(keyword)
            return
        self.generic_visit(node)

    def visit_BinOp(self, node):
        leaves = _leaves(node)
        if leaves is None:
            self.generic_visit(node)
            return
        self._template(leaves)

    def visit_JoinedStr(self, node):
        self._template([node])

    def visit_Constant(self, node):
        if isinstance(node.value, str):
            self._add(node.value, node.value, "string")

    def visit_AugAssign(self, node):
        """A text that is added to one that ends within a sentence makes one text with it."""
        name, before = getattr(node.target, "id", ""), len(self.found)
        last = self._last.pop(name, None)
        self.visit(node.value)
        if isinstance(node.op, ast.Add) and last and self._raw and len(self.found) > before:
            text, plain, kind = (a + b for a, b in zip(last, self._raw, strict=True))
            if not re.search(r"[.!?:;]\s*$", last[1]):
                self._add(text, plain, "template" if "template" in kind else "string")

    def _assigned(self, targets, value):
        if any(getattr(target, "id", "").lower() in _KEYED for target in targets):
            self._labels(value)
        self._raw = None
        self.visit(value)
        for target in targets:
            if isinstance(target, ast.Name) and self._raw:
                self._last[target.id] = self._raw

    def _labels(self, node):
        """Take the keys of a dict, even of one word: they are shown, without their underscores."""
        for key in node.keys if isinstance(node, ast.Dict) else ():
            if code.is_string(key):
                label = key.value.replace("_", " ")
                self._add(label, label, "string", _ONE)

    def _template(self, leaves):
        text = plain = ""
        for leaf in leaves:
            if code.is_string(leaf):
                text, plain = text + code.escaped(leaf.value), plain + leaf.value
            elif isinstance(leaf, ast.JoinedStr):
                told, bare, _ = code.told(leaf)
                text, plain = text + told, plain + bare
            else:
                text, plain = text + "{" + ast.unparse(leaf) + "}", plain + "·"
        is_plain = all(map(code.is_string, leaves))
        self._add(plain if is_plain else text, plain, "string" if is_plain else "template")
        for leaf in leaves:  # what stands in holes may be texts too
            if isinstance(leaf, ast.JoinedStr):
                for value in leaf.values:
                    if isinstance(value, ast.FormattedValue):
                        self.visit(value.value)
            elif not code.is_string(leaf):
                self.visit(leaf)

    def _add(self, text, plain, kind, words=_WORDS):
        self._raw = (text, plain, kind)
        read = words.search(plain) or re.sub("[^A-Za-z ]", "", plain).strip() in SINGLE
        if read and not _NOT.search(plain):
            formatted = kind == "string" and re.search(r"\{\w*\}", plain)
            self.found.append((text.strip(), "phrase" if formatted else kind))


def _leaves(node: ast.AST) -> list[ast.AST] | None:
    """Return what is added up to a text; None where nothing of it is a string."""
    if not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add)):
        return None
    found: list[ast.AST] = []
    for side in (node.left, node.right):
        found += _leaves(side) or [side]
    texts = [each for each in found if code.is_string(each) or isinstance(each, ast.JoinedStr)]
    return found if texts else None
