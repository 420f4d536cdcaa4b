"""Who takes which messages, and what a wire decodes."""

from __future__ import annotations

from typing import TypeAlias

from supervisor.balancer.messages import (
    Answered,
    Ask,
    Assign,
    Cancel,
    Discontinue,
    Dismiss,
    Drain,
    Ended,
    Fetch,
    Fetched,
    Finished,
    Forget,
    Hello,
    Inquire,
    Join,
    Load,
    Message,
    Parted,
    Progress,
    Put,
    Ready,
    Recall,
    Reported,
    Reprioritise,
    Returned,
    Setup,
    Stop,
    StopEarly,
    Stopped,
    Told,
    Trouble,
    Withdraw,
)
from supervisor.balancer.talk import (
    Abandon,
    Apply,
    Census,
    Claim,
    Diagnose,
    Diagnosis,
    GiveBack,
    Halt,
    Halted,
    Lend,
    Loot,
    Noticed,
    Quiet,
    Steal,
    Tally,
    Wide,
)

AnyMessage: TypeAlias = (
    Put
    | Withdraw
    | Reprioritise
    | Forget
    | Discontinue
    | Inquire
    | Ask
    | Drain
    | Finished
    | Reported
    | Load
    | Answered
    | Told
    | Trouble
    | Ended
    | Ready
    | Parted
    | Progress
    | Returned
    | Fetch
    | Stopped
    | Assign
    | Join
    | Recall
    | Cancel
    | StopEarly
    | Fetched
    | Stop
    | Steal
    | Loot
    | Wide
    | Claim
    | Lend
    | GiveBack
    | Quiet
    | Census
    | Tally
    | Apply
    | Noticed
    | Diagnose
    | Diagnosis
    | Abandon
    | Halt
    | Halted
    | Hello
    | Setup
    | Dismiss
)
"""What a wire decodes."""

TO_CLIENT: tuple[type[Message], ...] = (
    *(Finished, Reported, Load, Answered, Told, Trouble, Ended),
)
TO_WORKER: tuple[type[Message], ...] = (*(Assign, Join, Recall, Cancel, StopEarly, Fetched, Stop),)
COUNTED: frozenset[type[Message]] = frozenset(
    {Steal, Loot, Wide, Claim, Lend, GiveBack, Apply, Noticed}
)
"""Messages between servers that can cause work, or further messages."""

TO_SERVER: tuple[type[Message], ...] = (
    *(Put, Withdraw, Reprioritise, Forget, Discontinue, Inquire, Ask, Drain),
    *(Ready, Parted, Progress, Returned, Fetch, Stopped),
    *COUNTED,
    *(Quiet, Census, Tally, Diagnose, Diagnosis, Abandon, Halt, Halted),
)
