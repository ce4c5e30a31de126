"""What people do with the app, each from the first tap to the desk's answer."""

import asyncio
import sys
import time
import wave

from pocketdesk import (
    DictateInto,
    NewDraft,
    Signal,
    Sound,
    Source,
    TicketFilter,
    TicketStatus,
)

from desk import PHOTO, SPOKEN, Desk, Road
from phone import MODELS, file_ticket, open_phone, reply, said, saved, shows, sign_in, until, with_the_desk
from story import Story

OLENA = "olena@shop.example"


class Journeys(Story):
    async def test_a_day_from_the_first_words_to_the_mark(self):
        async with Desk() as desk:
            phone = await open_phone(self.folder / "phone")
            await sign_in(phone, desk, OLENA)
            photo = await phone.attach(None, Source.PATH(path=str(PHOTO), name=None))
            ticket = await file_ticket(phone, "The till does not see the scanner", "It blinks red.", [photo.id])
            view = await shows(phone, ticket, "a number", lambda view: view.summary.number == "1")
            self.assertEqual("The till does not see the scanner", view.summary.subject)
            await shows(phone, ticket, "the photo at the desk", lambda view: with_the_desk(view.attachments[0].delivery))
            self.assertEqual(PHOTO.read_bytes(), await desk.staff.file(photo.id), "staff see another photo")

            now = int(time.time() * 1000)
            await desk.staff.status(ticket.id, "open")
            await desk.staff.promise(ticket.id, now + 2 * 3_600_000)
            await desk.staff.note(ticket.id, "Check the fuse box before driving there")
            await desk.staff.promise(ticket.id, now + 4 * 3_600_000, "the spare part comes at noon")
            await desk.staff.reply(ticket.id, "Please unplug it, see the sheet.", "reset.txt", b"1. Unplug.")
            view = await shows(
                phone,
                ticket,
                "the answer and the moved promise",
                lambda view: view.comments and view.deadline and view.deadline.moved_from,
            )
            self.assertEqual("the spare part comes at noon", view.deadline.reason)
            self.assertGreater(view.summary.unread, 0, "what staff said counts as unread")
            self.assertNotIn("fuse box", str(view), "an internal note reached the phone")
            sheet = view.comments[0].attachments[0]
            await phone.open_attachment(None, sheet.id, str(self.folder / "reset.txt"))
            self.assertEqual(b"1. Unplug.", (self.folder / "reset.txt").read_bytes())
            await phone.mark_read(ticket)
            await shows(phone, ticket, "nothing unread", lambda view: view.summary.unread == 0)

            await desk.staff.status(ticket.id, "solved")
            await shows(phone, ticket, "is it fixed?", lambda view: view.can_confirm and view.can_reopen)
            await phone.reopen(ticket, "It went dark again.")
            await shows(phone, ticket, "open again", lambda view: view.summary.status == TicketStatus.OPEN)
            await desk.staff.status(ticket.id, "solved")
            await desk.staff.ask_rating(ticket.id)
            await shows(phone, ticket, "the question for a mark", lambda view: view.can_confirm and view.rating_asked)
            await phone.confirm(ticket)
            await phone.rate(ticket, 5, "Quick and kind")
            await shows(
                phone, ticket, "the mark at the desk", lambda view: view.rating and with_the_desk(view.rating.delivery)
            )
            self.assertIn("Quick and kind", str(await desk.staff.ticket(ticket.id)))
            await until(phone.watch_outbox(None), "an empty outbox", lambda items: not items)
            await phone.shut_down()

    async def test_a_ticket_filed_offline_survives_a_kill_and_goes_out_with_the_first_sign_in(self):
        subject, description = "No light in the basement", "Since the power came back."
        dying = await asyncio.create_subprocess_exec(
            sys.executable, "dying_phone.py", str(self.folder / "phone"), str(PHOTO), subject, description,
            stdout=asyncio.subprocess.PIPE,
        )
        filed = (await dying.stdout.readline()).decode().strip()
        dying.kill()
        await dying.communicate()

        phone = await open_phone(self.folder / "phone", offline=True)
        page = await phone.tickets(TicketFilter(), 0, 10)
        self.assertEqual([filed], [ticket.key.id for ticket in page.tickets])
        view = await phone.ticket(page.tickets[0].key)
        self.assertEqual((subject, description), (view.summary.subject, view.description))
        self.assertTrue(saved(view.summary.delivery) and view.attachments[0].on_phone, view)

        async with Desk() as desk:
            phone.set_offline(False)
            account = await sign_in(phone, desk, OLENA)
            ticket = await phone.find_ticket(account.account, filed)
            await shows(phone, ticket, "a number", lambda view: view.summary.number == "1")
            view = await shows(phone, ticket, "the photo", lambda view: with_the_desk(view.attachments[0].delivery))
            self.assertEqual(PHOTO.read_bytes(), await desk.staff.file(view.attachments[0].id))
            await phone.shut_down()

    async def test_replies_from_two_phones_stand_in_one_order_on_both(self):
        async with Desk() as desk:
            phone, tablet = [await open_phone(self.folder / name) for name in ("phone", "tablet")]
            await sign_in(phone, desk, OLENA)
            on_phone = await file_ticket(phone, "No heat", "The radiator is cold.")
            await shows(phone, on_phone, "a number", lambda view: view.summary.number == "1")
            await sign_in(tablet, desk, OLENA)
            page = await until(tablet.watch_tickets(TicketFilter(), 0, 10), "the ticket", lambda page: page.total == 1)
            on_tablet = page.tickets[0].key

            phone.set_offline(True)
            await reply(phone, on_phone, "one from the tunnel")
            await reply(phone, on_phone, "two from the tunnel")
            view = await phone.ticket(on_phone)
            self.assertTrue(all(saved(comment.delivery) for comment in view.comments), view.comments)
            await reply(tablet, on_tablet, "from the sofa")
            await shows(tablet, on_tablet, "its reply", lambda view: said(view, "from the sofa"))
            phone.set_offline(False)

            texts = ["one from the tunnel", "two from the tunnel", "from the sofa"]
            there = lambda view: all(said(view, text) for text in texts)
            left = await shows(phone, on_phone, "all three", there)
            right = await shows(tablet, on_tablet, "all three", there)
            order = [comment.text for comment in left.comments]
            self.assertEqual(order, [comment.text for comment in right.comments])
            self.assertLess(order.index(texts[0]), order.index(texts[1]), "her own words changed places")
            await asyncio.gather(phone.shut_down(), tablet.shut_down())

    async def test_a_file_cut_on_its_way_goes_on_with_what_is_missing(self):
        size = 4_000_000
        video = self.folder / "roof.mp4"
        video.write_bytes(bytes(n * n % 251 for n in range(size)))
        async with Desk() as desk, Road(desk) as road:
            phone = await open_phone(self.folder / "phone")
            await sign_in(phone, desk, OLENA, road.url)
            ticket = await file_ticket(phone, "The roof leaks", "See the video.")
            await shows(phone, ticket, "a number", lambda view: view.summary.number == "1")

            before = road.sent
            road.break_after(2_500_000)
            file = await phone.attach(None, Source.PATH(path=str(video), name=None))
            await phone.add_attachment(ticket, file.id)
            async with asyncio.timeout(60):
                await road.broken.wait()
            await phone.shut_down()

            road.mend()
            phone = await open_phone(self.folder / "phone")
            phone.signal(Signal.ONLINE(network="the hotel", metered=False))
            await shows(
                phone,
                ticket,
                "the file at the desk",
                lambda view: any(there.id == file.id and with_the_desk(there.delivery) for there in view.attachments),
            )
            self.assertEqual(video.read_bytes(), await desk.staff.file(file.id), "other bytes arrived")
            # Parts under way when the wire broke go again; those that had arrived do not.
            self.assertLess(road.sent - before, size + 1_500_000, "what the desk had was sent again")
            await phone.shut_down()

    async def test_what_is_said_in_the_basement_is_a_draft_until_she_sends_it(self):
        phone = await open_phone(self.folder / "phone", offline=True)
        said = await phone.start_dictation(None, DictateInto.TICKET(), Sound(rate=16_000, language="en"))
        with wave.open(str(SPOKEN)) as clip:
            # A tenth of a second at a time, as a microphone gives it.
            while sound := clip.readframes(1_600):
                said.push(sound)
        draft = await said.stop()
        self.assertEqual([], await phone.outbox(None), "it was sent before she had a look")
        if MODELS:
            self.assertIn("monitor", f"{draft.subject} {draft.text}".lower())
        else:
            self.assertTrue(draft.spoken.words_later, "nobody says that the words come later")
        await phone.shut_down()

        phone = await open_phone(self.folder / "phone", offline=True)
        kept = (await phone.drafts(None))[0]
        self.assertEqual((draft.id, draft.text), (kept.id, kept.text), "the draft did not survive")
        recording = kept.spoken.recording
        await phone.save_draft(
            None,
            NewDraft(id=kept.id, subject="The monitor flickers", text=kept.text, attachments=[recording]),
        )
        sent = await phone.send_draft(None, kept.id)
        async with Desk() as desk:
            phone.set_offline(False)
            account = await sign_in(phone, desk, OLENA)
            ticket = await phone.find_ticket(account.account, sent.entity)
            view = await shows(phone, ticket, "the recording", lambda view: with_the_desk(view.attachments[0].delivery))
            self.assertEqual("The monitor flickers", view.summary.subject)
            heard = await desk.staff.file(recording)
            self.assertEqual(view.attachments[0].size, len(heard), "staff hear another recording")
            await phone.shut_down()
