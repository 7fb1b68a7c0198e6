"""Other programs that change a shown configuration: the user's editor, and filters."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from crmsh_py.errors import ConfigError, CrmError
from crmsh_py.shell.console import Console

FILTER_S = 60.0


class Editor:
    """The user's editor on a file of ours; what was typed is there again at the next ``edit``."""

    def __init__(self, environ: Mapping[str, str], suffix: str) -> None:
        named = environ.get("VISUAL") or environ.get("EDITOR") or "vi"
        try:
            self._words = shlex.split(named)
        except ValueError as error:
            raise CrmError(f"the editor “{named}”: {error}", hint="set EDITOR") from None
        # A directory of our own: editors write new files beside the old one.
        self._directory = tempfile.TemporaryDirectory(prefix="crm-edit-")
        self._file = Path(self._directory.name, f"configuration{suffix}")

    def __enter__(self) -> Editor:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._directory.cleanup()

    def edit(self, text: str) -> str:
        """Let the user edit a text; returns what it is then.

        Raises:
            CrmError: there is no such editor, or it says by its exit code that it gave up.
        """
        editor = self._words[0] if self._words else ""
        self._file.write_text(text, encoding="utf-8")
        try:
            code = subprocess.run([*self._words, str(self._file)], check=False).returncode
        except (OSError, IndexError) as error:
            reason = getattr(error, "strerror", "") or "no program"
            raise CrmError(f"the editor “{editor}”: {reason}", hint="set EDITOR") from None
        if code != 0:
            raise CrmError(f"{editor} ended with exit code {code}; nothing was changed")
        try:
            return self._file.read_text(encoding="utf-8")
        except OSError as error:
            raise CrmError(f"{editor} left no file: {error.strerror}") from None
        except UnicodeDecodeError:
            raise ConfigError("what was edited is no text (UTF-8); nothing was changed") from None

    def wants_again(self, console: Console, error: CrmError) -> bool:
        """Tell what is wrong with the text, and ask whether it is edited again or thrown away.

        Who ends the question (Ctrl-C, Ctrl-D) has decided nothing: the text is kept in a file.

        Raises:
            CrmError, KeyboardInterrupt: that.
        """
        console.error(error)
        try:
            return console.ask("Edit or discard changes (yes to edit, no to discard)")
        except (KeyboardInterrupt, CrmError) as end:
            if isinstance(end, KeyboardInterrupt):
                print(file=console.err_stream)  # the question stands there still
            console.info(f"what was edited is kept: {self._keep()}")
            raise

    def _keep(self) -> str:
        descriptor, path = tempfile.mkstemp(prefix="crm-edited-", suffix=self._file.suffix)
        with open(descriptor, "wb") as kept:
            kept.write(self._file.read_bytes())
        return path


def run_filter(command: str, text: str) -> str:
    """The output of a shell command that reads a text; raises CrmError when it fails.

    A filter is a shell command by definition: the user's own, typed by the user.
    """
    try:
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            input=text.encode(),
            capture_output=True,
            timeout=FILTER_S,
            check=False,
            env=os.environ,
        )
    except subprocess.TimeoutExpired:
        raise CrmError(f"{command}: not finished after {FILTER_S:.0f} s") from None
    except (OSError, ValueError) as error:
        raise CrmError(f"{command}: {error}") from None
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip()
        raise CrmError(
            f"{command}: exit code {done.returncode}; nothing was changed", hint=said or None
        )
    try:
        return done.stdout.decode()
    except UnicodeDecodeError:
        raise ConfigError(f"{command}: its output is no text (UTF-8)") from None
