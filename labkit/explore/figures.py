"""One look for all figures, and one way to show them: picture, alt text and caption together.

A figure shown here reads the same in JupyterLab, in an executed copy and in an HTML page, in the
light and in the dark theme. One picture serves both: on a dark page its white paper turns into the
page's ground, black into white, and every line keeps its hue (`THEMES`). Axes in which colors stand
for numbers, such as digits and maps, stay as they are drawn: inverted they would lie.
"""

from __future__ import annotations

import base64
import html
import io
import zlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from cycler import cycler

from labkit.explore import fonts
from labkit.lab.language import language
from labkit.lab.phrases import translated

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure
    from matplotlib.text import Text
    from matplotlib.transforms import BboxBase
    from PIL.Image import Image

    Box = tuple[float, float, float, float]  # left, top, right, bottom; shares of a picture

# petroff8: eight colors that also color-blind readers tell apart (M. A. Petroff, 2021).
# Its sand and sky are darkened, so that every line stands out from white paper (3 : 1).
COLORS = ["#1845fb", "#ff5e02", "#c91f16", "#c849a9", "#85854a", "#3f86a0", "#578dff", "#656364"]
BLUE, ORANGE, RED, PINK, SAND, SKY, LIGHT_BLUE, GRAY = COLORS

STYLE = {
    # Color is never the only sign: neighboring lines also differ in their dashes.
    "axes.prop_cycle": cycler(color=COLORS) + cycler(linestyle=["-", "--", "-.", ":"] * 2),
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 12,
    "figure.autolayout": False,
    "figure.constrained_layout.use": True,
    "figure.dpi": 96,
    "figure.facecolor": "white",
    "figure.figsize": (7.0, 3.6),
    "font.size": 11,
    "grid.alpha": 0.5,
    "grid.linewidth": 0.6,
    "image.cmap": "cividis",
    "legend.frameon": False,
    "lines.linewidth": 2.0,
    "savefig.facecolor": "white",
}

CSS_DPI = 96  # CSS pixels in an inch: a figure of 7 inches is shown 672 pixels wide
_BORDER = 0.08  # inches of white around a figure
SHARPNESS = 1.75  # picture pixels per CSS pixel, so that dense screens show crisp letters

# invert(0.933) makes white the #111 of JupyterLab and of our pages; hue-rotate gives the hues back.
# JupyterLab says on its body which theme it has, an HTML page follows the reader's.
_TURN = "{filter:var(--labkit-turn,invert(0.933) hue-rotate(180deg))}"
THEMES = (
    "@media screen{body[data-jp-theme-light=false] .labkit-paper" + _TURN + "}"
    "@media screen and (prefers-color-scheme:dark){body.jp-Notebook .labkit-paper" + _TURN + "}"
)
# The same as a matrix: red, green, blue from red, green, blue, alpha and 1.
_MATRIX = (
    "0.497 -1.239 -0.125 0 0.933 -0.369 -0.373 -0.125 0 0.933 -0.369 -1.239 0.742 0 0.933 0 0 0 1 0"
)


def use_style() -> None:
    """Set the lab's look for every figure that follows.

    >>> import matplotlib
    >>> use_style()
    >>> matplotlib.rcParams["image.cmap"]
    'cividis'
    """
    import matplotlib

    matplotlib.rcParams.update(STYLE | fonts.style())


def speak(fig: Figure) -> None:
    """Put what is written in a figure into the language of LABKIT_LANG."""
    if language() == "en":
        return
    from matplotlib.text import Text

    for axes in fig.axes:
        for axis in (axes.xaxis, axes.yaxis):
            _say_ticks(axis)
    for text in fig.findobj(Text):
        say(text)


def _say_ticks(axis: Axis) -> None:
    """Put names at ticks into the language: matplotlib writes them anew whenever it draws."""
    from matplotlib.ticker import FixedLocator

    if not isinstance(axis.get_major_locator(), FixedLocator):
        return
    told = [label.get_text() for label in axis.get_majorticklabels()]
    if (new := [translated(text) for text in told]) != told:
        axis.set_ticklabels(new)


