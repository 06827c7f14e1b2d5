"""Which sections of a lesson a class may leave out: a judgment, made here and nowhere else.

A section is *must* unless it stands here. What stands here is asked for by no later lesson, or is
the long piece at the end that shows all of a lesson at work. Its cells run all the same, so that
later cells have what they need; only reading, turning and writing are left out.
"""

# Titles without their numbers, in any lesson.
EVERYWHERE = {
    "Source check": "what articles state about the topic; no later lesson asks for it",
    "Go on": "open questions and further reading",
    "Open questions": "for discussion, or for those who are ahead",
    "Further reading": "for those who are ahead",
}

_LAST = "all of the lesson at work; it brings nothing new"
_DEEPER = "a step deeper; later lessons do without it"
_ASIDE = "beside the way; later lessons do without it"

# Lesson -> title without its number -> why.
MAY = {
    "00": {
        "Your machine": _ASIDE,
        "The articles": _ASIDE,
        "Where things are": "to look up when it is needed",
    },
    "01": {"Put it together: your optimizer in a race": _LAST},
    "02": {
        "Where losses come from": _DEEPER,
        "Put it together: a loss of your own": _LAST,
    },
    "03": {
        "Dead units": _ASIDE,
        "Put it together: an activation of your own": _LAST,
    },
    "04": {
        "Wrong indices, and the square matrix that hides them": _DEEPER,
        "What the hidden units do: they fold the plane": _ASIDE,
    },
    "05": {
        "Augmentation: which change keeps the label?": _ASIDE,
        "Wrong labels": _ASIDE,
        "Put it together: which films win an Oscar?": _LAST,
    },
    "10": {"Keep it": _ASIDE, "Put it together": _LAST},
    "11": {
        "Deep: batch normalization and a shortcut": _DEEPER,
        "Put it together: read it wherever it stands": _LAST,
    },
    "12": {
        "The learning rate": "lesson 01 has told most of it",
        "An ablation, as a sweep": "lesson 91 is about sweeps",
        "Put it together: labels that lie": _LAST,
    },
    "13": {
        "Padding, and what it does without a mask": _ASIDE,
        "Put it together": _LAST,
    },
    "14": {
        "A text, and what counting can do": _ASIDE,
        "Put it together: count *and* look": _LAST,
    },
    "15": {
        "Frozen layers cost nearly nothing": _ASIDE,
        "A head start, a higher end, or harm": _DEEPER,
        "Put it together: another scanner": _LAST,
    },
    "16": {
        "One training step, seen whole": "lessons 04 and 14 have its parts",
        "From a model of text to an assistant, in words": _ASIDE,
        "Put it together: spend a budget": _LAST,
    },
    "17": {
        "cuDNN's conditions": "only for who trains an LSTM on such a card",
        "float32, TF32, bfloat16": "lesson 20 is about 16 bits",
        "Put it together": _LAST,
    },
    "20": {
        "When the machine dies": _ASIDE,
        "Put it together: a search in fewer hours": _LAST,
    },
    "21": {
        "Send less, or later": _DEEPER,
        "More machines, and the real engine": _DEEPER,
        "Put it together: a plan for a slow line": _LAST,
    },
    "22": {"Turn both": _ASIDE, "Files": _ASIDE, "Put it together": _LAST},
    "23": {
        "Several texts at once": "it needs lesson 14",
        "Put it together: a rush": _LAST,
    },
    "24": {
        "More servers, later": _DEEPER,
        "What replicas bring": _DEEPER,
        "Put it together: unequal servers, old news": _LAST,
    },
    "25": {
        "One hall of a data center": _DEEPER,
        "Rent or buy": _ASIDE,
        "Put it together: a training on a budget": _LAST,
    },
    "26": {
        "Images made to be misread": _ASIDE,
        "What regulations ask": _ASIDE,
        "Put it together: a budget of 0.5": _LAST,
    },
    "27": {
        "Learn on": _DEEPER,
        "Failures": _ASIDE,
        "Put it together: when to ring": _LAST,
    },
    "28": {"What the drawings lack": _ASIDE, "Put it together": _LAST},
    "90": {
        "Computed again, while you look": _ASIDE,
        "Put it together: reading a technical text": _LAST,
    },
    "91": {
        "Again, and nothing twice": _ASIDE,
        "Put it together: many settings for the price of a few": _LAST,
    },
}
