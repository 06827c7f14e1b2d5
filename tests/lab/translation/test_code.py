"""What of Python code is translated, and that nothing else changes."""

import ast

import pytest

from labkit.lab.translation import code


def texts(source, **more):
    return [(each.kind, each.text) for each in code.texts(source, **more)]


def translated(source, *new):
    return code.replaced(source, list(zip(code.texts(source), new, strict=True)))


def test_comments_strings_and_templates_are_texts():
    source = 'x = 1  # why it is so\nprint("two words", "one", f"a loss of {x:.2f} cm")\n'
    assert texts(source) == [
        ("comment", "why it is so"),
        ("string", "two words"),
        ("template", "a loss of {x:.2f} cm"),
    ]


def test_labels_of_axes_are_texts_even_of_one_word():
    assert texts('ax.set(xlabel="step", color="red")') == [("string", "step")]
    assert texts('curve = {"x_label": "step", "name": "step"}') == [("string", "step")]


def test_what_code_looks_up_or_compares_with_is_no_text():
    source = 'best["mini batch"]\nif whose == "the lab":\n    names.index("all of them")'
    assert texts(source) == []
    keys = code.keys(['best["mini batch"]'])
    assert texts('best = {"mini batch": "a few rows"}', keys=keys) == [("string", "a few rows")]


def test_directives_and_code_that_cannot_be_read_give_nothing():
    assert texts("x = {1:1}  # fmt: skip") == []
    assert texts("def f(:\n  # two words") == []


def test_parameters_give_their_comments_only():
    assert texts('a = "two words"  # of two', only_comments=True) == [("comment", "of two")]


@pytest.mark.parametrize(
    ("source", "new"),
    [
        ('print("two words")', '两个"词"\n和 \\'),
        ("print(f\"{a['x']} out of {b!r:>{width}} {{}}\")", "{{}} {b!r:>{width}} 之 {a['x']}"),
        ('f(\n    "two words "\n    f"and {a:.1f} more",\n)', "还有 {a:.1f}，" + 20 * "很长"),
        ('text = """two words\nand more"""', '两个词"""\n更多\\'),
        ('text = f"""two {a} words\nand more"""', "{a} 个词"),
    ],
)
def test_a_translated_string_is_the_translation_and_computes_the_same(source, new):
    made = translated(source, new)
    assert code.meaning(made) == code.meaning(source)
    literal = next(
        n for n in ast.walk(ast.parse(made)) if isinstance(n, ast.Constant | ast.JoinedStr)
    )
    if isinstance(literal, ast.Constant):
        assert literal.value == new
    else:
        names = {"width": 3, "a": Named(0.5, x=1), "b": "乙"}
        whole = "f" + ('"' if "'" in new else "'") * 3 + new + ('"' if "'" in new else "'") * 3
        assert eval(ast.unparse(literal), {}, names) == eval(whole, {}, names)


class Named(float):
    """A number whose parts can be asked for by name."""

    def __new__(cls, value, **parts):
        made = super().__new__(cls, value)
        made.parts = parts
        return made

    def __getitem__(self, name):
        return self.parts[name]


def test_a_literal_on_several_lines_keeps_its_place():
    made = translated('f(\n    "two words "\n    "and more",\n)', 30 * "很长")
    lines = made.splitlines()
    assert lines[0] == "f("
    assert all(line.startswith('    "') for line in lines[1:-1])
    assert max(map(len, lines)) < 60


def test_another_computation_is_another_meaning():
    assert code.meaning('f"{a:.2f}"') != code.meaning('f"{a:.3f}"')
    assert code.meaning('f"{a}{b}"') == code.meaning('f"乙 {b} 甲 {a}"')
    assert code.meaning('f("a b", 1)') != code.meaning('f("甲乙", 2)')


def test_comments_are_replaced_in_their_places():
    assert translated("x = 1  # why it is so", "为什么") == "x = 1  # 为什么"
