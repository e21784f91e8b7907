"""Errors whose message is for the user."""


class MocapError(Exception):
    """An error that the user can correct: one line with what, where and what to do. The CLI exits with 1."""


class QualityError(MocapError):
    """The take was written, but its quality is below the limit that the user set. The CLI exits with 3."""


class OutputError(MocapError):
    """A file could not be written, because space or permission is missing: the next file would fail too."""


def unknown_name(kind: str, name: str, known: list[str]) -> MocapError:
    """The error for an unknown name; its message lists the known ones.

    Parameters
    ----------
    kind : what the name is of, in the message ("filter").
    name : the unknown name.
    known : the valid names, in the order in which they are listed.
    """
    return MocapError(f"unknown {kind} '{name}'; choose one of: {', '.join(known)}")


def one_line(text: str) -> str:
    """The text with every unprintable character escaped, since names of files may contain any."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)
