"""How Heddle is run: on one machine, and in a cluster."""
