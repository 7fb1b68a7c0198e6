"""Does one thing with a lab and prints what came of it as JSON: how tests act as another user.

argv: the name of a method of ``Lab``, and its arguments as JSON (positional, named).
"""

import json
import sys

import msgspec

from crmsh_py.errors import CrmError
from crmsh_py.lab.client import Lab, list_labs


def main() -> int:
    method, positional, named = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])
    said: list[str] = []
    try:
        if method == "list_labs":
            result: object = list_labs()
        elif method == "execute":
            return Lab().execute(*positional)
        elif method == "shell":
            return Lab().shell(*positional)
        else:
            result = getattr(Lab(say=said.append), method)(*positional, **named)
    except CrmError as error:
        print(json.dumps({"error": error.format_message(), "kind": type(error).__name__}))
        return error.exit_code
    if method == "create":
        result = None
    print(json.dumps({"result": msgspec.to_builtins(result), "said": said}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
