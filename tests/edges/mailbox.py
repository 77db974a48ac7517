"""An SMTP server that takes any mail, and notes when it came."""

import socketserver
import threading
from datetime import datetime

from alerts.clock import Clock, SystemClock


class Mailbox(socketserver.ThreadingTCPServer):
    """Listens from its making on until `close`."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, clock: Clock | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Postman)
        self.clock: Clock = clock or SystemClock()
        self.mails: list[tuple[datetime, str]] = []  # when, head and text
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def url(self, to: str) -> str:
        """The contact of somebody whose mail comes here."""
        port = self.server_address[1]
        return f"mailto://127.0.0.1:{port}/?from=care@example.org&to={to}&mode=insecure"

    def close(self) -> None:
        self.shutdown()
        self.server_close()


class _Postman(socketserver.StreamRequestHandler):
    server: Mailbox

    def handle(self) -> None:
        self._say("220 here")
        while line := self.rfile.readline().decode().strip():
            word = line[:4].upper()
            if word == "DATA":
                self._say("354 go on")
                self.server.mails.append((self.server.clock.now(), self._mail()))
            self._say("221 bye" if word == "QUIT" else "250 ok")
            if word == "QUIT":
                return

    def _mail(self) -> str:
        lines = iter(lambda: self.rfile.readline().decode().rstrip("\r\n"), ".")
        return "\n".join(lines)

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())
