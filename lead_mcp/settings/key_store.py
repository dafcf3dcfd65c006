"""The system's keyring, in which secrets may be kept under our name. The package ``keyring`` loads when one is.

Every failure is a SettingsError that says what to do; none holds a secret.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeVar

from lead_mcp.errors import SettingsError

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

T = TypeVar("T")

SERVICE: Final = "lead-mcp"
REFERENCE: Final = "keyring:"


def secret(where: str, name: str) -> str:
    """The secret kept under a name. ``where``: the setting that refers to it. Raises SettingsError."""
    setting = f"{where} = {REFERENCE + name!r}"
    found = _asked(setting, lambda: _keyring().get_password(SERVICE, name))
    if not found:
        raise SettingsError(
            f"{setting}: the system's keyring holds no {name!r} of {SERVICE}. Run `lead-mcp init` again."
        )
    return found


def found(name: str) -> str | None:
    """The secret kept under a name, if there is one. Raises SettingsError where there is no keyring."""
    return _asked(name, lambda: _keyring().get_password(SERVICE, name))


def keep(name: str, text: str) -> None:
    """Keep a secret under a name. Raises SettingsError."""
    _asked(name, lambda: _keyring().set_password(SERVICE, name, text))


def problem() -> str:
    """Why no secret can be kept here, or an empty text."""
    try:
        _asked("", lambda: _keyring().get_password(SERVICE, "lead-mcp init looks whether this works"))
    except SettingsError as error:
        return str(error)
    return ""


def _keyring() -> KeyringBackend:
    import keyring

    return keyring.get_keyring()


def _asked(what: str, ask: Callable[[], T]) -> T:
    where = f"{what}: " if what else ""
    try:
        return ask()
    except ImportError:
        message = f"{where}The package for the system's keyring is missing: install lead-mcp[keyring]."
        raise SettingsError(message) from None
    except Exception as error:  # noqa: BLE001 - backends raise what their system does; its words may hold the secret
        raise SettingsError(f"{where}{_meaning(error)}") from None


def _meaning(error: Exception) -> str:
    from keyring import errors

    if isinstance(error, errors.NoKeyringError):
        return "This system has no keyring that can be used. Refer to the environment (env:NAME) instead."
    if isinstance(error, errors.KeyringLocked | errors.InitError):
        return "The system's keyring is locked. Unlock it and try again."
    return f"The system's keyring cannot be used ({type(error).__name__}). Refer to the environment (env:NAME) instead."
