"""Read and write a take as JSON: the format ``mocap-motion`` version 1 (docs/dev/format.md).

The packaged schema (mocap-motion-1.schema.json) describes a whole document. Checking millions of numbers with it would
take minutes. The reader therefore validates a copy in which every array over frames is cut to its first frames. The
complete arrays are checked with numpy: shape, types, size, and the invariants of the domain types.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema

from mocap.io.files import atomic_path
from mocap.io.json_text import load, to_text
from mocap.io.outlets import Recording, recording_of
from mocap.io.rounding import rounded
from mocap.io.take_document import FORMAT, VERSION, document_to_take, take_to_document
from mocap.model.errors import MocapError
from mocap.model.take import Take

FRAME_ARRAYS = frozenset({"boxes", "xy", "xyz", "confidence", "root_world", "local_wxyz"})
FRAMES_FOR_SCHEMA = 2
LONGEST_MESSAGE = 200


def write(recording: Recording, path: str | Path) -> None:
    """Write the take of a recording, as the table of outlets needs it; see ``write_json``."""
    if recording.take is None:
        raise MocapError(f"cannot write {path}: there is no take, only motions")
    write_json(recording.take, path)


def read(path: str | Path) -> Recording:
    """Read a take as a recording, as the table of readers needs it; see ``read_json``."""
    return recording_of(read_json(path))


def write_json(take: Take, path: str | Path) -> None:
    """Write a take as JSON; the same take always gives the same bytes.

    Parameters
    ----------
    take : Take
        Its values are rounded to the decimals of ``mocap.io.rounding``.
    path : str or Path
        The file; it is written completely or not at all.

    Raises
    ------
    MocapError
        If the file cannot be written, or ``settings`` or a similar field has a value that is not JSON.
    """
    document = take_to_document(rounded(take))
    try:
        text = to_text(document) + "\n"
    except (TypeError, ValueError, RecursionError) as error:
        raise MocapError(f"cannot write {path}: {error}; keep to text, numbers, lists and objects") from error
    with atomic_path(path) as temporary:
        temporary.write_bytes(text.encode())


def read_json(path: str | Path) -> Take:
    """Read a take from a ``mocap-motion`` file of version 1.

    Parameters
    ----------
    path : str or Path
        The file. Unknown keys are ignored.

    Returns
    -------
    Take
        With checked arrays.

    Raises
    ------
    MocapError
        For a file that is damaged, of a newer major version, or not a take. The message names the path in the document.
    """
    path = Path(path)
    document = load(path)
    try:
        _check_version(document)
        _check_schema(document)
        return document_to_take(document)
    except RecursionError as error:
        raise MocapError(f"cannot read {path}: it is nested too deeply; this is not a take") from error
    except ValueError as error:
        message = " ".join(str(error).split())
        raise MocapError(f"cannot read {path}: {message}") from error


@cache
def schema() -> dict[str, Any]:
    """The JSON schema (2020-12) of version 1."""
    text = resources.files("mocap.io").joinpath("mocap-motion-1.schema.json").read_text("utf-8")
    return dict(json.loads(text))


def _check_version(document: Any) -> None:
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ValueError(f'it is no take: a take is a JSON object with "format": "{FORMAT}"')
    version = str(document.get("version"))[:20]
    major = version.split(".")[0]
    if not (major.isdecimal() and len(major) < 6):
        raise ValueError(f'version: expected text such as "{VERSION}"; the take is damaged')
    if int(major) > int(VERSION.split(".")[0]):
        raise ValueError(f"it was written by a newer mocap ({FORMAT} {version}, this one reads 1.x); update mocap")


def _check_schema(document: dict[str, Any]) -> None:
    errors = _validator().iter_errors(_first_frames(document))
    error: Any = jsonschema.exceptions.best_match(errors)
    if error is None:
        return
    message = error.message
    if len(message) > LONGEST_MESSAGE:
        message = f"does not satisfy {error.validator}: {str(error.validator_value)[:LONGEST_MESSAGE]}"
    raise ValueError(f"{_path_of(error)}: {message}; the take is damaged")


@cache
def _validator() -> Any:
    """The validator of the schema. Unlike standard JSON schema, it does not accept 6.0 as an integer."""
    base = jsonschema.Draft202012Validator
    checker = base.TYPE_CHECKER.redefine("integer", lambda _, value: type(value) is int)
    return jsonschema.validators.extend(base, type_checker=checker)(schema())


def _path_of(error: Any) -> str:
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step[:40]}" for step in error.absolute_path)
    return path.lstrip(".") or "the document"


def _first_frames(value: Any) -> Any:
    """A copy in which arrays over frames are cut to the first frames, for the schema."""
    if isinstance(value, dict):
        return {key: _cut(item) if key in FRAME_ARRAYS else _first_frames(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_first_frames(item) for item in value]
    return value


def _cut(item: Any) -> Any:
    return item[:FRAMES_FOR_SCHEMA] if isinstance(item, list) else item
