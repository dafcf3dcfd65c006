"""The mirror as the settings describe it."""

from __future__ import annotations

from datetime import timedelta

from lead_mcp.mirror.mirror import Mirror
from lead_mcp.mirror.sealing import sealing_of
from lead_mcp.mirror.setting import folder_of, lake_of
from lead_mcp.mirror.sync import Terms
from lead_mcp.outgoing.notes import sentence_of
from lead_mcp.outgoing.sql_masking import look_of
from lead_mcp.runtime.common import Common
from lead_mcp.runtime.masks import configured_masker


def mirror_of(common: Common) -> Mirror:
    """What there is of a mirror, whether it is on or not; of no account that each reads with their own credential.

    Raises NotConfigured, and NotAllowed where the masks' key is damaged.
    """
    server, shared = common.settings.server, dict(common.connections.by_account)
    url = server.mirror_url.get_secret_value() if server.mirror_url else ""
    lake = lake_of(url, server.state_dir, common.settings.storage)
    return Mirror(
        lake.folder if lake else folder_of(url, server.state_dir),
        shared,
        Terms(
            clock=common.now,
            words=sentence_of,
            region=server.phone_region,
            trailing=timedelta(days=server.mirror_trailing),
            days=server.mirror_days,
        ),
        look_of(configured_masker(common.settings), list(shared.values()), server.deadline),
        timedelta(seconds=server.mirror_max_age),
        recordings=server.mirror_recordings == "on",
        lake=lake,
        sealing=sealing_of(server.mirror_key, server.state_dir, lake=lake is not None),
    )
