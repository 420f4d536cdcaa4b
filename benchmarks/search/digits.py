"""Small networks that learn to read digits: what they lose after each epoch of their training.

All networks of a grid are trained here, a hundred at a time, on the digits that come with
scikit-learn; it takes two minutes on one core, once. The curves are kept in a file: a search then
reads what a training would have given.
"""

from __future__ import annotations

import itertools
import math
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields
from hashlib import sha256
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from tasks import parse_space

from supervisor.core.objective import Values

LEARNED = 500  # images; few, so that the best networks differ
JUDGED = 700
WORST = 50.0
"""The loss of a training that diverged, and the most that any other has."""


@dataclass(frozen=True, slots=True)
class Grid:
    """The networks, which have one hidden layer: all combinations of these values.

    Attributes:
        hidden: Units of the layer.
        activation: Of these units.
        batch: Images in a step of gradient descent.
        learning_rate: Its factor.
        decay: Of the weights, in parts of the learning rate.
        momentum: Which part of a step the next one repeats.
    """

    hidden: tuple[int, ...] = (8, 16, 32)
    activation: tuple[str, ...] = ("relu", "tanh")
    batch: tuple[int, ...] = (8, 16, 32, 64, 128)
    learning_rate: tuple[float, ...] = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
    decay: tuple[float, ...] = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
    momentum: tuple[float, ...] = (0.0, 0.5, 0.9)

    def axes(self) -> dict[str, Sequence[int | float | str]]:
        """Return the values of each parameter."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


class Digits:
    """The task of finding the network that loses least after a full training.

    The score of a network is its normalised regret: 0 for the best mean of all trainings of a
    network, 1 for the median of all means.

    Args:
        folder: Has the file of curves, or will have it.
        grid: The networks.
        epochs: Of a full training.
        trainings: Of each network, from other weights and in another order of images.
    """

    name = "digits"

    def __init__(self, folder: Path, grid: Grid, *, epochs: int, trainings: int) -> None:
        self._axes = grid.axes()
        self.space = parse_space(
            {
                name: {"choice" if name == "activation" else "ordered": list(values)}
                for name, values in self._axes.items()
            }
        )
        self._curves = kept(folder, grid, epochs=epochs, trainings=trainings)
        means = self._curves[..., -1].mean(axis=-1)
        self._regrets = (means - means.min()) / (np.median(means) - means.min())

    def curve(self, values: Values, seed: int) -> Sequence[float]:
        """Return the loss after each epoch of one of the trainings."""
        trainings = self._curves[self._place(values)]
        curve: list[float] = trainings[seed % len(trainings)].tolist()
        return curve

    def score(self, values: Values) -> float:
        """Return the regret of a network; less is better."""
        return float(self._regrets[self._place(values)])

    def _place(self, values: Values) -> tuple[int, ...]:
        return tuple(list(axis).index(values[name]) for name, axis in self._axes.items())


def kept(folder: Path, grid: Grid, *, epochs: int, trainings: int) -> np.ndarray:
    """Return what ``train`` does, from a file of the folder; the file is made if it is missing."""
    recipe = repr((grid, epochs, trainings, LEARNED, JUDGED, WORST))
    file = folder / f"digits-{sha256(recipe.encode()).hexdigest()[:12]}.npy"
    if not file.exists():
        trained = train(grid, epochs=epochs, trainings=trainings)
        folder.mkdir(parents=True, exist_ok=True)
        aside = file.with_suffix(f".{os.getpid()}")
        with aside.open("wb") as binary:
            np.save(binary, trained)
        aside.replace(file)  # whole, or not there
    curves: np.ndarray = np.load(file)
    return curves


def train(grid: Grid, *, epochs: int, trainings: int) -> np.ndarray:
    """Return the loss of all networks on the images to judge them by, after each epoch.

    Networks that differ in their rates only begin with the same weights and learn from the same
    images.

    Args:
        grid: The networks.
        epochs: How long they learn.
        trainings: Of each network.

    Returns:
        An axis for each parameter of the grid, one for the trainings, one for the epochs.
    """
    learned, judged = _images()
    outer = [grid.hidden, grid.activation, grid.batch]
    inner = [grid.learning_rate, grid.decay, grid.momentum]
    rates = np.array([*itertools.product(*inner)], np.float32)
    sizes = [len(values) for values in (*outer, *inner)]
    curves = np.empty((math.prod(sizes[:3]), len(rates), trainings, epochs))
    for index, (hidden, activation, batch) in enumerate(itertools.product(*outer)):
        print(f"training {hidden} {activation} units, batches of {batch}", file=sys.stderr)
        for training in range(trainings):
            rng = np.random.default_rng([index, training])
            networks = Networks(hidden, activation, rates, rng)
            for epoch in range(epochs):
                networks.learn(*learned, batch=batch, rng=rng)
                curves[index, :, training, epoch] = networks.losses(*judged)
    return curves.reshape(*sizes, trainings, epochs)


def _images() -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Return images and their digits: those to learn from, and those to judge networks by."""
    images, digits = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(images))
    images, digits = (images[order] / 16).astype(np.float32), digits[order]
    end = LEARNED + JUDGED
    return (images[:LEARNED], digits[:LEARNED]), (images[LEARNED:end], digits[LEARNED:end])


