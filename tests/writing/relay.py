"""A relay in front of a database that can stand still: connections stay open, and nothing comes through."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class Relay:
    """Listens on ``port`` and passes everything on to ``target`` while it runs."""

    target: tuple[str, int]
    listener: socket.socket
    running: threading.Event = field(default_factory=threading.Event)
    _open: list[socket.socket] = field(default_factory=list)

    @property
    def port(self) -> int:
        return int(self.listener.getsockname()[1])

    def serve(self) -> None:
        with suppress(OSError):  # the listener is closed
            while True:
                near, _ = self.listener.accept()
                far = socket.create_connection(self.target)
                self._open += [near, far]
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self._pass, args=(one, other), daemon=True).start()

    def _pass(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                self.running.wait()
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self.listener.close()
        self.running.set()
        for one in self._open:
            one.close()


@contextmanager
def relay(target: tuple[str, int]) -> Iterator[Relay]:
    found = Relay(target, socket.create_server(("127.0.0.1", 0)))
    found.running.set()
    threading.Thread(target=found.serve, daemon=True).start()
    try:
        yield found
    finally:
        found.close()
