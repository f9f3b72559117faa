from __future__ import annotations

from pathlib import Path

import pytest

from polster.lakehouse.lakehouse import Lakehouse
from polster.lakehouse.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "data"))


@pytest.fixture
def lakehouse(store: Store) -> Lakehouse:
    return Lakehouse(store)
