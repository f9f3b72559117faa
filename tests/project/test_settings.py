from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from polster.errors import SettingsError, UsageError
from polster.model.finding import Severity
from polster.model.layer import Layer
from polster.model.rule import Rule
from polster.project.settings import Environment, choose_environment, load_dotenv, read_settings

PROD = '[tool.polster.environments.prod]\nlakehouse = "${POLSTER_PROD_LAKEHOUSE}"\n'


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give each test the variables of the process, and take its changes back."""
    before = dict(os.environ)
    for name in list(os.environ):
        if name.startswith(("POLSTER_", "ADLS_", "AWS_", "AZURE_", "GOOGLE_", "STORAGE_")):
            del os.environ[name]
    yield
    os.environ.clear()
    os.environ.update(before)


def project(root: Path, text: str) -> Path:
    (root / "pyproject.toml").write_text(text)
    return root


def problem(root: Path, text: str) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        read_settings(project(root, text))
    assert caught.value.code == "POL103"
    return caught.value


def test_nothing_said_means_a_folder_data(tmp_path: Path) -> None:
    settings = read_settings(project(tmp_path, "[tool.polster]\n"))

    assert settings.lakehouses == {"dev": "data"}
    assert settings.rules.within == frozenset()
    chosen = choose_environment(settings, None)
    assert (chosen.name, chosen.lakehouse) == ("dev", str(tmp_path / "data"))
    assert chosen.storage_options == {}


def test_layers_may_be_allowed_to_read_themselves(tmp_path: Path) -> None:
    text = '[tool.polster.rules]\nallow = ["silver->silver", "gold->gold"]\n'

    settings = read_settings(project(tmp_path, text))

    assert settings.rules.within == {Layer.SILVER, Layer.GOLD}


@pytest.mark.parametrize(
    "arrow", ["gold->bronze", "bronze->bronze", "silver -> silver", "gold->silver", ""]
)
def test_no_other_arrow_can_be_allowed(tmp_path: Path, arrow: str) -> None:
    error = problem(tmp_path, f'[tool.polster.rules]\nallow = ["{arrow}"]\n')

    assert "`tool.polster.rules.allow.0`" in error.message
    assert "silver->silver" in error.message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[tool.polster]\nlake = 'x'\n", "`tool.polster.lake` is not a setting"),
        ("[tool.polster]\nlakehouse = 3\n", "`tool.polster.lakehouse`: input should be a"),
        ("[tool.polster]\nlakehouse = ''\n", "`tool.polster.lakehouse`: string should have"),
        ("[tool.polster.environments.prod]\n", "`tool.polster.environments.prod.lakehouse`: field"),
        ("[tool.polster]\nenvironments = 1\n", "`tool.polster.environments`: input should be"),
        ("[tool]\npolster = 3\n", "`tool.polster` should be a table"),
        ("[tool.polster]\nenvironment = 'x'\n", "the environment `x` has no table of its own"),
        (
            "[tool.polster.rules]\nignore = ['bronze-cleans']\n",
            "`bronze-cleans` is not the code of a rule, such as POL203",
        ),
        (
            "[tool.polster.rules.severity]\nbronze-cleans = 'error'\n",
            "`bronze-cleans` is not the code of a rule",
        ),
        ("[tool.polster\n", "cannot be read"),
        ("tool = 3\n", "`tool` should be a table"),
    ],
)
def test_settings_that_make_no_sense_are_said(tmp_path: Path, text: str, message: str) -> None:
    assert message in problem(tmp_path, text).message


def test_all_problems_are_reported_together(tmp_path: Path) -> None:
    error = problem(tmp_path, "[tool.polster]\nlake = 1\nhouse = 2\nlakehouse = 3\n")

    assert error.message.count("`tool.polster.") == 3


def test_an_environment_is_chosen_by_name_variable_or_setting(tmp_path: Path) -> None:
    text = "[tool.polster]\nenvironment = 'a'\n" + "".join(
        f"[tool.polster.environments.{name}]\nlakehouse = 'in_{name}'\n" for name in "abc"
    )
    settings = read_settings(project(tmp_path, text))

    assert choose_environment(settings, None).name == "a"
    os.environ["POLSTER_ENV"] = "b"
    assert choose_environment(settings, None).name == "b"
    assert choose_environment(settings, "c").lakehouse == str(tmp_path / "in_c")


def test_an_unknown_environment_gets_the_nearest(tmp_path: Path) -> None:
    settings = read_settings(project(tmp_path, PROD))

    for name, hint in (("pord", "did you mean `prod`?"), ("x", "the environments: dev, prod")):
        with pytest.raises(UsageError) as caught:
            choose_environment(settings, name)
        assert (caught.value.code, caught.value.hint) == ("POL104", hint)


def test_a_variable_that_is_not_set_is_named(tmp_path: Path) -> None:
    settings = read_settings(project(tmp_path, PROD))

    for value in (None, ""):
        if value is not None:
            os.environ["POLSTER_PROD_LAKEHOUSE"] = value
        with pytest.raises(UsageError, match="needs the variable POLSTER_PROD_LAKEHOUSE") as caught:
            choose_environment(settings, "prod")
        assert caught.value.code == "POL105"


def test_a_url_comes_with_the_keys_of_its_store(tmp_path: Path) -> None:
    settings = read_settings(project(tmp_path, PROD))
    os.environ["POLSTER_PROD_LAKEHOUSE"] = "s3://bucket/lake/"
    os.environ["AWS_SECRET_ACCESS_KEY"] = "hush"

    chosen = choose_environment(settings, "prod")

    assert chosen.lakehouse == "s3://bucket/lake"
    assert chosen.storage_options == {"aws_secret_access_key": "hush"}
    assert "hush" not in repr(chosen)
    assert "hush" not in str(chosen)


def test_empty_keys_are_forgotten(tmp_path: Path) -> None:
    """A CI platform hands over a secret that it does not have as an empty text."""
    settings = read_settings(project(tmp_path, PROD))
    os.environ["POLSTER_PROD_LAKEHOUSE"] = "s3://bucket/lake"
    os.environ["AWS_REGION"] = "eu-west-1"
    os.environ["AWS_ACCESS_KEY_ID"] = ""

    chosen = choose_environment(settings, "prod")

    assert chosen.storage_options == {"aws_region": "eu-west-1"}
    assert "AWS_ACCESS_KEY_ID" not in os.environ


def test_dotenv_fills_what_is_not_set(tmp_path: Path) -> None:
    os.environ["POLSTER_A"] = "of the shell"
    (tmp_path / ".env").write_text("POLSTER_A=x\nPOLSTER_B='of the file'\nAWS_REGION=\nWORD\n")

    load_dotenv(tmp_path)

    assert os.environ["POLSTER_A"] == "of the shell"
    assert os.environ["POLSTER_B"] == "of the file"
    assert "AWS_REGION" not in os.environ


def test_dotenv_may_name_the_environment_and_its_lakehouse(tmp_path: Path) -> None:
    settings = read_settings(project(tmp_path, PROD))
    (tmp_path / ".env").write_text("POLSTER_ENV=prod\nPOLSTER_PROD_LAKEHOUSE=/lake\n")

    assert choose_environment(settings, None).lakehouse == "/lake"


def test_a_folder_is_seen_from_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    for written, expected in (
        ("../lake", str(tmp_path.parent / "lake")),
        ("/lake", "/lake"),
        ("~/lake", "/home/ann/lake"),
    ):
        settings = read_settings(project(tmp_path, f"[tool.polster]\nlakehouse = '{written}'\n"))
        assert choose_environment(settings, None).lakehouse == expected


def test_the_rules_of_a_project_are_read(tmp_path: Path) -> None:
    text = """
