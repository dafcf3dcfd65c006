"""The server-wide settings (contract, section 3), from ``LEAD_MCP_*`` and the file's ``[server]`` table."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from contextvars import ContextVar
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args, get_origin
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from lead_mcp.errors import SettingsError, did_you_mean
from lead_mcp.hosts import in_url
from lead_mcp.settings.checks import check_expanded, check_secret, check_zone, split_url
from lead_mcp.settings.zone import machine_zone

PREFIX: Final = "LEAD_MCP_"
SHORTEST_TOKEN: Final = 16
"""Characters of a bearer token that may be used beyond loopback."""

SHORTEST_KEY: Final = 32
"""Characters of a key that seals state."""


def _state_dir() -> Path:
    from platformdirs import user_state_path

    return user_state_path("lead-mcp", appauthor=False)


class Server(BaseSettings):
    """The settings of the server. Words are read case-folded, texts stripped; blank is not set."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True, validate_default=False)

    config: Path | None = None
    writes: Literal["off", "confirm", "allow"] = "confirm"
    deletes: Literal["off", "confirm", "allow"] = "off"
    pii: Literal["full", "masked"] = "full"
    timezone: str = Field(default_factory=machine_zone)
    phone_region: str = Field("US", pattern=r"^[A-Z]{2}$")
    deadline: float = Field(30, gt=0, le=3600)
    scan_limit: int = Field(10_000, ge=1, le=10_000_000)
    summary_limit: int = Field(100_000, ge=1, le=100_000_000)
    reply_limit: int = Field(16 * 1024 * 1024, ge=1024)
    state_dir: Path = Field(default_factory=_state_dir)
    log_level: Literal["debug", "info", "warning", "error"] = "warning"
    http_token: SecretStr | None = None
    http_origins: Annotated[tuple[str, ...], NoDecode] = ()
    journal_url: SecretStr | None = None
    journal_days: int = Field(90, ge=1)
    state_keys: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    redis_url: SecretStr | None = None
    traces_url: str | None = None
    credentials_dir: Path | None = None
    credentials_variables: str | None = None
    credentials_command: Annotated[tuple[str, ...], NoDecode] = ()
    credentials_timeout: float = Field(5, gt=0, le=60)
    oauth_issuer: Annotated[tuple[str, ...], NoDecode] = ()
    oauth_audience: str | None = None
    oauth_jwks_url: str | None = None
    oauth_algorithms: str = "RS256,ES256"
    oauth_introspection_url: str | None = None
    oauth_introspection_client_id: str | None = None
    oauth_introspection_client_secret: SecretStr | None = None
    oauth_client_id: str | None = None
    oauth_client_secret: SecretStr | None = None
    mirror: Literal["off", "on"] = "off"
    mirror_url: SecretStr | None = None
    mirror_max_age: float = Field(60, ge=0, le=86_400)
    mirror_trailing: int = Field(30, ge=1, le=3650)
    mirror_days: int | None = Field(None, ge=1)
    mirror_recordings: Literal["off", "on"] = "off"
    mirror_key: Literal["off", "file", "keyring"] = "off"
    export_dir: Path | None = None
    export_link_seconds: int = Field(900, ge=1, le=86_400)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @field_validator("http_origins", mode="before")
    @classmethod
    def _origins(cls, value: Any) -> Any:
        """A comma list, or the file's array, of origins as browsers send them."""
        listed = _listed(value)
        return tuple(map(_origin, listed)) if isinstance(listed, tuple) else listed

    @field_validator("oauth_issuer", "state_keys", mode="before")
    @classmethod
    def _several(cls, value: Any) -> Any:
        return _listed(value)

    @field_validator("credentials_command", mode="before")
    @classmethod
    def _words(cls, value: Any) -> Any:
        """A command as one would type it, or the file's array of its words."""
        try:
            return tuple(shlex.split(value)) if isinstance(value, str) else value
        except ValueError:
            raise SettingsError(
                f"{called('credentials_command')} has a quotation mark without its other half."
            ) from None

    @field_validator("state_keys")
    @classmethod
    def _long_keys(cls, keys: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for key in keys:
            check_secret(called("state_keys"), key.get_secret_value())
            if len(key.get_secret_value()) < SHORTEST_KEY:
                raise SettingsError(f"{called('state_keys')}: a key has {SHORTEST_KEY} characters or more.")
        return keys

    @field_validator("*", mode="before")  # the last one runs first
    @classmethod
    def _as_filled_in(cls, value: Any, info: ValidationInfo) -> Any:
        if not isinstance(value, str):
            return value
        name = info.field_name or ""
        check_expanded(called(name), value)
        if name in WORDS:
            return value.casefold()
        return value.upper() if name == "phone_region" else value

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        check_zone(called("timezone"), name)
        return name

    @field_validator("config", "state_dir", "export_dir", "credentials_dir")
    @classmethod
    def _at_home(cls, path: Path | None) -> Path | None:
        """No shell has read a desktop client's configuration, so nobody has put in what ``~`` stands for."""
        return path.expanduser() if path else path

    @field_validator("http_token", "oauth_introspection_client_secret", "oauth_client_secret")
    @classmethod
    def _one_token(cls, token: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if token is not None:
            check_secret(called(info.field_name or ""), token.get_secret_value())
        return token

    @field_validator("redis_url")
    @classmethod
    def _redis(cls, url: SecretStr | None) -> SecretStr | None:
        if url is None:
            return None
        parts = split_url(url.get_secret_value())
        if parts is None or parts.scheme not in ("redis", "rediss") or not parts.hostname:
            raise SettingsError(f"{called('redis_url')} must be a URL such as redis://redis:6379/0.")
        if find_spec("redis") is None:
            raise SettingsError(f"{called('redis_url')} needs a package more: pip install 'lead-mcp[team]'.")
        return url

    @field_validator("traces_url")
    @classmethod
    def _traces(cls, url: str | None) -> str | None:
        if url is None:
            return None
        parts = split_url(url)
        if parts is None or parts.scheme not in ("http", "https") or not parts.hostname or parts.password:
            raise SettingsError(f"{called('traces_url')} must be a URL such as http://collector:4318/v1/traces.")
        if find_spec("opentelemetry.sdk") is None or find_spec("opentelemetry.exporter") is None:
            raise SettingsError(f"{called('traces_url')} needs packages more: pip install 'lead-mcp[otel]'.")
        return url

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the file's ``[server]`` table, which is what the constructor is given."""
        return StrippedSource(env_settings), StrippedSource(init_settings)


class StrippedSource(PydanticBaseSettingsSource):
    """What another source gives: texts stripped, blank ones left out."""

    def __init__(self, inner: PydanticBaseSettingsSource) -> None:
        super().__init__(inner.settings_cls)
        self.inner = inner

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        return self.inner.get_field_value(field, field_name)

    def __call__(self) -> dict[str, Any]:
        found = {key: value.strip() if isinstance(value, str) else value for key, value in self.inner().items()}
        return {key: value for key, value in found.items() if value != ""}


def _listed(value: Any) -> Any:
    """A comma list, or the file's array, as its words; anything else as it is."""
    listed = value.split(",") if isinstance(value, str) else value
    return tuple(str(one).strip() for one in listed if str(one).strip()) if isinstance(listed, list | tuple) else value


def _choices(annotation: Any) -> bool:
    return get_origin(annotation) is Literal and all(isinstance(one, str) for one in get_args(annotation))


WORDS: Final = frozenset(name for name, field in Server.model_fields.items() if _choices(field.annotation))
SERVER_SECRETS: Final = frozenset(
    {"http_token", "journal_url", "mirror_url", "oauth_client_secret", "oauth_introspection_client_secret", "redis_url"}
)
ADVICE: Final = {"phone_region": "two letters, such as US"}


def variable(name: str) -> str:
    """A setting's environment variable."""
    return f"{PREFIX}{name.upper()}"


IN_FILE: Final = ContextVar[frozenset[str]]("IN_FILE", default=frozenset())
"""The settings that are being read from the file's ``[server]`` table."""


def called(name: str) -> str:
    """A setting as whoever wrote it calls it: ``server.writes`` in the file, else its variable."""
    return f"server.{name}" if name in IN_FILE.get() else variable(name)


def _origin(text: str) -> str:
    """One origin. Raises SettingsError for what no browser would send."""
    parts = split_url(text)
    port = f":{parts.port}" if parts and parts.port else ""
    if parts is None or not parts.hostname or text.casefold() != f"{parts.scheme}://{in_url(parts.hostname)}{port}":
        raise SettingsError(f"{called('http_origins')}: {text[:60]!r} is no origin, such as https://app.example.com.")
    return text.casefold()


def check_names(environment: Mapping[str, str]) -> None:
    """Raises SettingsError for a ``LEAD_MCP_`` name that is none of ours."""
    known = {variable(name) for name in Server.model_fields}
    for key in environment:
        if key.startswith(PREFIX) and key not in known:
            raise SettingsError(f"{key} is no setting of lead-mcp.{did_you_mean(key, known)}")


def server_settings(table: Mapping[str, Any]) -> Server:
    """The settings of the environment over those of ``[server]``. Raises SettingsError."""
    for key in table:
        if key not in Server.model_fields:
            raise SettingsError(
                f"server.{key}: no such setting.{did_you_mean(key.upper().removeprefix(PREFIX), Server.model_fields)}"
            )
    read = IN_FILE.set(frozenset(name for name in table if not os.environ.get(variable(name), "").strip()))
    try:
        return Server(**table)
    except ValidationError as error:
        raise SettingsError(_first_problem(error)) from None
    finally:
        IN_FILE.reset(read)


def _first_problem(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_input=False)[0]
    name = str(problem["loc"][0]) if problem["loc"] else "settings"
    return f"{called(name)}: {ADVICE.get(name, problem['msg'])}."
