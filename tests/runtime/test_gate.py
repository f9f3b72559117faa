from __future__ import annotations

from threading import Thread

import pytest

from polster.runtime.gate import Gate, InterruptedRunError


def test_a_closed_gate_lets_nobody_in() -> None:
    gate = Gate()
    gate.check()

    gate.close()

    with pytest.raises(InterruptedRunError), gate.open():
        raise AssertionError("inside")
    with pytest.raises(InterruptedRunError):
        gate.check()


def test_closing_waits_for_who_is_inside() -> None:
    gate = Gate()
    closing = Thread(target=gate.close)

    with gate.open():
        closing.start()
        closing.join(0.05)
        assert closing.is_alive()

    closing.join(5)
    assert not closing.is_alive()
