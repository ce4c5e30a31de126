"""The requester's side: the core opened on a folder, and a person who looks at the screen."""

import asyncio
import contextlib
import os
from pathlib import Path

from pocketdesk import (
    Config,
    Delivery,
    NewReply,
    NewTicket,
    Platform,
    Pocketdesk,
    SecretStore,
    Unbound,
)

from desk import PATIENCE


#: Where speech models lie on this machine; without them what is said is recorded, and its words come later.
MODELS = os.environ.get("POCKETDESK_MODELS")


class FolderSecrets(SecretStore):
    """Secrets as private files. A phone keeps them in its Keystore or Keychain; what matters is that a secret is durable
    when `save` returns. The core calls from threads of its own."""

    def __init__(self, folder):
        self._folder = Path(folder)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def load(self, name):
        try:
            return (self._folder / name).read_bytes()
        except FileNotFoundError:
            return None

    def save(self, name, secret):
        new = self._folder / f".{name}.new"
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(secret)
            file.flush()
            os.fsync(file.fileno())
        new.rename(self._folder / name)

    def remove(self, name):
        (self._folder / name).unlink(missing_ok=True)


async def open_phone(folder, offline=False):
    """Opens the app on `folder`; everything that was there is there again."""
    config = Config(
        data_dir=f"{folder}/data",
        device_name="Olena's phone",
        locale="en",
        offline=offline,
        speech_models_beside=MODELS,
    )
    return await Pocketdesk.open(config, Platform(secrets=FolderSecrets(f"{folder}/secrets")))


async def sign_in(phone, desk, email, url=None):
    """Signs in with a code from the mail; through `url`, if the way to the desk is not the plain one."""
    url = url or desk.url
    await phone.start_sign_in(url, email)
    return await phone.finish_sign_in(url, email, await desk.code(email), Unbound.ASK)


async def file_ticket(phone, subject, description="", attachments=()):
    """Files a ticket: durable when this returns, with or without a connection."""
    words = NewTicket(subject=subject, description=description, attachments=list(attachments))
    return await phone.submit_ticket(None, words)


async def reply(phone, ticket, text):
    """Replies: durable when this returns."""
    return await phone.reply(ticket, NewReply(text=text))


async def screens(feed):
    """A feed as an async iterator: the present value, then each newer one."""
    try:
        while (screen := await feed.next()) is not None:
            yield screen
    finally:
        feed.stop()


async def until(feed, what, wanted):
    """Looks at a feed until it shows what is wanted."""
    last = None
    try:
        async with asyncio.timeout(PATIENCE), contextlib.aclosing(screens(feed)) as shown:
            async for last in shown:
                if wanted(last):
                    return last
    except TimeoutError:
        raise AssertionError(f"never shown: {what}; last: {last}") from None
    raise AssertionError(f"the screen ended before it showed {what}")


async def shows(phone, ticket, what, wanted):
    """Looks at the ticket's screen until it shows what is wanted."""
    return await until(phone.watch_ticket(ticket), what, wanted)


def saved(delivery):
    """Durable on the phone, and not more than that."""
    return isinstance(delivery, Delivery.SAVED)


def with_the_desk(delivery):
    """The desk has it."""
    return isinstance(delivery, (Delivery.DELIVERED, Delivery.REGISTERED))


def said(view, text):
    """These words are in the ticket, and the desk has them."""
    return any(comment.text == text and with_the_desk(comment.delivery) for comment in view.comments)
