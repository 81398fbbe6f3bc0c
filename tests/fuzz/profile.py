"""How long the doors are fuzzed and from which seed: one seed draws the same requests again."""

import os
import secrets

SECONDS = float(os.environ.get("HEDDLE_FUZZ_SECONDS") or 60)
SEED = int(os.environ.get("HEDDLE_FUZZ_SEED") or secrets.randbits(32))
EXAMPLES = 5
"""Requests of one kind to one operation before the next one has its turn."""
ANSWER_SECONDS = 30.0
"""No answer may take longer, whatever was asked."""
