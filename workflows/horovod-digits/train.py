"""A small network that reads handwritten digits, trained by the ranks of a task together."""

import time

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.nn.functional import cross_entropy

from supervisor.trainers.data import batches, share
from supervisor.trainers.horovod import horovod_on
from supervisor.trainers.rates import scaled
from supervisor.trainers.torch_ddp import ddp_on

TRAINERS = {"horovod": horovod_on, "ddp": ddp_on}


def run(params, task):
    """Train for some epochs; return loss and accuracy on the validation set, and the speed."""
    torch.set_num_threads(1)  # the ranks of a host share its cores
    x_train, x_val, y_train, y_val = load_data()
    metrics, train_s, seen = {}, 0.0, 0
    with TRAINERS[params["trainer"]](task.comm) as members:
        torch.manual_seed(task.seed)
        model = network(params["hidden"])
        optimizer = torch.optim.SGD(model.parameters(), lr=params["learning_rate"], momentum=0.9)
        net, optimizer = members.distribute(model, optimizer)
        for epoch in range(params["epochs"]):
            began_s = time.perf_counter()
            for batch in epoch_of(params, members, optimizer, len(x_train), task.seed, epoch):
                optimizer.zero_grad()
                cross_entropy(net(x_train[batch]), y_train[batch]).backward()
                optimizer.step()
                seen += members.size * len(batch)
            train_s += time.perf_counter() - began_s
            metrics = validate(model, members, x_val, y_val)
            metrics["samples_per_s"] = seen / train_s
            task.report(epoch, metrics)
    return metrics


def load_data():
    """Return training and validation images and labels: the same split on every rank."""
    images, labels = load_digits(return_X_y=True)  # 1,797 images of 8 x 8 pixels, 0 to 16
    images = torch.tensor(images / 16, dtype=torch.float32)
    return train_test_split(
        images, torch.tensor(labels), test_size=0.25, stratify=labels, random_state=0
    )


def network(hidden):
    """Return an untrained network of one hidden layer."""
    return torch.nn.Sequential(
        torch.nn.Linear(64, hidden), torch.nn.ReLU(), torch.nn.Linear(hidden, 10)
    )


def epoch_of(params, members, optimizer, count, seed, epoch):
    """Yield this rank's batches of an epoch, each with the learning rate of its step set."""
    batch_size = params["batch_size"]
    steps = count // (members.size * batch_size)
    all_batches = batches(members, count, batch_size=batch_size, seed=seed, epoch=epoch)
    for step, batch in enumerate(all_batches, start=epoch * steps):
        rate = scaled(
            params["learning_rate"],
            size=members.size,
            step=step,
            warmup_steps=params["warmup_epochs"] * steps,
        )
        for group in optimizer.param_groups:
            group["lr"] = rate
        yield batch


def validate(model, members, x_val, y_val):
    """Return loss and accuracy on the validation set, of which each rank reads its share."""
    mine = list(share(members, len(x_val)))
    with torch.no_grad():
        scores = model(x_val[mine])
        metrics = {
            "val_loss": cross_entropy(scores, y_val[mine]).item(),
            "val_accuracy": (scores.argmax(1) == y_val[mine]).double().mean().item(),
        }
    return members.average(metrics, weight=len(mine))
