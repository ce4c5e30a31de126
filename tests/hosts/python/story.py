"""What every test here begins with."""

import asyncio
import tempfile
import unittest
from pathlib import Path


class Story(unittest.IsolatedAsyncioTestCase):
    """A story with a folder of its own."""

    async def asyncSetUp(self):
        folder = tempfile.TemporaryDirectory(prefix="phones-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        # unittest's loop is in debug mode and would talk of every step that a shared machine makes slow.
        asyncio.get_running_loop().slow_callback_duration = 60
