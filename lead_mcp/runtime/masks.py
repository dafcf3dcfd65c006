"""What masks personal values, as the settings say."""

from __future__ import annotations

from lead_mcp.outgoing.kinds import kinds_of
from lead_mcp.outgoing.mask_key import read_key
from lead_mcp.outgoing.masking import Masker, masker_of
from lead_mcp.settings import Settings


def configured_masker(settings: Settings) -> Masker | None:
    """None where ``LEAD_MCP_PII`` says ``full``. Raises NotAllowed where the masks' key is damaged."""
    server = settings.server
    if server.pii == "full":
        return None
    kinds = {name: kinds_of(found.account, found.vendor) for name, found in settings.accounts.items()}
    return masker_of(read_key(server.state_dir), server.phone_region, kinds)
