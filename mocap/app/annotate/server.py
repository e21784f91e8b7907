"""The web server of the annotation page: on the loopback interface, with a token in its address."""

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
KEPT_BY_THE_BROWSER = "private, max-age=86400"  # safe, as token and address change with every start

Answer = Callable[[Session, int, Any], Any]


def bind(port: int) -> socket.socket:
    """Open a listening socket on the loopback interface.

    Parameters
    ----------
    port : int
        0 for any free port.

    Returns
    -------
    socket
        Listening.

    Raises
    ------
    MocapError
        If the port is in use.
    """
    # With IPPROTO_TCP asyncio sets TCP_NODELAY, which saves 40 ms for each answer.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen()  # so that a browser which connects early waits
    except (OSError, OverflowError) as error:
        listener.close()
        raise MocapError(f"port {port} cannot be used: {error}; omit --port to use a free one") from error
    return listener


def address_of(listener: socket.socket, token: str) -> str:
    """The address of the page."""
    return f"http://{HOST}:{listener.getsockname()[1]}/{token}/"


def new_token() -> str:
    """A random token that cannot be guessed."""
    return secrets.token_urlsafe(24)


def server_of(session: Session, listener: socket.socket, token: str) -> uvicorn.Server:
    """The server of a session; run it with the listener's socket."""
    app = Guard(application(session), token, listener.getsockname()[1])
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, lifespan="off", ws="none", proxy_headers=False
    )
    config.load()  # all imports before the address is printed
    return uvicorn.Server(config)


def application(session: Session) -> Starlette:
    """The web application that answers the page's requests, without access control."""
    page = _page()
    routes = [
        Route("/", partial(_static, page, "index.html"), methods=["GET"]),
        *(Route(f"/{name}", partial(_static, page, name), methods=["GET"]) for name in page),
        _route(session, "/api/set", lambda session, index, body: session.describe(), "GET"),
        Route("/api/images/{index:int}", partial(_image, session), methods=["GET"]),
        _route(session, "/api/samples/{index:int}", lambda session, index, body: session.sample(index), "GET"),
        _route(session, "/api/samples/{index:int}", lambda session, index, body: session.save(index, body), "PUT"),
        _route(session, "/api/guesses/{index:int}", lambda session, index, body: session.guess(index), "POST"),
        _route(session, "/api/motion", lambda session, index, body: session.apply_corrections(), "POST"),
        _route(session, "/api/lines/{index:int}", _fill_line, "POST"),
    ]
    return Starlette(routes=routes)


def _fill_line(session: Session, index: int, body: Any) -> list[int]:
    last = body.get("last") if isinstance(body, dict) else None
    if type(last) is not int:
        raise ValueError("expected the index of the last image")
    return session.interpolate(index, last)


def _page() -> dict[str, bytes]:
    """The files of the page by name: a fixed set, so that no name in a request is used as a path."""
    folder = files("mocap.app.annotate").joinpath("page")
    return {file.name: file.read_bytes() for file in folder.iterdir() if Path(file.name).suffix in MEDIA_TYPES}


async def _static(page: dict[str, bytes], name: str, request: Request) -> Response:
    return Response(page[name], media_type=MEDIA_TYPES[Path(name).suffix])


async def _image(session: Session, request: Request) -> Response:
    index = _index(session, request)
    try:
        encoded = await asyncio.to_thread(session.images.encoded, index)
    except MocapError as error:
        return JSONResponse({"error": str(error)}, 422)
    headers = {"Cache-Control": KEPT_BY_THE_BROWSER}
    return Response(encoded.content, media_type=encoded.media_type, headers=headers)


def _route(session: Session, path: str, answer: Answer, method: str) -> Route:
    return Route(path, _answer(session, answer), methods=[method])


def _answer(session: Session, answer: Answer) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint that returns an answer as JSON, or an error as one line."""

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
    if index >= len(session.images):
        raise HTTPException(404)
    return index


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
