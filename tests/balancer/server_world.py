"""Servers among workers and a wire that do what they are told; a model looks on.

Messages between two ranks keep their order; beyond that they arrive in any.
"""

from collections import defaultdict, deque

from supervisor.balancer.messages import (
    Assign,
    Cancel,
    Ready,
    Recall,
    Returned,
    Stop,
    StopEarly,
    Stopped,
)
from supervisor.balancer.server import Server
from supervisor.core.task import Result
from tests.balancer.server_model import NEWS, Model
from tests.balancer.units import cut

CLIENT = 0


class World:
    """Servers, and all that they see of others.

    Args:
        layout: The roles of all ranks.
        quick: Whether tasks are short, and known to be.
    """

    def __init__(self, layout, *, quick):
        self.layout = layout
        self.hosts = {worker: worker % 2 for worker in layout.workers}
        self.model = Model(layout, self.hosts)
        self.servers = {
            rank: Server(rank, layout, {w: self.hosts[w] for w in layout.workers_of(rank)})
            for rank in layout.servers
        }
        self.seconds = 1e-5 if quick else 1.0  # the length of every task
        if quick:
            for server in self.servers.values():
                for credit in server.dispatch.credits:
                    for _ in range(100):
                        credit.learn(1e-5)
        self.now = 0.0
        self.wire = defaultdict(deque)  # (from, to): messages under way
        self.known = {worker: [] for worker in layout.workers}  # what is held, as it sees it
        self.cancelled = {worker: set() for worker in layout.workers}
        self.asking = dict.fromkeys(layout.workers, False)
        self.stopped = set()

    # --- the workers ----------------------------------------------------------------------

    def work(self, worker, task, begin, end, failure=None):
        done = cut(self.known[worker], task.id, task.first + begin, end - begin)
        parts = tuple(b"" for _ in done.parts) if failure is None else ()
        return Result(
            *(done.id, b"", failure, worker),
            start_s=0.0,
            end_s=self.seconds * done.width,
            first=done.first,
            parts=parts,
            width=done.width,
        )

    def ready(self, worker, results, *, wanted):
        self.asking[worker] = self.asking[worker] or wanted
        self.post(worker, self.layout.home(worker), Ready(results, wanted))
        self.deliver(worker, self.layout.home(worker))
        self.flush()

    def take(self, server, worker, spare):
        """Let a worker take a message; it gives back ``spare`` units at most."""
        match self.wire[server, worker].popleft():
            case Assign(tasks=tasks):
                self.asking[worker] = False
                self.known[worker].extend(tasks)
                return
            case Cancel(ids=ids):
                self.cancelled[worker].update(ids)
                return
            case StopEarly():
                return
            case Recall(width=width):
                answer = Returned(self.give_back(worker, min(width, spare)))
            case Stop():
                self.stopped.add(worker)
                answer = Stopped()
        self.post(worker, server, answer)
        self.deliver(worker, server)

    def give_back(self, worker, wanted):
        slices = []
        while wanted > 0 and self.known[worker]:
            task = self.known[worker][-1]
            width = min(wanted, task.width)
            slices.append((task.id, task.first + task.width - width, width))
            cut(self.known[worker], *slices[-1])
            wanted -= width
        return slices

    # --- the wire -------------------------------------------------------------------------

    def settle(self):
        """Let everything arrive, and what is sent because of it."""
        for _ in range(2000):
            if to_workers := self.under_way(self.layout.workers):
                self.take(*to_workers[0], spare=99)
            elif to_servers := self.under_way(self.layout.servers):
                self.deliver(*to_servers[0])
            else:
                break
        else:
            raise AssertionError("messages beget messages without end")

    def under_way(self, receivers):
        return [pair for pair, messages in self.wire.items() if messages and pair[1] in receivers]

    def post(self, source, to, message):
        self.wire[source, to].append(message)

    def tell_all(self, message):
        for rank in self.servers:
            self.post(CLIENT, rank, message)
        self.flush()

    def flush(self):
        """With one server nothing is gained by delays of what it is sent."""
        while len(self.servers) == 1 and (pairs := self.under_way(self.layout.servers)):
            self.deliver(*pairs[0])

    def deliver(self, source, rank):
        message = self.wire[source, rank].popleft()
        sends = self.servers[rank].handle(message, source, self.now)
        self.servers[rank].check()
        self.model.follow(rank, message, source, sends, self.now)
        for to, sent in sends:
            if not isinstance(sent, NEWS):
                self.post(rank, to, sent)
