"""What the cage costs: ``python -m tests.sql.timing`` prints a line a figure. Best of several, on this machine."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from lead_mcp.sql.rows import encoded
from lead_mcp.sql.tables import TABLES, create_all, drop_all
from tests.sql.asking import Asked, asked

ROWS = 100_000
PIECE = 5_000
LEAD = {
    "uri": "lead://octanist/lead_{0:08x}", "account": "octanist", "vendor": "octanist", "id": "lead_{0:08x}",
    "status": "status {1}", "stage": "stage {1}", "source": "source {1}", "name": "Ada Number {0}", "value": "{1}2.5000",
    "email": "ada.{0}@example.com", "phone": "+1212555010{1}", "utm_source": "utm {1}", "utm_campaign": "campaign {1}",
    "created_at": "2026-10-3{2}T12:00:00+00:00", "updated_at": "2026-11-0{1}T12:00:00+00:00", "is_test": False,
    "phone_e164": "+1212555010{1}", "email_folded": "ada.{0}@example.com", "person_id": "p{0:016x}",
}  # fmt: skip
STATEMENTS = {
    "count by status": "SELECT status, count(*) FROM leads GROUP BY status",
    "median by source": "SELECT source, median(value) FROM leads GROUP BY source",
    "join by person": "SELECT count(*) FROM leads a JOIN leads b USING (person_id)",
    "people": "SELECT count(*) FROM people",
}


def tell(line: str, computed: float | None = None) -> None:
    """``computed``: processor seconds in it, which a busy machine does not change."""
    sys.stdout.write(f"{line}\n" if computed is None else f"{line}, {computed:.2f} s of a processor\n")


def best(work: Callable[[], Any], times: int = 5) -> float:
    """Milliseconds."""
    found = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        found.append((time.perf_counter() - started) * 1000)
    return min(found)


def memory(pid: int) -> int:
    """Resident MB of a process, on Linux."""
    lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmRSS"))


def pieces(columns: list[tuple[str, str]]) -> list[list[bytes]]:
    made = []
    for start in range(0, ROWS, PIECE):
        rows = [
            [
                value.format(n, n % 7 + 1, n % 2) if isinstance(value := LEAD.get(name), str) else value
                for name, _ in columns
            ]
            for n in range(start, start + PIECE)
        ]
        made.append(encoded(rows, len(columns)))
    return made


async def loaded(engine: Asked, columns: list[tuple[str, str]], blobs: list[list[bytes]]) -> None:
    """Load everything, time it, then time the statements."""
    async with engine.cage.session("America/New_York", 600) as session:
        await session.begin(create_all(), drop_all())
        megabytes = sum(len(blob) for piece in blobs for blob in piece) / 1e6
        started, computed = time.perf_counter(), session.child.cpu
        for piece in blobs:
            await session.load("leads", columns, piece)
        seconds = time.perf_counter() - started
        tell(
            f"load {ROWS:,} rows of {len(columns)} columns ({megabytes:.0f} MB): {seconds:.2f} s",
            session.child.cpu - computed,
        )
        for what, sql in STATEMENTS.items():
            found = []
            for _ in range(5):
                started = time.perf_counter()
                await session.run(sql, 200, 1_000_000, 1000)
                found.append((time.perf_counter() - started) * 1000)
            tell(f"{what} over {ROWS:,} rows, warm: {min(found):.1f} ms")
        tell(f"memory with them: server {memory(os.getpid())} MB, child {memory(session.child.process.pid)} MB")


def main() -> None:
    tell(f"memory of the server before: {memory(os.getpid())} MB")
    started = time.perf_counter()
    with asked() as engine:
        engine.bare("SELECT 1")
        child = engine.cage.child
        assert child is not None
        tell(f"DuckDB {child.version}, confined: {child.confined}")
        tell(f"first statement, child started for it: {(time.perf_counter() - started) * 1000:.0f} ms")
        tell(f"memory idle: server {memory(os.getpid())} MB, child {memory(child.process.pid)} MB")
        tell(f"SELECT 1, every gate, warm: {best(partial(engine.answer, 'SELECT 1')):.1f} ms")
        tell(f"SELECT 1, cage alone, warm: {best(partial(engine.bare, 'SELECT 1')):.1f} ms")
        columns = list(TABLES["leads"].types.items())
        started, computed = time.perf_counter(), time.process_time()
        blobs = pieces(columns)
        tell(f"encode {ROWS:,} rows: {time.perf_counter() - started:.2f} s", time.process_time() - computed)
        engine.portal.call(loaded, engine, columns, blobs)

    def cold() -> None:
        with asked() as fresh:
            fresh.bare("SELECT 1")

    tell(f"cold start and end of a child: {best(cold, 3):.0f} ms")


if __name__ == "__main__":
    main()
