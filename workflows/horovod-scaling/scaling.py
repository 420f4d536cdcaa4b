"""How much faster several ranks train the same network: a table and a plot."""

import statistics
import time

from supervisor import app
from supervisor.core.errors import InputError


@app
def train(trainer, hidden, batch_size, epochs, *, comm):
    """Train on the ranks of ``comm``; return the samples a second of all of them."""
    import torch  # late: rank 0, which only waits, needs none of this
    from sklearn.datasets import load_digits

    from supervisor.trainers.data import batches
    from supervisor.trainers.horovod import horovod_on
    from supervisor.trainers.torch_ddp import ddp_on

    torch.set_num_threads(1)
    images, labels = load_digits(return_X_y=True)
    x, y = torch.tensor(images / 16, dtype=torch.float32), torch.tensor(labels)
    with {"horovod": horovod_on, "ddp": ddp_on}[trainer](comm) as members:
        torch.manual_seed(1)
        model = torch.nn.Sequential(
            torch.nn.Linear(64, hidden),
            torch.nn.ReLU(),
            torch.nn.Linear(hidden, hidden),
            torch.nn.ReLU(),
            torch.nn.Linear(hidden, 10),
        )
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        model, optimizer = members.distribute(model, optimizer)
        rates = []
        for epoch in range(1 + epochs):
            began_s, seen = time.perf_counter(), 0
            for batch in batches(members, len(x), batch_size=batch_size, seed=1, epoch=epoch):
                optimizer.zero_grad()
                torch.nn.functional.cross_entropy(model(x[batch]), y[batch]).backward()
                optimizer.step()
                seen += members.size * len(batch)
            rates.append(seen / (time.perf_counter() - began_s))
    return statistics.median(rates[1:])  # the first epoch also warms up


def main(
    most: int = 3,
    trainer: str = "horovod",
    hidden: int = 512,
    batch_size: int = 64,
    epochs: int = 5,
    plot: str = "scaling.png",
):
    from matplotlib.figure import Figure  # before the work: is it there?

    if trainer not in ("horovod", "ddp"):
        raise InputError("--trainer", f"{trainer!r} is wrong here: give horovod or ddp")
    rates = {}
    print(f"{'ranks':>5} {'samples/s':>10} {'speed-up':>9} {'efficiency':>11}")
    for ranks in range(1, most + 1):  # one after the other, so that none disturbs another
        together = train.using(size=ranks)
        rates[ranks] = together(trainer, hidden, batch_size, epochs).result()
        gain = rates[ranks] / rates[1]
        print(f"{ranks:5} {rates[ranks]:10.0f} {gain:9.2f} {gain / ranks:11.0%}", flush=True)
    figure = Figure(figsize=(5, 4))
    draw(figure.subplots(), rates, trainer)
    figure.savefig(plot, dpi=150, bbox_inches="tight")


def draw(axes, rates, trainer):
    """Plot the speed-up over the ranks."""
    axes.plot([*rates], [*rates], "--", color="grey", label="perfect")
    axes.plot([*rates], [rate / rates[1] for rate in rates.values()], "o-", label=trainer)
    axes.set(xlabel="ranks", ylabel="speed-up", xticks=[*rates])
    axes.legend()
