"""What the errors of Python and NumPy mean, one sentence each, for code that somebody learns on."""

import builtins
import difflib
import inspect
import linecache
import re
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import numpy as np

import labkit
from labkit.learn.values import quoted

# Type of the error, what stands in its text, and what it means. The first that fits is told; each
# says what usually helps, and nothing about the exercise.
_MEANINGS = [
    ("TypeError", r"bitwise_xor|\^: ", "A power is written `**`; `^` works on bits."),
    (
        "ValueError",
        "truth value of an array",
        "`if`, `and`, `max()` and `min()` of Python look at one number: for arrays there are "
        "`np.where`, `np.maximum` and `np.minimum`.",
    ),
    (
        "ValueError",
        "could not be broadcast",
        "The shapes do not fit. Compared from the right, each two sizes must be equal, or one of "
        "them 1. A sum, mean or maximum keeps the axis it runs along with `keepdims=True`.",
    ),
    (
        "ValueError",
        "mismatch in its core dimension|not aligned",
        "`@` needs as many columns on its left as rows on its right; `.T` turns a matrix over.",
    ),
    (
        "ValueError",
        "does not have enough dimensions",
        "`@` multiplies arrays, at least one axis each; a single number is multiplied with `*`.",
    ),
    (
        "TypeError",
        "converted to Python scalars|only 0-dimensional arrays|only length-1 arrays",
        "Functions of `math`, `float()` and `int()` take one number; NumPy has the same for "
        "arrays, such as `np.exp`.",
    ),
    (
        "TypeError",
        "must be real number, not (list|tuple|ndarray)",
        "Functions of `math` take one number; NumPy has the same for arrays, such as `np.exp`.",
    ),
    ("ValueError", "math domain error|expected a .* input", "A logarithm needs a number above 0."),
    (
        "OverflowError",
        "",
        "A number grew too large. An exponential overflows above about 709: can it be rewritten so "
        "that its argument is never large?",
    ),
    (
        "TypeError",
        r"operand type\(s\) for @",
        "`@` multiplies arrays, at least one axis each; a single number is multiplied with `*`.",
    ),
    ("TypeError", "__round__", "Python's `round` takes one number; NumPy has `np.round`."),
    ("ZeroDivisionError", "", "What stands below the line became 0."),
    (
        "FloatingPointError",
        "",
        "A number became too large, or was divided by 0.",
    ),
    ("RecursionError", "", "Your function calls itself without end."),
    ("TimeoutError", "still running", "Does a loop of yours ever end?"),
    (
        "TypeError",
        "'ellipsis'",
        "A `...` still stands where your code should be.",
    ),
    (
        "TypeError",
        "NoneType",
        "One of the values is None: the result of a function without `return`, or of something "
        "that works in place, such as `append` or `sort`.",
    ),
    ("AttributeError", "'NoneType'", "The value before the dot is None: nothing was returned."),
    (
        "TypeError",
        "got multiple values for argument",
        "One argument is given twice, by its place and by its name.",
    ),
    ("TypeError", "concatenate str", "One of the values is text, and `+` joins only texts."),
    (
        "TypeError",
        "'(list|tuple)' and '(list|tuple|int|float)'|'(int|float)' and '(list|tuple)'"
        "|can't multiply sequence|can only concatenate|for -: '(list|tuple)'|unary -: 'list'",
        "A list is no array: `+` joins lists and `*` repeats them. Make an array of it first, with "
        "`np.array(...)`.",
    ),
    (
        "TypeError",
        "'str'|must be str|argument 0 of type str|string",
        "One of the values is text. Numbers are written without quotes.",
    ),
    ("ValueError", "could not convert string", "One of the values is text, and no number."),
    (
        "TypeError",
        r"'(function|builtin_function_or_method|type|method|(numpy\.)?(ufunc|\w*Dispatcher))'",
        "One of the values is a function and not its result: call it, with parentheses.",
    ),
    (
        "TypeError",
        "ndarray' object is not callable|'(float|int|numpy.float64)' object is not callable",
        "A number or an array stands before parentheses, so Python tries to call it. Is a `*` "
        "missing, or are square brackets meant?",
    ),
    (
        "TypeError",
        "'(list|tuple|str|dict)' object is not callable",
        "A list or text stands before parentheses. To take a part of it, use square brackets; or "
        "a variable of yours has the name of a function.",
    ),
    (
        "TypeError",
        "'(tuple|str|range)' object does not support item",
        "What you are given cannot be changed. `list(...)` makes a copy that can be.",
    ),
    (
        "TypeError",
        "'(float|int|numpy.float64|numpy.int64)' object is not (subscriptable|iterable)"
        "|invalid index to scalar|len\\(\\) of unsized|has no len\\(\\)|does not support item",
        "That is a single number here: it has no length, and no parts to take out or to go "
        "through.",
    ),
    (
        "TypeError",
        "is not subscriptable",
        "Square brackets stand behind something that has no parts. A function is called with "
        "parentheses.",
    ),
    (
        "TypeError",
        "object is not iterable",
        "That can't be gone through part by part: a loop or a sum needs a list, an array or a "
        "`range`.",
    ),
    (
        "TypeError",
        "as an integer|indices must be integers|slice indices|only integer|sequence of integers",
        "A place or a length must be a whole number: `//` divides to one, `/` does not. How many "
        "numbers an array holds, `len` says.",
    ),
    (
        "AxisError",
        "",
        "The array has fewer axes than you name: a flat array has only axis 0. Its `shape` says "
        "how many.",
    ),
    (
        "IndexError",
        "only integers",
        "A place must be a whole number: `//` divides to one, `/` does not.",
    ),
    (
        "IndexError",
        "too many indices|invalid index",
        "There are more numbers in the brackets than the array has axes; its `shape` says how "
        "many.",
    ),
    (
        "IndexError",
        "out of bounds|out of range",
        "There is no such place. Counting starts at 0, so the last place is the length minus 1.",
    ),
    ("IndexError", "boolean index", "The mask and the array have different shapes."),
    ("KeyError", "", "There is no such key in the dictionary."),
    (
        "ValueError",
        "setting an array element with a sequence|inhomogeneous",
        "The rows have different lengths, or an array stands where one number should.",
    ),
    (
        "ValueError",
        "cannot reshape",
        "The new shape holds another count of numbers than the array.",
    ),
    (
        "ValueError",
        "not enough values to unpack|too many values to unpack",
        "On the left of `=` there must be as many names as values on the right.",
    ),
    ("TypeError", "cannot unpack", "One value cannot be dealt to several names."),
    (
        "ValueError",
        "read-only",
        "This array must not be changed in place; compute a new one.",
    ),
    (
        "UFuncTypeError",
        "Cannot cast",
        "An array of whole numbers can't take fractions in place (`-=`, `/=`): compute a new array "
        "instead.",
    ),
    ("UFuncTypeError", "", "NumPy cannot compute with such values."),
    (
        "ValueError",
        "must be the same|same length|same shape|all the input|Found input variables",
        "Two arrays that belong together have different lengths.",
    ),
    (
        "ValueError",
        "zero-size array|empty",
        "Something is empty: a slice such as `a[3:3]` holds nothing.",
    ),
    ("ValueError", "negative dimensions", "A length became negative."),
    ("LinAlgError", "", "The matrix must be square, and must have an inverse where one is taken."),
    ("AssertionError", "", "An `assert` of yours, or of a function that you call, does not hold."),
    (
        "SystemExit",
        "",
        "`exit()` and `quit()` end the whole lesson; a function ends with `return`.",
    ),
    ("ModuleNotFoundError", "", "There is no module of that name here; NumPy is `np` already."),
    ("ImportError", "", "There is nothing of that name in the module."),
    ("MemoryError", "", "An array became far too large: two shapes were combined that should not."),
]
_LAB = Path(labkit.__file__).parent
_GIVEN = (
    "A function that you call could not compute with what it was given: is it of the right shape?"
)
_HABITS = {"sqr": "sqrt", "ln": "log", "average": "mean", "maxium": "maximum", "avg": "mean"}


