"""What is kept of what a run writes."""

from __future__ import annotations

from polster.dashboard.log import CHARACTERS, LINE_CHARACTERS, LINES, RunLog


def fed(*parts: bytes) -> RunLog:
    log = RunLog()
    for part in parts:
        log.feed(part)
    log.end()
    return log


def test_lines_come_together_wherever_they_were_cut() -> None:
    text = "eins\r\nzwei: größer\n\ndrei"

    logs = [fed(text.encode()), fed(*(bytes([byte]) for byte in text.encode()))]

    assert [log.lines for log in logs] == [["eins", "zwei: größer", "", "drei"]] * 2


def test_the_newest_lines_are_kept_and_the_others_counted() -> None:
    log = fed(b"".join(b"%d\n" % number for number in range(LINES + 10)))

    assert log.dropped == 10
    assert log.lines[0] == "10"


def test_long_lines_are_cut_into_several_and_take_no_more_room() -> None:
    log = fed(b"x" * (CHARACTERS * 3))

    assert {len(line) for line in log.lines} == {LINE_CHARACTERS}
    assert sum(map(len, log.lines)) <= CHARACTERS
    assert log.written == CHARACTERS * 3 / LINE_CHARACTERS


def test_of_a_bar_of_progress_the_last_state_is_kept() -> None:
    bar = b"".join(b"\r%3d %% %s" % (share, b"#" * 50) for share in range(101))

    log = fed(b"loading\n", bar, b"\r\n", bar)

    assert log.lines == ["loading", "100 % " + "#" * 50, "100 % " + "#" * 50]


def test_nothing_that_steers_a_terminal_is_kept() -> None:
    log = fed(b"\x1b[1;31mred\x1b[0m\t\x1b]8;;http://x\x07link\x1b]8;;\x07 \x00\x07\xff\n")

    assert log.lines == ["red\tlink \N{REPLACEMENT CHARACTER}"]
