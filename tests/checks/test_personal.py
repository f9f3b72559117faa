from __future__ import annotations

from collections.abc import Mapping

from polster.checks.examined import Examined
from polster.checks.personal import check_personal
from polster.model.asset import Asset, AssetKey, Parameter
from polster.model.contract import ContractColumn
from polster.model.finding import Finding, Severity
from polster.model.graph import AssetGraph, build_graph
from polster.model.layer import LayerRules
from polster.model.lineage import AssetLineage, ColumnOrigin, ColumnRef


def key(text: str) -> AssetKey:
    parsed = AssetKey.parse(text)
    assert parsed is not None
    return parsed


def asset(text: str, *parameters: str) -> Asset:
    made = key(text)
    file = f"src/core/{made.identifier}.py"
    return Asset(made, file, 20, made.identifier, tuple(Parameter(name, 20) for name in parameters))


def graph(*assets: Asset) -> AssetGraph:
    built = build_graph(assets, LayerRules()).graph
    assert built is not None
    return built


def column(name: str, *, pii: bool = False, masked: str | None = None) -> ContractColumn:
    return ContractColumn(name, "String", True, False, pii=pii, masked=masked)


def ref(text: str) -> ColumnRef:
    layer, name, column_name = text.split(".")
    return ColumnRef(key(f"{layer}.{name}"), column_name)


def examined(
    text: str,
    *contract: ContractColumn,
    origins: Mapping[str, ColumnOrigin] | None = None,
    unknown: str | None = None,
) -> Examined:
    made = key(text)
    lineage = AssetLineage(made, origins or {}, unknown)
    lines = {each.name: 8 + number for number, each in enumerate(contract)}
    return Examined(made, contract=contract or None, lineage=lineage, contract_lines=lines)


def made_of(*values: str, by: str | None = None, unknown: str | None = None) -> ColumnOrigin:
    return ColumnOrigin(frozenset(map(ref, values)), frozenset([ref(by)] if by else []), unknown)


CHAIN = graph(
    asset("bronze.people"),
    asset("silver.people", "bronze_people"),
    asset("gold.audience", "people"),
)
BRONZE = examined("bronze.people", column("email", pii=True), column("id"))
SILVER = examined(
    "silver.people",
    column("mail"),
    column("id"),
    origins={"mail": made_of("bronze.people.email"), "id": made_of("bronze.people.id")},
)


def audience(
    *contract: ContractColumn, unknown: str | None = None, **origins: ColumnOrigin
) -> Examined:
    return examined("gold.audience", *contract, origins=origins, unknown=unknown)


def check(*entries: Examined) -> list[Finding]:
    return check_personal(CHAIN, entries)


def test_a_marked_column_is_followed_into_gold_under_its_other_names() -> None:
    gold = audience(column("contact"), contact=made_of("silver.people.mail"))

    (finding,) = check(BRONZE, SILVER, gold)

    assert finding.code == "POL731"
    assert finding.severity is Severity.ERROR
    assert finding.place == "src/core/gold_audience.py:8"
    assert finding.asset == "gold.audience"
    assert finding.message == (
        "`gold.audience.contact` holds personal data that nothing masks: `bronze.people.email` "
        "-> `silver.people.mail` -> `gold.audience.contact`"
    )
    assert finding.hint is not None and '"masked": True' in finding.hint


def test_a_mask_with_a_reason_ends_the_way_in_gold() -> None:
    gold = audience(column("contact", masked="salted hash"), contact=made_of("silver.people.mail"))

    assert check(BRONZE, SILVER, gold) == []


def test_a_mask_with_a_reason_ends_the_way_in_silver() -> None:
    silver = examined(
        "silver.people",
        column("mail", masked="salted hash"),
        origins={"mail": made_of("bronze.people.email")},
    )
    gold = audience(column("contact"), contact=made_of("silver.people.mail"))

    assert check(BRONZE, silver, gold) == []


def test_a_mask_without_a_reason_is_told_once_and_at_its_column() -> None:
    gold = audience(
        column("id"), column("contact", masked=" "), contact=made_of("silver.people.mail")
    )

    (finding,) = check(BRONZE, SILVER, gold)

    assert (finding.code, finding.place) == ("POL732", "src/core/gold_audience.py:9")