def explained(error: BaseException, answer: Callable, arguments: int) -> tuple[str, str]:
    """Return an error in its own words, and what it means ('' for one that is not known).

    Args:
        error: what the learner's function raised.
        answer: that function.
        arguments: how many arguments it was given.
    """
    told = quoted(error).strip().split("\n")[0]
    told = re.sub(r", with gufunc signature \S+", "", told)  # nobody reads that
    told = told if len(told) <= 120 else told[:117] + "..."
    text = f"Your code raised {type(error).__name__}{': ' if told else ''}{told}"
    text += f" ({where})" if (where := _line(error, answer)) else ""
    inside = _of_the_lab(error, answer) and not isinstance(error, TimeoutError)
    meaning = _GIVEN if inside else _meaning(error, answer, arguments)
    return f"{text}{'' if text.endswith('.') else '.'}", meaning


def _of_the_lab(error: BaseException, answer: Callable) -> bool:
    """Return whether it was raised in a function of the lab that the learner's function calls."""
    files = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    own = getattr(getattr(answer, "__code__", None), "co_filename", None)
    return own in files and files[-1] != own and _LAB in Path(files[-1]).parents


def _line(error: BaseException, answer: Callable) -> str:
    """Return which line of the learner's function raised, '' when it is not known."""
    code = getattr(answer, "__code__", None)
    frames = [f for f in traceback.extract_tb(error.__traceback__) if code]
    mine = [f for f in frames if f.filename == code.co_filename and f.name == code.co_name]
    if not mine or mine[-1].lineno is None or code.co_name == "<lambda>":
        return ""
    source = linecache.getline(mine[-1].filename, mine[-1].lineno).strip()
    shown = f": `{quoted(source)}`" if 0 < len(source) <= 60 else ""
    return f"line {mine[-1].lineno - code.co_firstlineno + 1}{shown}"


