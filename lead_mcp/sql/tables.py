"""The tables that SQL is asked over, said once: names, types, meanings, units, sources.

``CREATE TABLE`` statements and the schema as readers see it (``schema.py``) are printed from here, and the mirror stores the
same tables. Times are ``TIMESTAMPTZ``: an instant, computed and shown in the zone that was asked for. Money is
``DECIMAL(18,4)``: exact, summed without rounding (a sum is ``DECIMAL(38,4)``), up to 99,999,999,999,999 in major units of the
account's currency; finer fractions are rounded to four places. Absent is NULL.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Final

from lead_mcp.vendors.spec.fields import CANONICAL, PING_FIELDS

TEXT: Final = "VARCHAR"
TIME: Final = "TIMESTAMPTZ"
MONEY: Final = "DECIMAL(18,4)"
FLAG: Final = "BOOLEAN"
WHOLE: Final = "INTEGER"
JSON: Final = "JSON"


@dataclass(frozen=True, slots=True)
class Column:
    """One column. ``source``: ``vendor`` (its field, under our name), ``ours`` (computed here), ``record`` (as sent)."""

    name: str
    type: str
    meaning: str
    source: str = "vendor"


@dataclass(frozen=True)
class Table:
    """One table. ``query``: the SELECT that makes it out of another table, where it is one of those (a view)."""

    name: str
    meaning: str
    columns: Sequence[Column]
    query: str = ""

    @cached_property
    def types(self) -> Mapping[str, str]:
        """Column names to types, in order."""
        return {column.name: column.type for column in self.columns}

    def only(self, names: Iterable[str]) -> Table:
        """The table with those of its columns alone, in its own order."""
        wanted = frozenset(names)
        return Table(self.name, self.meaning, [c for c in self.columns if c.name in wanted], self.query)

    def create(self) -> str:
        """The statement that makes it, empty."""
        if self.query:
            return f"CREATE VIEW {self.name} AS {self.query}"
        columns = ", ".join(f'"{column.name}" {column.type}' for column in self.columns)
        return f"CREATE TABLE {self.name} ({columns})"

    def drop(self) -> str:
        """The statement that unmakes it."""
        return f"DROP {'VIEW' if self.query else 'TABLE'} IF EXISTS {self.name}"


FIELD_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {"value": MONEY, "created_at": TIME, "updated_at": TIME, "qualified_at": TIME}
)
MEANINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "id": "the vendor's id of the lead",
        "status": "the vendor's own word",
        "stage": "open, qualified, won or lost; NULL where the vendor's word is not mapped",
        "source": "where the lead came from, in the vendor's sense (marketing source is utm_source)",
        "first_name": "given name",
        "last_name": "family name",
        "name": "full name",
        "email": "e-mail as the vendor keeps it; compare people by email_folded",
        "phone": "telephone as the vendor keeps it; compare people by phone_e164",
        "company": "company",
        "address": "street and house number",
        "city": "city",
        "state": "state or region, as the vendor keeps it",
        "postal_code": "postal code; text, as it may begin with 0",
        "country": "country, as the vendor keeps it",
        "value": "what the lead is worth or has earned, in major units of the account's currency",
        "created_at": "when the vendor got the lead; since, until and period mean this time",
        "updated_at": "when the vendor last changed the lead",
        "qualified_at": "when the lead was qualified",
        "list_id": "the list the lead is in",
        "campaign": "the campaign at the vendor",
        "owner": "who works on the lead",
        "label": "the vendor's label",
        "website": "the page or site it came through",
        "form_name": "the form it came through",
        "external_id": "the id that whoever sent the lead gave it",
        "note": "free text",
        "utm_source": "marketing source",
        "utm_medium": "marketing medium",
        "utm_campaign": "marketing campaign",
    }
)
CLICK_ID: Final = "click or cookie id of an advertising network"

LEADS: Final = Table(
    "leads",
    "one row a lead at an account; a person may have several",
    [
        Column("uri", TEXT, "lead://ACCOUNT/ID; get_lead reads it", "ours"),
        Column("account", TEXT, "the account's name in the settings", "ours"),
        Column("vendor", TEXT, "the account's vendor", "ours"),
        *(Column(name, FIELD_TYPES.get(name, TEXT), MEANINGS.get(name, CLICK_ID)) for name in CANONICAL),
        Column("phone_e164", TEXT, "phone as +12125550101, read in the account's region; NULL if impossible", "ours"),
        Column("email_folded", TEXT, "e-mail, case-folded", "ours"),
        Column(
            "person_id", TEXT, "the same for leads that share a phone_e164 or an email_folded, also by a chain", "ours"
        ),
        Column("is_test", FLAG, "true where name, e-mail or phone are plainly a test's", "ours"),
        Column("raw", JSON, "the vendor's whole record: raw->>'$.Properties.LeadGrade'", "record"),
    ],
)
SENDS: Final = Table(
    "sends",
    "one row for each time a lead was sold or offered to a buyer; of the leads created in the window",
    [
        Column("lead_uri", TEXT, "leads.uri", "ours"),
        Column("account", TEXT, "the account's name", "ours"),
        Column("occurred_at", TIME, "when it was sent"),
        Column("buyer", TEXT, "who it was sent to"),
        Column("accepted", FLAG, "whether the buyer took it; NULL where the vendor does not say"),
        Column("price", MONEY, "the price of the sending, major units"),
        Column("revenue", MONEY, "the price if the buyer took it, 0 if not; major units", "ours"),
        Column("response", TEXT, "what the buyer answered"),
    ],
)
EVENTS: Final = Table(
    "events",
    "one row for each thing that a lead's record says happened; of the leads created in the window",
    [
        Column("lead_uri", TEXT, "leads.uri", "ours"),
        Column("account", TEXT, "the account's name", "ours"),
        Column("occurred_at", TIME, "when it happened"),
        Column("kind", TEXT, "created, consent, sent, returned, call, qualified or updated", "ours"),
        Column("what", TEXT, "one line of words", "ours"),
        Column("amount", MONEY, "the money in it, major units"),
        Column("buyer", TEXT, "the buyer in it"),
    ],
)
PINGS: Final = Table(
    "pings",
    "one row a ping: an offer to us (inbound) or by us (outbound), of a lead that may follow",
    [
        Column("uri", TEXT, "ping://ACCOUNT/DIRECTION/ID", "ours"),
        Column("account", TEXT, "the account's name", "ours"),
        Column("direction", TEXT, "inbound or outbound", "ours"),
        *(
            {
                "id": Column("id", TEXT, "the vendor's id of the ping"),
                "at": Column("occurred_at", TIME, "when it came or went; since, until and period mean this time"),
                "accepted": Column("accepted", FLAG, "whether it was accepted"),
                "result": Column("result", TEXT, "the vendor's word for what came of it"),
                "source": Column("source", TEXT, "the lead source"),
                "campaign": Column("campaign", TEXT, "the campaign"),
                "client": Column("client", TEXT, "the buyer that was asked (outbound)"),
                "price": Column("price", MONEY, "what was offered or asked, major units"),
                "revenue": Column("revenue", MONEY, "what it earned, major units"),
                "potential_revenue": Column("potential_revenue", MONEY, "what it might have earned, major units"),
                "received": Column("received", FLAG, "whether the lead itself followed (inbound)"),
                "margin": Column("margin", MONEY, "revenue less price of this ping (outbound), major units"),
                "posted": Column("posted", FLAG, "whether the lead was then posted to that buyer (outbound)"),
                "response": Column("response", TEXT, "the buyer's answer as it came (outbound)"),
                "lead_id": Column("lead_id", TEXT, "the vendor's id of the lead that followed"),
                "request_id": Column("request_id", TEXT, "the id that the other side gave the request"),
            }[name]
            for name in PING_FIELDS
        ),
        Column("lead_uri", TEXT, "leads.uri of the lead that followed", "ours"),
        Column("raw", JSON, "the vendor's whole record", "record"),
    ],
)
RECORDINGS: Final = Table(
    "recordings",
    "one row a call recording (facts, never audio); of the leads created in the window",
    [
        Column("uri", TEXT, "recording://ACCOUNT/LEAD_ID/ID", "ours"),
        Column("account", TEXT, "the account's name", "ours"),
        Column("lead_uri", TEXT, "leads.uri", "ours"),
        Column("started_at", TIME, "when the call began"),
        Column("ended_at", TIME, "when it ended"),
        Column("duration_s", WHOLE, "its length in whole seconds"),
    ],
)
PEOPLE_QUERY: Final = """
SELECT person_id,
  arg_min(name, {'t': created_at, 'u': uri}) AS name,
  arg_min(email_folded, {'t': created_at, 'u': uri}) AS email,
  arg_min(phone_e164, {'t': created_at, 'u': uri}) AS phone,
  CAST(count(DISTINCT account) AS INTEGER) AS accounts,
  CAST(count(*) AS INTEGER) AS leads,
  min(created_at) AS first_seen,
  max(created_at) AS last_seen
