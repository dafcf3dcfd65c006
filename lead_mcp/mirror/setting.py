"""``LEAD_MCP_MIRROR_URL``: a folder of this machine, or a lake with a copy of it here."""

from __future__ import annotations

from pathlib import Path
from urllib.request import url2pathname

from lead_mcp.errors import NotConfigured
from lead_mcp.mirror.lake.address import EXAMPLE, SCHEME, LakeAddress
from lead_mcp.mirror.lake.lake import Lake
from lead_mcp.settings.object_storage import ObjectStorage


def folder_of(url: str, state_dir: Path) -> Path:
    """Where the mirror lies: ``LEAD_MCP_MIRROR_URL`` as a folder, else a folder of the state. Raises NotConfigured."""
    if not url:
        return state_dir / "mirror"
    scheme, colon, rest = url.partition(":")
    if not colon or len(scheme) == 1:  # a drive of Windows
        return Path(url).expanduser()
    if scheme == "file":
        return Path(url2pathname(rest.removeprefix("//"))).expanduser()
    raise NotConfigured(
        f"LEAD_MCP_MIRROR_URL: a mirror in {scheme}: is not built in; name a folder on this machine, file:///folder, or a "
        f"lake: {EXAMPLE}."
    )


def lake_of(url: str, state_dir: Path, storage: ObjectStorage) -> Lake | None:
    """The lake that ``LEAD_MCP_MIRROR_URL`` names, with this replica's copy in the state folder. Raises NotConfigured."""
    if not url.startswith(SCHEME):
        return None
    address = LakeAddress.of(url, storage)
    return Lake(address, state_dir / f"lake-{address.name}")
