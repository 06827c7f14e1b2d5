"""Answers that are one small change away from right: one sign, one name, one pair of parentheses.

The learner's code is changed in one place at a time and run; when that makes it right, the place is
where to look. What stands there instead is not told.
"""

import ast
import io
import time
from collections.abc import Iterator
from contextlib import redirect_stdout
from typing import Any

import numpy as np

from labkit.learn.kinds import source
from labkit.learn.kinds.tried import SECONDS, Said, Tried

_Edit = tuple[str, ast.AST, str]  # kind, what stands there instead, what is to be looked at

# What is tried in place of an operator, the likeliest first. Nobody writes / where + is meant: such
# a change may make an answer right, and would say nothing true about it.
_OPERATORS = {
    ast.Add: [(ast.Sub, "one sign"), (ast.Mult, "plus or times")],
    ast.Sub: [(ast.Add, "one sign")],
    ast.Mult: [
        (ast.Div, "times or divided by"),
        (ast.Add, "plus or times"),
        (ast.MatMult, "@ or *"),
    ],
    ast.Div: [(ast.Mult, "times or divided by")],
    ast.FloorDiv: [(ast.Div, "// or /")],
    ast.Pow: [(ast.Mult, "power or product")],
    ast.MatMult: [(ast.Mult, "@ or *")],
}
_COMPARISONS = [ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq]
_FAMILIES = [
    {"max", "min", "sum", "mean", "median", "std", "var", "argmax", "argmin", "prod"},
    {"mean", "nanmean", "median", "nanmedian", "average"},
    {"std", "nanstd", "var", "nanvar"},
    {"exp", "expm1", "log", "log2", "log10", "log1p", "sqrt", "square"},
    {"maximum", "minimum", "fmax"},
    {"tanh", "sigmoid", "relu", "softplus", "expit"},
    {"floor", "ceil", "round", "trunc"},
    {"tril", "triu"},
    {"zeros_like", "ones_like", "zeros", "ones"},
]
_REDUCTIONS = set().union(*_FAMILIES[:3])  # all of them take an axis
_TOLD = {
    "one sign": "All is right but one sign. Look at `{}`.",
    "times or divided by": "All is right but one `*` or `/`. Look at `{}`.",
    "plus or times": "All is right but one `+` or `*`. Look at `{}`.",
    "// or /": "All is right but one division: `//` cuts to whole numbers. Look at `{}`.",
    "power or product": "All is right but one power. Look at `{}`.",
    "@ or *": "All is right but one product: `@` is not `*`. Look at `{}`.",
    "parentheses": "All is right but what belongs together. Python does `**` first, then `*`, `/` "
    "and `@` from left to right, then `+` and `-`; parentheses change that. Look at `{}`.",
    "a part too much": "All is right but one part that is too much. Look at `{}`.",
    "one number": "All is right but one number. Look at `{}`.",
    "one name": "All is right but one name: another value belongs there. Look at `{}`.",
    "one comparison": "All is right but one comparison. Look at `{}`.",
    "one function": "All is right but one function. Look at `{}`.",
    "transposed": "All is right but one matrix, which is to be turned over, or is and should not. "
    "Look at `{}`.",
    "the axis": "All is right but the axis. Look at `{}`.",
    "keepdims": "All is right but a shape: the axis that is summed along gets lost. Look at `{}`.",
    "one option": "All is right but one option. Look at `{}`.",
    "a slice": "All is right but one slice. Look at `{}`.",
    "a line too much": "All is right but one line that is too much. Look at `{}`.",
    "the order of two lines": "All lines are right, but two of them stand in the wrong order. "
    "Look at `{}`.",
    "the order of two parts": "All is right but the order of two parts: `a - b` is not `b - a`. "
    "Look at `{}`.",
}
_LAST = (
    "parentheses",
    "transposed",
    "a slice",
    "the order of two parts",
    "one option",
    "one comparison",  # may only switch off the branch in which the mistake stands
)


