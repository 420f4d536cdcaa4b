"""The data: scikit-learn's breast cancer records, split into folds and a part that is held out."""

from pathlib import Path

import numpy
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import StratifiedKFold, train_test_split
from sklearn.preprocessing import StandardScaler

RESULTS = Path("results")


def split(folds, seed):
    """Return the rows of each fold, of all of them, and of what is held out."""
    data = load_breast_cancer()
    rows = numpy.arange(len(data.target))
    development, holdout = train_test_split(
        rows, test_size=0.2, random_state=seed, stratify=data.target
    )
    parts = StratifiedKFold(folds, shuffle=True, random_state=seed)
    return {
        "folds": [
            {
                "number": number,
                "train": development[train].tolist(),
                "validation": development[validation].tolist(),
            }
            for number, (train, validation) in enumerate(
                parts.split(development, data.target[development])
            )
        ],
        "development": development.tolist(),
        "holdout": holdout.tolist(),
    }


def preprocess(fold):
    """Write the scaled records of a fold, by what its own training part says, to a file."""
    data = load_breast_cancer()
    scaler = StandardScaler().fit(data.data[fold["train"]])
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"fold{fold['number']}.npz"
    numpy.savez(
        file,
        train_x=scaler.transform(data.data[fold["train"]]),
        train_y=data.target[fold["train"]],
        validation_x=scaler.transform(data.data[fold["validation"]]),
        validation_y=data.target[fold["validation"]],
    )
    return str(file)
