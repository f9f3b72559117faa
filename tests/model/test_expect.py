from __future__ import annotations

from typing import Any

import pytest

from polster.model.expect import Expect


@pytest.mark.parametrize(
    "options",
    [
        {"fresh_within": "99999999999999999999w"},
        {"fresh_within": {"at": "99999999999999999999w"}},
        {"fresh_within": "0h"},
        {"min_rows": 5, "max_rows": 1},
    ],
    ids=str,
)
def test_what_no_version_could_ever_be_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="wants"):
        Expect(**options)
