"""The mirror as the settings describe it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from lead_mcp.engine.connection import Connection
from lead_mcp.mirror.mirror import Mirror
from lead_mcp.mirror.sealing import sealing_of
from lead_mcp.mirror.setting import folder_of, lake_of
from lead_mcp.mirror.sync import Terms
from lead_mcp.outgoing.notes import sentence_of
from lead_mcp.outgoing.sql_masking import look_of
from lead_mcp.runtime.masks import configured_masker
from lead_mcp.settings import Settings


def mirror_of(settings: Settings, shared: Mapping[str, Connection], clock: Callable[[], datetime]) -> Mirror:
    """What there is of a mirror, whether it is on or not. ``shared``: the connections that are the same for all callers.

    Raises NotConfigured, and NotAllowed where the masks' key is damaged.
    """
    server = settings.server
    url = server.mirror_url.get_secret_value() if server.mirror_url else ""
    lake = lake_of(url, server.state_dir, settings.storage)
    return Mirror(
        lake.folder if lake else folder_of(url, server.state_dir),
        dict(shared),
        Terms(
            clock=clock,
            words=sentence_of,
            region=server.phone_region,
            trailing=timedelta(days=server.mirror_trailing),
            days=server.mirror_days,
        ),
        look_of(configured_masker(settings), list(shared.values()), server.deadline),
        timedelta(seconds=server.mirror_max_age),
        recordings=server.mirror_recordings == "on",
        lake=lake,
        sealing=sealing_of(server.mirror_key, server.state_dir, lake=lake is not None),
    )
