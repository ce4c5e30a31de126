"""Where Python and the core meet on a bad day: nothing hangs, nothing is lost, and every error says what to do."""

import asyncio
import gc
import os
from pathlib import Path

from pocketdesk import (
    Config,
    DeskError,
    NewTicket,
    OpenError,
    Platform,
    Pocketdesk,
    SecretStore,
    SecretStoreError,
    TicketFilter,
    TicketKey,
)

from desk import PATIENCE
from phone import file_ticket, open_phone, screens, until
from story import Story


class Unwilling(SecretStore):
    """A store whose every answer is this failure."""

    def __init__(self, failure):
        self._failure = failure

    def load(self, name):
        raise self._failure

    def save(self, name, secret):
        raise self._failure

    def remove(self, name):
        raise self._failure


class Border(Story):
    async def test_what_was_begun_is_done_though_the_caller_gave_up(self):
        phone = await open_phone(self.folder, offline=True)
        words = [f"ticket {n}" for n in range(20)]
        filing = [asyncio.create_task(file_ticket(phone, text)) for text in words]
        await asyncio.sleep(0)
        for task in filing:
            task.cancel()
        await asyncio.gather(*filing, return_exceptions=True)
        self.assertTrue(all(task.cancelled() for task in filing), "none was under way when it was cancelled")
        feed = phone.watch_tickets(TicketFilter(), 0, 50)
        page = await until(feed, "all twenty", lambda page: page.total == 20)
        self.assertEqual(sorted(words), sorted(ticket.subject for ticket in page.tickets))
        await phone.shut_down()

    async def test_a_reader_that_gave_up_can_read_on(self):
        phone = await open_phone(self.folder, offline=True)
        feed = phone.watch_tickets(TicketFilter(), 0, 50)
        self.assertEqual(0, (await feed.next()).total)
        with self.assertRaises(TimeoutError):
            async with asyncio.timeout(0.05):
                await feed.next()
        await file_ticket(phone, "No light")
        self.assertEqual(1, (await feed.next()).total)
        await phone.shut_down()

    async def test_after_shut_down_feeds_end_and_calls_say_so(self):
        phone = await open_phone(self.folder, offline=True)
        await file_ticket(phone, "No light")
        shown = asyncio.Event()
        seen = []

        async def look():
            async for page in screens(phone.watch_tickets(TicketFilter(), 0, 50)):
                seen.append(page.total)
                shown.set()

        looking = asyncio.create_task(look())
        async with asyncio.timeout(PATIENCE):
            await shown.wait()
            await phone.shut_down()
            await looking
        self.assertEqual([1], seen)
        with self.assertRaises(DeskError.Closed):
            await phone.tickets(TicketFilter(), 0, 50)
        await phone.shut_down()

    async def test_a_secret_store_that_fails_stops_the_call_and_not_the_app(self):
        for failure, expected in [
            (SecretStoreError.Locked(), DeskError.NotNow),
            (SecretStoreError.Failed(reason="the keyring is gone"), DeskError.Defect),
            # Not declared, as a bug in the shell would be.
            (ZeroDivisionError("a bug in the shell"), DeskError.Defect),
        ]:
            with self.subTest(failure=repr(failure)):
                folder = self.folder / type(failure).__name__
                config = Config(data_dir=str(folder), device_name="Olena's phone", locale="en", offline=True)
                phone = await Pocketdesk.open(config, Platform(secrets=Unwilling(failure)))
                with self.assertRaises(expected):
                    await phone.submit_ticket(None, NewTicket(subject="No light"))
                self.assertEqual(0, (await phone.tickets(TicketFilter(), 0, 50)).total)
                await phone.shut_down()

    async def test_errors_say_which_field_and_what_is_missing(self):
        with self.assertRaises(OpenError.Invalid) as refused:
            (self.folder / "data").write_text("in the way")
            await open_phone(self.folder)
        self.assertEqual("data_dir", refused.exception.field)

        phone = await open_phone(self.folder / "phone", offline=True)
        with self.assertRaises(DeskError.Invalid) as refused:
            await file_ticket(phone, "")
        self.assertEqual("subject", refused.exception.field)
        ticket = await file_ticket(phone, "No light")
        with self.assertRaises(DeskError.NotFound) as refused:
            await phone.ticket(TicketKey(account=ticket.account, id="0192f0c1-2b6e-7c3a-9a51-0d8d5d6c0000"))
        self.assertEqual("ticket", refused.exception.what)
        await phone.shut_down()

    async def test_opening_and_closing_leaves_nothing_behind(self):
        rounds = 2_000 if os.environ.get("POCKETDESK_NIGHTLY") else 60

        async def round():
            phone = await open_phone(self.folder, offline=True)
            feed = phone.watch_tickets(TicketFilter(), 0, 50)
            await feed.next()
            feed.stop()
            await phone.shut_down()

        async def repeat(times):
            for _ in range(times):
                await round()
            gc.collect()

        await repeat(20)
        before = held()
        await repeat(rounds)
        after = held()
        # Threads end a moment after the files are closed.
        for _ in range(100):
            if after[1] <= before[1]:
                break
            await asyncio.sleep(0.05)
            after = held()
        self.assertLessEqual(after[0], before[0] + 2, "file handles are left behind")
        self.assertLessEqual(after[1], before[1], "threads are left behind")
        self.assertLess(after[2], before[2] + rounds * 8 + 8_000, "memory grows with each round")


def held():
    """File handles, threads, and resident KB of this process."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":" in line)
    return (
        len(os.listdir("/proc/self/fd")),
        int(status["Threads"]),
        int(status["VmRSS"].split()[0]),
    )
