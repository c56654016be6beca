"""A client that remembers what was answered 200."""

import asyncio
import itertools
import os
from base64 import b64encode

import aiohttp
import msgspec


class Sender:
    """Posts events of 20 KB that do not compress, and remembers those that were answered 200."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.acknowledged: set[str] = set()
        self._numbers = itertools.count()

    async def post(self) -> tuple[int, str | None]:
        message_id = f"m{next(self._numbers)}"
        call = {
            "writeKey": "wk_drill",
            "userId": message_id,
            "event": "E",
            "messageId": message_id,
            "properties": {"noise": b64encode(os.urandom(15_000)).decode()},
        }
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.url + "/v1/track", data=msgspec.json.encode(call)) as answer,
        ):
            if answer.status == 200:
                self.acknowledged.add(message_id)
            return answer.status, answer.headers.get("Retry-After")

    async def until(self, status: int, *, timeout: float) -> str | None:
        """Post until the answer is `status`; return its Retry-After."""
        async with asyncio.timeout(timeout):
            while True:
                found, retry_after = await self.post()
                if found == status:
                    return retry_after
                await asyncio.sleep(0.01)
