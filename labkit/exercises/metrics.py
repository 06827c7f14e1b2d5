"""Exercises of lesson 05: F1, a pipeline without leaks, which metric."""

import re
from collections.abc import Mapping
from math import sqrt

import numpy as np

from labkit.learn.checks import Exercise

# --- F1: my_f1(tp, fp, fn, tn) -> float ---------------------------------------------------------


def _harmonic(a, b):
    return 2 * a * b / (a + b)


f1 = Exercise(
    name="f1",
    lesson="05",
    right=lambda tp, fp, fn, tn: 2 * tp / (2 * tp + fp + fn),
    cases=[(42, 2, 18, 38), (5, 20, 1, 974), (30, 10, 40, 20)],
    mistakes={
        "accuracy in place of precision": (
            lambda tp, fp, fn, tn: _harmonic((tp + tn) / (tp + fp + fn + tn), tp / (tp + fn)),
            "You combined accuracy and recall, as one of the source articles does. F1 combines "
            "precision and recall.",
        ),
        "arithmetic mean": (
            lambda tp, fp, fn, tn: (tp / (tp + fp) + tp / (tp + fn)) / 2,
            "You took the arithmetic mean of precision and recall. In the harmonic mean a small "
            "one of the two pulls the whole down.",
        ),
        "geometric mean": (
            lambda tp, fp, fn, tn: tp / sqrt((tp + fp) * (tp + fn)),
            "You took the root of precision times recall, the geometric mean. F1 is the harmonic "
            "mean.",
        ),
        "factor 2 missing": (
            lambda tp, fp, fn, tn: tp / (tp + fp + fn),
            "This is the Jaccard index: here the true positives count as much as one kind of "
            "mistake. In F1 they weigh more.",
        ),
        "half of it": (
            lambda tp, fp, fn, tn: tp / (2 * tp + fp + fn),
            "Half of it: with precision and recall both 1, yours would be 0.5.",
        ),
        "only precision": (
            lambda tp, fp, fn, tn: tp / (tp + fp),
            "This is precision: it does not see the missed positives, fn.",
        ),
        "only recall": (
            lambda tp, fp, fn, tn: tp / (tp + fn),
            "This is recall: it does not see the false alarms, fp.",
        ),
        "accuracy": (
            lambda tp, fp, fn, tn: (tp + tn) / (tp + fp + fn + tn),
            "This is accuracy. F1 leaves out the true negatives.",
        ),
        "F1 of the negatives": (
            lambda tp, fp, fn, tn: 2 * tn / (2 * tn + fp + fn),
            "This is F1 for the other class. Count the true positives, not the true negatives.",
        ),
    },
    hint="First the two shares: of the alarms, how many are right? Of the positives, how many are "
    "found? Then their harmonic mean: one over the mean of one over each.",
)

# --- a pipeline: my_pipeline(rows, test_count) -> all rows, filled and scaled -------------------


def _filled(rows, learn_from):
    return np.where(np.isnan(rows), np.nanmedian(learn_from, axis=0), rows)


def _scaled(rows, learn_from):
    return (rows - learn_from.mean(axis=0)) / learn_from.std(axis=0)


def _pipeline(rows, test_count):
    rows = _filled(rows, rows[:-test_count])
    return _scaled(rows, rows[:-test_count])


def _all_leaks(rows, test_count):
    rows = _filled(rows, rows)
    return _scaled(rows, rows)


def _scale_leaks(rows, test_count):
    rows = _filled(rows, rows[:-test_count])
    return _scaled(rows, rows)


def _median_leaks(rows, test_count):
    rows = _filled(rows, rows)
    return _scaled(rows, rows[:-test_count])


def _test_by_itself(rows, test_count):
    rows = _filled(rows, rows[:-test_count])
    train, test = rows[:-test_count], rows[-test_count:]
    return np.vstack([_scaled(train, train), _scaled(test, test)])


def _wrong_end(rows, test_count):
    rows = _filled(rows, rows[test_count:])
    return _scaled(rows, rows[test_count:])


def _learned_from_the_test(rows, test_count):
    rows = _filled(rows, rows[-test_count:])
    return _scaled(rows, rows[-test_count:])


def _variance(rows, test_count):
    rows = _filled(rows, rows[:-test_count])
    train = rows[:-test_count]
    return (rows - train.mean(axis=0)) / train.var(axis=0)


def _not_filled(rows, test_count):
    train = rows[:-test_count]
    return (rows - np.nanmean(train, axis=0)) / np.nanstd(train, axis=0)


def _filled_after(rows, test_count):
    return np.nan_to_num(_not_filled(rows, test_count))