[tool.polster.rules]
select = ["POL2", "POL6"]
ignore = ["POL223"]
severity = { POL6 = "error", POL605 = "warning" }
max_readers = 3

[tool.polster.rules.assets."gold.*"]
ignore = ["POL224"]
severity = { POL601 = "warning" }
"""
    project(tmp_path, text)

    checks = read_settings(tmp_path).checks

    def severity(code: str, asset: str | None = None) -> str | None:
        rule = Rule(code, "", Severity.WARNING, "", "", "", "")
        return checks.severity(rule, asset, Severity.WARNING)

    assert checks.max_readers == 3
    assert (severity("POL223"), severity("POL711"), severity("POL222")) == (None, None, "warning")
    assert (severity("POL601"), severity("POL605")) == ("error", "warning")
    assert (severity("POL224"), severity("POL224", "gold.x")) == ("warning", None)
    assert (severity("POL601", "silver.x"), severity("POL601", "gold.x")) == ("error", "warning")


def test_a_structural_rule_is_never_left_out(tmp_path: Path) -> None:
    project(tmp_path, '[tool.polster.rules]\nselect = ["POL6"]\nignore = ["POL2"]\n')
    rule = Rule("POL202", "", Severity.ERROR, "", "", "", "", is_structural=True)

    checks = read_settings(tmp_path).checks

    assert checks.severity(rule, "gold.x", Severity.ERROR) == "error"


@pytest.mark.parametrize(
    "text",
    ['ignore = ["E501"]', 'severity = { POL601 = "info" }', "max_readers = 0", "fan_out = 3"],
)
def test_rules_that_make_no_sense_are_refused(tmp_path: Path, text: str) -> None:
    raised = problem(tmp_path, f"[tool.polster.rules]\n{text}\n")

    assert raised.place == str(tmp_path / "pyproject.toml")


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("s4://lake/prod", "the stores: s3://"),
        ("https://lake/prod", "a folder is written as a path"),
        ("s3:///prod", "names no bucket"),
        ("s3://key:hush@lake/prod", "keys stand in the environment or in .env"),
        ("az://lake/prod?sig=hush", "keys stand in the environment or in .env"),
        ("az://box@account:hush/prod", "keys stand in the environment or in .env"),
        ("x" * 5000, "too long"),
        ("a\\u0000b", "null"),
        ("~nobody-of-this-name/x", "home"),
    ],
)
def test_an_address_that_nothing_can_be_reached_by_is_refused(
    tmp_path: Path, address: str, said: str
) -> None:
    settings = read_settings(project(tmp_path, f'[tool.polster]\nlakehouse = "{address}"\n'))

    with pytest.raises(SettingsError) as caught:
        choose_environment(settings, None)

    assert caught.value.code == "POL108"
    assert said in f"{caught.value.message} {caught.value.hint}"
    assert "hush" not in f"{caught.value.message} {caught.value.hint}"
    assert "\0" not in caught.value.message


@pytest.mark.parametrize(
    "address", ["abfss://box@account.dfs.core.windows.net/x", "S3://lake/x", "gs://lake", "x/ü @:y"]
)
def test_any_other_address_is_taken(tmp_path: Path, address: str) -> None:
    settings = read_settings(project(tmp_path, f'[tool.polster]\nlakehouse = "{address}"\n'))

    assert choose_environment(settings, None).lakehouse.endswith(address)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("A=1\n".encode("utf-16"), "not UTF-8: byte 1"),
        (b"A=\xe9\n", "not UTF-8: byte 3"),
        (b"A=a\0b\n", "null byte"),
    ],
)
def test_a_dotenv_that_no_environment_takes_is_told(
    tmp_path: Path, content: bytes, said: str
) -> None:
    (tmp_path / ".env").write_bytes(content)

    with pytest.raises(SettingsError, match=said) as caught:
        load_dotenv(tmp_path)

    assert (caught.value.code, caught.value.place) == ("POL109", str(tmp_path / ".env"))


ADLS = {
    "STORAGE_BACKEND": "adls",
    "ADLS_ACCOUNT_NAME": "shopdata",
    "ADLS_CONTAINER": "lake",
    "ADLS_ACCOUNT_KEY": "not-to-be-seen",
}


def of_adls(
    tmp_path: Path, text: str = '[project]\nname = "shop"\n', **changed: str
) -> Environment:
    lines = [f"{name}={value}" for name, value in (ADLS | changed).items()]
    (tmp_path / ".env").write_text("\n".join(lines))
    return choose_environment(read_settings(project(tmp_path, text)), None)


def test_variables_alone_put_the_lakehouse_into_azure_data_lake_storage(tmp_path: Path) -> None:
    chosen = of_adls(tmp_path)

    assert chosen.lakehouse == "az://lake/shop"
    assert chosen.storage_options == {
        "azure_storage_account_name": "shopdata",
        "azure_storage_account_key": "not-to-be-seen",
    }
    assert "not-to-be-seen" not in repr(chosen)


def test_the_path_in_the_container_may_be_said(tmp_path: Path) -> None:
    assert of_adls(tmp_path, "", ADLS_PATH="/of/all/").lakehouse == "az://lake/of/all"


@pytest.mark.parametrize("backend", ["local", ""])
def test_a_local_backend_leaves_the_lakehouse_in_its_folder(tmp_path: Path, backend: str) -> None:
    assert of_adls(tmp_path, STORAGE_BACKEND=backend).lakehouse == str(tmp_path / "data")


def test_an_environment_with_a_table_of_its_own_lies_where_that_says(tmp_path: Path) -> None:
    own = "[tool.polster.environments.dev]\nlakehouse = 'here'\n"

    assert of_adls(tmp_path, own).lakehouse == str(tmp_path / "here")


@pytest.mark.parametrize(
    ("changed", "said", "hint"),
    [
        ({"STORAGE_BACKEND": "floppy"}, "`STORAGE_BACKEND=floppy` is no way of storing", "s3://"),
        (
            {"ADLS_CONTAINER": "", "ADLS_ACCOUNT_NAME": ""},
            "needs ADLS_CONTAINER and ADLS_ACCOUNT_NAME, which are not set",
            ".env",
        ),
        ({"ADLS_ACOUNT_KEY": "x"}, "no variable ADLS_ACOUNT_KEY", "did you mean ADLS_ACCOUNT_KEY?"),
        ({"ADLS_X": "x"}, "no variable ADLS_X", "ADLS_"),
    ],
)
def test_variables_of_the_lakehouse_that_make_no_sense(
    tmp_path: Path, changed: dict[str, str], said: str, hint: str
) -> None:
    with pytest.raises(UsageError) as caught:
        of_adls(tmp_path, **changed)

    assert caught.value.code == "POL116"
    assert said in caught.value.message
    assert hint in (caught.value.hint or "")


def test_without_a_name_the_path_in_the_container_is_needed(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="needs ADLS_PATH, which is not set"):
        of_adls(tmp_path, "[tool.polster]\n")
