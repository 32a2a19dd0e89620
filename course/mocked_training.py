"""A training step with a mistake: one test replaces the model by a mock, one trains the real model.

    .venv/bin/python -m pytest course/mocked_training.py

The first passes and the second fails, which is the point: this file is not among the project's tests.
"""

from unittest.mock import Mock

import numpy as np


class Linear:
    """Scores of images: one weight a band."""

    def __init__(self, bands):
        self.weights = np.zeros(bands)

    def forward(self, images):
        return images @ self.weights

    def update(self, step):
        self.weights += step


def train_step(model, images, labels, rate):
    """One step of gradient descent on the squared error."""
    error = model.forward(images) - labels
    model.update(rate * images.T @ error)  # the mistake: up the slope instead of down


def test_with_a_mock():
    model, images = Mock(), np.ones((8, 12))
    model.forward.return_value = np.zeros(8)
    train_step(model, images, np.ones(8), rate=0.01)
    model.forward.assert_called_once_with(images)
    model.update.assert_called_once()


def test_learns_one_small_batch_by_heart():
    random = np.random.default_rng(0)
    images, model = random.normal(size=(8, 12)), Linear(12)
    labels = images @ np.arange(12)
    for _ in range(500):
        train_step(model, images, labels, rate=0.01)
    worst = float(np.abs(model.forward(images) - labels).max())
    assert worst < 0.01
