"""Exercises of lesson 25: FLOP of a training step, energy of a run, rent or buy, a cheap recipe."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from labkit.datacenter import energy, recipes
from labkit.learn import values
from labkit.learn.checks import Exercise

# --- FLOP of a step: my_step_flop(widths, batch) -> number ----------------------------------------


def _products(widths, batch):
    return [2 * batch * a * b for a, b in pairwise(widths)]


def _step_flop(widths, batch):
    forward = _products(widths, batch)
    return 3 * sum(forward) - forward[0]


def _with_last_spared(widths, batch):
    forward = _products(widths, batch)
    return 3 * sum(forward) - forward[-1]


def _of_the_weights(widths, batch):
    return 6 * sum(a * b for a, b in pairwise(widths))


_PRODUCTS_ALONE = "You counted the additions of the biases too. Asked are the products alone."

step_flop = Exercise(
    name="step_flop",
    lesson="25",
    right=_step_flop,
    cases=[([784, 500, 10], 64), ([3, 5], 2), ([20, 30, 40, 7], 16)],
    mistakes={
        "forward only": (
            lambda widths, batch: sum(_products(widths, batch)),
            "That is the forward pass. Training also goes backward.",
        ),
        "backward counted once": (
            lambda widths, batch: 2 * sum(_products(widths, batch)),
            "Your way back costs as much as the way forward. But it has two products a layer: one "
            "gives the gradient of the weights, the other that of the inputs.",
        ),
        "the first layer tells its inputs": (
            lambda widths, batch: 3 * sum(_products(widths, batch)),
            "You count three products for each layer. For one of the layers nobody asks how its "
            "inputs should change: they are pixels.",
        ),
        "the last layer is spared": (
            _with_last_spared,
            "You left out a product of the last layer. Which layer has nobody before it to tell?",
        ),
        "an addition is no FLOP": (
            lambda widths, batch: _step_flop(widths, batch) / 2,
            "You count multiplications alone. Each of them is followed by an addition, and both "
            "are floating-point operations.",
        ),
        "one sample": (
            lambda widths, batch: _step_flop(widths, 1),
            "That is the work for one sample. The step has `batch` of them.",
        ),
        "biases forward": (
            lambda widths, batch: _step_flop(widths, batch) + batch * sum(widths[1:]),
            _PRODUCTS_ALONE,
        ),
        "biases": (
            lambda widths, batch: _step_flop(widths, batch) + 2 * batch * sum(widths[1:]),
            _PRODUCTS_ALONE,
        ),
        "6 N": (
            _of_the_weights,
            "You multiplied the number of weights by six: a good rule for one token of a large "
            "network. Here the batch is missing, and the first layer matters.",
        ),
    },
    hint="For each layer: one product forward, one for the gradient of its weights, one for that "
    "of its inputs. The first layer needs only two of the three.",
)


# --- energy: my_kwh(parts, pue) -> kWh ------------------------------------------------------------


def _mean_watts(parts, pue):
    return sum(w for w, _ in parts) / len(parts) * sum(s for _, s in parts) / 3.6e6 * pue


kwh = Exercise(
    name="kwh",
    lesson="25",
    right=lambda parts, pue: energy.kwh(parts, pue),
    cases=[
        ([(1000, 3600), (200, 1800)], 1.5),
        ([(300, 7200), (100, 1800)], 1.2),
        ([(40, 60), (5, 600), (0.5, 86_400)], 1.58),
    ],
    mistakes={
        "the building is missing": (
            lambda parts, pue: energy.kwh(parts),
            "That is what the computers drew. The meter of the building also turns for cooling "
            "and for what power supplies lose.",
        ),
        "divided by PUE": (
            lambda parts, pue: energy.kwh(parts) / pue,
            "You divided by the PUE, so a worse building would need less. PUE is building over "
            "computers.",
        ),
        "only the overhead": (
            lambda parts, pue: energy.kwh(parts) * (pue - 1),
            "That is what the building needs besides the computers. Asked is everything.",
        ),
        "joules": (
            lambda parts, pue: energy.kwh(parts, pue) * 3.6e6,
            "Watts times seconds are joules. How many of them make a kilowatt hour?",
        ),
        "watt hours": (
            lambda parts, pue: energy.kwh(parts, pue) * 1000,
            "These are watt hours, a thousand times too many for kilowatt hours.",
        ),
        "kilowatt seconds": (
            lambda parts, pue: energy.kwh(parts, pue) * 3600,
            "You took the seconds for hours: your number is in kilowatt seconds.",
        ),
        "watts and seconds summed apart": (
            lambda parts, pue: sum(w for w, _ in parts) * sum(s for _, s in parts) / 3.6e6 * pue,
            "You added up the watts and the seconds, and then multiplied. Each part draws its own "
            "watts for its own time.",
        ),
        "the first part": (
            lambda parts, pue: energy.kwh(parts[:1], pue),
            "That is the energy of the first part alone. A `return` inside a loop ends it.",
        ),
        "the last part": (
            lambda parts, pue: energy.kwh(parts[-1:], pue),
            "That is the energy of the last part alone. In a loop each part must be added to what "
            "was there, or it takes its place.",
        ),
        "mean watts": (
            _mean_watts,
            "You took the mean of the watts for the whole time. A part that runs longer counts "
            "more.",
        ),
    },
    hint="Each part: watts times seconds. Add up, turn joules into kilowatt hours (1,000 W for "
    "3,600 s), then from the computers to the building.",
)


# --- rent or buy: my_break_even(price, rent, running) -> hours ------------------------------------

break_even = Exercise(
    name="break_even",
    lesson="25",
    right=lambda price, rent, running: price / (rent - running),
    cases=[(200_000.0, 32.77, 2.0), (9000.0, 4.0, 1.0), (500.0, 0.6, 0.35)],
    mistakes={
        "running is free": (
            lambda price, rent, running: price / rent,
            "So it would be if a bought machine ran for nothing. Each hour saves the rent, and "
            "costs power, room and care.",
        ),
        "running is added": (
            lambda price, rent, running: price / (rent + running),
            "You added the running costs to the rent. What does one hour on your own machine save?",
        ),
        "upside down": (
            lambda price, rent, running: (rent - running) / price,
            "That is the share of the price that one hour earns back. Asked are the hours.",
        ),
        "only the running costs": (
            lambda price, rent, running: price / running,
            "After these hours running has cost as much as the machine. The rent must come in.",
        ),
        "no parentheses": (
            lambda price, rent, running: price / rent - running,
            "Python divides before it subtracts, so you take dollars an hour off hours.",
        ),
        "days": (
            lambda price, rent, running: price / (rent - running) / 24,
            "These are days of 24 hours of use. Asked are hours.",
        ),
    },
    hint="What does one hour save? How often must it be saved until the price is back?",
)


# --- a cheap recipe: my_recipe() -> hidden, epochs, batch size, learning rate ---------------------

GOAL = 0.87  # accuracy on the digits to choose by, mean of three seeds
LIMITS = {
    "hidden": (1, 500),
    "epochs": (1, 10),
    "batch_size": (1, 512),
    "learning_rate": (0.001, 10),
}
PIXELS, CLASSES = 784, 10


def recipe_flop(recipe, step=_step_flop) -> float:
    """Return the FLOP of a whole training by a recipe.

    Args:
        recipe: (hidden, epochs, batch size, learning rate).
        step: FLOP of one step, of (widths, batch).

    >>> f"{recipe_flop(recipes.USUAL):.3g}"
    '2.4e+10'
    """
    hidden, epochs, batch_size, _ = recipe
    steps, rest = divmod(recipes.TRAINED, batch_size)
    widths = [PIXELS, hidden, CLASSES]
    return epochs * (steps * step(widths, batch_size) + (step(widths, rest) if rest else 0))


BUDGET = recipe_flop(recipes.USUAL) / 20


def recipe_of(recipe) -> list:
    """Return hidden units, epochs, batch size, rate of a learner's recipe, in that order."""
    return _read_recipe(recipe())