def named(tried: Tried) -> Said:
    """Name the place whose change makes an answer right; None when no single change does."""
    tree = source.tree(tried.answer)
    if tree is None or tried.accepts is None or tried.answer.__closure__:
        return None
    if any(isinstance(node, ast.While) for node in ast.walk(tree)):
        return None  # changed, it may never end
    until = time.monotonic() + SECONDS
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    strict = dict.fromkeys(("divide", "over", "invalid"), "raise") if _fits(tree) else {}
    names = sorted((names & _own(tree)) | {each.arg for each in tree.args.args})
    for later in (False, True):  # what is plain first, so that it is not told as something odd
        for kind, place, restore in _changes(tree, names):
            function = None if (kind in _LAST) != later else _compiled(tree, tried.answer)
            restore()
            if time.monotonic() > until:
                return None
            with redirect_stdout(io.StringIO()), np.errstate(**strict):
                if function is not None and tried.accepts(function):
                    return kind, _TOLD[kind].format(place)
    return None


def _fits(tree: ast.FunctionDef) -> bool:
    """Return whether code fits a line: of a nan that gets there LAPACK tells on the terminal."""
    nodes = ast.walk(tree)
    return any(getattr(n, "attr", getattr(n, "id", "")) in ("polyfit", "lstsq") for n in nodes)


