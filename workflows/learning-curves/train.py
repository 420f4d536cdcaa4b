"""A small neural network on handwritten digits that goes on from its checkpoint."""

import pickle

from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier


def run(params, task):
    """Train until ``epochs`` in all; return the loss on the validation set."""
    x_train, x_val, y_train, y_val = load_data()
    checkpoint = task.checkpoint_dir / "network.pickle"
    if checkpoint.exists():  # of an earlier attempt, or of the point that this one goes on from
        model, begun = pickle.loads(checkpoint.read_bytes())
        model.set_params(learning_rate_init=params["learning_rate"], alpha=params["alpha"])
    else:
        model, begun = make(params, task.seed), 0
    loss = log_loss(y_val, model.predict_proba(x_val)) if begun else None
    epochs = begun
    for epoch in range(begun, params["epochs"]):
        model.partial_fit(x_train, y_train, classes=range(10))
        epochs = epoch + 1
        loss = log_loss(y_val, model.predict_proba(x_val))
        if task.report(epoch, {"val_loss": loss}):
            break
    checkpoint.write_bytes(pickle.dumps((model, epochs)))
    return {"val_loss": loss, "trained": epochs, "added": epochs - begun}


def make(params, seed):
    """Return a network that has seen nothing."""
    return MLPClassifier(
        hidden_layer_sizes=(params["hidden"],),
        solver="sgd",
        learning_rate_init=params["learning_rate"],
        alpha=params["alpha"],
        momentum=0.9,
        random_state=seed,
    )


def load_data():
    """Return training and validation images and labels: the same split for every point."""
    images, labels = load_digits(return_X_y=True)  # 1,797 images of 8 x 8 pixels, 0 to 16
    return train_test_split(images / 16, labels, test_size=0.25, stratify=labels, random_state=0)