class Networks:
    """Networks of the same layers, that learn from the same images by gradient descent.

    Args:
        hidden: Units of the hidden layer.
        activation: ``relu`` or ``tanh``.
        rates: Learning rate, decay and momentum, a row for each network.
        rng: Draws the weights to begin with.
    """

    def __init__(
        self, hidden: int, activation: str, rates: np.ndarray, rng: np.random.Generator
    ) -> None:
        count = len(rates)
        self._relu = activation == "relu"
        self._rates = rates.T[:, :, np.newaxis, np.newaxis]
        wide = rng.standard_normal((64, count * hidden), np.float32) * np.float32(2 / 64) ** 0.5
        last = rng.standard_normal((count, hidden, 10), np.float32) * np.float32(1 / hidden) ** 0.5
        self._wide = wide  # the first layers side by side: one product for all of them
        self._weights = [self._apart(wide), last]
        self._shifts = [np.zeros((count, 1, size), np.float32) for size in (hidden, 10)]
        self._steps = [np.zeros_like(each) for each in (*self._weights, *self._shifts)]

    def learn(
        self, images: np.ndarray, digits: np.ndarray, *, batch: int, rng: np.random.Generator
    ) -> None:
        """Learn from all images once, in any order; those that fill no batch are left out."""
        order = rng.permutation(len(images))
        with np.errstate(over="ignore", invalid="ignore"):  # some diverge
            for begin in range(0, len(order) - batch + 1, batch):
                chosen = order[begin : begin + batch]
                self._step(images[chosen], digits[chosen])

    def losses(self, images: np.ndarray, digits: np.ndarray) -> np.ndarray:
        """Return the mean cross-entropy of each network."""
        with np.errstate(over="ignore", invalid="ignore"):
            scores = self._scores(self._units(images))
            sums = np.log(np.exp(scores).sum(axis=-1))
            losses = (sums - scores[:, np.arange(len(digits)), digits]).mean(axis=-1)
        return np.minimum(np.nan_to_num(losses, nan=WORST), WORST)

    def _step(self, images: np.ndarray, digits: np.ndarray) -> None:
        units = self._units(images)
        errors = np.exp(self._scores(units))
        errors /= errors.sum(axis=-1, keepdims=True)
        errors[:, np.arange(len(digits)), digits] -= 1
        errors /= len(digits)
        inner = errors @ self._weights[1].transpose(0, 2, 1)
        inner *= units > 0 if self._relu else 1 - units * units
        side_by_side = inner.transpose(1, 0, 2).reshape(len(images), -1)
        rate, decay, momentum = self._rates
        gradients = [
            self._apart(images.T @ side_by_side) + decay * self._weights[0],
            units.transpose(0, 2, 1) @ errors + decay * self._weights[1],
            inner.sum(axis=1, keepdims=True),
            errors.sum(axis=1, keepdims=True),
        ]
        places = [*self._weights, *self._shifts]
        for place, step, gradient in zip(places, self._steps, gradients, strict=True):
            step *= momentum
            step -= rate * gradient
            place += step

    def _units(self, images: np.ndarray) -> np.ndarray:
        sums = self._apart(images @ self._wide) + self._shifts[0]
        return np.maximum(sums, 0) if self._relu else np.tanh(sums)

    def _scores(self, units: np.ndarray) -> np.ndarray:
        """Return the logarithms of the digits' probabilities, up to a constant below zero."""
        sums = units @ self._weights[1] + self._shifts[1]
        return sums - sums.max(axis=-1, keepdims=True)

    def _apart(self, wide: np.ndarray) -> np.ndarray:
        """Return a view with the networks on the first axis."""
        return wide.reshape(len(wide), self._rates.shape[1], -1).transpose(1, 0, 2)
