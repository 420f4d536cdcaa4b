"""An optimizer behind messages: the same in the campaign's process and in one of its own."""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from supervisor.core.blame import blame
from supervisor.core.errors import OptimizerError, SupervisorError
from supervisor.optimizers.programs.adapt import Stream
from supervisor.optimizers.protocol import (
    Continuation,
    EarlyStopper,
    Learner,
    Optimizer,
    Recaller,
    Recommendation,
    Recommender,
    Suggestion,
)
from supervisor.optimizers.serving.messages import (
    Advice,
    Answer,
    Ask,
    Learn,
    Points,
    Ready,
    Recall,
    Recommend,
    Report,
    Request,
    Stop,
    Suggested,
    Tell,
)

_OURS = str(Path(__file__).parent)


class Session:
    """One optimizer, from its first point on.

    Args:
        optimizer: At its first point.
    """

    def __init__(self, optimizer: Optimizer) -> None:
        self._optimizer = optimizer
        self.ready = Ready(
            independent=isinstance(optimizer, Stream),
            judges=isinstance(optimizer, EarlyStopper),
            learns=isinstance(optimizer, Learner),
            recalls=isinstance(optimizer, Recaller),
            recommends=isinstance(optimizer, Recommender),
        )

    def handle(self, request: Request) -> Answer | None:
        """Take one message and return the answer, if it has one.

        Raises:
            OptimizerError: If the optimizer raises or breaks its protocol; it says where.
        """
        optimizer = self._optimizer
        match request:
            case Ask(n):
                return self._ask(n)
            case Tell(results):
                with _blaming("tell"):
                    optimizer.tell(results)
            case Report(id, step, metrics):
                assert isinstance(optimizer, EarlyStopper)
                with _blaming("report"):
                    return Stop(id) if optimizer.report(id, step, metrics) else None
            case Learn(results):
                assert isinstance(optimizer, Learner)
                with _blaming("learn"):
                    optimizer.learn(results)
            case Recall(points):
                assert isinstance(optimizer, Recaller)
                with _blaming("recall"):
                    optimizer.recall(points)
            case Recommend(points):
                assert isinstance(optimizer, Recommender)
                with _blaming("recommend"):
                    return Advice(_recommendation(optimizer.recommend(points)))
        return None

    def _ask(self, n: int) -> Points:
        began_s = time.perf_counter()
        with _blaming("ask"):
            points = [_suggested(one) for one in self._optimizer.ask(n)]
        return Points(points, time.perf_counter() - began_s)


def _recommendation(best: Recommendation | None) -> Recommendation | None:
    if best is None:
        return None
    if not isinstance(best, Recommendation):
        raise OptimizerError(
            f"the optimizer's recommend gave {best!r}, which is no Recommendation; "
            "return Recommendation(id, loss) or None"
        )
    return Recommendation(int(best.id), float(best.loss))


def _suggested(suggestion: Suggestion) -> Suggested:
    if isinstance(suggestion, Continuation):
        return Suggested(dict(suggestion.values), suggestion.parent)
    if not isinstance(suggestion, Mapping):
        raise OptimizerError(f"the optimizer's ask gave {suggestion!r}, which is no mapping")
    return Suggested(dict(suggestion))


@contextmanager
def _blaming(method: str) -> Iterator[None]:
    """Turn what the optimizer's own code raises into an error that says where."""
    try:
        yield
    except SupervisorError as error:
        cause = error.__cause__
        if not isinstance(error, OptimizerError) or cause is None:
            raise
        raise OptimizerError(f"{error}{traceback_of(cause)}") from cause
    except (Exception, SystemExit) as error:
        text = f"the optimizer's {method} raised {blame(error)}"
        raise OptimizerError(f"{text}{traceback_of(error)}") from error


def traceback_of(error: BaseException) -> str:
    """Return the traceback of the user's own code, to stand below a message; or nothing."""
    frames = traceback.extract_tb(error.__traceback__)
    while frames and frames[0].filename.startswith(_OURS):
        del frames[0]
    lines = "".join(traceback.format_list(frames))
    return f"\n{lines}".rstrip() if len(frames) > 1 else ""