FROM leads GROUP BY person_id
""".strip()
PEOPLE_NEED: Final = ("uri", "account", "name", "created_at", "phone_e164", "email_folded", "person_id")
"""The columns of leads that ``people`` is made of."""
PEOPLE: Final = Table(
    "people",
    "one row a person_id, over the leads created in the window",
    [
        Column("person_id", TEXT, "leads.person_id", "ours"),
        Column("name", TEXT, "the name on the person's first lead that has one", "ours"),
        Column("email", TEXT, "the first e-mail, case-folded", "ours"),
        Column("phone", TEXT, "the first phone in E.164", "ours"),
        Column("accounts", WHOLE, "how many accounts have the person", "ours"),
        Column("leads", WHOLE, "how many leads the person has", "ours"),
        Column("first_seen", TIME, "created_at of the person's first lead", "ours"),
        Column("last_seen", TIME, "created_at of the person's last lead", "ours"),
    ],
    PEOPLE_QUERY,
)
ACCOUNTS: Final = Table(
    "accounts",
    "one row an account that was asked",
    [
        Column("account", TEXT, "the account's name", "ours"),
        Column("vendor", TEXT, "its vendor", "ours"),
        Column("zone", TEXT, "the time zone that the vendor's times without one are in", "ours"),
        Column("as_of", TIME, "how fresh its rows are", "ours"),
        Column("covered_since", TIME, "from which created_at on its leads are here; NULL: from the first", "ours"),
        Column("complete", FLAG, "whether everything from there to as_of is here", "ours"),
        Column("leads", WHOLE, "its leads that are here; NULL where the statement needs none", "ours"),
    ],
)
TABLES: Final[Mapping[str, Table]] = MappingProxyType(
    {table.name: table for table in (LEADS, SENDS, EVENTS, PINGS, RECORDINGS, PEOPLE, ACCOUNTS)}
)
OF_LEADS: Final = frozenset({"leads", "sends", "events", "recordings", "people"})
"""Tables whose rows come from leads: a window on them is a window on the leads' created_at."""


def create_all(tables: Iterable[Table] = TABLES.values()) -> list[str]:
    """The statements that make the tables, views last."""
    return [table.create() for table in sorted(tables, key=lambda one: bool(one.query))]


def rehearsal() -> list[str]:
    """The statements that make the tables with one row each, absent in every column.

    A statement run over them finds its mistakes, constants that cannot be read among them, before anything is read.
    """
    stored = (table.name for table in TABLES.values() if not table.query)
    return [*create_all(), *(f"INSERT INTO {name} DEFAULT VALUES" for name in stored)]


def drop_all(tables: Iterable[Table] = TABLES.values()) -> list[str]:
    """The statements that unmake them, views first."""
    return [table.drop() for table in sorted(tables, key=lambda one: not one.query)]
