"""Explorers of lesson 14: who looks where in a sentence; temperature when text is drawn."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from labkit.data.text import ALPHABET, decode, encode
from labkit.explore import figures, kit
from labkit.maths.attention import masked_softmax, softmax_at

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from labkit.networks.transformer import Decoder

PLACES = 40  # characters of every sentence: as many as can be read beside the picture
SENTENCES = {
    "words": "the iterator returns the items, and the ",
    "code": ">>> numbers = [1, 2]\n>>> print(numbers[0",
    "grammar": 'with_stmt ::= "with" expression ["as" ta',
}
SAMPLE = 100  # characters that the temperature explorer writes
_LINE = 72  # characters in a line of the sample
_SHOWN = 12  # characters whose probability is drawn


def visible(code: int) -> str:
    """Return a character as it can be read alone: a mark for the blank and for the end of a line.

    >>> visible(encode(" ")[0]), visible(encode("a")[0])
    ('␣', 'a')
    """
    return {" ": "␣", "\n": "↵"}.get(ALPHABET[code], ALPHABET[code])


class AttentionExplorer(kit.Explorer):
    """Choose a sentence, a block, a head and a place; see where that place looks.

    Args:
        decoder: a trained network, `labkit.networks.transformer.Decoder`.
        sentences: name -> text of `PLACES` characters.
        **start: start values of sentence, layer, head and place.
    """

    lesson = "14"
    size = (9.6, 4.6)
    rebuild_for = ("sentence",)

    def __init__(
        self, decoder: Decoder, sentences: dict[str, str] = SENTENCES, **start: Any
    ) -> None:
        self.codes = {name: encode(text) for name, text in sentences.items()}
        # All weights now, so that turning a control computes nothing.
        self.weights = {name: decoder.read(codes)[1] for name, codes in self.codes.items()}
        super().__init__(**start)

    def make_controls(self) -> dict:
        """Return the controls: the sentence, which head of which block, which place looks."""
        weights = next(iter(self.weights.values()))
        layers, heads, places, _ = weights.shape
        return {
            "sentence": kit.choice(next(iter(self.codes)), list(self.codes)),
            "layer": kit.choice(1, list(range(1, layers + 1))),
            "head": kit.choice(1, list(range(1, heads + 1))),
            "place": kit.slider(places - 1, 0, places - 1),
        }

    def compute(self, sentence: str, layer: int, head: int, place: int) -> dict:
        """Return the weights of that head, and where the chosen place looks, most first."""
        weights = self.weights[sentence][layer - 1, head - 1]
        row = weights[place]
        back = place - np.arange(len(row))
        return {
            "weights": weights,
            "row": row,
            "most": np.argsort(-row, kind="stable")[:3],
            "distance": float(row @ back),
        }

    def build(self, figure: Figure) -> dict:
        """Draw the map of a head with the sentence along both sides, and one of its rows."""
        codes = self.codes[self.params["sentence"]]
        letters = [visible(code) for code in codes]
        left, right = figure.subplots(1, 2, width_ratios=[1.05, 1])
        image = left.imshow(np.zeros((len(codes),) * 2), vmin=0, vmax=1, animated=False)
        left.set(title="weights of this head", xlabel="looks at", ylabel="who looks")
        bars = right.barh(np.arange(len(codes)), np.zeros(len(codes)), color=figures.BLUE)
        right.set(xlim=(0, 1), ylim=(len(codes) - 0.5, -0.5), xlabel="weight")
        places = np.arange(len(codes))
        left.set_xticks(places, letters)
        for ax in (left, right):
            ax.set_yticks(places, letters)
            ax.tick_params(length=0, labelsize=7, labelfontfamily="monospace")
            ax.grid(False)
        right.tick_params(axis="x", labelsize=9, labelfontfamily="sans-serif")
        (frame,) = left.plot([], [], "-", color=figures.ORANGE, linewidth=1.5)
        (here,) = right.plot([0], [0], "D", color=figures.ORANGE, markersize=7, clip_on=False)
        heading = right.set_title("place")  # replaced; it keeps the room
        figure.colorbar(image, ax=left, fraction=0.046, ticks=[0, 0.5, 1], label="weight")
        return {"image": image, "bars": list(bars), "frame": frame, "here": here, "title": heading}

    def paint(self, artists: dict, result: dict, params: dict) -> None:
        """Show the map, frame the row of the chosen place, and draw it as bars."""
        place, count = params["place"], len(result["row"])
        artists["image"].set_data(result["weights"])
        edges = (-0.5, count - 0.5, place - 0.5, place + 0.5)
        x0, x1, y0, y1 = edges
        artists["frame"].set_data([x0, x1, x1, x0, x0], [y0, y0, y1, y1, y0])
        for bar, weight in zip(artists["bars"], result["row"], strict=True):
            bar.set_width(weight)
        artists["here"].set_data([0], [place])
        letter = visible(self.codes[params["sentence"]][place])
        artists["title"].set_text(f"place {place}, “{letter}”, looks at")

    def caption(self, result: dict, params: dict) -> str:
        """Return in words where this place looks, and how far back on average."""
        codes, place = self.codes[params["sentence"]], params["place"]
        top = [
            f"“{visible(codes[i])}” at place {i} ({result['row'][i]:.2f})"
            for i in result["most"]
            if i <= place and result["row"][i] >= 0.01
        ]
        return (
            f"Block {params['layer']}, head {params['head']}: “{visible(codes[place])}” at place "
            f"{place} looks at {', '.join(top)}; on average "
            f"{result['distance']:.1f} places back."
        )


class TemperatureExplorer(kit.Explorer):
    """Turn the temperature; see the probabilities of the next character and a sample.

    Args:
        decoder: a trained network, `labkit.networks.transformer.Decoder`.
        sentences: name -> text to begin with.
        **start: start values of temperature, sentence and seed.
    """

    lesson = "14"
    size = (9.6, 3.9)
    rebuild_for = ("sentence",)

    def __init__(
        self, decoder: Decoder, sentences: dict[str, str] = SENTENCES, **start: Any
    ) -> None:
        self.decoder, self.sentences, self._samples = decoder, sentences, {}
        self.logits = {
            name: decoder.read(encode(text)[-decoder.context :])[0][-1]
            for name, text in sentences.items()
        }
        super().__init__(**start)

    def make_controls(self) -> dict:
        """Return the controls: the temperature, how the text begins, and which draw."""
        return {
            "temperature": kit.slider(0.8, 0.0, 2.0, step=0.05),
            "sentence": kit.choice(next(iter(self.sentences)), list(self.sentences)),
            "seed": kit.slider(0, 0, 20),
        }

    def compute(self, temperature: float, sentence: str, seed: int) -> dict:
        """Return probabilities at this temperature and at 1, and a sample."""
        p = softmax_at(self.logits[sentence], temperature)
        positive = p[p > 0]
        return {
            "p": p,
            "order": np.argsort(-self.logits[sentence], kind="stable")[:_SHOWN],
            # exp of the entropy: as many equally likely characters would surprise as much.
            "choices": float(np.exp(-(positive * np.log(positive)).sum())),
            "sample": self.sample(temperature, sentence, seed),
        }

    def sample(self, temperature: float, sentence: str, seed: int) -> str:
        """Return what the network writes after a sentence; written once for each setting."""
        from labkit.networks.transformer import generate

        key = (temperature, sentence, seed)
        if key not in self._samples:
            prompt = encode(self.sentences[sentence])
            self._samples[key] = decode(generate(self.decoder, prompt, SAMPLE, temperature, seed))
        return self._samples[key]

    def build(self, figure: Figure) -> dict:
        """Draw bars for the likeliest characters, and room for the text."""
        logits = self.logits[self.params["sentence"]]
        order = np.argsort(-logits, kind="stable")[:_SHOWN]
        left, right = figure.subplots(1, 2, width_ratios=[0.75, 1.25])
        plain = softmax_at(logits)[order]
        left.bar(np.arange(_SHOWN), plain, color="none", edgecolor=figures.GRAY, linewidth=1.2)
        bars = left.bar(np.arange(_SHOWN), np.zeros(_SHOWN), width=0.5, color=figures.BLUE)
        left.set_xticks(np.arange(_SHOWN), [visible(code) for code in order])
        left.tick_params(axis="x", labelfontfamily="monospace")
        left.set(
            ylim=(0, 1), ylabel="probability", xlabel="next character (outline: temperature 1)"
        )
        left.grid(False, axis="x")
        right.set_axis_off()
        text = right.text(
            0, 1, "", family="monospace", size=9, va="top", linespacing=1.3, parse_math=False,
            transform=right.transAxes,
        )  # fmt: skip
        return {"bars": list(bars), "text": text, "title": right.set_title("draw", loc="left")}

    def paint(self, artists: dict, result: dict, params: dict) -> None:
        """Move the bars and write the sample."""
        for bar, code in zip(artists["bars"], result["order"], strict=True):
            bar.set_height(result["p"][code])
        artists["text"].set_text(wrapped(self.sentences[params["sentence"]] + result["sample"]))
        artists["title"].set_text(f"the beginning and {SAMPLE} characters, draw {params['seed']}")

    def caption(self, result: dict, params: dict) -> str:
        """Return in words the likeliest character, how many are in play, and the sample."""
        first = result["order"][0]
        # Python's own texts speak of the floating-point numbers inf and nan; a caption must not.
        drawn = re.sub(
            r"(?i)\b(n)(an)\b|\b(i)(nf)\b", r"\1\3-\2\4", " ".join(result["sample"].split())
        )
        return (
            f"Temperature {params['temperature']:g}: the likeliest next character is "
            f"“{visible(first)}” with probability {result['p'][first]:.2f}; the choice is as open "
            f"as between {result['choices']:.1f} equally likely ones. It goes on: {drawn}"
        )


def draw_masks(masks: dict[str, np.ndarray], scores: np.ndarray, tokens: list[str]) -> Figure:
    """Draw the weights that the same scores give under several masks; return the figure.

    Args:
        masks: name -> mask, stretching to the shape of the scores.
        scores: shape (tokens, tokens); a row is what one token thinks of all others.
        tokens: a word for each row and column.
    """
    import matplotlib.pyplot as plt

    fig, axes = plt.subplots(1, len(masks), figsize=(3.2 * len(masks), 2.7))
    for ax, (name, mask) in zip(axes, masks.items(), strict=True):
        allowed, weights = np.broadcast_to(mask, scores.shape), masked_softmax(scores, mask)
        ax.imshow(weights, vmin=0, vmax=1, cmap="Blues", interpolation="nearest")
        for (i, j), weight in np.ndenumerate(weights):
            label = f"{weight:.2f}" if allowed[i, j] else "×"
            color = "white" if weight > 0.6 else "black"
            ax.text(j, i, label, ha="center", va="center", size=9, color=color)
        ax.set_xticks(range(len(tokens)), tokens, size=9)
        ax.set_yticks(range(len(tokens)), tokens, size=9)
        ax.set(title=name, xlabel="looks at", ylabel="who looks")
        ax.grid(False)
    return fig


def wrapped(text: str) -> str:
    r"""Return text cut into lines of at most 72 characters; ends of lines of its own stay.

    >>> [len(line) for line in wrapped("a" * 73).split("\n")]
    [72, 1]
    """
    lines = [
        piece
        for line in text.split("\n")
        for piece in textwrap.wrap(line, _LINE, drop_whitespace=False) or [""]
    ]
    return "\n".join(lines)
