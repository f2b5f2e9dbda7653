"""Tests by room, tests across rooms, and the checks of ``make check``."""
