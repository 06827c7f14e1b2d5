"""The attention map and the temperature, with a small network that was never trained."""

import numpy as np
import pytest

from labkit.data.text import encode
from labkit.explore import attention as explore

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def decoder():
    pytest.importorskip("keras")
    from labkit.networks.transformer import Decoder, small_transformer

    return Decoder(small_transformer(context=48, width=16, layers=2, heads=2, seed=0))


@pytest.fixture(scope="module")
def maps(decoder):
    return explore.AttentionExplorer(decoder)


@pytest.fixture(scope="module")
def heat(decoder):
    return explore.TemperatureExplorer(decoder)


def test_sentences_fill_the_picture_and_the_alphabet_has_all_their_characters():
    for text in explore.SENTENCES.values():
        assert len(text) == explore.PLACES
        assert "?" not in text
        assert (encode(text) == [explore.ALPHABET.index(c) for c in text]).all()


def test_the_map_is_what_the_network_computes(maps, decoder):
    weights = decoder.read(encode(explore.SENTENCES["code"]))[1]
    result = maps.compute(sentence="code", layer=2, head=1, place=20)
    np.testing.assert_array_equal(result["weights"], weights[1, 0])
    assert result["row"][result["most"][0]] == weights[1, 0, 20].max()
    assert result["row"][21:].sum() == 0
    wanted = sum((20 - i) * w for i, w in enumerate(weights[1, 0, 20]))
    assert abs(result["distance"] - wanted) < 1e-9


def test_the_first_place_can_only_look_at_itself(maps):
    maps.controls["place"].value = 0
    assert "(1.00)" in maps.text
    assert "0.0 places back" in maps.text


def test_all_settings_of_the_map_work(maps):
    assert maps.walk() > 40


def test_bars_are_the_probabilities_at_that_temperature(heat, decoder):
    from labkit.maths.attention import softmax_at

    logits = decoder.read(encode(explore.SENTENCES["words"]))[0][-1]
    result = heat.compute(temperature=0.5, sentence="words", seed=3)
    np.testing.assert_allclose(result["p"], softmax_at(logits, 0.5))
    assert result["order"][0] == logits.argmax()
    assert len(result["sample"]) == explore.SAMPLE
    assert result["choices"] > 1


def test_at_zero_there_is_no_choice_and_no_luck(heat):
    one, two = (heat.compute(temperature=0.0, sentence="words", seed=seed) for seed in (0, 1))
    assert one["choices"] == 1
    assert one["sample"] == two["sample"]


def test_all_settings_of_the_temperature_work(heat):
    assert heat.walk() > 40


def test_a_sample_about_nan_and_inf_is_no_failure(heat):
    result = heat.compute(temperature=1.0, sentence="words", seed=0)
    text = heat.caption(result | {"sample": "nan or INF, info"}, heat.params)
    assert "n-an or I-NF, info" in text


def test_settings_come_back_as_the_lesson_understands_them(maps, heat):
    from labkit.lab import parameters, places

    schema = parameters.read_parameters(places.lesson_files()["14"])
    for explorer in (maps, heat):
        parameters.validate(schema, explorer.lesson_params)
        assert explorer.texts()["Copy as command"].startswith("labkit run 14 -p ")


def test_forbidden_places_are_crossed_out():
    import matplotlib.pyplot as plt

    mask = np.array([[True, False], [True, True]])
    fig = explore.draw_masks(
        {"all": np.array([True]), "causal": mask}, np.zeros((2, 2)), ["a", "b"]
    )
    labels = [[text.get_text() for text in ax.texts] for ax in fig.axes]
    plt.close(fig)
    assert labels == [["0.50"] * 4, ["1.00", "×", "0.50", "0.50"]]
