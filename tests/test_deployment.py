"""The image, compose.yaml, nginx.conf and the Kubernetes manifests, held against the code: commands, ports, settings."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

import pytest
from ruamel.yaml import YAML

from lead_mcp import settings
from lead_mcp.approvals import pages as approvals
from lead_mcp.exports import links
from lead_mcp.identity.authentication import BODY
from lead_mcp.identity.metadata import WELL_KNOWN
from lead_mcp.serving.http_connection import HttpLimits
from lead_mcp.settings import PREFIX, Server
from tests.pages import COMMAND, ROOT

PORT: Final = 8000
PROBES: Final = ("/healthz", "/readyz")
KUBERNETES: Final = sorted((ROOT / "deploy/kubernetes").glob("*.yaml"))
USER: Final = 10001


def documents(path: Path) -> list[Any]:
    return list(YAML(typ="safe", pure=True).load_all(path.read_text("utf-8")))


def manifests() -> dict[str, Any]:
    """Every object by its kind."""
    return {one["kind"]: one for path in KUBERNETES for one in documents(path)}


def compose() -> Any:
    (found,) = documents(ROOT / "compose.yaml")
    return found["services"]


def docker() -> str:
    return (ROOT / "Dockerfile").read_text("utf-8")


def pod() -> Any:
    return manifests()["Deployment"]["spec"]["template"]["spec"]


def container() -> Any:
    (found,) = pod()["containers"]
    return found


def check_serves(words: list[str]) -> None:
    """That is a command that there is, and it serves replicas on the port that everything else names."""
    program, command, *rest = words
    assert program == "lead-mcp"
    context = COMMAND.commands[command].make_context(command, rest)
    given = {key: context.params[key] for key in ("transport", "host", "port", "stateless")}
    assert given == {"transport": "http", "host": "0.0.0.0", "port": PORT, "stateless": True}  # noqa: S104


def check_settings(names: Any) -> None:
    known = {f"{PREFIX}{name.upper()}" for name in Server.model_fields}
    assert {name for name in names if name.startswith(PREFIX)} <= known


def test_the_image_runs_as_nobody_in_particular_and_says_how_it_is() -> None:
    text = docker()
    assert re.findall(r"^USER (.*)$", text, re.MULTILINE) == [str(USER)]
    assert f"--uid {USER}" in text
    assert re.findall(r"^EXPOSE (.*)$", text, re.MULTILINE) == [str(PORT)]
    (check,) = re.findall(r"^HEALTHCHECK [^\[]*(\[.*\])$", text.replace("\\\n", ""), re.MULTILINE)
    assert f"http://127.0.0.1:{PORT}/healthz" in json.loads(check)[-1]
    compile(json.loads(check)[-1], "healthcheck", "exec")
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    (extras,) = re.findall(r'"\.\[([\w,]+)\]"', text)
    assert {"postgresql", "team"} <= set(extras.split(","))
    assert all(f"\n{extra} = [" in project for extra in extras.split(","))


def test_the_image_is_built_from_what_is_sent_for_it() -> None:
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")}
    copied = {word for line in re.findall(r"^COPY (.*) \S+$", docker(), re.MULTILINE) for word in line.split()}
    assert sent == copied


def test_compose_runs_replicas_with_what_they_share_and_no_privileges() -> None:
    services = compose()
    replicas = {name: one for name, one in services.items() if name.startswith("replica")}
    assert len(replicas) == 2
    for one in replicas.values():
        check_serves(one["command"])
        check_settings(one["environment"])
        shared = {"LEAD_MCP_JOURNAL_URL", "LEAD_MCP_REDIS_URL", "LEAD_MCP_STATE_KEYS", "LEAD_MCP_HTTP_TOKEN"}
        assert one["environment"].keys() == shared
        assert one["cap_drop"] == ["ALL"]
        assert one["read_only"] is True
        assert set(one["depends_on"]) <= services.keys()
    for host in re.findall(
        r"[@/]([a-z]+):\d+", " ".join(one["environment"]["LEAD_MCP_JOURNAL_URL"] for one in replicas.values())
    ):
        assert host in services
    assert services["nginx"]["ports"] == ["127.0.0.1:8080:8080"], "in clear only on this machine"
    secrets = [str(value) for one in services.values() for value in one.get("environment", {}).values()]
    assert not [one for one in secrets if re.search(r"PASSWORD|TOKEN|KEYS", one) and "${" not in one]


def test_nginx_sends_requests_where_the_replicas_are_and_repeats_none() -> None:
    text = (ROOT / "deploy/nginx.conf").read_text("utf-8")
    servers = re.findall(r"^\s*server ([\w-]+):(\d+)", text, re.MULTILINE)
    assert servers == [(name, str(PORT)) for name in compose() if name.startswith("replica")]
    (idle,) = re.findall(r"keepalive_timeout (\d+)s", text)
    assert int(idle) < HttpLimits.idle
    (size,) = re.findall(r"client_max_body_size (\d+)m", text)
    assert int(size) * 1024 * 1024 == BODY
    assert "non_idempotent" not in text
    assert "proxy_buffering off" in text
    assert "proxy_set_header Host $http_host" in text


def test_kubernetes_asks_the_probes_that_there_are() -> None:
    spec = container()
    check_serves(spec["command"])
    assert [one["containerPort"] for one in spec["ports"]] == [PORT]
    probes = {name: one["httpGet"] for name, one in spec.items() if name.endswith("Probe")}
    assert len(probes) == 3
    assert {one["path"] for one in probes.values()} == set(PROBES)
    assert probes["livenessProbe"]["path"] == "/healthz", "a journal that is gone is no reason to be killed"
    assert {one["port"] for one in probes.values()} == {spec["ports"][0]["name"]}


def test_kubernetes_gives_no_privilege_and_secrets_by_reference() -> None:
    assert pod()["automountServiceAccountToken"] is False
    assert pod()["securityContext"]["runAsNonRoot"] is True
    assert pod()["securityContext"]["runAsUser"] == USER
    own = container()["securityContext"]
    assert own == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    check_settings(one["name"] for one in container()["env"])
    check_settings(manifests()["Secret"]["stringData"])
    assert set(manifests()["Secret"]["stringData"].values()) == {""}
    assert not [
        one
        for path in KUBERNETES
        for one in re.findall(r"(?:privileged|hostNetwork|hostPath)", path.read_text("utf-8"))
    ]


def test_kubernetes_objects_name_each_other() -> None:
    found = manifests()
    volumes = {one["name"]: one for one in pod()["volumes"]}
    assert {one["name"] for one in container()["volumeMounts"]} == volumes.keys()
    assert volumes["accounts"]["configMap"]["name"] == found["ConfigMap"]["metadata"]["name"]
    assert volumes["state"]["persistentVolumeClaim"]["claimName"] == found["PersistentVolumeClaim"]["metadata"]["name"]
    assert container()["envFrom"] == [{"secretRef": {"name": found["Secret"]["metadata"]["name"]}}]
    labels = found["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert found["Service"]["spec"]["selector"] == labels
    assert found["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels
    (rule,) = found["Ingress"]["spec"]["rules"]
    services = {one["backend"]["service"]["name"] for one in rule["http"]["paths"]}
    assert services == {found["Service"]["metadata"]["name"]}
    paths = {one["path"] for one in rule["http"]["paths"]}
    assert paths == {"/mcp", approvals.PATH, links.PATH, "/.well-known/oauth-protected-resource"}
    assert any(one.startswith(WELL_KNOWN) for one in paths)


def test_the_configuration_of_kubernetes_starts_a_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = manifests()
    (tmp_path / "accounts.toml").write_text(found["ConfigMap"]["data"]["accounts.toml"], "utf-8")
    values = {
        "LEAD_MCP_STATE_KEYS": "k" * 32,
        "LEAD_MCP_JOURNAL_URL": "postgresql+psycopg://lead_mcp:p@postgres/lead_mcp",
        "LEAD_MCP_REDIS_URL": "redis://redis:6379/0",
        "OCTANIST_KEY": "o" * 24,
    }
    assert found["Secret"]["stringData"].keys() == values.keys()
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    loaded = settings.load(tmp_path / "accounts.toml")
    assert list(loaded.accounts) == ["octanist"]
    assert loaded.sign_in is not None
    assert loaded.sign_in.audience.startswith(f"https://{found['Ingress']['spec']['rules'][0]['host']}/")
    assert loaded.warnings == ()
