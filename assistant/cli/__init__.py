"""The command line. One module for each group of commands; heavy imports inside the commands.

Standard output carries the answer and nothing else; progress, remarks and errors go to standard
error.
"""

import os
import sys


def main() -> None:
    """Run the command line and exit with one of `assistant.errors.ExitCode`."""
    # Settings here have no plugins, and looking for some reads what every package says of itself.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    from assistant.cli.app import app
    from assistant.errors import AssistantError, Cancelled, ExitCode

    try:
        app()
    except (KeyboardInterrupt, Cancelled):
        sys.exit(ExitCode.INTERRUPTED)
    except AssistantError as error:
        print(f"assistant: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