def say(text: Text) -> None:
    """Put one text of a figure into the language of LABKIT_LANG; numbers and formulas stay."""
    told = text.get_text()
    if (new := translated(told)) != told:
        text.set_text(new)
    if "$" in new and not new.isascii():  # in a text with formulas matplotlib uses one font
        text.set_fontfamily(fonts.name())


def show(fig: Figure, caption: str) -> None:
    """Display `fig` with `caption` below it and as its alt text, then close it.

    Args:
        fig: a matplotlib Figure.
        caption: one or two sentences that say what the figure shows.

    Raises:
        ValueError: the caption is empty: a reader who cannot see the figure would get nothing.
        TypeError: `fig` is not a matplotlib Figure, or the caption is not text.
    """
    from IPython.display import display

    caption = _checked_caption(caption)
    if not callable(getattr(fig, "savefig", None)):
        raise TypeError(f"show needs a matplotlib Figure, got {type(fig).__name__}")
    speak(fig)
    png, width, data = _draw(fig)
    display(bundle(png, caption, width, data), raw=True)
    if _is_pyplot(fig):
        import matplotlib.pyplot as plt

        plt.close(fig)  # else the notebook would show it a second time


def bundle(png: bytes, caption: str, width: int, data: Sequence[Box] = ()) -> dict[str, str]:
    """Return the forms in which a viewer can take a picture: HTML with alt text, PNG, plain text.

    Args:
        png: bytes of the PNG file.
        caption: text; alt and visible caption at once.
        width: width on the page in CSS pixels.
        data: parts that keep their colors on a dark page, see `data_boxes`.
    """
    return {
        "text/html": html_figure(png, caption, width, data),
        "image/png": base64.b64encode(png).decode(),
        "text/plain": translated(caption),
    }


def html_figure(png: bytes, caption: str, width: int, data: Sequence[Box] = ()) -> str:
    """Return HTML of a picture with its caption; no script, no address, nothing to load.

    >>> html_figure(b"", "a < b", 10)[:60]
    '<figure style="margin:0.5em 0;max-width:100%;width:10px"><st'
    """
    words = html.escape(translated(caption))
    return (
        f'<figure style="margin:0.5em 0;max-width:100%;width:{width}px">'
        f"<style>{THEMES}</style>{image(png, caption, data=data)}"
        f'<figcaption style="margin-top:0.4em">{words}</figcaption></figure>'
    )


def data_boxes(fig: Figure, frame: BboxBase | None = None) -> list[Box]:
    """Return where colors stand for numbers: axes with an image, a map, a color bar.

    Args:
        fig: a figure that has been drawn.
        frame: the part of it that is shown, in its pixels; None for all.
    """
    frame = frame or fig.bbox
    return [
        (
            (ax.bbox.x0 - frame.x0) / frame.width,
            (frame.y1 - ax.bbox.y1) / frame.height,
            (ax.bbox.x1 - frame.x0) / frame.width,
            (frame.y1 - ax.bbox.y0) / frame.height,
        )
        for ax in fig.axes
        if ax.get_visible() and any(_colored(ax))
    ]


def _colored(ax: Axes) -> Iterator[bool]:
    """Yield for each artist of the axes whether its colors come from an array of numbers."""
    for artist in (*ax.images, *ax.collections):
        yield artist.get_array() is not None


def image(
    png: bytes, alt: str, size: tuple[int, int] | None = None, data: Sequence[Box] = ()
) -> str:
    """Return an `img` that holds the whole picture, and follows the theme of a page with `THEMES`.

    Args:
        png: bytes of the PNG file.
        alt: what it shows, in words.
        size: width and height on the page in CSS pixels, for a picture that is soon replaced: they
            keep the page from jumping meanwhile. Without them it is as wide as what it stands in.
        data: parts that keep their colors on a dark page, see `data_boxes`.
    """
    place = "width:100%" if size is None else "max-width:100%"
    fixed = "" if size is None else 'width="{}" height="{}" decoding="sync" '.format(*size)
    kept = _keeping(data) if data else ""
    name = f"labkit-{zlib.crc32(kept.encode()):x}"  # equal filters may share their name
    turn = f";--labkit-turn:url(#{name})" if data else ""
    return kept.replace("NAME", name) + (
        f'<img class="labkit-paper" alt="{html.escape(translated(alt))}" {fixed}'
        f'style="display:block;{place};height:auto;background:white{turn}" '
        f'src="data:image/png;base64,{base64.b64encode(png).decode()}">'
    )


