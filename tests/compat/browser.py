"""A real Chromium, and a website on another origin than the router.

Nothing is intercepted: interception would switch CORS preflights off. Other hosts do not resolve.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from playwright.async_api import Page, async_playwright

from tests.compat.peers import BUILD, CHROMIUM
from tests.compat.process import KEY
from tests.compat.recorder import serving
from tests.compat.rig import NODE_FOLDER

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--ignore-certificate-errors",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


class Visit:
    """A tab on the website."""

    def __init__(self, page: Page, site: str) -> None:
        self.page = page
        self.site = site
        self.requests: list[str] = []
        self.said: list[str] = []
        """What the page wrote to its console."""
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", lambda message: self.said.append(message.text))

    async def open(self, query: str = "") -> None:
        """Open the page, with a query string."""
        await self.page.goto(f"{self.site}/page{query}")

    async def run(self, script: str) -> Any:
        """Run a piece of JavaScript in the page; a promise is waited for."""
        return await self.page.evaluate(script)

    async def loaded(self) -> None:
        """Return when analytics.js has loaded its settings and works off its queue."""
        await self.page.wait_for_function("window.analytics && window.analytics.initialized", timeout=20_000)

    @property
    def strangers(self) -> list[str]:
        """Requests to any other host."""
        return [url for url in self.requests if "//127.0.0.1:" not in url and not url.startswith("data:")]


@asynccontextmanager
async def visiting(html: str) -> AsyncIterator[Visit]:
    """Serve `html` as /page, and open a browser with a new profile, not yet on the page."""

    async def page(_: web.Request) -> web.Response:
        return web.Response(text=html, content_type="text/html")

    async def favicon(_: web.Request) -> web.Response:
        return web.Response(status=204)

    application = web.Application()
    application.router.add_get("/page", page)
    application.router.add_get("/elsewhere", favicon)
    application.router.add_get("/favicon.ico", favicon)
    application.router.add_static("/npm", BUILD)
    async with serving(application) as port, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        visit = Visit(await browser.new_page(), f"http://127.0.0.1:{port}")
        try:
            yield visit
        except AssertionError as error:
            error.add_note(f"The page asked for {visit.requests}, and said {visit.said}")
            raise
        finally:
            await browser.close()


async def snippet_page(url: str, *, title: str = "Shop") -> str:
    """A page with Segment's snippet; only its host is changed, and over http also the scheme and `_cdn`."""
    scheme, _, host = url.partition("://")
    is_plain = "true" if scheme == "http" else "false"
    process = await asyncio.create_subprocess_exec(
        "node",
        str(NODE_FOLDER / "snippet.mjs"),
        f'{{"apiKey": "{KEY}", "host": "{host}", "useHostForBundles": {is_plain}}}',
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    snippet = out.decode().replace("https://", f"{scheme}://")
    return f"<!doctype html><head><title>{title}</title><script>{snippet}</script></head><body>Hello</body>"


def npm_page(url: str, *, options: str = "{}", title: str = "Shop") -> str:
    """A page with the npm package's browser build; `options` is what `load` gets beside the settings' address."""
    return f"""<!doctype html><head><title>{title}</title>
        <script src="/npm/index.js"></script>
        <script>
            window.analytics = AnalyticsNext.AnalyticsBrowser.load({{writeKey: "{KEY}", cdnURL: "{url}"}}, {options})
        </script></head><body>Hello</body>"""
