"""Fit a polynomial to a sine by gradient descent; print the losses as a line of JSON."""

import argparse
import json
import math

SAMPLES = [i / 20 for i in range(-20, 21)]  # every other one validates


def main():
    """Train as the options say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--powers", required=True, help='of x, e.g. "1 3 5"')
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--learning-rate", type=float, required=True)
    options = parser.parse_args()
    powers = [0, *map(int, options.powers.split())]
    weights = [0.0] * len(powers)
    for epoch in range(options.epochs):
        step(weights, powers, options.learning_rate)
        if (epoch + 1) % 1000 == 0:
            print(f"epoch {epoch + 1}: loss {loss(weights, powers, SAMPLES[::2]):.6f}")
    result = {
        "val_loss": loss(weights, powers, SAMPLES[1::2]),
        "train_loss": loss(weights, powers, SAMPLES[::2]),
    }
    print(json.dumps(result))


def step(weights, powers, learning_rate):
    """Move the weights against the gradient of half the training loss."""
    samples = SAMPLES[::2]
    errors = [predict(weights, powers, x) - math.sin(3 * x) for x in samples]
    for i, power in enumerate(powers):
        slope = sum(error * x**power for error, x in zip(errors, samples, strict=True))
        weights[i] -= learning_rate * slope / len(samples)


def loss(weights, powers, samples):
    """Return the mean of the squared errors."""
    errors = [predict(weights, powers, x) - math.sin(3 * x) for x in samples]
    return sum(error**2 for error in errors) / len(samples)


def predict(weights, powers, x):
    """Return the polynomial at x."""
    return sum(weight * x**power for weight, power in zip(weights, powers, strict=True))


if __name__ == "__main__":
    main()
