"""Errors meant for the person at the keyboard."""


class MocapError(Exception):
    """A failure the user can act on: one line that says what, where and what to do. The CLI exits with 1."""


class QualityError(MocapError):
    """The work was finished, but the take is below the quality that was asked for. The CLI exits with 3."""


class OutputError(MocapError):
    """A file could not be written, for want of space or of permission: the next one would fare no better."""


def unknown_name(kind: str, name: str, known: list[str]) -> MocapError:
    """An error for a name outside a printed list of choices."""
    return MocapError(f"unknown {kind} '{name}'; choose one of: {', '.join(known)}")


def one_line(text: str) -> str:
    """The text with line breaks, escape codes and the like shown as escapes: files and names may hold anything."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)
