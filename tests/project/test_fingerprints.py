from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from polster.model.asset import Asset
from polster.model.graph import AssetGraph
from polster.model.reason import texts
from polster.model.record import Fingerprint
from polster.project.asset_file import read_asset_file
from polster.project.fingerprints import CodeReader, read_fingerprints

ASSET = """\
\"\"\"Clean orders.\"\"\"
import dataframely as dy
from core.tax import RATE
from polster import silver

class Clean(dy.Schema):
    \"\"\"One row per order.\"\"\"
    id = dy.Int64(primary_key=True)

@silver(contract=Clean, description="Clean.", owner="ops", tags=["a"])
def clean(orders):
    \"\"\"Return them.\"\"\"
    return orders.with_columns(tax=RATE * 1000)
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a project with one asset, a helper and a helper's helper."""
    core = tmp_path / "src/core"
    core.mkdir(parents=True)
    (core / "__init__.py").write_text("")
    (core / "tax.py").write_text("from .rates import BASE\nRATE = BASE / 100\n")
    (core / "rates.py").write_text("BASE = 19\n")
    (core / "unrelated.py").write_text("X = 1\n")
    (core / "silver_clean.py").write_text(ASSET)
    return tmp_path


def fingerprint(root: Path) -> Fingerprint:
    asset = read_asset_file(root / "src/core/silver_clean.py", root)
    assert isinstance(asset, Asset)
    return CodeReader(root).fingerprint(asset)


def edit(root: Path, file: str, old: str, new: str) -> tuple[str, ...]:
    """Change ``file``; return what has changed since, as clauses."""
    before = fingerprint(root)
    path = root / "src" / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return texts(fingerprint(root).changes_since(before))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    return orders", "    # why\n\n    return orders"),
        ("RATE * 1000", "(RATE  *  1_000)"),
        ('"""Return them."""\n', ""),
        ('"""Return them."""', '"""Return\n    all of them."""'),
        ('"""Clean orders."""\n', ""),
        ('    """One row per order."""\n', ""),
        (
            "orders.with_columns(tax=RATE * 1000)",
            "orders.with_columns(\n        tax=RATE * 1000,\n    )",
        ),
        ('"Clean."', "'Clean, and typed.'"),
        ('owner="ops", ', ""),
        ('tags=["a"]', 'tags=["a", "b"]'),
    ],
)
def test_what_changes_no_row_changes_nothing(root: Path, old: str, new: str) -> None:
    assert edit(root, "core/silver_clean.py", old, new) == ()


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("RATE * 1000", "RATE * 1001", "its code changed"),
        ("def clean(orders)", "def clean(orders, other)", "its code changed"),
        ("contract=Clean,", "contract=Clean, on_violation='fail',", "its code changed"),
        ("primary_key=True", "primary_key=False", "its contract changed"),
    ],
)
def test_what_may_change_rows_is_named(root: Path, old: str, new: str, reason: str) -> None:
    assert edit(root, "core/silver_clean.py", old, new) == (reason,)


def test_a_helper_counts_and_a_helper_of_a_helper(root: Path) -> None:
    assert edit(root, "core/tax.py", "/ 100", "/ 10") == ("the module core.tax changed",)
    assert edit(root, "core/rates.py", "19", "20") == ("the module core.rates changed",)
    assert edit(root, "core/__init__.py", "", "X = 1\n") == ("the module core changed",)


def test_what_is_not_imported_does_not_count(root: Path) -> None:
    assert edit(root, "core/unrelated.py", "1", "2") == ()
    assert edit(root, "core/tax.py", "RATE = BASE", "# the rate\nRATE = BASE") == ()


@pytest.mark.parametrize(
    "line",
    [
        "import core.unrelated",
        "import core.unrelated as u",
        "from core import unrelated",
        "from core.unrelated import X",
        "from core.unrelated import *",
        "from . import unrelated",
        "from .unrelated import X as Y",
        "def f():\n    from core import unrelated",
        "try:\n    import core.unrelated\nexcept ImportError: ...",
    ],
)
def test_every_way_to_import_counts(root: Path, line: str) -> None:
    path = root / "src/core/silver_clean.py"
    path.write_text(f"{ASSET}\n{line}\n")

    assert edit(root, "core/unrelated.py", "1", "2") == ("the module core.unrelated changed",)


def test_modules_beside_the_package_count(root: Path) -> None:
    (root / "src/shared").mkdir()
    (root / "src/shared/__init__.py").write_text("from . import deep\n")
    (root / "src/shared/deep.py").write_text("X = 1\n")
    path = root / "src/core/silver_clean.py"
    path.write_text(f"{ASSET}\nimport shared\n")

    assert edit(root, "shared/deep.py", "1", "2") == ("the module shared.deep changed",)


def test_modules_may_import_each_other(root: Path) -> None:
    (root / "src/core/rates.py").write_text("from core import tax\nBASE = 19\n")

    assert edit(root, "core/rates.py", "19", "20") == ("the module core.rates changed",)


def test_a_helper_with_a_mistake_does_not_stop_the_reading(root: Path) -> None:
    (root / "src/core/rates.py").write_text("def broken(")

    assert set(fingerprint(root).modules) == {"core", "core.tax"}


