"""Under LABKIT_LANG=zh explorers of the translated lessons speak Chinese."""

import itertools

import pytest
from matplotlib.text import Text

from labkit.explore.activations import ActivationExplorer, SignalExplorer
from labkit.explore.convolution import SlidingWindow
from labkit.explore.descent import DescentExplorer
from labkit.explore.flow import FlowExplorer
from labkit.explore.folding import FoldingExplorer
from labkit.explore.graph import GraphExplorer
from labkit.explore.kit import Explorer
from labkit.explore.losses import OutlierExplorer, PredictionExplorer
from labkit.explore.metrics import ThresholdExplorer
from labkit.explore.neuron import NeuronExplorer
from labkit.explore.predict import predict
from labkit.explore.recurrent import MemoryExplorer
from labkit.explore.regions import RegionsExplorer
from labkit.explore.start import StartExplorer
from labkit.explore.training import TrainingExplorer
from labkit.lab.phrases import translated
from labkit.lab.translation.left import untranslated

IN_KERNEL = [StartExplorer, OutlierExplorer, PredictionExplorer, ThresholdExplorer, MemoryExplorer]
IN_KERNEL += [ActivationExplorer, SignalExplorer, RegionsExplorer, GraphExplorer]
IN_KERNEL += [FlowExplorer, FoldingExplorer]
IN_PAGE = [DescentExplorer, NeuronExplorer, SlidingWindow, TrainingExplorer]
NAMES = {"sobel x", "sobel y", "score: mean radius"}  # of a kernel; an axis of two pieces


@pytest.fixture(autouse=True)
def chinese(monkeypatch):
    monkeypatch.setenv("LABKIT_LANG", "zh")


def left(text):
    return [run for run in untranslated(translated(text)) if run not in NAMES]


@pytest.mark.parametrize("kind", IN_KERNEL)
def test_an_explorer_of_the_kernel_speaks_chinese(kind):
    explorer = kind()
    assert isinstance(explorer, Explorer)
    for control in explorer.controls.values():
        assert not left(control.description), control.description
    start = explorer.params
    for change in itertools.islice(explorer._changes(4), 12):
        params = start | change
        caption = explorer.caption(explorer.compute(**params), params)
        assert not left(caption), caption
    for picture in explorer._pictures.values():
        for text in picture.figure.findobj(Text):
            assert not left(text.get_text()), text.get_text()


@pytest.mark.parametrize("kind", IN_PAGE)
def test_an_explorer_of_the_page_speaks_chinese(kind):
    explorer = kind()
    assert not left(explorer.text), explorer.text
    assert explorer.state()["phrases"] == explorer.phrases != []
    assert "<figcaption" in explorer.html()


def test_an_english_explorer_carries_no_phrases(monkeypatch):
    monkeypatch.setenv("LABKIT_LANG", "en")
    assert "phrases" not in NeuronExplorer().state()


def test_a_prediction_is_told_in_chinese():
    asked = predict("01", "x", "多大？", number=(0, 1), answer=0.25, because="正是如此。")
    assert asked.text == "预测。多大？\n测得：0.25。\n正是如此。"
    assert "给我看" in asked.html()


def test_an_explorer_says_a_whole_caption_and_no_words_put_together():
    explorer = ThresholdExplorer(threshold=0)
    assert translated(explorer.text).startswith(
        "1,000 个患者中有 370 个患病。阈值 0 发出 395 次报警："
    )


def test_names_at_ticks_are_drawn_in_chinese():
    figure = next(iter(ThresholdExplorer()._pictures.values())).figure
    names = {label.get_text() for axes in figure.axes for label in axes.get_yticklabels()}
    assert {"良性", "恶性"} <= names
