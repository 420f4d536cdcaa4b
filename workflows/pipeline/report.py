"""What comes out: one table and one plot."""

import csv

from data import RESULTS
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score, roc_curve


def evaluate(predicted, winner):
    """Write the table and the plot; return the figures."""
    truth, probability = predicted["truth"], predicted["probability"]
    figures = {
        "val_loss": winner["val_loss"],
        "loss": float(log_loss(truth, probability)),
        "accuracy": float(accuracy_score(truth, probability > 0.5)),
        "auc": float(roc_auc_score(truth, probability)),
    }
    with (RESULTS / "table.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["quantity", "value"])
        writer.writerows(winner["parameters"].items())
        writer.writerows((name, f"{value:.5f}") for name, value in figures.items())
    plot(truth, probability, figures["auc"])
    return figures


def plot(truth, probability, auc):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(4, 4), layout="constrained")
    positive_false, positive_true, _ = roc_curve(truth, probability)
    axes.plot(positive_false, positive_true, label=f"area {auc:.4f}")
    axes.plot([0, 1], [0, 1], "--", color="gray")
    axes.set(xlabel="false positive rate", ylabel="true positive rate", title="Held-out records")
    axes.legend()
    figure.savefig(RESULTS / "roc.png", dpi=100)
