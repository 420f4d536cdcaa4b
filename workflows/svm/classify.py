"""A support vector machine on the breast-cancer data that come with scikit-learn."""

from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC


def run(params):
    """Return the error of three-fold cross-validation."""
    measurements, malignant = load_breast_cancer(return_X_y=True)
    model = make_pipeline(
        StandardScaler(),
        SVC(C=params["C"], kernel=params["kernel"], gamma=params.get("gamma", "scale")),
    )
    return {"error": 1 - cross_val_score(model, measurements, malignant, cv=3).mean()}
