"""The company's side: the real server as a program of its own, its staff, and the road between it and a phone."""

import asyncio
import base64
import json
import os
import tempfile
import urllib.request
from pathlib import Path

#: Seconds anything may take; generous, because these machines are shared.
PATIENCE = 60

#: The photo of the stories.
PHOTO = Path(__file__).resolve().parents[2] / "corpus/files/till.png"

#: What is said in them: "My monitor flickers every few minutes and then goes black …", 16 kHz.
SPOKEN = PHOTO.with_name("monitor.wav")


class Desk:
    """`async with Desk() as desk`: a server on a loopback port and a folder of its own, gone at the end."""

    async def __aenter__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="desk-")
        self._program = os.environ["POCKETDESK_DESK_PROGRAM"]
        self._server = await asyncio.create_subprocess_exec(
            self._program, "serve", "--development", "--listen", "127.0.0.1:0", "--data", self._folder.name,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "POCKETDESK_SERVER_LOG": "warn"},
        )
        self.address = (await self._says("listening"))["addr"]
        self.url = f"http://{self.address}"
        self.staff = Staff(self.url, await self._staff_token())
        return self

    async def __aexit__(self, *_):
        self._server.terminate()
        await self._server.communicate()
        self._folder.cleanup()

    async def code(self, email):
        """The code that would have been mailed."""
        while (said := await self._says("code"))["email"] != email:
            pass
        return said["code"]

    async def _says(self, event):
        async with asyncio.timeout(PATIENCE):
            while line := await self._server.stdout.readline():
                said = json.loads(line)
                if said["event"] == event:
                    return said
        raise AssertionError(f"the server ended before it said {event!r}")

    async def _staff_token(self):
        asked = await asyncio.create_subprocess_exec(
            self._program, "staff-token", "--data", self._folder.name, stdout=asyncio.subprocess.PIPE
        )
        said, _ = await asked.communicate()
        return said.decode().strip()


class Staff:
    """The desk's own people, through the real staff API."""

    def __init__(self, url, token):
        self._url = url
        self._token = token
        # Loopback: whatever proxy this machine has is not for it.
        self._web = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    async def _ask(self, method, path, body=None):
        asked = urllib.request.Request(
            f"{self._url}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"authorization": f"Bearer {self._token}", "content-type": "application/json"},
        )

        def answer():
            with self._web.open(asked, timeout=PATIENCE) as answered:
                return answered.read()

        return await asyncio.to_thread(answer)

    async def reply(self, ticket, text, name=None, content=b""):
        """Answers the requester, with a small file if it has a `name`."""
        files = [{"name": name, "content_base64": base64.b64encode(content).decode()}] if name else []
        await self._ask("POST", f"/staff/tickets/{ticket}/reply", {"text": text, "files": files})

    async def note(self, ticket, text):
        """Notes what no requester may see."""
        await self._ask("POST", f"/staff/tickets/{ticket}/note", {"text": text})

    async def status(self, ticket, status):
        """new, open, waits_for_requester, solved or closed."""
        await self._ask("POST", f"/staff/tickets/{ticket}/status", {"status": status})

    async def promise(self, ticket, at, reason=None):
        """Promises an answer by `at` (ms since the epoch), or moves the promise and says why."""
        await self._ask("POST", f"/staff/tickets/{ticket}/deadline", {"at": at, "reason": reason})

    async def ask_rating(self, ticket):
        """Asks to be rated."""
        await self._ask("POST", f"/staff/tickets/{ticket}/rating-request", {})

    async def ticket(self, ticket):
        """One ticket with all that belongs to it, as the desk has it."""
        return json.loads(await self._ask("GET", f"/staff/tickets/{ticket}"))

    async def file(self, attachment):
        """The bytes of a requester's file."""
        return await self._ask("GET", f"/staff/attachments/{attachment}")


class Road:
    """`async with Road(desk) as road`: a plain wire to the desk that can break, and counts what the phone sends."""

    def __init__(self, desk):
        self._host, port = desk.address.rsplit(":", 1)
        self._port = int(port)
        self._breaks_after = None
        self._ends = set()
        self.sent = 0
        self.broken = asyncio.Event()

    async def __aenter__(self):
        self._listening = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.url = "http://127.0.0.1:%d" % self._listening.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._listening.close()
        self._hang_up()
        await self._listening.wait_closed()

    def break_after(self, sent):
        """The wire breaks once the phone has sent so many more bytes, and stays broken."""
        self._breaks_after = self.sent + sent

    def mend(self):
        """The wire is whole again."""
        self._breaks_after = None
        self.broken.clear()

    def _hang_up(self):
        for end in self._ends:
            end.close()
        self._ends.clear()

    async def _carry(self, reader, writer):
        if self.broken.is_set():
            writer.close()
            return
        there, back = await asyncio.open_connection(self._host, self._port)
        self._ends |= {writer, back}
        await asyncio.gather(self._pass_on(reader, back, True), self._pass_on(there, writer, False))

    async def _pass_on(self, reader, writer, from_phone):
        try:
            while some := await reader.read(1 << 16):
                if from_phone:
                    self.sent += len(some)
                    if self._breaks_after is not None and self.sent >= self._breaks_after:
                        self.broken.set()
                        self._hang_up()
                        return
                writer.write(some)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()