def _one_mean(rows, test_count):
    rows = _filled(rows, rows[:-test_count])
    train = rows[:-test_count]
    return (rows - train.mean()) / train.std()


def _other_deviation(rows, test_count):
    rows = _filled(rows, rows[:-test_count])
    train = rows[:-test_count]
    return (rows - train.mean(axis=0)) / train.std(axis=0, ddof=1)


def _one_of_each(rows, test_count):
    train = rows[:-test_count]
    rows = np.where(np.isnan(rows), np.nanmedian(train), rows)
    return (rows - rows[:-test_count].mean()) / rows[:-test_count].std()


def _scale_of_the_gaps(rows, test_count):
    train = rows[:-test_count]
    return (_filled(rows, train) - np.nanmean(train, axis=0)) / np.nanstd(train, axis=0)


def _mean_filled(rows, test_count):
    train = rows[:-test_count]
    rows = np.where(np.isnan(rows), np.nanmean(train, axis=0), rows)
    return _scaled(rows, rows[:-test_count])


def _only_filled(rows, test_count):
    return _filled(rows, rows[:-test_count])


def _only_training(rows, test_count):
    return _pipeline(rows, test_count)[:-test_count]


def _only_test(rows, test_count):
    return _pipeline(rows, test_count)[-test_count:]


_RANDOM = np.random.default_rng(5)


def _table(count, features):
    # Later rows are larger and wider, as prices are, so that every leak changes the numbers.
    growth = np.linspace(1, 3, count)[:, None]
    rows = growth * _RANDOM.lognormal(size=(count, features))
    rows[[1, count - 1], [0, features - 1]] = np.nan
    return rows


pipeline = Exercise(
    name="pipeline",
    lesson="05",
    right=_pipeline,
    cases=[(_table(8, 2), 3), (_table(30, 3), 6), (_table(12, 1), 4)],
    mistakes={
        "everything learned from all rows": (
            _all_leaks,
            "Median, mean and standard deviation have seen the test rows. Cut the training rows "
            "off first, and learn all three from them.",
        ),
        "scale learned from all rows": (
            _scale_leaks,
            "Your median is clean, but mean and standard deviation have seen the test rows.",
        ),
        "median learned from all rows": (
            _median_leaks,
            "Your scale is clean, but the median that fills the gaps has seen the test rows.",
        ),
        "test scaled by itself": (
            _test_by_itself,
            "You scale the test rows with their own mean. The model then sees other units than "
            "in training. Use the training mean and deviation for both.",
        ),
        "wrong end": (
            _wrong_end,
            "You keep the first rows for the test. The rows are ordered by time: the test is the "
            "last part, the future.",
        ),
        "learned from the test": (
            _learned_from_the_test,
            "You learn from the test rows, the last ones. Learn from those before them.",
        ),
        "variance": (
            _variance,
            "You divide by the variance. The z-score divides by its root, the standard deviation.",
        ),
        "gaps not filled": (
            _not_filled,
            "The gaps are still there. Fill them with the median of the training rows first.",
        ),
        "filled with the mean": (
            _filled_after,
            "You scale first and fill with 0, which is the mean. Fill with the training median, "
            "then scale.",
        ),
        "one mean for all features": (
            _one_mean,
            "You take one mean over all columns. Each feature has its own: axis=0.",
        ),
        "nothing by column": (
            _one_of_each,
            "You take one median, one mean and one deviation over all columns. Each feature has "
            "its own units: axis=0, three times.",
        ),
        "another deviation": (
            _other_deviation,
            "You divide by n - 1 (ddof=1, as pandas' .std() does). NumPy's .std(axis=0) and "
            "scikit-learn divide by n, and so does this exercise.",
        ),
        "scale of the rows with gaps": (
            _scale_of_the_gaps,
            "Your median is right, but mean and deviation come from the rows with gaps. Fill "
            "first, then learn them from the filled training rows.",
        ),
        "mean in place of the median": (
            _mean_filled,
            "You fill the gaps with the mean. The task asks for the median: one extreme value "
            "moves the mean of a column, and hardly its median.",
        ),
        "not scaled": (
            _only_filled,
            "The gaps are filled, but the columns keep their units. Subtract the training mean "
            "and divide by the training deviation.",
        ),
        "only the training rows": (
            _only_training,
            "The numbers are right, but the test rows are missing. Return all rows.",
        ),
        "only the test rows": (
            _only_test,
            "The numbers are right, but the training rows are missing. Return all rows.",
        ),
    },
    hint="Three numbers are learned for each column. From which rows, and in which order? What is "
    "learned there is then used on all rows.",
)

# --- which metric: five words -------------------------------------------------------------------

