"""Failures of the journal as refusals: what cannot be recorded is not done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from lead_mcp.errors import NotAllowed, SettingsError

ADVICE: Final = "Check LEAD_MCP_STATE_DIR or LEAD_MCP_JOURNAL_URL."


def damaged(why: str) -> NotAllowed:
    """Something stands in the journal that this program never wrote."""
    message = (
        f"The journal is damaged ({why}), so nothing was sent. `lead-mcp journal verify` lists what is wrong; "
        "restore a backup, or keep the file and start a new journal."
    )
    return NotAllowed(message)


def unusable(reason: str) -> NotAllowed:
    return NotAllowed(f"The journal cannot be written ({reason}), so nothing was sent. {ADVICE}")


@contextmanager
def refusing() -> Iterator[None]:
    """What a database, a driver or a disk raises, as NotAllowed."""
    try:
        yield
    except ImportError as error:
        missing = f"{error.name or error} is not installed; PostgreSQL needs lead-mcp[postgresql]"
        raise NotAllowed(f"The journal cannot be opened ({missing}), so nothing was sent.") from None
    except SettingsError as error:
        raise NotAllowed(f"The journal cannot be opened, so nothing was sent: {error}") from None
    except (SQLAlchemyError, OSError) as error:
        raise unusable(_reason(error)) from None


def _reason(error: Exception) -> str:
    reason = getattr(error, "orig", None) or getattr(error, "strerror", None) or type(error).__name__
    return " ".join(str(reason).split())
