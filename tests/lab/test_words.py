"""Which way of a result is better: one rule for the sweep's view, the explorer and its page."""

import pytest

from labkit.lab.words import better


@pytest.mark.parametrize(
    "name",
    [
        *("accuracy", "f1", "throughput", "test_accuracy", "valAccuracy", "accuracies", "R2"),
        *("time_split_accuracy", "random_split_accuracy", "second_layer_accuracy"),
        *("label_error_recall", "lead_after_twenty_epochs", "error_reduction", "success_rate"),
        *("images_per_second", "bytes_per_second", "accuracy_under_attack", "best_epoch_score"),
    ],
)
def test_what_is_better_when_higher(name):
    assert better(name) == better(f"result.{name}") == "max"


@pytest.mark.parametrize(
    "name",
    [
        *(
            "test_loss",
            "losses",
            "seconds",
            "size_in_bytes",
            "mse",
            "peak_memory_mb",
            "memory_peak",
        ),
        *("mini_batch_excess", "steps_to_converge", "seconds_per_epoch", "joules_per_image"),
        *("loss_over_best", "cross_entropy_of_the_example", "time_to_accuracy", "training_time_s"),
        *("error_rate", "false_positive_rate", "latency_p99", "overfitting_gap", "valLoss"),
    ],
)
def test_what_is_better_when_lower(name):
    assert better(name) == better(f"result.{name}") == "min"


@pytest.mark.parametrize(
    "name",
    [
        *("", "answer", "largest_stable_rate", "learning_rate", "winner", "lstm_minus_linear"),
        *("accuracy_loss", "accuracy_gap"),  # of the two, or the one of the other
        *("label_errors_found", "accuracy_std", "loss_change", "accuracy_margin", "best_epoch"),
        *("time_split_baseline", "step_of_best_accuracy", "attack_accuracy"),
    ],
)
def test_in_doubt_nothing_is_said(name):
    assert better(name) is None
