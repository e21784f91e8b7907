"""Access control of the server: only the page itself, in a browser on this machine, with the token in its address."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from starlette.responses import PlainTextResponse

LARGEST_BODY = 1_000_000
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Guard:
    """An ASGI application around another one, which rejects all requests that do not come from the page.

    Parameters
    ----------
    app : App
        The application to protect.
    token : str
        The path of a request must begin with it; it is removed.
    port : int
        Of the server.

    Notes
    -----
    The Host header must be this machine with the server's port, against DNS rebinding: a foreign page whose name was
    made to resolve to this machine sends its own name. Origin and Sec-Fetch-Site, if a browser sends them, must be of
    the same origin.
    """

    def __init__(self, app: App, token: str, port: int) -> None:
        self._app, self._token = app, token
        self._hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost")}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Reject a request, or pass it on."""
        if scope["type"] != "http":
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        reason, status = self._objection(scope, headers), 403
        if not reason and int_or_large(headers.get("content-length", "0")) > LARGEST_BODY:
            reason, status = "the request is too large", 413
        answer = _with_headers(send)
        if reason:
            await PlainTextResponse(reason, status)(scope, receive, answer)
            return
        inner = dict(scope, path=scope["path"].removeprefix(f"/{self._token}") or "/", root_path="")
        inner["raw_path"] = inner["path"].encode()
        body = await _whole_body(receive)
        if body is None:
            await PlainTextResponse("the request is too large", 413)(scope, receive, answer)
            return
        await self._app(inner, _replayed(body, receive), answer)

    def _objection(self, scope: Scope, headers: dict[str, str]) -> str:
        """Why a request is rejected; empty if it is allowed."""
        if headers.get("host") not in self._hosts:
            return "this server answers on 127.0.0.1 only"
        first = scope["path"].removeprefix("/").partition("/")[0]
        if not hmac.compare_digest(first.encode(), self._token.encode()):
            return "the address lacks its token: open the one that mocap annotate printed"
        origin = headers.get("origin")
        if origin is not None and (urlsplit(origin).scheme != "http" or urlsplit(origin).netloc not in self._hosts):
            return "requests from other pages are refused"
        if origin is not None and urlsplit(origin).netloc != headers["host"]:
            return "requests from other pages are refused"
        if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return "requests from other pages are refused"
        return ""


def int_or_large(text: str) -> int:
    """The value of a Content-Length header; more than allowed if it is not a number."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 18 else LARGEST_BODY + 1


async def _whole_body(receive: Receive) -> bytes | None:
    """The body of a request; None if it is larger than allowed, whatever its Content-Length is."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if sum(map(len, parts)) > LARGEST_BODY:
            return None
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            return b"".join(parts)


def _replayed(body: bytes, receive: Receive) -> Receive:
    """A function that receives the body again as one message, then all later messages."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay


def _with_headers(send: Send) -> Send:
    async def complete(message: Message) -> None:
        if message["type"] == "http.response.start":
            named = {name.lower() for name, _ in message["headers"]}
            more = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
            if b"cache-control" not in named:
                more.append((b"cache-control", b"no-store"))
            message = dict(message, headers=[*message["headers"], *more])
        await send(message)

    return complete