def test_the_same_code_in_two_projects_is_the_same(root: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(root / "src", other / "src")

    assert fingerprint(root) == fingerprint(other)


def test_the_version_of_an_installed_contract_counts(root: Path) -> None:
    path = root / "src/core/silver_clean.py"
    path.write_text(ASSET.replace("class Clean", "class Old") + "\nfrom dataframely import Clean\n")

    assert list(fingerprint(root).modules) == [
        "core",
        "core.rates",
        "core.tax",
        "dataframely (package)",
    ]


def test_a_file_that_went_away_has_no_code(root: Path) -> None:
    asset = read_asset_file(root / "src/core/silver_clean.py", root)
    assert isinstance(asset, Asset)
    (root / "src/core/silver_clean.py").unlink()

    assert CodeReader(root).fingerprint(asset) == Fingerprint("")


def test_of_a_package_and_a_module_of_one_name_the_one_that_python_loads_counts(root: Path) -> None:
    (root / "src/core/tax").mkdir()
    (root / "src/core/tax/__init__.py").write_text("RATE = 1\n")

    shadowed = edit(root, "core/tax.py", "/ 100", "/ 10")
    loaded = edit(root, "core/tax/__init__.py", "1", "2")

    assert (shadowed, loaded) == ((), ("the module core.tax changed",))


def test_code_that_is_as_it_was_is_not_parsed_again(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = kept_fingerprint(root)

    with monkeypatch.context() as patched:
        patched.setattr("polster.project.fingerprints.parsed", refuse)
        again = kept_fingerprint(root)

    assert again == first == fingerprint(root)


def test_an_edit_that_keeps_size_and_time_is_seen(root: Path) -> None:
    first = kept_fingerprint(root)
    path = root / "src/core/rates.py"
    before = path.stat()

    path.write_text("BASE = 18\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert path.stat().st_size == before.st_size
    assert texts(kept_fingerprint(root).changes_since(first)) == ("the module core.rates changed",)


def test_a_module_that_became_a_package_imports_from_elsewhere_though_its_bytes_are_the_same(
    root: Path,
) -> None:
    first = kept_fingerprint(root)
    core = root / "src/core"
    (core / "tax").mkdir()
    (core / "tax.py").rename(core / "tax/__init__.py")
    (core / "tax/rates.py").write_text("BASE = 7\n")

    then = kept_fingerprint(root)

    assert then == fingerprint(root)
    assert texts(then.changes_since(first)) == (
        "the module core.rates changed",
        "the module core.tax.rates changed",
    )


def test_digests_of_modules_that_are_gone_are_forgotten_with_the_next_edit(root: Path) -> None:
    first = kept_fingerprint(root)

    (root / "src/core/rates.py").unlink()
    (root / "src/core/tax.py").write_text("RATE = 0.2\n")
    second = kept_fingerprint(root)

    assert "core.rates" in first.modules and "core.rates" not in second.modules
    assert '"core.rates"' not in (root / ".polster_cache/code").read_text()


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[1]\n", b"0 [1,2]\n", b"x" * 1000])
def test_kept_digests_that_are_damaged_count_as_none(root: Path, content: bytes) -> None:
    first = kept_fingerprint(root)
    path = root / ".polster_cache/code"

    path.write_bytes(content)

    assert kept_fingerprint(root) == first
    assert path.read_bytes() != content


def test_kept_digests_with_a_line_that_was_edited_count_as_none(root: Path) -> None:
    first = kept_fingerprint(root)
    path = root / ".polster_cache/code"
    text = path.read_text()

    path.write_text(text.replace(first.code, "0" * 32))

    assert kept_fingerprint(root) == first
    assert path.read_text() == text


def test_where_no_digest_can_be_kept_fingerprints_are_the_same(root: Path) -> None:
    first = kept_fingerprint(root)
    shutil.rmtree(root / ".polster_cache")
    (root / ".polster_cache").write_text("a file in the folder's place")

    assert kept_fingerprint(root) == first


def kept_fingerprint(root: Path) -> Fingerprint:
    """Return the fingerprint as ``plan``, ``run`` and ``status`` read it."""
    asset = read_asset_file(root / "src/core/silver_clean.py", root)
    assert isinstance(asset, Asset)
    graph = AssetGraph({asset.key: asset}, {asset.key: {}})
    return read_fingerprints(root, graph, [asset.key])[asset.key]


def refuse(*_: object) -> None:
    """Stand in for what must not be called."""
    raise AssertionError


def test_options_leave_the_digest_of_the_code_as_earlier_versions_wrote_it(root: Path) -> None:
    path = root / "src/core/silver_clean.py"
    path.write_text(
        path.read_text().replace(
            'contract=Clean, description="Clean.", owner="ops", tags=["a"]',
            'contract=Clean, on_violation={"id|min": "warn"}, max_quarantined=0.5, owner="ops", '
            'extra_columns="drop", allow_empty=True, expect=Expect(min_rows=1), tags=["a"], '
            'references={"id": "orders.id"}, description="Clean."',
        )
    )
    bronze = root / "src/core/bronze_orders.py"
    bronze.write_text(
        "from polster import bronze\n\n\n"
        '@bronze(load="append", source="x", repeated_batch="skip", owner="ops")\n'
        "def orders(): ...\n"
    )
    read = read_asset_file(bronze, root)
    assert isinstance(read, Asset)

    digests = [fingerprint(root).code, CodeReader(root).fingerprint(read).code]

    # others would build every table of every user again
    assert digests == ["0bed19861c4c44e1e321961e6956b5fb", "91bd0bf7247e512fb5d180e4e50ee9ab"]
