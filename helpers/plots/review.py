"""Which component subscribes to which table by which channel, as a picture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt

from helpers.plots.theme import PALETTE, finish
from helpers.review import Review
from helpers.review.inventory import Binding, Channel

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["subscriptions_plot"]

#: Of the three columns, in the width of the picture.
COMPONENT, CHANNEL, TABLE = 0.0, 0.5, 1.0
#: Characters of a name that fit.
LONGEST = 28
WIDTH_IN, ROW_IN = 11.0, 0.42
_KINDS = {"postgres_changes": PALETTE[0], "broadcast": PALETTE[2], "presence": PALETTE[3]}
_FULL_TABLE = PALETTE[5]


def subscriptions_plot(review: Review) -> Figure:
    """Components at the left, channels in the middle, tables at the right; a full table is drawn in warning colour."""
    channels = review.inventory.channels
    rows = max(4, len(channels), len(_components(channels)))
    figure, axes = plt.subplots(figsize=(WIDTH_IN, ROW_IN * rows + 1.2))
    axes.set_axis_off()
    axes.set_xlim(-0.28, 1.28)
    places = _places(channels)
    for channel in channels:
        _draw_channel(axes, channel, places)
    for (column, name), height in places.items():
        _write(axes, column, height, name)
    _legend(axes)
    return finish(
        figure, f"Components, channels and tables: {len(channels)} channels in {review.inventory.looked_at} files"
    )


def _components(channels: Iterable[Channel]) -> list[str]:
    return list(dict.fromkeys(_component(channel) for channel in channels))


def _component(channel: Channel) -> str:
    return channel.where.component or channel.created.path


def _topic(channel: Channel) -> str:
    return f"{channel.topic}"


def _targets(channel: Channel) -> list[tuple[str, Binding]]:
    """What its bindings are about: a table, or the kind of message."""
    return [(str(each.table) if each.table else each.kind, each) for each in channel.bindings]


def _places(channels: Sequence[Channel]) -> Mapping[tuple[float, str], float]:
    """The height of each name in its column, the names of a column spread evenly."""
    columns = (
        (COMPONENT, _components(channels)),
        (CHANNEL, list(dict.fromkeys(_topic(channel) for channel in channels))),
        (TABLE, list(dict.fromkeys(name for channel in channels for name, _ in _targets(channel)))),
    )
    return {
        (column, name): 1 - (number + 0.5) / len(names)
        for column, names in columns
        for number, name in enumerate(names)
    }


def _draw_channel(axes: Axes, channel: Channel, places: Mapping[tuple[float, str], float]) -> None:
    middle = places[CHANNEL, _topic(channel)]
    _line(axes, (COMPONENT, places[COMPONENT, _component(channel)]), (CHANNEL, middle), PALETTE[7])
    for name, binding in _targets(channel):
        full = binding.kind == "postgres_changes" and binding.filter is None
        colour = _FULL_TABLE if full else _KINDS.get(binding.kind, PALETTE[7])
        _line(axes, (CHANNEL, middle), (TABLE, places[TABLE, name]), colour)


def _line(axes: Axes, begin: tuple[float, float], end: tuple[float, float], colour: str) -> None:
    axes.plot([begin[0], end[0]], [begin[1], end[1]], color=colour, linewidth=1.6, zorder=1)


def _write(axes: Axes, column: float, height: float, name: str) -> None:
    short = name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
    side = {COMPONENT: "right", CHANNEL: "center", TABLE: "left"}[column]
    box = {"boxstyle": "round", "facecolor": axes.figure.get_facecolor(), "edgecolor": PALETTE[7]}
    axes.text(column, height, short, ha=side, va="center", fontsize=9, bbox=box, zorder=2)


def _legend(axes: Axes) -> None:
    drawn = (("full table", _FULL_TABLE), ("filtered", PALETTE[0]), ("broadcast", PALETTE[2]), ("presence", PALETTE[3]))
    for name, colour in drawn:
        axes.plot([], [], color=colour, linewidth=1.6, label=name)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=len(drawn), frameon=False, fontsize=9)
