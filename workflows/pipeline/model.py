"""The model: a small network, its search on one fold, and the one that wins."""

import statistics
import warnings

import numpy
from sklearn.datasets import load_breast_cancer
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def network(parameters, seed=0):
    return MLPClassifier(
        (parameters["hidden"],),
        learning_rate_init=parameters["learning_rate"],
        alpha=parameters["alpha"],
        max_iter=parameters["epochs"],
        random_state=seed,
    )


def fit(model, x, y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is given
        return model.fit(x, y)


def run(params, task=None):
    """Return how well a network does on one fold."""
    fold = numpy.load(params["file"])
    seed = 0 if task is None else task.seed % 2**32
    model = fit(network(params, seed), fold["train_x"], fold["train_y"])
    probability = model.predict_proba(fold["validation_x"])
    return {
        "val_loss": float(log_loss(fold["validation_y"], probability)),
        "val_accuracy": float(model.score(fold["validation_x"], fold["validation_y"])),
    }


def choose(found, files):
    """Return the best parameters of the folds that do best on all folds."""
    candidates = [one["parameters"] for one in found]
    losses = [
        statistics.fmean(run({**parameters, "file": file})["val_loss"] for file in files)
        for parameters in candidates
    ]
    best = losses.index(min(losses))
    return {"parameters": candidates[best], "val_loss": losses[best], "fold": best}


def train(parameters, rows):
    """Return a network that was trained on all folds, with its scaling."""
    data = load_breast_cancer()
    return fit(
        make_pipeline(StandardScaler(), network(parameters)), data.data[rows], data.target[rows]
    )


def infer(model, rows):
    """Return the truth and the predicted probability of records that no fold has seen."""
    data = load_breast_cancer()
    return {"truth": data.target[rows], "probability": model.predict_proba(data.data[rows])[:, 1]}
