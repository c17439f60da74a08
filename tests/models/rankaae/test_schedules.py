import pytest

from rankaae_cli.models.rankaae.losses import reversal_strength
from rankaae_cli.training.schedules import epochs_of, learning_rate_factor, ramp


@pytest.mark.parametrize(
    ("progress", "expected"), [(0.0, 0.0), (0.05, 0.2339), (0.5, 0.71555), (1.0, 0.7172)]
)
def test_reversal_strength(progress, expected):
    assert reversal_strength(progress) == pytest.approx(expected, abs=2e-4)


@pytest.mark.parametrize(
    ("schedule", "progress", "expected"),
    [
        ("constant", 0.7, 1.0),
        ("plateau", 0.7, 1.0),
        ("cosine", 0.0, 1.0),
        ("cosine", 0.5, 0.505),
        ("cosine", 1.0, 0.01),
        ("one_cycle", 0.0, 0.01),
        ("one_cycle", 0.05, 0.505),
        ("one_cycle", 0.1, 1.0),
        ("one_cycle", 0.55, 0.505),
        ("one_cycle", 1.0, 0.01),
    ],
)
def test_learning_rate_factor(schedule, progress, expected):
    assert learning_rate_factor(progress, schedule) == pytest.approx(expected, abs=1e-9)


def test_unknown_schedule():
    with pytest.raises(ValueError, match="constant, cosine, one_cycle or plateau"):
        learning_rate_factor(0.5, "linear")


@pytest.mark.parametrize(
    ("progress", "length", "expected"), [(0, 0, 1), (0, 0.2, 0), (0.1, 0.2, 0.5), (0.9, 0.2, 1)]
)
def test_ramp(progress, length, expected):
    assert ramp(progress, length) == expected


@pytest.mark.parametrize(
    ("steps", "rows", "batch_size", "epochs"), [(12, 256, 128, 6), (12, 257, 128, 4), (5, 10, 128, 5)]
)
def test_epochs_of_steps(steps, rows, batch_size, epochs):
    assert epochs_of(steps, rows, batch_size) == epochs