def test_a_mask_without_a_reason_is_told_where_nothing_is_marked() -> None:
    gold = audience(column("contact", masked=""))

    assert [finding.code for finding in check(examined("bronze.people"), gold)] == ["POL732"]


def test_what_a_marked_column_only_influences_is_not_personal() -> None:
    gold = audience(column("people"), people=made_of("silver.people.id", by="silver.people.mail"))

    assert check(BRONZE, SILVER, gold) == []


def test_a_column_that_gold_itself_marks_is_personal_data_in_gold() -> None:
    gold = audience(column("phone", pii=True), phone=ColumnOrigin())

    (finding,) = check(examined("bronze.people"), gold)

    assert finding.message == "`gold.audience.phone` holds personal data that nothing masks"


def test_a_column_that_the_contract_does_not_name_is_found_at_the_function() -> None:
    gold = audience(column("id"), contact=made_of("silver.people.mail"))

    (finding,) = check(BRONZE, SILVER, gold)

    assert finding.place == "src/core/gold_audience.py:20"
    assert finding.hint is not None and "name it in the contract" in finding.hint


def test_behind_a_python_function_a_column_only_may_hold_personal_data() -> None:
    gold = audience(
        column("contact"),
        contact=made_of("silver.people.mail", "silver.people.id", unknown="a Python function"),
    )

    (finding,) = check(BRONZE, SILVER, gold)

    assert finding.severity is Severity.WARNING
    assert finding.message.startswith(
        "`gold.audience.contact` may hold personal data that nothing masks "
        "(not certain: a Python function)"
    )


def test_a_certain_way_outweighs_an_uncertain_one() -> None:
    silver = examined(
        "silver.people",
        column("mail"),
        column("id"),
        origins={
            "mail": made_of("bronze.people.email"),
            "id": made_of("bronze.people.email", unknown="a Python function"),
        },
    )
    gold = audience(column("contact"), contact=made_of("silver.people.mail", "silver.people.id"))

    (finding,) = check(BRONZE, silver, gold)

    assert finding.severity is Severity.ERROR


def test_gold_of_unknown_lineage_is_told_once_if_it_reads_a_marked_table() -> None:
    gold = audience(column("contact"), column("city"), unknown="it is computed eagerly")

    (finding,) = check(BRONZE, SILVER, gold)

    assert finding.severity is Severity.WARNING
    assert finding.place == "src/core/gold_audience.py:20"
    assert finding.message == (
        "`gold.audience` may hold personal data: it stands on `bronze.people.email`, and which "
        "of its columns are made of that is unknown (it is computed eagerly)"
    )


def test_gold_of_unknown_lineage_is_silent_if_nothing_marked_reaches_what_it_reads() -> None:
    silver = examined("silver.people", column("id"), origins={"id": made_of("bronze.people.id")})
    gold = audience(column("contact"), unknown="it is computed eagerly")

    assert check(BRONZE, silver, gold) == []


def test_gold_of_unknown_lineage_is_silent_once_all_its_columns_are_masked() -> None:
    gold = audience(column("contact", masked="salted hash"), unknown="it is computed eagerly")

    assert check(BRONZE, SILVER, gold) == []


def test_doubt_passes_through_an_asset_of_which_nothing_is_known() -> None:
    silver = Examined(key("silver.people"), unchecked="`bronze.x` was never run")
    gold = audience(column("contact"), contact=made_of("silver.people.mail"))

    (finding,) = check(BRONZE, silver, gold)

    assert finding.severity is Severity.WARNING
    assert "`bronze.people.email`" in finding.message


def test_an_asset_that_cannot_be_built_is_not_suspected_on_top() -> None:
    gold = Examined(
        key("gold.audience"),
        findings=(Finding("POL305", "the frame cannot be computed"),),
        contract=(column("contact"),),
    )

    assert check(BRONZE, SILVER, gold) == []


def test_several_marked_columns_in_one_are_all_named() -> None:
    bronze = examined("bronze.people", column("email", pii=True), column("id", pii=True))
    silver = examined(
        "silver.people",
        column("who"),
        origins={"who": made_of("bronze.people.email", "bronze.people.id")},
    )
    gold = audience(column("who"), who=made_of("silver.people.who"))

    (finding,) = check(bronze, silver, gold)

    assert finding.message.endswith("; also from `bronze.people.id`")
