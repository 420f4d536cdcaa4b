"""Tables and plots of what was measured in interleaved rounds."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

Samples = Mapping[str, Sequence[float]]
"""What was measured of each contender, one figure a round; empty if it never came to an end."""


def medians(samples: Samples) -> dict[str, float]:
    """Return the median of each contender that has figures."""
    return {name: statistics.median(each) for name, each in samples.items() if each}


def ratio(one: float, other: float) -> str:
    """Return how many times ``one`` is ``other``, to two or three digits."""
    value = one / other
    digits = 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:,.{digits}f} x"


def number(value: float) -> str:
    """Return a figure with as many digits as are worth reading."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}"


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table; the first column is text, the others are figures."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    lines = []
    for cells in (head, rule, *rows):
        padded = [cells[0].ljust(widths[0])]
        padded += [cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True)]
        lines.append(f"| {' | '.join(padded)} |")
    return "\n".join(lines)


def compare(samples: Samples, references: Mapping[str, str], *, unit: str) -> str:
    """Return medians, spreads and ratios as a Markdown table.

    Args:
        samples: The figures; contenders without any are left out.
        references: Contenders whose medians are divided by those of all, and the headings of
            these ratios.
        unit: Of the figures.
    """
    middle = medians(samples)
    known = {name: heading for name, heading in references.items() if name in middle}
    rows = []
    for name, median in middle.items():
        figures = [number(value) for value in (median, min(samples[name]), max(samples[name]))]
        rows.append([name, *figures, *(ratio(middle[one], median) for one in known)])
    return markdown(["contender", f"median, {unit}", "min", "max", *known.values()], rows)


def plot(samples: Samples, file: Path, *, title: str, unit: str, ours: str) -> None:
    """Draw the medians as bars on a logarithmic axis, with whiskers from least to most.

    Args:
        samples: The figures; contenders without any are left out.
        file: Where to; the suffix decides the format.
        title: Above the plot.
        unit: Of the figures.
        ours: What the names of our own contenders begin with; they are coloured.
    """
    import matplotlib  # late: only plots need it

    matplotlib.use("Agg")
    from matplotlib import pyplot

    middle = dict(sorted(medians(samples).items(), key=lambda item: item[1]))
    below = [median - min(samples[name]) for name, median in middle.items()]
    above = [max(samples[name]) - median for name, median in middle.items()]
    colours = ["tab:blue" if name.startswith(ours) else "tab:gray" for name in middle]
    figure, axes = pyplot.subplots(figsize=(8, 1 + 0.45 * len(middle)), layout="constrained")
    whiskers = {"ecolor": "black", "capsize": 3, "linewidth": 1}
    bars = axes.barh(
        list(middle), list(middle.values()), xerr=[below, above], color=colours, error_kw=whiskers
    )
    axes.bar_label(bars, [number(median) for median in middle.values()], padding=6)
    axes.set_xscale("log")
    axes.set_xlim(min(middle.values()) / 3, max(map(max, filter(None, samples.values()))) * 8)
    axes.set_xlabel(unit)
    axes.set_title(title)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(file, dpi=150)
    pyplot.close(figure)
