"""Names of fields: ``raw.NAME`` is the vendor's field of that name, and a name that nobody knows is an error, everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from lead_mcp import vendors
from lead_mcp.vendors.samples import sampled_fields
from lead_mcp.vendors.spec.fields import Field, FieldMap, PartField
from tests.driving import DAWN, Bench, CallFailed, bench, entry
from tests.facts import TRIED
from tests.oracle import fields_of, names_of

SINCE = {"since": DAWN.isoformat()}


@pytest.fixture(scope="module")
def driven() -> Iterator[Bench]:
    with bench(80, only=TRIED) as found:
        yield found


def exists(name: str) -> list[dict[str, Any]]:
    return [{"field": name, "op": "exists", "value": True}]


def found(driven: Bench, account: str, name: str) -> int | None:
    total: int | None = driven.page(account=account, filters=exists(name), limit=1, **SINCE)["total"]
    return total


@pytest.mark.parametrize("account", TRIED)
def test_raw_and_a_vendors_name_find_what_the_name_finds(driven: Bench, account: str) -> None:
    """Documented, asked of the vendor's metadata, or sampled from records; dotted, and by its last part alone."""
    names, ours = names_of(driven, account), driven.runtime.connection(account).account.fields.ours
    own = [name for name, field in fields_of(driven, account).items() if name not in ours and not field.filter_only]
    assert own
    for name in own:
        counts = {found(driven, account, spelled) for spelled in (name, f"raw.{name}")}
        assert len(counts) == 1
        assert counts != {0}, name
        bare = ".".join(name.split(".")[-2:]) if isinstance(names.field(name), PartField) else name.rpartition(".")[2]
        maps = [known for known in (names.fields, names.discovered) if known]
        if bare != name and bare not in ours and all(len(known.bare.get(bare, ())) < 2 for known in maps):
            assert found(driven, account, f"raw.{bare}") in counts


@pytest.mark.parametrize("account", TRIED)
def test_raw_forces_the_vendors_field_where_the_name_is_ours_too(driven: Bench, account: str) -> None:
    fields = driven.runtime.connection(account).account.fields
    for name in set(fields.ours) & set(fields.own):
        page = driven.page(account=account, fields=[f"raw.{name}"], limit=1, **SINCE)
        assert page["leads"]["columns"][-1] == f"raw.{name}"
        record = next(one for one in driven.everything(account) if one.uri == page["leads"]["rows"][0][0])
        value = fields.own[name].read(record.raw)
        assert (page["leads"]["rows"][0][-1] is None) is (value is None)


@pytest.mark.parametrize("account", TRIED)
def test_raw_takes_a_vendors_name_that_we_use_as_it_is(driven: Bench, account: str) -> None:
    ours = driven.runtime.connection(account).account.fields.ours
    for name in (name for name, field in ours.items() if tuple(field.paths) == (name,)):
        page = driven.page(account=account, fields=[f"raw.{name}"], limit=1, **SINCE)
        assert page["leads"]["columns"][-1] == f"raw.{name}"
        assert found(driven, account, f"raw.{name}") == found(driven, account, name)


UNKNOWN = ("nonsense", "raw.nonsense", "Fields.Nonsense", "raw.Fields.Nonsense", "formData.nonsense", "a.b.c")


def everywhere(name: str, account: str) -> list[tuple[str, dict[str, Any]]]:
    """Every place of every tool that takes the name of a lead's field."""
    return [
        ("search_leads", {"account": account, "filters": exists(name)}),
        ("search_leads", {"account": account, "sort": f"{name}:asc"}),
        ("search_leads", {"account": account, "fields": [name]}),
        ("summarize_leads", {"account": account, "filters": exists(name)}),
        ("summarize_leads", {"account": account, "group_by": [name]}),
        ("summarize_leads", {"account": account, "group_by": ["day", name]}),
        ("summarize_leads", {"account": account, "measures": [f"sum:{name}"]}),
    ]


@pytest.mark.parametrize("name", UNKNOWN)
@pytest.mark.parametrize("account", [*TRIED, ",".join(TRIED)])
def test_a_name_that_nobody_knows_is_an_error_on_every_tool(driven: Bench, account: str, name: str) -> None:
    for tool, asked in everywhere(name, account):
        with pytest.raises(CallFailed) as failed:
            driven.call(tool, **asked)
        assert failed.value.code == "unknown_field", (tool, asked)
        assert name in failed.value.message


def pings_everywhere(name: str) -> list[dict[str, Any]]:
    return [{"filters": exists(name)}, {"sort": f"{name}:asc"}, {"group_by": [name]}, {"group_by": ["hour", name]}]


@pytest.mark.parametrize("direction", ["inbound", "outbound"])
@pytest.mark.parametrize(
    "name", ["EmailAddress", "Fields.Nonsense", "raw.EmailAddress", "status", "ReturnStatus", "no"]
)
def test_pings_take_no_names_of_leads_and_suggest_none(driven: Bench, direction: str, name: str) -> None:
    known = vendors.vendor("leadexec").pings[direction].fields(driven.runtime.connection("leadexec").account)
    for asked in pings_everywhere(name):
        with pytest.raises(CallFailed) as failed:
            driven.call("query_pings", direction=direction, **asked)
        assert failed.value.code == "unknown_field"
        assert all(ours in failed.value.message for ours in known.ours), "what that direction has"
        _, _, suggested = failed.value.message.partition("Did you mean '")
        assert not suggested or suggested.partition("'")[0].removeprefix("raw.") in {*known.ours, *known.own}


def test_where_the_names_cannot_be_asked_for_that_account_says_so_and_is_not_searched_in_vain(driven: Bench) -> None:
    with bench(30, only=["convoso", "octanist"]) as fresh:
        fresh.box.fault("convoso", "status", status=403, times=-1)
        with pytest.raises(CallFailed):
            fresh.page(account="convoso", filters=exists("raw.field_1"))
        page = fresh.page(filters=exists("email"))
        assert entry(page, "convoso")["error"]["code"] == "unauthorized"


def test_a_sample_tells_names_below_its_prefixes_at_every_depth_and_their_kinds() -> None:
    known = FieldMap(ours={}, own={"form.known": Field("form.known")}, free=("form", "data.deep"))
    rows: list[dict[str, Any]] = [
        {"form": {"known": 1, "count": 2, "inner": {"flag": True, "mixed": 1}}, "other": {"x": 1}},
        {"form": {"inner": {"mixed": "x"}}, "data": {"deep": {"name": "n"}}},
        {"form": None, "data": "text"},
        {"form": ["list"]},
    ]
    found = sampled_fields(rows, known)
    assert {name: field.kind.value for name, field in found.items()} == {
        "form.known": "text",
        "form.count": "number",
        "form.inner": "any",
        "form.inner.flag": "flag",
        "form.inner.mixed": "any",
        "data.deep.name": "any",
    }
