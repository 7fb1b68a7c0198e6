"""``crm``: one command, a script, or the interactive shell.

Every ``CrmError`` of the program ends here as one message and an exit code; nothing else is
caught, since anything else is a mistake of ours and must be seen as one.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence

from crmsh_py.errors import CrmError, UsageError
from crmsh_py.shell.console import INTERRUPTED, Console, Interrupted
from crmsh_py.shell.options import USAGE, Options, parse
from crmsh_py.shell.preferences import Preferences
from crmsh_py.shell.session import Session


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``crm`` with these arguments (default: the process's own); returns the exit code."""
    # A configuration is many small values without cycles: looking for cycles among them all the
    # time takes a tenth of a large load.
    gc.set_threshold(100_000, 50, 50)
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["--complete"]:
        from crmsh_py.shell.compgen import run

        return run(words[1:], os.environ)
    console = Console()
    try:
        options = parse(words)
        return _run(options, console)
    except CrmError as error:
        console.error(error)
        return error.exit_code
    except Interrupted:
        return INTERRUPTED
    except KeyboardInterrupt:
        print(file=sys.stderr)
        console.error("interrupted; what was not committed is not in the cluster")
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has gone (crm … | head); Python would complain once more at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _run(options: Options, console: Console) -> int:
    if options.help:
        console.out(USAGE)
        return 0
    if options.version:
        from crmsh_py import __version__

        console.out(f"crmsh-py {__version__}")
        return 0
    if options.file and options.words:
        raise UsageError("a file and a command cannot both be run")
    answer = True if options.force else False if options.answer_no else None
    display = options.display or _chosen_display()
    if options.words:
        session = Session(options, Console(answer=answer, display=display))
        return _one_shot(session)
    if options.file or not sys.stdin.isatty():
        batch_answer = bool(options.force)  # a script is never asked
        session = Session(options, Console(answer=batch_answer, display=display))
        return _batch(session)
    from crmsh_py.shell.repl import run

    console = Console(answer=answer, display=display)
    return run(Session(options, console, interactive=True))


def _chosen_display() -> str:
    """How the user likes colours, if that was ever said; NO_COLOR counts more."""
    preferences = Preferences.load(os.environ)
    if not preferences.is_set("color.style") or "NO_COLOR" in os.environ:
        return ""
    return preferences.get("color.style")


def _one_shot(session: Session) -> int:
    from crmsh_py.shell.dispatch import run_call, run_line, single_line
    from crmsh_py.shell.quick import recognise

    words = session.options.words
    line = single_line(as_line(words))
    call = recognise(words)
    code = run_call(session, call, line) if call is not None else run_line(session, line)
    if not session.levels:
        return code
    # Only a level was named. With a script on standard input it runs there (crm configure < FILE);
    # a person at a terminal stays there.
    if not sys.stdin.isatty():
        return _batch(session)
    from crmsh_py.shell.repl import run

    session.interactive = True
    return run(session)


def _batch(session: Session) -> int:
    from crmsh_py.shell.dispatch import run_batch
    from crmsh_py.shell.files import read_text

    name = session.options.file
    if not name or name == "-":
        return run_batch(session, read_text("-"), "stdin" if name else "")
    text = read_text(name)
    return run_batch(session, text, name)


def as_line(words: Sequence[str]) -> str:
    """One-shot words as a line of the language: each stays one word, brackets stay brackets."""
    from crmsh_py.lang.words import BRACKETED, quote_word

    return " ".join(word if BRACKETED.fullmatch(word) else quote_word(word) for word in words)
