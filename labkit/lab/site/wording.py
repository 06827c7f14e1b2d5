"""The words of the site's own frame, in each language: what stands around the lessons."""

from __future__ import annotations

LANGUAGES = {"en": "English", "zh": "中文"}
TAGS = {"en": "en", "zh": "zh-CN"}  # what <html lang> says

_WORDS = {
    "all lessons": ("All lessons", "全部课程"),
    "lessons": ("Lessons", "课程"),
    "glossary": ("Glossary", "术语表"),
    "results": ("Results", "运行结果"),
    "ledger": ("The articles' claims", "文章论断"),
    "search": ("Search lessons and glossary", "搜索课程与术语"),
    "nothing found": ("Nothing found.", "没有找到。"),
    "found": ("found", "条结果"),
    "theme": ("Dark", "深色"),
    "dark theme": ("Dark theme", "深色主题"),
    "language": ("Language", "语言"),
    "on this page": ("On this page", "本页内容"),
    "pages": ("Pages of the site", "网站页面"),
    "skip": ("Skip to the text", "跳到正文"),
    "previous": ("Previous", "上一课"),
    "next": ("Next", "下一课"),
    "neighbors": ("Lesson before and after", "前后课程"),
    "minutes": ("about {} minutes", "约 {} 分钟"),
    "before": ("before it: {}", "先修：{}"),
    "ran": (
        "Run on {date} in {seconds} s; {held} of {all} expectations held.",
        "运行于 {date}，用时 {seconds} 秒；{all} 项预期中 {held} 项成立。",
    ),
    "ran plainly": ("Run on {date} in {seconds} s.", "运行于 {date}，用时 {seconds} 秒。"),
    "not run": (
        "This lesson has not been run here: its cells stand without results.",
        "本课尚未在此运行：单元格没有结果。",
    ),
    "earlier": (
        "Its code has changed since; run the lesson again.",
        "此后代码有改动；请重新运行本课。",
    ),
    "other parameters": ("Run with other parameters: {}.", "使用了其他参数：{}。"),
    "english": (
        "This lesson is in English still.",
        "本课尚无中文版，以下为英文原文。",
    ),
    "made": ("Made by labkit {version} on {date}.", "由 labkit {version} 生成于 {date}。"),
    "no host": (
        "This site asks no other host for anything, and sets no cookie.",
        "本站不向任何其他主机请求内容，也不设置 cookie。",
    ),
    "title": (
        "A deep-learning lab in which everything runs",
        "一切都能运行的深度学习实验室",
    ),
    "front": (
        "A deep-learning lab where everything runs, is checked, and can be turned",
        "一切都能运行、都被核对、都可调节的深度学习实验室",
    ),
    "band 0": ("The mathematics", "数学基础"),
    "band 1": ("Networks and training", "网络与训练"),
    "band 2": ("The data center", "数据中心"),
    "band 9": ("Records", "记录与结论"),
    "about 0": ("NumPy only; nothing to install beyond the lab.", "只用 NumPy。"),
    "about 1": (
        "Keras on TensorFlow, JAX or PyTorch.",
        "Keras，后端为 TensorFlow、JAX 或 PyTorch。",
    ),
    "about 2": (
        "Real processes, servers and measurements on one machine.",
        "在一台机器上用真实的进程、服务器与测量。",
    ),
    "about 9": (
        "What the articles claimed, and what many runs say.",
        "文章说了什么，许多次运行又说明了什么。",
    ),
}


def words(lang: str) -> dict[str, str]:
    """Return the words of a language, by what they say in English.

    Raises:
        ValueError: a language that the site does not have.

    >>> words("zh")["next"]
    '下一课'
    """
    if lang not in LANGUAGES:
        raise ValueError(f"No language {lang!r}; the site has: {', '.join(LANGUAGES)}")
    place = list(LANGUAGES).index(lang)
    return {name: texts[place] for name, texts in _WORDS.items()}
