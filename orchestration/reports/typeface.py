"""The font of the report: where it lies and which characters it can show.

Belongs here: the vendored font files. Does not belong here: fonts of the machine, which are
never used, so that a report looks and measures the same everywhere.
"""

from __future__ import annotations

import struct
from functools import cache
from pathlib import Path

FONT_DIR = Path(__file__).parent / "fonts"
FAMILY = "DejaVu Sans"
REPLACEMENT = "\ufffd"


@cache
def covered_characters() -> frozenset[int]:
    """Code points with a glyph in every face."""
    faces = [_code_points(path.read_bytes()) for path in sorted(FONT_DIR.glob("*.ttf"))]
    return frozenset.intersection(*faces)


def printable(text: str) -> str:
    """``text`` with characters the font cannot show replaced by U+FFFD.

    A conforming PDF may hold no character without a glyph; the CSV keeps the original text.
    """
    covered = covered_characters()
    return "".join(
        c if ord(c) in covered and c.isprintable() else " " if c.isspace() else REPLACEMENT
        for c in text
    )


def shortened(text: str, length: int) -> str:
    """Printable text of at most ``length`` characters, cut in the middle."""
    text = printable(text)
    if len(text) <= length:
        return text
    tail = (length - 1) // 2
    return f"{text[: length - 1 - tail]}…{text[-tail:]}"


def _code_points(font: bytes) -> frozenset[int]:
    """Code points in the format 12 (full Unicode) character map of a TrueType font."""
    (tables,) = struct.unpack_from(">H", font, 4)
    for index in range(tables):
        tag, _sum, offset, _length = struct.unpack_from(">4sLLL", font, 12 + 16 * index)
        if tag == b"cmap":
            return _character_map(font, offset)
    raise ValueError("the font has no character map")


def _character_map(font: bytes, start: int) -> frozenset[int]:
    (maps,) = struct.unpack_from(">H", font, start + 2)
    for index in range(maps):
        _platform, _encoding, offset = struct.unpack_from(">HHL", font, start + 4 + 8 * index)
        (kind,) = struct.unpack_from(">H", font, start + offset)
        if kind == 12:
            (groups,) = struct.unpack_from(">L", font, start + offset + 12)
            spans = struct.iter_unpack(
                ">LLL", font[start + offset + 16 : start + offset + 16 + 12 * groups]
            )
            return frozenset(c for first, last, _glyph in spans for c in range(first, last + 1))
    raise ValueError("the font has no full Unicode character map")
