"""Mistakes as a busy engineer makes them, each planted into one realistic project.

Every one is found before a row moves, with the file and the line that have to be edited.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from polster.model.finding import Finding
from polster.operations.open_project import open_project
from polster.operations.validate import Preparation, Validation, validate

SHOP = Path(__file__).parent / "shop"
CORE = "src/core/"


@dataclass(frozen=True, slots=True)
class Mistake:
    """One edit of the project, and what must be said of it.

    Attributes:
        edits: For each file of ``src/core``, text and what it is replaced by; an empty text
            stands for the whole file.
        found: For each code, the file of ``src/core`` and a text on the line it is found at.
        says: Words of the message or the hint.
    """

    edits: Mapping[str, tuple[str, str]]
    found: Mapping[str, tuple[str, str]]
    says: str = ""


MISTAKES = {
    "an upstream column was renamed": Mistake(
        {"silver_orders.py": ('"status",\n    )', 'pl.col("status").alias("state"),\n    )')},
        {"POL301": ("silver_orders.py", "def orders")},
        "state",
    ),
    "a column was renamed together with its contract": Mistake(
        {"silver_rates.py": ("per_euro", "rate")},
        {"POL305": ("silver_rates.py", "select(")},
        "per_euro",
    ),
    "a contract and its function lost a column that gold reads": Mistake(
        {
            "silver_orders.py": (
                '        day("ordered_on"),\n        number("amount"),',
                '        number("amount"),',
            ),
        },
        {"POL301": ("silver_orders.py", "def orders")},
        "ordered_on",
    ),
    "a misspelled column": Mistake(
        {"gold_customer_value.py": ('on="customer_id"', 'on="custumer_id"')},
        {"POL305": ("gold_customer_value.py", ".join(bought")},
        "customer_id",
    ),
    "a misspelled column in an aggregation": Mistake(
        {"gold_daily_revenue.py": ('pl.col("euros")', 'pl.col("euro")')},
        {"POL305": ("gold_daily_revenue.py", ".agg(lines")},
        "euros",
    ),
    "a misspelled column in a helper": Mistake(
        {"money.py": ('pl.col("per_euro")', 'pl.col("per_eur")')},
        {"POL305": ("money.py", ".with_columns(euros")},
        "per_euro",
    ),
    "a forgotten cast of a date": Mistake(
        {"silver_orders.py": ('day("ordered_on")', '"ordered_on"')},
        {"POL302": ("silver_orders.py", "def orders")},
        "str.to_date",
    ),
    "a join on different types": Mistake(
        {
            "silver_customers.py": (
                "customer_id = dy.Int64(primary_key=True)",
                "customer_id = dy.String(primary_key=True)",
            ),
            "gold_customer_value.py": (
                "customer_id = dy.Int64(primary_key=True)",
                "customer_id = dy.String(primary_key=True)",
            ),
        },
        {"POL305": ("gold_customer_value.py", ".join(bought")},
        "datatypes",
    ),
    "arithmetic on text": Mistake(
        {"silver_orders.py": ('number("amount")', 'pl.col("amount") / 100')},
        {"POL305": ("silver_orders.py", "bronze_orders.select(")},
    ),
    "a text function on a number": Mistake(
        {
            "gold_customer_value.py": (
                '"customer_id", "country"',
                'pl.col("customer_id").str.to_uppercase(), "country"',
            )
        },
        {"POL305": ("gold_customer_value.py", "customers.select(")},
    ),
    "a column that the contract wants is not computed": Mistake(
        {"gold_daily_revenue.py": ("lines=pl.len().cast(pl.Int64), ", "")},
        {"POL301": ("gold_daily_revenue.py", "def daily_revenue")},
        "lines",
    ),
    "a contract was tightened and a left join may give null": Mistake(
        {
            "gold_customer_value.py": (
                '        .with_columns(pl.col("orders").fill_null(0))\n',
                "",
            )
        },
        {"POL711": ("gold_customer_value.py", "def customer_value")},
        "orders",
    ),
    "a condition without an otherwise": Mistake(
        {"gold_customer_value.py": ('\n            .otherwise(pl.lit("visitor"))', "")},
        {"POL712": ("gold_customer_value.py", "def customer_value")},
        "segment",
    ),
    "a lenient cast into a column that must not be null": Mistake(
        {
            "silver_customers.py": (
                "joined_on = dy.Date(nullable=True)",
                "joined_on = dy.Date()",
            ),
            "bronze_customers.py": (
                "joined = dy.String(nullable=True)",
                "joined = dy.String()",
            ),
        },
        {"POL714": ("silver_customers.py", "def customers")},
        "joined_on",
    ),
    "a difference to the day before": Mistake(
        {
            "gold_daily_revenue.py": (
                '        .sort("ordered_on")\n',
                '        .sort("ordered_on")\n'
                '        .with_columns(lines=pl.col("lines").shift(1))\n',
            )
        },
        {"POL713": ("gold_daily_revenue.py", "def daily_revenue")},
        "lines",
    ),
    "a helper that reads gold": Mistake(
        {
            "money.py": (
                "    return orders.join(",
                '    pl.scan_delta("data/gold/daily_revenue")\n    return orders.join(',
            )
        },
        {"POL603": ("money.py", "scan_delta")},
        "daily_revenue",
    ),
    "gold reads a file beside its inputs": Mistake(
        {
            "gold_daily_revenue.py": (
                "    kept = ",
                '    targets = pl.read_csv("targets.csv")\n    kept = ',
            )
        },
        {"POL603": ("gold_daily_revenue.py", "read_csv")},
    ),
    "silver asks a service": Mistake(
        {
            "silver_rates.py": (
                '    return bronze_rates.select("day"',
                "    import urllib.request\n\n"
                '    urllib.request.urlopen("https://example.com/rates")\n'
                '    return bronze_rates.select("day"',
            )
        },
        {"POL603": ("silver_rates.py", "urlopen")},
    ),
    "gold writes a report for a colleague": Mistake(
        {
            "gold_customer_value.py": (
                "    return (\n",
                '    bought.sink_csv("report.csv")\n    return (\n',
            )
        },
        {"POL604": ("gold_customer_value.py", "sink_csv")},
    ),
    "a collect left over from debugging": Mistake(
        {
            "gold_customer_value.py": (
                "    return (\n",
                "    print(bought.collect())\n    return (\n",
            )
        },
        {"POL605": ("gold_customer_value.py", "bought.collect")},
    ),
    "another asset's function is called": Mistake(
        {
            "gold_daily_revenue.py": (
                "from core.money import in_euros",
                "from core.money import in_euros\nfrom core.silver_rates import rates as cleaned",
            )
        },
        {"POL606": ("gold_daily_revenue.py", "import rates")},
        "parameter",
    ),
    "today's date decides": Mistake(
        {
            "gold_daily_revenue.py": (
                'pl.col("ordered_on").is_not_null())',
                'pl.col("ordered_on") < datetime.now().date())',
            ),
            "gold_daily_revenue.py ": (
                "import dataframely as dy\n",
                "from datetime import datetime\n\nimport dataframely as dy\n",
            ),
        },
        {"POL607": ("gold_daily_revenue.py", "datetime.now()")},
        "run.time",
    ),
    "a sample without a seed": Mistake(
        {
            "silver_customers.py": (
                '        "name",\n',
                '        pl.col("name").shuffle(),\n',
            )
        },
        {"POL608": ("silver_customers.py", "shuffle")},
        "seed",
    ),
    "a password in the code": Mistake(
        {
            "bronze_customers.py": (
                'ADDRESS = "https://crm',
                'PASSWORD = "Tr0ub4dor&3-horse"\nADDRESS = "https://crm',
            )
        },
        {"POL602": ("bronze_customers.py", "PASSWORD")},
    ),
    "a path of one's own machine": Mistake(
        {"bronze_orders.py": ("landing/orders_*.csv", "/home/ann/orders_*.csv")},
        {"POL601": ("bronze_orders.py", "/home/ann")},
    ),
    "bronze cleans": Mistake(
        {
            "bronze_orders.py": (
                "infer_schema=False)",
                'infer_schema=False).filter(pl.col("status") != "test")',
            )
        },
        {"POL621": ("bronze_orders.py", ".filter(")},
    ),
    "silver aggregates": Mistake(
        {
            "silver_rates.py": (
                'bronze_rates.select("day", "currency", "per_euro")',
                'bronze_rates.group_by("day", "currency").agg(pl.col("per_euro").mean())',
            )
        },
        {"POL722": ("silver_rates.py", "def rates")},
        "gold",
    ),
    "silver has no key": Mistake(
        {
            "silver_customers.py": (
                "dy.Int64(primary_key=True)",
                "dy.Int64()",
            )
        },
        {"POL226": ("silver_customers.py", "class Customers")},
    ),
    "nobody answers for gold": Mistake(
        {"gold_daily_revenue.py": (', owner="finance"', "")},
        {"POL224": ("gold_daily_revenue.py", "def daily_revenue")},
    ),
    "a column with personal data reaches gold": Mistake(
        {
            "gold_customer_value.py": (
                '"customer_id", "country"',
                '"customer_id", country=pl.col("email").str.extract("@(.*)$")',
            )
        },
        {"POL731": ("gold_customer_value.py", "country = dy.String()")},
        "silver.customers.email",
    ),
    "a second version beside the first": Mistake(
        {"silver_rates_v2.py": ("", "silver_rates.py")},
        {"POL222": ("silver_rates_v2.py", "def rates_v2")},
    ),
    "bronze that nobody reads": Mistake(
        {"bronze_prices.py": ("", "bronze_rates.py")},
        {"POL220": ("bronze_prices.py", "def prices")},
    ),
    "gold reads bronze": Mistake(
        {"gold_daily_revenue.py": ("rates: pl.LazyFrame", "bronze_rates: pl.LazyFrame")},
        {"POL202": ("gold_daily_revenue.py", "def daily_revenue")},
    ),
    "a wrong name of an upstream": Mistake(
        {"gold_customer_value.py": ("customers: pl.LazyFrame", "customer: pl.LazyFrame")},
        {"POL201": ("gold_customer_value.py", "def customer_value")},
        "customers",
    ),
    "a policy for a rule that is not there": Mistake(
        {
            "silver_orders.py": (
                'owner="shop"',
                'owner="shop", on_violation={"known_status": "fail"}',
            )
        },
        {"POL313": ("silver_orders.py", "def orders")},
        "known_state",
    ),
    "a rule of the contract reads a column that is not there": Mistake(
        {"silver_orders.py": ('pl.col("status").is_in', 'pl.col("state").is_in')},
        {"POL316": ("silver_orders.py", "def orders")},
        "known_state",
    ),
    "a typing mistake in a rule of the contract": Mistake(
        {"silver_orders.py": ('pl.col("status").is_in', "cls.statsu.col.is_in")},
        {"POL316": ("silver_orders.py", "cls.statsu")},
        "known_state",
    ),
    "a rule of the contract without its return": Mistake(
        {"silver_orders.py": ('return pl.col("status").is_in', 'pl.col("status").is_in')},
        {"POL316": ("silver_orders.py", "@dy.rule()")},
        "known_state",
    ),
    "a forgotten return": Mistake(
        {"silver_rates.py": ("    return bronze_rates", "    bronze_rates")},
        {"POL304": ("silver_rates.py", "def rates")},
    ),
    "pandas slipped in": Mistake(
        {
            "silver_rates.py": (
                'return bronze_rates.select("day", "currency", "per_euro")',
                'return bronze_rates.select("day", "currency", "per_euro").collect().to_dicts()',
            )
        },
        {"POL303": ("silver_rates.py", "def rates")},
    ),
    "a first row is needed": Mistake(
        {
            "gold_daily_revenue.py": (
                "    return (\n",
                '    first = kept.select("ordered_on").collect().row(0)\n'
                "    kept = kept.filter(pl.col('ordered_on') >= first[0])\n"
                "    return (\n",
            )
        },
        {"POL701": ("gold_daily_revenue.py", "row(0)")},
    ),
    "a consumer asks for more than its upstream keeps": Mistake(
        {
            "gold_customer_value.py": (
                "customers: pl.LazyFrame",
                "customers: dy.LazyFrame[Wanted]",
            ),
            "gold_customer_value.py ": (
                "class CustomerValue",
                'class Wanted(dy.Schema):\n    """What is needed."""\n\n'
                "    customer_id = dy.Int64()\n    phone = dy.String()\n\n\nclass CustomerValue",
            ),
        },
        {"POL314": ("gold_customer_value.py", "def customer_value")},
        "phone",
    ),
    "a package that is not installed": Mistake(
        {"silver_rates.py": ("import polars as pl", "import polars as pl\nimport pandass")},
        {"POL213": ("silver_rates.py", "pandass")},
    ),
    "a type that no table can hold": Mistake(
        {
            "silver_rates.py": (
                '"per_euro")',
                '"per_euro", pl.lit(None, dtype=pl.Object).alias("thing"))',
            )
        },
        {"POL309": ("silver_rates.py", "def rates")},
        "thing",
    ),
}


def planted(folder: Path, mistake: Mistake) -> Path:
    """Copy the project, over an older copy if there is one, and make the mistake in it."""
    root = folder / "shop"
    shutil.rmtree(root / CORE, ignore_errors=True)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(SHOP, root, ignore=ignored, dirs_exist_ok=True)
    for name, (old, new) in mistake.edits.items():
        path = root / CORE / name.strip()
        if old:
            text = path.read_text(encoding="utf-8")
            assert old in text, f"{name} has no {old!r}"
            path.write_text(text.replace(old, new), encoding="utf-8")
        else:  # another asset's file, under a new name
            was, now = Path(new).stem, path.stem
            text = (root / CORE / new).read_text(encoding="utf-8")
            short = now.partition("_")[2]
            text = text.replace(f"def {was.partition('_')[2]}(", f"def {short}(")
            path.write_text(text, encoding="utf-8")
    return root


def checked(root: Path) -> Validation:
    return validate(open_project(root))


def checked_from_memory(root: Path) -> Validation:
    with Preparation(remember=True) as preparation:
        project = open_project(root, meanwhile=preparation.begin)
        return validate(project, preparation=preparation)


def line_of(root: Path, finding: Finding) -> str:
    assert finding.file is not None
    assert finding.line is not None
    return (root / finding.file).read_text(encoding="utf-8").splitlines()[finding.line - 1]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, tuple[Path, Validation]]:
    """Validate every project, two at a time: each waits for processes of its own."""
    roots = {
        name: planted(tmp_path_factory.mktemp("planted"), mistake)
        for name, mistake in MISTAKES.items()
    }
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(checked, roots.values()))
    return {
        name: (root, result) for (name, root), result in zip(roots.items(), results, strict=True)
    }


def test_the_project_itself_has_no_finding() -> None:
    result = checked(SHOP)

    assert (result.assets, result.findings, result.unchecked) == (8, (), {})


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_found_at_its_file_and_line(
    name: str, outcomes: Mapping[str, tuple[Path, Validation]]
) -> None:
    mistake, (root, result) = MISTAKES[name], outcomes[name]

    for code, (file, text) in mistake.found.items():
        found = [finding for finding in result.findings if finding.code == code]
        places = [(finding.file, line_of(root, finding)) for finding in found]

        assert [place for place in places if place[0] == CORE + file and text in place[1]], (
            f"{code} at {places}, all: {result.findings}"
        )
        assert mistake.says in " ".join(f"{each.message} {each.hint}" for each in found)


def test_who_remembers_earlier_checks_finds_the_same(
    outcomes: Mapping[str, tuple[Path, Validation]], tmp_path: Path
) -> None:
    differences: list[str] = []

    for name, mistake in MISTAKES.items():
        root = planted(tmp_path, mistake)
        results = checked_from_memory(root), checked_from_memory(root)
        differences += [name for result in results if result != outcomes[name][1]]

    assert differences == []
    assert (root / ".polster_cache").is_dir()