def _read_recipe(answer, *_):
    named = isinstance(answer, dict)
    hidden, epochs, batch_size, rate = map(answer.get, LIMITS) if named else answer
    return [int(hidden), int(epochs), int(batch_size), float(rate)]


def _inside(recipe) -> bool:
    return all(low <= getattr(recipe, name) <= high for name, (low, high) in LIMITS.items())


class _Cheap(Exercise):
    """An exercise without one right answer: every recipe that is good and cheap enough is right."""

    def _judged(self, answer):
        found = super()._judged(answer)
        if found.kind in ("not tried", "nothing returned", "error", "an older version"):
            return found
        try:
            recipe = recipes.Recipe(*_read_recipe(answer()))
        except (Exception, SystemExit):
            told = self._first_difference([answer()], [])
            return replace(found, kind="not four numbers", message=told)
        kind = self._fault(recipe)
        if kind:
            return replace(found, kind=kind, message=self.mistakes[kind][1])
        told = "It reads the digits well enough, within the budget."
        return replace(found, kind="right", message=told, usable=answer)

    def _first_difference(self, got: list, right: list) -> str:
        asked = "Asked are four numbers: units, epochs, batch size, rate."
        return f"You return {values.short(got[0])}. {asked}"

    def _fault(self, recipe) -> str | None:
        """Return what is wrong with a recipe, cheap questions first."""
        if not _inside(recipe):
            return "outside the limits"
        if recipe_flop(recipe) > BUDGET:
            return "over the budget"
        reached = recipes.outcome(recipe).validation
        if reached < 0.3:
            return "it learned nothing"
        return None if reached >= GOAL else "not good enough"