def _own(tree: ast.FunctionDef) -> set[str]:
    """Return the names that a function assigns to."""
    nodes = ast.walk(tree)
    return {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


def _compiled(tree: ast.FunctionDef, answer: Any) -> Any:
    try:
        module = ast.fix_missing_locations(ast.Module(body=[tree], type_ignores=[]))
        space = dict(answer.__globals__)
        exec(compile(module, "changed", "exec"), space)
        return space[tree.name]
    except (SyntaxError, ValueError, TypeError, KeyError):
        return None


def _changes(tree: ast.FunctionDef, names: list[str]) -> Iterator[tuple]:
    """Make one change after the other in the tree; yield (kind, place, how to undo it)."""
    # Over another list a loop might never end: names stay where a loop says what it goes through.
    loops = [node.iter for node in ast.walk(tree) if isinstance(node, ast.For)]
    kept = {id(part) for loop in loops for part in ast.walk(loop)}
    for parent, field, index, node in list(_places(tree)):
        holder = getattr(parent, field)
        free = [] if id(node) in kept else names
        for kind, new, place in list(_edits(node, parent, free)):
            if index is None:
                setattr(parent, field, new)
                yield kind, place, lambda p=parent, f=field, h=holder: setattr(p, f, h)
            else:
                holder[index] = new
                yield kind, place, lambda h=holder, i=index, n=node: h.__setitem__(i, n)
    for body in _bodies(tree):
        yield from _lines(body)


def _places(tree: ast.FunctionDef) -> Iterator[tuple[ast.AST, str, int | None, ast.AST]]:
    """Yield (parent, field, index, node) for all that stands in the body of a function."""
    for parent in (part for statement in tree.body for part in ast.walk(statement)):
        for field, value in ast.iter_fields(parent):
            if isinstance(value, ast.expr):
                yield parent, field, None, value
            elif isinstance(value, list):
                for index, each in enumerate(value):
                    if isinstance(each, ast.expr):
                        yield parent, field, index, each
            if field == "op" and isinstance(parent, ast.AugAssign):
                yield parent, field, None, value


def _edits(node: ast.AST, parent: ast.AST, names: list[str]) -> Iterator[_Edit]:
    if isinstance(node, ast.operator):  # of += and the like
        for other, kind in _OPERATORS.get(type(node), []):
            yield kind, other(), _shown(parent)
    elif isinstance(node, ast.BinOp):
        yield from _of_operation(node)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield "one sign", node.operand, _shown(node)
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield from _of_number(node, parent)
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        yield from _of_name(node, parent, names)
    elif isinstance(node, ast.Compare):
        yield from _of_comparison(node)
    elif isinstance(node, ast.Call):
        yield from _of_call(node)
    elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
        yield from _of_attribute(node, parent)
    elif isinstance(node, ast.Slice):
        yield "a slice", ast.Slice(node.upper, node.lower, node.step), _shown(parent)
    elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
        yield "a part too much", node.value, _shown(node)


def _of_operation(node: ast.BinOp) -> Iterator[_Edit]:
    place = _shown(node)
    left, op, right = node.left, node.op, node.right
    likely, *others = _OPERATORS.get(type(op), [None])
    if likely:
        yield likely[1], ast.BinOp(left, likely[0](), right), place
    if isinstance(right, ast.BinOp):
        inner = ast.BinOp(left, op, right.left)
        yield "parentheses", ast.BinOp(inner, right.op, right.right), place
    if isinstance(left, ast.BinOp):
        inner = ast.BinOp(left.right, op, right)
        yield "parentheses", ast.BinOp(left.left, left.op, inner), place
    if isinstance(op, (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow, ast.MatMult)):
        yield "a part too much", left, place
        yield "a part too much", right, place
    for other, kind in others:
        yield kind, ast.BinOp(left, other(), right), place
    if isinstance(op, (ast.Sub, ast.Div, ast.MatMult)):
        yield "the order of two parts", ast.BinOp(right, op, left), place


def _of_number(node: ast.Constant, parent: ast.AST) -> Iterator[_Edit]:
    kind = "the axis" if isinstance(parent, ast.keyword) and parent.arg == "axis" else "one number"
    value = node.value
    if isinstance(value, bool):
        return
    for other in {value + 1, value - 1, 2 * value, value / 2, -value, 0, 1, 2} - {value}:
        whole = isinstance(value, int) and float(other).is_integer()
        yield kind, ast.Constant(int(other) if whole else other), _shown(parent)


def _of_name(node: ast.Name, parent: ast.AST, names: list[str]) -> Iterator[_Edit]:
    called = isinstance(parent, ast.Call) and parent.func is node
    if called or node.id not in names:
        yield from _of_family(node.id, lambda name: ast.Name(name, ast.Load()), _shown(parent))
        return
    for name in names:
        if name != node.id:
            yield "one name", ast.Name(name, ast.Load()), _shown(parent)
    yield "transposed", ast.Attribute(node, "T", ast.Load()), _shown(parent)


def _of_family(name: str, made, place: str) -> Iterator[_Edit]:
    for family in _FAMILIES:
        if name in family:
            for other in sorted(family - {name}):
                yield "one function", made(other), place


def _of_comparison(node: ast.Compare) -> Iterator[_Edit]:
    for other in _COMPARISONS:
        if len(node.ops) == 1 and not isinstance(node.ops[0], other):
            new = ast.Compare(node.left, [other()], node.comparators)
            yield "one comparison", new, _shown(node)


def _of_call(node: ast.Call) -> Iterator[_Edit]:
    place = _shown(node)
    given = {keyword.arg for keyword in node.keywords}
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    method = isinstance(node.func, ast.Attribute) and not _is_module(node.func.value)
    for dropped in node.keywords:
        rest = [each for each in node.keywords if each is not dropped]
        kind = "the axis" if dropped.arg == "axis" else "one option"
        yield kind, ast.Call(node.func, node.args, rest), place
    for word, kind, values in (
        ("axis", "the axis", (0, 1)),
        ("keepdims", "keepdims", (True,)),
        ("ddof", "one option", (1,)),
    ):
        if name in _REDUCTIONS and word not in given:
            for value in values:
                more = [*node.keywords, ast.keyword(word, ast.Constant(value))]
                yield kind, ast.Call(node.func, node.args, more), place
    if len(node.args) == 1 and not method and not node.keywords:
        yield "a part too much", node.args[0], place
    if method and not node.args:
        yield "a part too much", node.func.value, place
    if len(node.args) == 2:
        turned = ast.Call(node.func, node.args[::-1], node.keywords)
        yield "the order of two parts", turned, place


def _is_module(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id in ("np", "numpy", "math", "maths", "scipy")


def _of_attribute(node: ast.Attribute, parent: ast.AST) -> Iterator[_Edit]:
    if node.attr == "T":
        yield "transposed", node.value, _shown(node)
    yield from _of_family(
        node.attr, lambda name: ast.Attribute(node.value, name, ast.Load()), _shown(parent)
    )


def _bodies(tree: ast.FunctionDef) -> Iterator[list[ast.stmt]]:
    for node in ast.walk(tree):
        for field in ("body", "orelse"):
            body = getattr(node, field, None)
            if isinstance(body, list) and len(body) > 1:
                yield body


def _lines(body: list[ast.stmt]) -> Iterator[tuple]:
    for place in range(len(body) - 1):
        line = body[place]
        del body[place]
        yield "a line too much", _shown(line), lambda p=place, x=line: body.insert(p, x)
    for place in range(len(body) - 2):
        body[place : place + 2] = body[place : place + 2][::-1]
        yield (
            "the order of two lines",
            _shown(body[place]),
            lambda p=place: body.__setitem__(slice(p, p + 2), body[p : p + 2][::-1]),
        )


def _shown(node: ast.AST) -> str:
    text = ast.unparse(node).strip().split("\n")[0].replace("`", "'")
    return text if len(text) <= 60 else text[:57] + "..."
