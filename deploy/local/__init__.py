"""The embedded stack: real servers from wheels and the four services, under one supervisor."""
