"""A neural network of one hidden layer on the handwritten digits that come with scikit-learn."""

from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier


def run(params, task):
    """Train for some epochs; return the loss and the accuracy on the validation set."""
    x_train, x_val, y_train, y_val = load_data()
    model = MLPClassifier(
        hidden_layer_sizes=(params["hidden"],),
        activation=params["activation"],
        solver="sgd",
        learning_rate_init=params["learning_rate"],
        batch_size=params["batch_size"],
        momentum=0.9,
        nesterovs_momentum=params.get("nesterov", False),  # absent unless activation is relu
        random_state=task.seed,
    )
    metrics = {}
    for epoch in range(params["epochs"]):
        model.partial_fit(x_train, y_train, classes=range(10))
        metrics = {
            "val_loss": log_loss(y_val, model.predict_proba(x_val)),
            "val_accuracy": model.score(x_val, y_val),
        }
        if task.report(epoch, metrics):
            break
    return metrics


def load_data():
    """Return training and validation images and labels: the same split for every point."""
    images, labels = load_digits(return_X_y=True)  # 1,797 images of 8 x 8 pixels, 0 to 16
    return train_test_split(images / 16, labels, test_size=0.25, stratify=labels, random_state=0)
