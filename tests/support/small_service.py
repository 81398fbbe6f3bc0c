"""A service that only answers /readyz: what the supervisor needs to see of one.

Argument: its name. Listens on HEDDLE_<NAME>_PORT. Ends at once when
SMALL_SERVICE_CRASHES names it, and as one that cannot start when SMALL_SERVICE_REFUSES does.
"""

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

from libs.common.exit_status import CANNOT_START


class _Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/readyz" else 404)
        self.end_headers()


def main(name: str) -> None:
    """Serve until killed."""
    if os.environ.get("SMALL_SERVICE_CRASHES") == name:
        sys.exit("it was asked to")
    if os.environ.get("SMALL_SERVICE_REFUSES") == name:
        refusal = {"event": "cannot_start", "error": "HEDDLE_THIS is wrong. Correct it."}
        sys.stderr.write(f"{json.dumps(refusal)}\n{json.dumps({'event': 'stopped'})}\n")
        sys.exit(CANNOT_START)
    HTTPServer(
        ("127.0.0.1", int(os.environ[f"HEDDLE_{name.upper()}_PORT"])), _Answer
    ).serve_forever()


if __name__ == "__main__":
    main(sys.argv[1])
