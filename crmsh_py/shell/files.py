"""Files that a person names in a command: read and written whole, with errors that can be told."""

from __future__ import annotations

import sys

from crmsh_py.errors import ConfigError, CrmError

MAX_FILE = 64 * 1024 * 1024  # characters


def read_text(name: str) -> str:
    """The text of a file, of standard input (``-``), or of an http(s) address. Raises CrmError."""
    try:
        if name == "-":
            text = sys.stdin.read(MAX_FILE + 1)
        elif name.lower().startswith(("http://", "https://")):
            from crmsh_py.shell.fetching import fetch

            text = fetch(name, MAX_FILE).decode("utf-8")
        else:
            with open(name, encoding="utf-8") as file:
                text = file.read(MAX_FILE + 1)
    except UnicodeDecodeError:
        raise ConfigError(f"{name}: this is no text (UTF-8); nothing was changed") from None
    except OSError as error:
        why = error.strerror or error
        raise CrmError(f"{name} cannot be read: {why}; nothing was changed") from None
    except ValueError:  # a NUL in the name
        raise CrmError(f"{name!r} is no name of a file; nothing was changed") from None
    if len(text) > MAX_FILE:
        raise ConfigError(f"{name}: larger than 64 MiB; nothing was changed")
    return text.removeprefix("\ufeff")  # the mark that some editors put in front


def read_bytes(name: str) -> bytes:
    """The content of a file, whatever it is. Raises CrmError."""
    try:
        with open(name, "rb") as file:
            data = file.read(MAX_FILE + 1)
    except OSError as error:
        raise CrmError(f"{name} cannot be read: {error.strerror}") from None
    except ValueError:
        raise CrmError(f"{name!r} is no name of a file") from None
    if len(data) > MAX_FILE:
        raise ConfigError(f"{name}: larger than 64 MiB")
    return data


def write_text(name: str, text: str) -> None:
    """Write a file anew. Raises CrmError."""
    try:
        with open(name, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)
    except OSError as error:
        raise CrmError(f"{name} cannot be written: {error.strerror}") from None
    except ValueError:
        raise CrmError(f"{name!r} is no name of a file") from None
