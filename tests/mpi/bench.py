"""The ranks on which behaviours are tried: rank 0, which asks, and all others, which serve."""

from supervisor.balancer.client import Client
from supervisor.balancer.pump import Backoff, Pump
from supervisor.balancer.server import Server
from supervisor.balancer.worker import Worker
from supervisor.core.calls import Callee, stored, values
from supervisor.core.operations import Create, Retrieve, Subscribe
from supervisor.executors.function import FunctionExecutor


class Bench:
    """Rank 0: the client, pumped while something is waited for."""

    def __init__(self, wire, layout, hosts):
        self.client = Client(layout, hosts)
        self.layout = layout
        self.next_id = 0
        worker = None
        if 0 in layout.workers:
            worker = Worker(0, layout, FunctionExecutor(layout.seat(0)))
        server = Server(0, layout) if 0 in layout.servers else None
        self.pump = Pump(wire, client=self.client, worker=worker, server=server)
        self.results = {}

    def until(self, done):
        """Pump until ``done()``."""
        backoff = Backoff()
        while not done():
            if self.pump.turn():
                backoff.reset()
            else:
                backoff.wait(())
            for result in self.client.take_results():
                self.results.setdefault(result.id, []).append(result)

    def ask(self, operation):
        """Do an operation on data and return the answer."""
        request = self.client.ask(operation)
        self.until(lambda: request in self.client.answers)
        return self.client.answers.pop(request)

    def create(self, kind="value", name="", **fields):
        """Create a datum and return its id."""
        datum = self.client.ids.take()
        assert self.ask(Create(datum, kind, name, **fields)) is None
        return datum

    def read(self, datum):
        """Wait for a datum and return its value."""
        self.client.ask(Subscribe(datum))
        self.until(lambda: any(notice.id == datum for notice in self.client.notices))
        return stored(self.ask(Retrieve(datum)))

    def put(self, function, argument=None, **fields):
        """Put a task and return its id."""
        self.next_id += 1
        self.client.put([Callee(function).task(self.next_id, argument, **fields)])
        return self.next_id

    def wait(self, *ids):
        """Wait for tasks and return the values of their calls; None for one that is stored."""
        self.until(lambda: all(one in self.results for one in ids))
        return [next(values(self.results[one][0]), None) for one in ids]

    def finish(self):
        self.client.drain()
        self.until(lambda: self.client.done)


def serve(wire, layout, numbers):
    """Be a worker or a server until rank 0 has finished."""
    worker = server = None
    if wire.rank in layout.workers:
        worker = Worker(wire.rank, layout, FunctionExecutor(layout.seat(wire.rank)))
    if wire.rank in layout.servers:
        server = Server(wire.rank, layout, numbers)
    Pump(wire, worker=worker, server=server).run()


def increase(x):
    return x + 1


def divide(x):
    return 1 / x
