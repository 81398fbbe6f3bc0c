"""What a service's exit status says to whoever started it."""

CANNOT_START = 78
"""Its environment must be changed first (EX_CONFIG of sysexits.h). The log's last `cannot_start`
says what."""