def _keeping(boxes: Sequence[Box]) -> str:
    """Return an SVG filter, to be named, that turns the colors around but in these boxes."""
    parts = [
        f'<feOffset in="SourceGraphic" result="{n}" x="{left:.4f}" y="{top:.4f}" '
        f'width="{right - left:.4f}" height="{bottom - top:.4f}"/>'
        for n, (left, top, right, bottom) in enumerate(boxes)
    ]
    merged = "".join(f'<feMergeNode in="{n}"/>' for n in ("turned", *range(len(boxes))))
    return (
        '<svg width="0" height="0" style="position:absolute" aria-hidden="true"><filter id="NAME" '
        'x="0" y="0" width="1" height="1" primitiveUnits="objectBoundingBox" '
        f'color-interpolation-filters="sRGB"><feColorMatrix values="{_MATRIX}" result="turned"/>'
        f"{''.join(parts)}<feMerge>{merged}</feMerge></filter></svg>"
    )


def encode_png(pixels: np.ndarray, level: int) -> bytes:
    """Return a PNG file of `pixels` in a few milliseconds: for pictures that are soon replaced.

    Args:
        pixels: array (height, width, 3 or 4), 0 to 255; transparency is dropped.
        level: 1 packs fast, 9 packs small.

    >>> import numpy as np
    >>> encode_png(np.zeros((2, 3, 4), dtype=np.uint8), level=1)[1:4]
    b'PNG'
    """
    out = io.BytesIO()
    _image(pixels).save(out, "PNG", compress_level=level)
    return out.getvalue()


def small_png(pixels: np.ndarray) -> bytes:
    """Return a PNG file of `pixels`, several times smaller: for pictures that stay in a notebook.

    Args:
        pixels: array (height, width, 3 or 4), 0 to 255; transparency is dropped.

    >>> import numpy as np
    >>> small_png(np.zeros((2, 3, 4), dtype=np.uint8))[1:4]
    b'PNG'
    """
    return _packed(_image(pixels))


def _image(pixels: np.ndarray) -> Image:
    from PIL import Image

    if pixels.shape[2] == 4:  # "X": the fourth number means nothing; faster than cutting it off
        return Image.frombuffer("RGBX", pixels.shape[1::-1], pixels.tobytes()).convert("RGB")
    return Image.fromarray(pixels)


def _packed(image: Image) -> bytes:
    """Return a PNG file of an image in 256 colors: enough for a drawing, and half as large."""
    from PIL import Image

    out = io.BytesIO()
    image.quantize(256, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()


def _draw(fig: Figure) -> tuple[bytes, int, list[Box]]:
    """Return a PNG of a figure with the empty border cut off, its width, its boxes of data."""
    from PIL import Image

    out = io.BytesIO()
    dpi = CSS_DPI * SHARPNESS
    quick = {"compress_level": 1}  # it is read again at once; the border is known only after it
    fig.savefig(
        out, format="png", dpi=dpi, bbox_inches="tight", pad_inches=_BORDER, pil_kwargs=quick
    )
    image = Image.open(out).convert("RGB")
    return _packed(image), round(image.width / SHARPNESS), _boxes_cut(fig, dpi)


def _boxes_cut(fig: Figure, dpi: float) -> list[Box]:
    """Return the boxes of data in a picture whose empty border is cut off, as `_draw` does it."""
    if not data_boxes(fig):
        return []
    before, fig.dpi = fig.dpi, dpi  # letters, and so the border, differ by a pixel
    try:
        frame = fig.get_tightbbox().padded(_BORDER)
        return data_boxes(fig, frame.transformed(fig.dpi_scale_trans))
    finally:
        fig.dpi = before


def _is_pyplot(fig: Figure) -> bool:
    """Return whether pyplot keeps this figure (one made with Figure() it does not)."""
    return getattr(fig, "number", None) is not None


def _checked_caption(caption: str) -> str:
    if not isinstance(caption, str):
        raise TypeError(f"the caption must be text, not {type(caption).__name__}")
    if not caption.strip():
        raise ValueError(
            "the caption is empty; write one or two sentences that say what the figure shows "
            "(they are also the alt text)"
        )
    return " ".join(caption.split())
