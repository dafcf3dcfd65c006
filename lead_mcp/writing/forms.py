"""Checking what somebody wants to write, and spelling it as the vendor takes it. Nothing is sent here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from lead_mcp.characters import cleaned
from lead_mcp.dates import parse
from lead_mcp.engine.connection import Connection
from lead_mcp.errors import BadArgument, NotOffered, did_you_mean
from lead_mcp.filters import Kind, as_flag, as_number, folded
from lead_mcp.phones import Phone, parse_phone
from lead_mcp.transport.redaction import REDACTED
from lead_mcp.vendors.spec.writing import Form, Param
from lead_mcp.writing.context import WriteContext
from lead_mcp.writing.form_names import FormNames
from lead_mcp.writing.values import cleaned_value, one_newline

EMAIL: Final = re.compile(r"[^@\s<>,;\"]{1,64}@[^@\s<>,;\"]{1,255}")


@dataclass
class FilledForm:
    """A form filled in: encoded ``values`` by the vendor's names; what was asked, by our names and by the vendor's alone."""

    values: dict[str, Any] = field(default_factory=dict)
    ours: dict[str, Any] = field(default_factory=dict)
    own: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set)

    def displayed(self) -> dict[str, Any]:
        """Every value as a question, a preview and the journal may know it: secrets redacted."""
        own = {name: REDACTED if name in self.secrets else value for name, value in self.own.items()}
        return {**self.ours, **own}


def fill(
    form: Form,
    connection: Connection,
    ours: Mapping[str, Any],
    own: Mapping[str, Any],
    context: WriteContext,
    *,
    complete: bool = True,
    further: Set[str] = frozenset(),
) -> FilledForm:
    """The form filled in for that account. ``further``: as in ``FormFiller``. Raises CallError, naming what is wrong."""
    named = _renamed(form, connection.account.names)
    filler = FormFiller(named, connection.name, context.region, context.zone, context.looking.now, complete, further)
    return filler.fill(ours, own)


def _renamed(form: Form, names: Mapping[str, str]) -> Form:
    """The form with the account's own names (``[accounts.NAME.fields]``), where the vendor lets accounts name fields."""
    if not form.open or not names:
        return form
    return replace(form, ours={ours: _named(param, names.get(ours)) for ours, param in form.ours.items()})


def _named(param: Param, name: str | None) -> Param:
    return param if name is None else replace(param, name=name)


