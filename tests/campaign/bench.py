"""One experiment on one process: the real balancer, and models that are functions of a test."""

import math

import msgspec

from supervisor.balancer.client import Client
from supervisor.balancer.layout import split
from supervisor.balancer.pump import Pump
from supervisor.balancer.server import Server
from supervisor.balancer.wire import LoopbackWire
from supervisor.balancer.worker import Worker
from supervisor.campaign.campaign import Campaign
from supervisor.campaign.settings import Settings
from supervisor.campaign.suggestions import Suggestions
from supervisor.campaign.twins import Twins
from supervisor.core.objective import Evaluation, encode_metrics
from supervisor.core.space import Space
from supervisor.core.task import Failure, Report, Result
from supervisor.experiment.events import Finished, Opened
from supervisor.experiment.journal import Journal, read_journal
from supervisor.experiment.state import State, replay
from supervisor.optimizers.designs.random import random
from supervisor.optimizers.programs.adapt import adapt
from supervisor.optimizers.serving.channel import Local

SPACE = Space.parse({"x": {"float": [-1, 1]}}, lambda *path: ".".join(map(str, path)))


class FunctionExecutor:
    """Evaluates points with a function; what it raises is a failure."""

    def __init__(self, function):
        self.function = function
        self.stopped = set()
        self.log = []
        self.evaluations = []

    def start(self, task):
        evaluation = msgspec.msgpack.decode(task.payload, type=Evaluation)
        self.log.append((evaluation.point, evaluation.attempt))
        self.evaluations.append(evaluation)
        self._reports = []
        self._task, self._steps = task, 0
        try:
            self._value, self._failure = self.function(evaluation), None
        except Exception as error:
            self._value, self._failure = 0.0, Failure("raised", str(error))

    def poll(self):
        if self._task is None:
            return None
        if self._value is None:  # a task of many epochs: reports until it is stopped
            self._steps += 1
            self._reports.append(Report(self._task.id, self._steps, encode_metrics({"y": 1.0})))
            if self._task.id not in self.stopped:
                return None
            self._value = float(self._steps)
        value = b"" if self._failure else encode_metrics(self._metrics())
        task, self._task = self._task, None
        return Result(task.id, value, self._failure, 0, 1.0, 2.0)

    _task = None
    _reports = ()

    def _metrics(self):
        return self._value if isinstance(self._value, dict) else {"y": self._value}

    def reports(self):
        reports, self._reports = list(self._reports), []
        return reports

    def stop_early(self, task_id):
        self.stopped.add(task_id)

    def cancel(self):
        self._value, self._failure = 0.0, Failure("cancelled", "cancelled")

    def filenos(self):
        return []

    def close(self):
        pass


class Bench:
    """One experiment in a folder; each ``run`` is a session of it."""

    def __init__(self, path):
        self.path = path / "journal.jsonl"
        self.executor = None

    def run(
        self,
        optimizer,
        function=lambda e: e.values["x"] ** 2,
        space=SPACE,
        channel=Local,
        **settings,
    ):
        """Run or resume a campaign, and return it at its end."""
        chosen = Settings(metric="y", **settings)
        resumed = self.path.exists()
        if resumed:
            journal = Journal.open(self.path)
            state = replay(read_journal(self.path))
        else:
            journal, state = Journal.create(self.path), State()
            opened = Opened(
                name="t",
                seed=0,
                metric="y",
                maximize=False,
                source="w",
                source_dir="d",
                time_s=0.0,
            )
            journal.append(opened)
            state.apply(opened)
        try:
            suggestions = Suggestions(channel(adapt(optimizer)), chosen, space)
            if resumed:
                suggestions.replay(read_journal(self.path), "journal.jsonl")
            twins = Twins(read_journal(self.path))
            layout = split(1)
            client = Client(layout)
            campaign = Campaign(
                client, suggestions, journal, state, chosen, hosts=["here"], twins=twins
            )
            self.executor = FunctionExecutor(function)
            worker = Worker(0, layout, self.executor)
            pump = Pump(LoopbackWire(), client=campaign, worker=worker, server=Server(0, layout))
            pump.run()
            campaign.close()
        finally:
            journal.close()
        return campaign

    def events(self, kind):
        return [event for event in read_journal(self.path) if isinstance(event, kind)]

    def truncate(self, lines):
        """Keep the first lines of the journal, and a piece of the next: it was killed there."""
        whole = self.path.read_bytes().splitlines(keepends=True)
        self.path.write_bytes(b"".join(whole[:lines]) + b"".join(whole[lines:])[:9])

    def results(self):
        return {event.point: event.loss for event in self.events(Finished)}


def sampled(evaluations=12, seed=4):
    return random(SPACE, evaluations=evaluations, seed=seed)


def descent():
    """Search in batches whose points depend on the results of the batch before."""
    centre, width = 0.0, 1.0
    for _ in range(4):
        batch = [{"x": centre + width * step} for step in (-0.9, -0.3, 0.3, 0.9)]
        results = yield batch
        losses = [math.inf if told.loss is None else told.loss for told in results]
        centre = batch[losses.index(min(losses))]["x"] / 2
        width /= 2
