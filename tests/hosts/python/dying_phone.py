"""A phone in a process of its own: files a ticket with a photo, says its id, and waits to be killed."""

import asyncio
import sys

from pocketdesk import Source

from phone import file_ticket, open_phone


async def live(folder, photo, subject, description):
    phone = await open_phone(folder, offline=True)
    file = await phone.attach(None, Source.PATH(path=photo, name=None))
    ticket = await file_ticket(phone, subject, description, [file.id])
    print(ticket.id, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(live(*sys.argv[1:]))
