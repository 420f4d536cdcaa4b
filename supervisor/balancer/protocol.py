"""Who takes which messages, and what a wire decodes."""

from __future__ import annotations

from typing import TypeAlias

from supervisor.balancer.messages import (
    Abandon,
    Answered,
    Apply,
    Ask,
    Assign,
    Cancel,
    Census,
    Diagnose,
    Diagnosis,
    Discontinue,
    Dismiss,
    Drain,
    Ended,
    Fetch,
    Fetched,
    Finished,
    Forget,
    Halt,
    Halted,
    Hello,
    Inquire,
    Load,
    Loot,
    Message,
    Noticed,
    Progress,
    Put,
    Quiet,
    Ready,
    Recall,
    Reported,
    Reprioritise,
    Returned,
    Setup,
    Steal,
    Stop,
    StopEarly,
    Stopped,
    Tally,
    Told,
    Trouble,
    Withdraw,
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
    | Progress
    | Returned
    | Fetch
    | Stopped
    | Assign
    | Recall
    | Cancel
    | StopEarly
    | Fetched
    | Stop
    | Steal
    | Loot
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
TO_WORKER: tuple[type[Message], ...] = (Assign, Recall, Cancel, StopEarly, Fetched, Stop)
COUNTED: frozenset[type[Message]] = frozenset({Steal, Loot, Apply, Noticed})
"""Messages between servers that can cause work, or further messages."""

TO_SERVER: tuple[type[Message], ...] = (
    *(Put, Withdraw, Reprioritise, Forget, Discontinue, Inquire, Ask, Drain),
    *(Ready, Progress, Returned, Fetch, Stopped),
    *COUNTED,
    *(Quiet, Census, Tally, Diagnose, Diagnosis, Abandon, Halt, Halted),
)
