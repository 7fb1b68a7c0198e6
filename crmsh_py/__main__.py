"""``python -m crmsh_py`` is the ``crm`` command."""

from crmsh_py.shell.main import main

if __name__ == "__main__":
    raise SystemExit(main())
