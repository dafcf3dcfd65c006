"""A lake on object storage: an S3 endpoint of this machine (moto's), and what is never shown of how to sign in to it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from threading import Thread
from typing import Any

import pyarrow.parquet
import pytest

from lead_mcp.errors import NotConfigured, Unavailable
from lead_mcp.mirror.erasing import drop_all, forget_person
from lead_mcp.mirror.lake.address import LakeAddress
from lead_mcp.mirror.setting import folder_of, lake_of
from lead_mcp.settings.checks import passwords_in
from lead_mcp.settings.object_storage import ObjectStorage
from tests.mirror.keeping import Keeping
from tests.mirror.lakes import LakeSite, looking_anew
from tests.mirror.test_sql import ask

SECRET = "wJalrXUtnFEMIexampleSECRETkey"
ROWS = "SELECT account, count(*), count(DISTINCT person_id), sum(value) FROM leads GROUP BY 1 ORDER BY 1"


@pytest.fixture(scope="module")
def bucket() -> Iterator[Any]:
    """A bucket on an endpoint of this machine."""
    moto = pytest.importorskip("moto.server", reason="an S3 endpoint needs moto")
    import boto3

    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    known = {"aws_access_key_id": "AKIAEXAMPLE", "aws_secret_access_key": SECRET, "region_name": "eu-west-1"}
    found = boto3.resource("s3", endpoint_url=endpoint, **known).Bucket("leads")
    found.create(CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    found.endpoint = endpoint
    try:
        yield found
    finally:
        server.stop()


@pytest.fixture
def stored(catalogs: Callable[[], str], bucket: Any, tmp_path: Path) -> LakeSite:
    environment = {
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL_S3": bucket.endpoint,
    }
    return LakeSite(catalogs(), "s3://leads/mirror", tmp_path, environment)


def objects(bucket: Any) -> list[str]:
    """Everything in it, read as what it is."""
    bodies = [one.get()["Body"].read() for one in bucket.objects.all()]
    return [str(pyarrow.parquet.read_table(BytesIO(body)).to_pylist()) for body in bodies]


@pytest.mark.slow
def test_a_lake_on_object_storage(stored: LakeSite, bucket: Any) -> None:
    with stored.replica("one") as one, stored.replica("other") as other:
        assert one.sync().whole
        assert ask(one, ROWS).rows == ask(other, ROWS).rows
        email = next(str(lead.get("email")) for lead in one.bench.everything("octanist") if lead.get("email"))
        assert any(email in text for text in objects(bucket))
        one.bench.portal.call(partial(forget_person, one.mirror, email=email))
        assert not any(email in text for text in objects(bucket))
        assert ask(looking_anew(other), ROWS).rows == ask(one, ROWS).rows
        shows_no_secret(other)
        assert other.bench.portal.call(drop_all, other.mirror) > 0
        assert objects(bucket) == []


@pytest.fixture
def role() -> Iterator[tuple[str, list[str]]]:
    """Where a container would ask for the role that it has; what was asked."""
    asked = list[str]()

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            told = {"AccessKeyId": "ASIAROLE", "SecretAccessKey": SECRET, "Token": "t"}
            body = json.dumps({**told, "Expiration": "2099-01-01T00:00:00Z"}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/role", asked
        finally:
            server.shutdown()


@pytest.mark.slow
def test_without_a_key_the_role_of_the_machine_signs_in(stored: LakeSite, role: tuple[str, list[str]]) -> None:
    place, asked = role
    by_key = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    own = {name: text for name, text in stored.environment.items() if name not in by_key}
    stored.environment = {**own, "AWS_CONTAINER_CREDENTIALS_FULL_URI": place}
    with stored.replica("one") as one:
        assert one.sync().whole
        assert ask(one, ROWS).rows
        assert set(asked) == {"/role"}
        shows_no_secret(one)
        one.bench.portal.call(drop_all, one.mirror)


def shows_no_secret(kept: Keeping) -> None:
    """Neither the processes beside the server nor its files hold how to sign in."""
    lake = kept.mirror.lake
    assert lake is not None
    assert lake.process._child is not None
    assert kept.mirror.cage.child is not None
    for process in (lake.process._child.process, kept.mirror.cage.child.process):
        for name in ("cmdline", "environ"):
            held = Path(f"/proc/{process.pid}/{name}").read_bytes()
            assert not any(secret in held for secret in (SECRET.encode(), b"hunter2"))
    for path in kept.mirror.folder.iterdir():
        assert SECRET.encode() not in path.read_bytes()
    assert "hunter2" not in repr(kept.mirror)
    assert SECRET not in repr(kept.mirror) + repr(kept.bench.runtime.settings)


@pytest.mark.slow
def test_storage_that_refuses_is_said_without_its_secrets(stored: LakeSite) -> None:
    stored.data = "s3://no-such-bucket/mirror"
    with stored.replica("one") as one:
        report = one.sync()
        assert isinstance(report.unpublished, Unavailable)
        assert "no-such-bucket" in report.unpublished.message
        assert SECRET not in report.unpublished.message
        assert ask(one, ROWS, source="auto").source == "live"


# --- the setting --------------------------------------------------------------------------------------------------

CATALOG = "ducklake:postgres:host=db.example.com dbname=leads user=lead_mcp password='pass word'"


def test_what_an_address_says() -> None:
    storage = ObjectStorage.of({"AWS_DEFAULT_REGION": "eu-west-1", "AWS_ENDPOINT_URL": "https://s3.example.com"})
    found = LakeAddress.of(f"{CATALOG};data=s3://leads/mirror/", storage)
    assert (found.catalog["host"], found.catalog["password"], found.data) == (
        "db.example.com",
        "pass word",
        "s3://leads/mirror",
    )
    assert (found.storage.region, found.storage.endpoint) == ("eu-west-1", "https://s3.example.com")
    assert found.shown == "catalog db.example.com, leads; data s3://leads/mirror"
    assert "pass word" not in repr(found) + found.shown
    as_url = LakeAddress.of("ducklake:postgres:postgresql://lead_mcp:pw@db.example.com/leads;data=/shared", storage)
    assert (as_url.catalog["dbname"], as_url.catalog["password"], as_url.is_folder) == ("leads", "pw", True)
    other = LakeAddress.of(f"{CATALOG};data=s3://leads/other", storage)
    assert len({found.name, other.name, as_url.name}) == 3
    assert found.name == LakeAddress.of(f"{CATALOG.replace('pass word', 'new')};data=s3://leads/mirror", storage).name


@pytest.mark.parametrize(
    "url",
    [
        "ducklake:sqlite:/tmp/catalog.sqlite;data=/shared",
        f"{CATALOG}",
        f"{CATALOG};data=",
        f"{CATALOG};data=shared/folder",
        f"{CATALOG};data=gs://leads/mirror",
        f"{CATALOG};data=s3:///mirror",
        "ducklake:postgres:host db.example.com password='pass word';data=/shared",
        f"{CATALOG}\n;data=/shared",
    ],
)
def test_an_address_that_is_none_is_refused_and_not_shown(url: str, tmp_path: Path) -> None:
    with pytest.raises(NotConfigured) as caught:
        lake_of(url, tmp_path, ObjectStorage())
    assert "pass word" not in caught.value.message
    assert "db.example.com" not in caught.value.message or "host=db.example.com" in caught.value.message


def test_passwords_are_found_in_connection_strings() -> None:
    assert list(passwords_in(CATALOG)) == ["pass word"]
    assert list(passwords_in(r"dbname=x password = 'it\'s' user=y")) == ["it's"]
    assert list(passwords_in("host=x password=plain;data=/shared")) == ["plain"]
    assert list(passwords_in("postgresql://u:pw@host/db")) == ["pw"]
    assert list(passwords_in("/data/leads")) == []


def test_other_places_are_no_lake(tmp_path: Path) -> None:
    assert lake_of("/data/leads", tmp_path, ObjectStorage()) is None
    with pytest.raises(NotConfigured, match="ducklake:postgres:"):
        folder_of("s3://leads/mirror", tmp_path)