recipe = _Cheap(
    name="recipe",
    lesson="25",
    right=lambda: (24, 2, 8, 0.1),
    cases=[()],
    read=_read_recipe,
    mistakes={
        "over the budget": (
            lambda: (500, 5, 64, 0.3),
            "This training takes more than a twentieth of the usual FLOP. Width and epochs are "
            "the levers; the batch size hardly changes the work.",
        ),
        "not good enough": (
            lambda: (2, 3, 16, 0.2),
            "It is cheap, but reads too few digits. Spend more of the budget, or spend it on "
            "something else: more units, more epochs, smaller batches.",
        ),
        "it learned nothing": (
            lambda: (16, 1, 256, 0.001),
            "This network hardly learned. Has it very few units? And look at the rate: too small "
            "and nothing moves, too large and it diverges.",
        ),
        "outside the limits": (
            lambda: (16, 0, 16, 0.2),
            "One of your numbers lies outside of what the lesson trains, in this order: 1 to 500 "
            "units, 1 to 10 epochs, batches of 1 to 512, a rate of 0.001 to 10.",
        ),
    },
    hint="Where does the usual recipe waste work? A network a thirtieth as wide loses little, if "
    "it takes more and smaller steps.",
)


def tried(answer) -> str:
    """Return in a sentence what a learner's recipe takes and brings; nothing of what is no recipe.

    >>> tried(lambda: (500, 5, 64, 0.3))
    'Your recipe takes 100.00% of the usual FLOP, more than the budget of 5%: it was not trained.'
    """
    try:
        found = recipes.Recipe(*recipe_of(answer))
    except Exception:  # not written yet, or told by the check
        return ""
    if not _inside(found):
        return ""
    share = recipe_flop(found) / recipe_flop(recipes.USUAL)
    told = f"Your recipe takes {share:.2%} of the usual FLOP"
    if recipe_flop(found) > BUDGET:
        return f"{told}, more than the budget of 5%: it was not trained."
    return f"{told}, and reads {recipes.outcome(found).validation:.1%} of the digits to choose by."
