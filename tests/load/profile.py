"""How long the load goes on and from which seed: one seed draws the same calls again."""

import os
import secrets

SECONDS = float(os.environ.get("HEDDLE_LOAD_SECONDS") or 30)
SEED = os.environ.get("HEDDLE_LOAD_SEED") or secrets.token_hex(4)
CALLERS_OF_GOOD = 4
CALLERS_OF_HARM = 12
"""Callers that wait for nothing: each asks again as soon as it is answered."""
WALL_SECONDS = 2.0
"""What one call may run; it may be killed a moment later."""
GOOD_SECONDS = 10.0
"""What a good call may take while the sandbox is full of harm."""
CALL_SECONDS = 30.0
"""What any call may take, its wait for a place included."""
