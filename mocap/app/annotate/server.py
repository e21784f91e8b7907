"""The server of the annotation page: on this machine's loopback, for who has the token of its address."""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
from collections.abc import Awaitable, Callable
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mocap.app.annotate.guard import Guard
from mocap.app.annotate.session import Session
from mocap.app.annotate.store import Conflict
from mocap.model.errors import MocapError

HOST = "127.0.0.1"
MEDIA_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
KEPT_BY_THE_BROWSER = "private, max-age=86400"  # the token, and with it the address, is another each time

Answer = Callable[[Session, int, Any], Any]


def bind(port: int) -> socket.socket:
    """A listening socket on this machine alone; port 0 takes any that is free. MocapError if it is taken."""
    # The protocol is named because asyncio asks for it before it turns off waiting to fill packets, 40 ms an answer.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen()  # a browser that is faster than the server waits
    except (OSError, OverflowError) as error:
        listener.close()
        raise MocapError(f"port {port} cannot be used: {error}; leave --port out to take a free one") from error
    return listener


def address_of(listener: socket.socket, token: str) -> str:
    """The address to open."""
    return f"http://{HOST}:{listener.getsockname()[1]}/{token}/"


def new_token() -> str:
    """A word that nobody guesses."""
    return secrets.token_urlsafe(24)


def server_of(session: Session, listener: socket.socket, token: str) -> uvicorn.Server:
    """The server of a session, to be run on the listener's socket."""
    app = Guard(application(session), token, listener.getsockname()[1])
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, lifespan="off", ws="none", proxy_headers=False
    )
    config.load()  # all imports before the address is told
    return uvicorn.Server(config)


def application(session: Session) -> Starlette:
    """The answers to the page's requests, without any guard."""
    page = _page()
    routes = [
        Route("/", partial(_static, page, "index.html"), methods=["GET"]),
        *(Route(f"/{name}", partial(_static, page, name), methods=["GET"]) for name in page),
        _route(session, "/api/set", lambda session, index, body: session.describe(), "GET"),
        Route("/api/pictures/{index:int}", partial(_picture, session), methods=["GET"]),
        _route(session, "/api/samples/{index:int}", lambda session, index, body: session.sample(index), "GET"),
        _route(session, "/api/samples/{index:int}", lambda session, index, body: session.save(index, body), "PUT"),
        _route(session, "/api/guesses/{index:int}", lambda session, index, body: session.guess(index), "POST"),
        _route(session, "/api/motion", lambda session, index, body: session.bend(), "POST"),
        _route(session, "/api/lines/{index:int}", _fill_line, "POST"),
    ]
    return Starlette(routes=routes)


def _fill_line(session: Session, index: int, body: Any) -> list[int]:
    last = body.get("last") if isinstance(body, dict) else None
    if type(last) is not int:
        raise ValueError("expected the last picture of the line")
    return session.interpolate(index, last)


def _page() -> dict[str, bytes]:
    """The files of the page by name: a fixed set, so that no request reaches the disk by a name."""
    folder = files("mocap.app.annotate").joinpath("page")
    return {file.name: file.read_bytes() for file in folder.iterdir() if Path(file.name).suffix in MEDIA_TYPES}


async def _static(page: dict[str, bytes], name: str, request: Request) -> Response:
    return Response(page[name], media_type=MEDIA_TYPES[Path(name).suffix])


async def _picture(session: Session, request: Request) -> Response:
    index = _index(session, request)
    try:
        encoded = await asyncio.to_thread(session.pictures.encoded, index)
    except MocapError as error:
        return JSONResponse({"error": str(error)}, 422)
    headers = {"Cache-Control": KEPT_BY_THE_BROWSER}
    return Response(encoded.content, media_type=encoded.media_type, headers=headers)


def _route(session: Session, path: str, answer: Answer, method: str) -> Route:
    return Route(path, _answer(session, answer), methods=[method])


def _answer(session: Session, answer: Answer) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint that gives the JSON of an answer, and says in one line why there is none."""

    async def endpoint(request: Request) -> Response:
        index = _index(session, request) if "index" in request.path_params else 0
        content = await request.body()
        try:
            body = json.loads(content, parse_constant=_refuse) if content else None
            return JSONResponse(await asyncio.to_thread(answer, session, index, body))
        except Conflict:
            return JSONResponse({"error": "changed in another window", "sample": session.sample(index)}, 409)
        except MocapError as error:
            return JSONResponse({"error": str(error)}, 422)
        except (ValueError, RecursionError) as error:
            return JSONResponse({"error": f"not understood: {error}"}, 400)

    return endpoint


def _index(session: Session, request: Request) -> int:
    index = int(request.path_params["index"])
    if index >= len(session.pictures):
        raise HTTPException(404)
    return index


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