_METRICS = ["recall", "precision", "accuracy", "auc", "f1"]
_OTHER_NAMES = {
    "sensitivity": "recall",
    "true positive rate": "recall",
    "tpr": "recall",
    "hit rate": "recall",
    "positive predictive value": "precision",
    "ppv": "precision",
    "roc auc": "auc",
    "auc roc": "auc",
    "auroc": "auc",
    "area under the curve": "auc",
    "area under the roc curve": "auc",
    "f1 score": "f1",
    "f score": "f1",
    "f 1": "f1",
    "acc": "accuracy",
}


def _word(word):
    """Return a metric's name as the task writes it; what is no text stays as it is."""
    if callable(word) and hasattr(word, "__name__"):
        word = word.__name__
    if not isinstance(word, str):
        return word
    plain = " ".join(re.findall(r"[a-z0-9]+", word.lower()))
    plain = re.sub(r"^(?:[a-e] )(?=.)", "", plain).removesuffix(" score")
    return _OTHER_NAMES.get(plain, plain)


def _words(answer):
    """Return five names in order: of a list, a text with commas, or a dictionary of letters."""
    if isinstance(answer, Mapping):
        answer = [answer[key] for key in sorted(answer, key=lambda key: str(key).strip().lower())]
    if isinstance(answer, str):
        parted = re.split(r"[,;\n]+", answer.strip(" ,;\n"))
        answer = parted if len(parted) > 1 else answer.split()
    if isinstance(answer, set | frozenset):
        return answer  # it has no order
    return [_word(each) for each in answer]


def _with(place, word):
    return [word if i == place else right for i, right in enumerate(_METRICS)]


# What to say about each of the four wrong words at each letter.
_LETTERS = {
    "A": {
        "accuracy": "the disease is rare, so accuracy is high even when every patient is missed.",
        "f1": "F1 weighs a missed patient and a needless second test alike. They are not alike: "
        "needless tests are already limited, and within the limit only misses count.",
        "precision": "precision looks at the alarms alone. A patient who is missed raises none. "
        "Which share falls with each missed patient?",
        "auc": "the AUC is an average over all thresholds. Here the limit picks one of them; ask "
        "how many patients are found there.",
    },
    "B": {
        "accuracy": "accuracy counts a lost letter and an advertisement in the mailbox alike.",
        "f1": "F1 weighs caught spam and lost letters alike. How much must be caught is already "
        "settled; what is left is to lose few letters.",
        "recall": "recall says how much spam is caught, and that is already settled: half. What "
        "hurts is a good letter among the deleted ones.",
        "auc": "the AUC is an average over all thresholds. Here one is chosen; look at what it "
        "deletes.",
    },
    "C": {
        "f1": "F1 is for one rare class. Here all classes are equally common, and all mistakes "
        "cost the same: simply count them.",
        "recall": "recall looks at one class. Here all ten matter alike: simply count the right "
        "answers.",
        "precision": "precision looks at the answers of one class. Here all ten matter alike: "
        "simply count the right answers.",
        "auc": "the AUC orders two classes by a score. Here are ten, and each image gets one "
        "answer: simply count the right ones.",
    },
    "D": {
        "accuracy": "accuracy needs a threshold, and there is none yet. Which score looks at the "
        "order alone?",
        "f1": "F1 needs a threshold, and there is none yet. Which score looks at the order alone?",
        "recall": "recall needs a threshold, and there is none yet. Which score looks at the order "
        "alone?",
        "precision": "precision needs a threshold, and there is none yet. Which score looks at the "
        "order alone?",
    },
    "E": {
        "accuracy": "199 of 200 parts are good, so calling all of them good is 99.5 % right.",
        "auc": "the AUC hardly notices false alarms among so many good parts. You want one number "
        "at one threshold, for missed faults and false alarms.",
        "recall": "recall does not see the false alarms: an alarm for every part has recall 1.",
        "precision": "precision does not see the missed faults: one sure alarm has precision 1.",
    },
}

which_metric = Exercise(
    name="which_metric",
    lesson="05",
    right=_METRICS,
    read=_words,
    mistakes={
        "accuracy everywhere": (
            ["accuracy"] * 5,
            "Accuracy counts every mistake the same, and rare classes hardly at all. In which "
            "of the five cases is that what you want?",
        ),
        "precision and recall swapped": (
            ["precision", "recall", "accuracy", "auc", "f1"],
            "Recall falls with each missed positive, precision with each false alarm. Ask what is "
            "settled in A and in B, and what is left to make as large as possible.",
        ),
        **{
            f"{letter}: {word}": (_with(place, word), f"{letter}: {text}")
            for place, (letter, texts) in enumerate(_LETTERS.items())
            for word, text in texts.items()
        },
    },
    hint="What is left to win in each case: fewer misses, fewer false alarms, both, or all?",
)
