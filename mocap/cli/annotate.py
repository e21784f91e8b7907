"""The command ``mocap annotate``. Heavy modules are imported in functions, so that --help is fast."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mocap.cli.options import Device
from mocap.model.errors import MocapError


def annotate(
    source: Annotated[
        Path,
        typer.Argument(
            help="A folder of images, an image, a video, or a take (take.json).", metavar="SOURCE", show_default=False
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            *("--output", "-o", "--out"),
            metavar="FILE",
            help="The file for the labels (.csv). [default: labels.csv in the folder, or beside the file]",
        ),
    ] = None,
    estimator: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="The pose network that makes initial labels; `mocap models` lists all. [default: none]"
        ),
    ] = "",
    device: Device = "auto",
    person: Annotated[
        int | None,
        typer.Option(
            metavar="NUMBER", help="Which person to label: the id in a take, else a number. [default: the first]"
        ),
    ] = None,
    video: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The clip of a take. [default: the file of its name beside the take]"),
    ] = None,
    port: Annotated[
        int, typer.Option(metavar="NUMBER", help="The network port on this machine; 0 for any free one.")
    ] = 0,
    browser: Annotated[bool, typer.Option(help="Open the page in the browser.")] = True,
) -> None:
    """Label images or correct a take on a page in the browser.

    The page can be opened only on this machine.
    """
    try:
        from mocap.app.annotate import server
    except ImportError as error:
        raise MocapError(
            "the page needs starlette and uvicorn, which are not installed: pip install 'opentake[annotate]'"
        ) from error
    from mocap.app.annotate.estimate import Guesser
    from mocap.app.annotate.session import open_session

    if output is not None and output.suffix.lower() != ".csv":
        raise MocapError(f"cannot write {output}: labels are saved as .csv; `mocap convert` makes other formats")
    if person is not None and person < 1:
        raise MocapError(f"--person must be at least 1, not {person}")
    guesser = Guesser(estimator, device) if estimator else None
    session = open_session(source, output, guesser=guesser, person=person, clip=video)
    listener, token = server.bind(port), server.new_token()
    running = server.server_of(session, listener, token)
    address = server.address_of(listener, token)
    typer.echo(f"labels: {session.store.path}", err=True)
    typer.echo(f"the page is at {address}\nend with Ctrl-C; all labels are saved at once", err=True)
    if browser:
        import webbrowser

        webbrowser.open(address)
    running.run(sockets=[listener])
