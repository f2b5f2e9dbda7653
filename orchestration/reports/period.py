"""The calendar month a report is about."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date, datetime

MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_PERIOD = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")


def day_text(day: date) -> str:
    """A date in words, the same on every machine: 3 October 2026."""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def moment_text(moment: datetime) -> str:
    """A moment (UTC) in words to the minute."""
    return f"{day_text(moment.date())}, {moment:%H:%M} UTC"


@dataclass(frozen=True, slots=True)
class Period:
    """A calendar month in UTC; both days belong to it."""

    start: date
    end: date

    @classmethod
    def parse(cls, text: str) -> Period:
        """The month written as ``YYYY-MM``. Raises ``ValueError`` for anything else."""
        match = _PERIOD.fullmatch(text)
        if match is None or match[1] == "0000":
            raise ValueError(f"{text!r} is not a month; write it as YYYY-MM, for example 2026-10")
        year, month = int(match[1]), int(match[2])
        return cls(date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1]))

    @property
    def name(self) -> str:
        """The month as ``YYYY-MM``."""
        return f"{self.start:%Y-%m}"

    @property
    def title(self) -> str:
        """The month in words: October 2026."""
        return f"{MONTHS[self.start.month - 1]} {self.start.year}"

    @property
    def days(self) -> int:
        """Number of days."""
        return self.end.day