def _meaning(error: BaseException, answer: Callable, arguments: int) -> str:
    if isinstance(error, NameError):
        return _misspelt(error, answer)
    text = str(error)
    if "unexpected keyword argument" in text:
        return _keyword(text)
    if isinstance(error, TypeError) and (said := _miscounted(text, answer, arguments)):
        return said
    for kind, sign, meaning in _MEANINGS:
        named = any(each.__name__.lstrip("_") == kind for each in type(error).__mro__)
        if named and re.search(sign, text):
            return meaning
    return _no_attribute(error) if isinstance(error, AttributeError) else ""


def _misspelt(error: NameError, answer: Callable) -> str:
    """Say what a name that Python does not know may have been meant for."""
    name = getattr(error, "name", None) or "".join(re.findall(r"'(\w+)'", str(error))[:1])
    code = getattr(answer, "__code__", None)
    own = list(code.co_varnames + code.co_freevars) if code else []
    if isinstance(error, UnboundLocalError):
        return (
            f"`{name}` is used before it gets its first value: what a function assigns to, it "
            "looks for only inside itself."
        )
    there = [*own, *getattr(answer, "__globals__", {}), *dir(builtins)]
    near = [n for n in own if n.lower() == name.lower()]
    near = near or [n for n in own if "_" in n and name == "".join(w[0] for w in n.split("_") if w)]
    near = near or difflib.get_close_matches(name, own, 1, 0.6)
    near = near or difflib.get_close_matches(name, there, 1, 0.75)
    if name == "self":
        return "`self` belongs to the functions of a class only."
    if near:
        return f"There is no `{name}`; did you mean `{near[0]}`?"
    if name in sys.stdlib_module_names:
        return f"There is no `{name}` here: is an `import` missing?"
    if hasattr(np, name):
        return f"There is no `{name}` here; did you mean `np.{name}`?"
    if own and code.co_argcount:
        given = ", ".join(f"`{each}`" for each in own[: code.co_argcount])
        return f"There is no `{name}` here. Your function is given {given}."
    return f"There is no `{name}` here: was the cell run that makes it?"


def _keyword(text: str) -> str:
    name = text.split("'")[-2] if text.count("'") > 1 else ""
    near = difflib.get_close_matches(name, ["axis", "keepdims", "dtype", "ddof", "where", "out"], 1)
    return f"Did you mean `{near[0]}=`?" if near else "It has no argument of that name."


def _miscounted(text: str, answer: Callable, arguments: int) -> str:
    """Say how many arguments the learner's function must take, '' when that is not the trouble."""
    if not re.search(r"positional argument|takes no arguments", text):
        return ""
    called = text.split("(")[0].split(".")  # Net.forward, or only my_update
    if len(called) > 1 and called[-2] != "<locals>":
        return "Inside a class, the first argument of each function is `self`."
    if called[-1] != getattr(answer, "__name__", ""):
        return "Another function that you call is given too few or too many arguments."
    count = f"{arguments} argument{'' if arguments == 1 else 's'}"
    own = answer.__code__.co_varnames[: answer.__code__.co_argcount]
    more = " `self` belongs to the functions of a class only." if "self" in own else ""
    return f"It is given {count}: leave the line with `def` as it stood.{more}"


def _no_attribute(error: AttributeError) -> str:
    """Say what a value has instead of the attribute that it lacks."""
    owner, name = getattr(error, "obj", None), getattr(error, "name", None) or ""
    if isinstance(owner, (list, tuple)):
        return "A list is no array: make one of it first, with `np.array(...)`."
    if isinstance(owner, (int, float)):
        return "That is a plain number here: it has no shape and no length."
    there = [each for each in dir(owner) if not each.startswith("_")] if owner is not None else []
    near = [_HABITS[name]] if _HABITS.get(name) in there else []
    near = near or difflib.get_close_matches(name, there, 1, 0.75)
    if near:
        return f"There is no `.{quoted(name)}`; did you mean `.{near[0]}`?"
    if hasattr(np, name):
        return f"It has no `.{name}`; NumPy itself has `np.{name}(...)`."
    if inspect.ismodule(owner):
        return "There is no function of that name in it."
    if hasattr(owner, "shape"):
        return "An array has nothing of that name; a table of pandas may have."
    return "What stands before the dot has nothing of that name."
