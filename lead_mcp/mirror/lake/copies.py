"""Out of the lake: the tables into a file of this machine, and records that have changed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from lead_mcp.mirror.lake.opened import KEPT_ROWS, RECORDS, SEQ, Asked, OpenedLake, quoted
from lead_mcp.mirror.segments import COLUMNS, NO

PAGE: Final = 500
"""Records of one answer."""
STEP: Final = 10_000
"""Records that are put in at a time at least, and copied before it is noted how far the copying has come."""
FEW: Final = 1_000
"""Changed records up to which few rows are added beside a base, whatever part of it they are."""


class LakeCopies(OpenedLake):
    """What a replica copies."""

    rows: Any = None
    questions: Iterator[tuple[str, int, str]] = iter(())
    reading: tuple[str, int, str] | None = None

    def copy(self, asked: Asked, blobs: Sequence[bytes]) -> dict[str, Any]:
        """The tables into ``file``: all rows, or those since the change ``since`` where it is given and they are few."""
        return self.with_room(lambda: self._copy(self.folder / asked["file"], asked))

    def _copy(self, path: Path, asked: Asked) -> dict[str, Any]:
        path.unlink(missing_ok=True)
        self.database.execute(f"ATTACH {quoted(path)} AS made (ROW_GROUP_SIZE {KEPT_ROWS})")
        try:
            with self._transaction():
                whole = self._is_much(asked["since"])
                for name, columns in COLUMNS.items():
                    listed = ", ".join(f'"{column}"' for column in columns)
                    where = "" if whole else f" WHERE {SEQ} > {int(asked['since'])}"
                    self.database.execute(f"CREATE TABLE made.{name} AS SELECT {listed} FROM lake.{name}{where}")
                self.database.execute(f"CREATE TABLE made.gone ({NO} BIGINT)")
                if not whole:
                    for name in ("records", "gone"):
                        changed = f"SELECT no FROM lake.{name} WHERE seq > {int(asked['since'])}"
                        self.database.execute(f"INSERT INTO made.gone {changed}")
                state = self._state()
            self.database.execute("CHECKPOINT made")
        finally:
            self.database.execute("DETACH made")
        path.chmod(0o600)
        return {"state": state, "whole": whole}

    def _is_much(self, since: int | None) -> bool:
        """Whether so much has changed that a base is made anew."""
        if since is None:
            return True
        question = f"SELECT count(*) FILTER (seq > {int(since)}), count(*) FROM lake.records"
        ((changed, every),) = self.database.execute(question).fetchall()
        return bool(changed > max(FEW, every // 5))

    def changes(self, asked: Asked, blobs: Sequence[bytes]) -> dict[str, Any]:
        """The state of one moment, of which ``more`` gives then what has changed after the change ``since``, or after the
        lake's ``version``."""
        self.rows, self.reading = self.database.cursor(), None
        self.rows.execute("BEGIN")
        state = self.rows.execute("SELECT state FROM lake.state").fetchall()[0][0]
        self.questions = self._questions(int(asked["since"]), int(asked["version"]))
        return {"state": state}

    def _questions(self, since: int, version: int) -> Iterator[tuple[str, int, str]]:
        """Table by table what to copy; of records the change up to which a question goes."""
        yield "gone", 0, f"SELECT no, seq FROM lake.gone WHERE seq > {since}"
        listed = ", ".join(f'"{name}"' for name in RECORDS)
        counted = f"SELECT seq, count(*) FROM lake.records WHERE seq > {since} GROUP BY seq ORDER BY seq"
        for after, upto in steps(since, self.rows.execute(counted).fetchall()):
            yield "records", upto, f"SELECT {listed} FROM lake.records WHERE seq > {after} AND seq <= {upto}"
        yield "shared", 0, "SELECT key FROM lake.shared"
        yield "forgotten", 0, "SELECT mark FROM lake.forgotten"
        yield "listings", 0, f"SELECT * EXCLUDE (version) FROM lake.listings WHERE version > {version}"

    def more(self, asked: Asked, blobs: Sequence[bytes]) -> dict[str, Any]:
        """Rows of a ``table``; ``upto``: all records up to that change have been given; no table: everything has."""
        while True:
            if self.reading is None:
                self.reading = next(self.questions, None)
                if self.reading is None:
                    self.rows.execute("ROLLBACK")
                    return {"table": "", "upto": 0, "blobs": [b"[]"]}
                self.rows.execute(self.reading[2])
            table, upto, _ = self.reading
            rows = self.rows.fetchmany(PAGE)
            if rows:
                return {"table": table, "upto": 0, "blobs": [json.dumps(rows, ensure_ascii=False).encode()]}
            self.reading = None
            if upto:
                return {"table": table, "upto": upto, "blobs": [b"[]"]}


def steps(since: int, counted: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """After and up to which changes to read, so that a step is of about ``STEP`` records."""
    after, many = since, 0
    for seq, count in counted:
        many += count
        if many >= STEP:
            yield after, seq
            after, many = seq, 0
    if many:
        yield after, counted[-1][0]
