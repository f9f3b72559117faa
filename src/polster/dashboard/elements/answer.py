"""A part of a page that shows an answer, and asks again when there may be another one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

from nicegui import ui

from polster.dashboard.elements.problem import show_problem
from polster.dashboard.elements.tag import Tag
from polster.errors import PolsterError

LOOK_SECONDS = 1.0
SOON_SECONDS = 0.01

Answer = TypeVar("Answer")


async def show_answer(
    ask: Callable[[], Awaitable[Answer]],
    draw: Callable[[Answer], None],
    *,
    key: Callable[[], object],
    wait: Callable[[], None] | None = None,
) -> None:
    """Draw what ``ask`` returns, or the error of Polster that it raises.

    Args:
        ask: May take its time; asked again when ``key`` says something else than before.
        draw: Builds the part; quick, since it runs in the thread that serves all pages.
        key: What the answer depends on; looked at once a second. The same answer as before is
            not drawn again.
        wait: Builds what is shown until the first answer is there. Without it the page is
            sent only when the answer is in it.
    """
    place = Tag("div", classes="part")
    asked: object = object()
    shown: object = object()
    asking = False

    async def refresh() -> None:
        nonlocal asked, shown, asking
        now = key()
        if asking or now == asked:
            return
        asking, asked = True, now
        place.props["aria-busy"] = "true"
        try:
            answer = await ask()
            build = partial(draw, answer)
            said: object = answer
        except PolsterError as error:
            build = partial(show_problem, error)
            said = repr(error)
        finally:
            asking = False
        if place.is_deleted or place.client.is_deleted:
            return
        place.props["aria-busy"] = "false"
        if said != shown:
            shown = said
            place.clear()
            with place:
                build()

    if wait is None:
        await refresh()
    else:
        with place:
            wait()
        ui.timer(SOON_SECONDS, refresh, once=True)
    ui.timer(LOOK_SECONDS, refresh)