@dataclass(frozen=True)
class FormFiller:
    """Fills one form in. ``region`` reads phones, ``zone`` and ``now`` read dates.

    ``further``: names beyond the form that are known for fields of the account's own.
    """

    form: Form
    account: str
    region: str
    zone: ZoneInfo
    now: datetime
    complete: bool = True
    """Whether everything required must be there (an update needs only what changes)."""
    further: Set[str] = frozenset()

    def fill(self, ours: Mapping[str, Any], own: Mapping[str, Any]) -> FilledForm:
        """The values, checked. Raises BadArgument, UnknownField or NotOffered; what is wrong is named."""
        filled = FilledForm()
        ours, own = self.names.sorted(self._cleaned(filled, ours), self._cleaned(filled, own))
        for name, value in ours.items():
            filled.ours[name] = value
            self._put(filled, name, self.form.ours[name], value)
        for name, value in own.items():
            param = self._own_param(name)
            self._put(filled, name, param, value)
            filled.own[name] = value
            if param.secret:
                filled.secrets.add(param.name)
        if self.complete:
            self._check_required({*ours, *own, *filled.values})
        return filled

    @property
    def names(self) -> FormNames:
        return FormNames(self.form, self.account, self.further)

    def _cleaned(self, filled: FilledForm, values: Mapping[str, Any]) -> dict[str, Any]:
        """The values without characters that nobody sees: what is compared, asked about and sent is the same."""
        found = {name: cleaned_value(name, value) for name, value in values.items()}
        changed = [name for name, value in found.items() if value != one_newline(values[name])]
        filled.warnings += [f"{name}: invisible characters were taken out" for name in changed]
        return found

    def _own_param(self, name: str) -> Param:
        if name in self.form.own:
            return self.form.own[name]
        if self.form.open and cleaned(name) == name:
            return Param(name, Kind.ANY, _scalar(name))
        self.names.refuse_own(name)

    def _put(self, filled: FilledForm, name: str, param: Param, value: Any) -> None:
        if value is None:
            if self.complete:
                return
            filled.values[param.name] = None
            return
        checked = self._checked(filled, name, param, value)
        if isinstance(checked, Phone):
            filled.ours[name] = checked.spelled
        if param.name in filled.values and filled.values[param.name] != param.encode(checked):
            raise BadArgument(f"{name}: {param.name} is given twice, with different values.")
        filled.values[param.name] = param.encode(checked)

    def _checked(self, filled: FilledForm, name: str, param: Param, value: Any) -> Any:
        if name == "phone":
            phone, warning = parse_phone(str(value), self.region)
            filled.warnings += [warning] if warning else []
            if phone.extension and not param.extensions:
                filled.warnings.append(
                    f"{name}: this vendor has no room for the extension x{phone.extension}; it is not sent"
                )
                return phone._replace(extension="")
            return phone
        if name == "email" and not EMAIL.fullmatch(str(value)):
            raise BadArgument(f"email: {str(value)[:80]!r} has not the shape of an e-mail address.")
        checked = self._typed(name, param, value)
        if isinstance(checked, str) and len(checked) > param.most:
            raise BadArgument(f"{name}: at most {param.most:,} characters, not {len(checked):,}.")
        if isinstance(checked, str) and folded(checked) in param.refused:
            raise NotOffered(f"{name}: {param.refused[folded(checked)]}.", account=self.account)
        return _listed(name, param, checked)

    def _typed(self, name: str, param: Param, value: Any) -> Any:
        if param.kind is Kind.ANY:
            return value
        if isinstance(value, dict | list):
            raise BadArgument(f"{name}: takes one value, not a {'list' if isinstance(value, list) else 'table'}.")
        if param.kind is Kind.TIME:
            return parse(str(value), self.zone, self.now, name=name).start
        read = READERS.get(param.kind)
        found = read(value) if read else _text(value)
        if found is None:
            raise BadArgument(f"{name}: {str(value)[:60]!r} is not a {param.kind}.")
        return found

    def _check_required(self, given: set[str]) -> None:
        missing = [name for name in self.form.all_of if name not in given]
        if missing:
            raise BadArgument(f"lead: {self.account} needs {', '.join(missing)}.")
        for group in self.form.any_of:
            if not given & {*group}:
                raise BadArgument(f"lead: {self.account} needs one of {', '.join(group)}.")


READERS: Final[Mapping[Kind, Callable[[Any], Any]]] = {Kind.NUMBER: as_number, Kind.FLAG: as_flag}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _listed(name: str, param: Param, value: Any) -> Any:
    if not param.values:
        return value
    spelling = {folded(word): word for word in param.values}
    if folded(str(value)) not in spelling:
        hint = did_you_mean(str(value), param.values)
        raise BadArgument(f"{name}: {str(value)[:60]!r} is none of {', '.join(param.values)}.{hint}")
    return spelling[folded(str(value))]


def _scalar(name: str) -> Callable[[Any], Any]:
    def encode(value: Any) -> Any:
        if not isinstance(value, str | int | float | bool | dict | list):
            raise BadArgument(f"vendor_fields: {name!r} takes a text, a number or a flag.")
        return value

    return encode


def secret_names(forms: Iterable[Form]) -> frozenset[str]:
    """Every vendor name that holds a secret."""
    return frozenset(
        param.name for form in forms for param in (*form.ours.values(), *form.own.values()) if param.secret
    )
