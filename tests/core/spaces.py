"""What the tests of spaces share: an example, and how one is read from a file."""

from hypothesis import strategies as st

from supervisor.core.space import Space

unit = st.floats(0, 1)


def where(*path):
    return "workflow.yaml:7 " + ".".join(map(str, path))


def parse(space, forbid=()):
    return Space.parse(space, where, forbid)


DIGITS = {
    "hidden": {"int": [16, 256], "log": True},
    "learning_rate": {"float": [1.0e-4, 1.0e-1], "log": True},
    "activation": {"choice": ["relu", "tanh", "logistic"]},
    "batch_size": {"ordered": [16, 32, 64, 128]},
    "nesterov": {"bool": [True, False], "when": "activation == 'relu'"},
    "epochs": 20,
}
