"""What stands in the learner's code: slips that can be seen without running it."""

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from labkit.learn.kinds.tried import Said, Tried


def certain(tried: Tried) -> Said:
    """Name a slip that makes any answer wrong, such as a `return` that ends a loop at once."""
    return _first(_CERTAIN, tried)


def likely(tried: Tried) -> Said:
    """Name what stands in the code and is often a slip; for an answer of no other known kind."""
    return _first(_LIKELY, tried)


def _first(rules: list[Callable[[ast.FunctionDef, Tried], Said]], tried: Tried) -> Said:
    code = tree(tried.answer)
    if code is None:
        return None
    return next(filter(None, (rule(code, tried) for rule in rules)), None)


def tree(function: Any) -> ast.FunctionDef | None:
    """Return the parsed code of a function that was written with `def`, None for any other."""
    try:
        parsed = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError, ValueError):
        return None
    return parsed.body[0] if parsed.body and isinstance(parsed.body[0], ast.FunctionDef) else None


def _loops(tree: ast.AST) -> Iterator[ast.For | ast.While]:
    return (node for node in ast.walk(tree) if isinstance(node, (ast.For, ast.While)))


# --- certain -------------------------------------------------------------------------------------


def _return_in_loop(tree: ast.FunctionDef, _: Tried) -> Said:
    for loop in _loops(tree):
        if isinstance(loop.body[-1], ast.Return):
            return "return inside the loop", (
                "Your `return` stands inside the loop, so the loop ends in its first turn. Move it "
                "to the left, behind the loop."
            )
    return None


def _equals_nan(tree: ast.FunctionDef, _: Tried) -> Said:
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and any(
            ast.unparse(side) in ("np.nan", "math.nan", "float('nan')", "numpy.nan")
            for side in (node.left, *node.comparators)
        ):
            return "compared with nan", (
                "nan is equal to nothing, not even to nan, so `== np.nan` finds no gap. "
                "`np.isnan` finds them."
            )
    return None


def _bits(tree: ast.FunctionDef, _: Tried) -> Said:
    if any(isinstance(node, ast.BitXor) for node in ast.walk(tree)):
        return "^", "A power is written `**`; `^` works on the bits of whole numbers."
    return None


def _compared_for_assigned(tree: ast.FunctionDef, _: Tried) -> Said:
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Compare)
            and isinstance(node.value.ops[0], ast.Eq)
        ):
            return "== for =", (
                f"`{ast.unparse(node)}` only compares. One `=` gives a name its new value."
            )
    return None


def _two_names(tree: ast.FunctionDef, _: Tried) -> Said:
    """One array under two names, of which one is then changed in place."""
    copies = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target, value in _pairs(node):
                if isinstance(target, ast.Name) and isinstance(value, ast.Name):
                    copies[target.id] = value.id
    for node in ast.walk(tree):
        target = getattr(node, "target", None) if isinstance(node, ast.AugAssign) else None
        target = node.targets[0] if isinstance(node, ast.Assign) else target
        if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
            name = target.value.id
            if name in copies:
                return "one array under two names", (
                    f"`{name} = {copies[name]}` makes no copy: both names mean the same array, and "
                    "what changes one changes the other. `.copy()` makes a second one."
                )
    return None


def _pairs(node: ast.Assign) -> Iterator[tuple[ast.AST, ast.AST]]:
    """Yield (target, value) of an assignment, taking `a, b = c, d` apart."""
    for target in node.targets:
        if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
            yield from zip(target.elts, node.value.elts, strict=False)
        else:
            yield target, node.value


def _never_read(tree: ast.FunctionDef, _: Tried) -> Said:
    """A name that gets a value and is never read again."""
    read = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    read |= {n.target.id for n in ast.walk(tree) if _adds_to_a_name(n) and n.target.id in read}
    for node in ast.walk(tree):
        for target, _value in _pairs(node) if isinstance(node, ast.Assign) else ():
            if isinstance(target, ast.Name) and target.id not in read and target.id[0] != "_":
                return f"{target.id} not used", (f"You compute `{target.id}`, and never use it.")
    return None


def _adds_to_a_name(node: ast.AST) -> bool:
    return isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name)


# --- likely --------------------------------------------------------------------------------------


def _overwritten(tree: ast.FunctionDef, _: Tried) -> Said:
    """A name that each turn of a loop sets anew, and that is read behind the loop."""
    for loop in _loops(tree):
        end = loop.end_lineno or 0
        behind = {
            n.id
            for n in ast.walk(tree)
            if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load) and n.lineno > end
        }
        for node in loop.body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                name = node.targets[0].id
                used = {n.id for n in ast.walk(node.value) if isinstance(n, ast.Name)}
                if name in behind and name not in used:
                    return f"{name} overwritten", (
                        f"Each turn of your loop overwrites `{name}`, so only the last one is "
                        "left. `+=` adds to it, `append` collects."
                    )
    return None


def _short_loop(tree: ast.FunctionDef, _: Tried) -> Said:
    for loop in _loops(tree):
        text = ast.unparse(loop.iter) if isinstance(loop, ast.For) else ""
        if text.startswith("range(") and (text.endswith(" - 1)") or text.startswith("range(1,")):
            return "a loop one too short", (
                f"`{text}` leaves one place out: `range(n)` goes from 0 to n - 1 by itself."
            )
    return None


def _whole_division(tree: ast.FunctionDef, tried: Tried) -> Said:
    x, y = (
        [each is not None and np.all(each == np.round(each)) for each in side]
        for side in (tried.x, tried.y)
    )
    if all(x) and not any(y) and any(isinstance(n, ast.FloorDiv) for n in ast.walk(tree)):
        return "//", "`//` divides and cuts off what is behind the point; `/` keeps it."
    return None


_CERTAIN = [
    _bits,
    _return_in_loop,
    _equals_nan,
    _compared_for_assigned,
    _two_names,
    _whole_division,
]
_LIKELY = [
    _overwritten,
    _short_loop,
    _never_read,
]
