"""Runs in another interpreter: imports modules one by one and says how it went.

Standard library only, and syntax of old Pythons. Called with one JSON argument.
"""

from __future__ import annotations

MARK = b"mldeploy-import "


def main(arguments: str) -> None:
    """Try every module; one marked JSON line each on standard output."""
    import importlib  # noqa: PLC0415 - all of it only where it runs as a program
    import importlib.util  # noqa: PLC0415
    import json  # noqa: PLC0415
    import os  # noqa: PLC0415
    import sys  # noqa: PLC0415

    sys.path.pop(0)  # this file's folder
    asked = json.loads(arguments)
    for module in asked["modules"]:
        kind, message = "", ""
        try:
            if not asked["look_only"]:
                importlib.import_module(module)
            elif importlib.util.find_spec(module) is None:
                kind, message = "ModuleNotFoundError", f"No module named '{module}'"
        except BaseException as error:
            # Any module may raise anything, SystemExit included.
            kind, message = type(error).__name__, str(error)
        line = MARK.decode() + json.dumps([module, kind, message])
        # Past what the module may have done to sys.stdout.
        os.write(1, f"\n{line}\n".encode())


if __name__ == "__main__":
    import sys

    main(sys.argv[1])
