"""Text of recordings, and numbers in it, with errors that name the file and the line."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from geometry import InputError


def read_text(path: Path) -> str:
    """The file as text.

    Raises:
        InputError: if it cannot be read or is not text.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(str(path), expected="a readable file", got=error.strerror or str(error)) from None
    except UnicodeDecodeError:
        raise InputError(str(path), expected="a text file", got="bytes that are no text") from None
    if "\0" in text:
        raise InputError(str(path), expected="a text file", got="bytes that are no text")
    return text


def to_numbers(words: Iterable[str], where: str, *, finite: bool = True) -> list[float]:
    """Words as numbers.

    Raises:
        InputError: at the first that is none; with `finite` also at NaN and infinity.
    """
    numbers = []
    for word in words:
        try:
            number = float(word)
        except ValueError:
            raise InputError(where, expected="numbers", got=repr(word[:40])) from None
        if finite and not abs(number) < float("inf"):
            raise InputError(where, expected="finite numbers", got=repr(word[:40]))
        numbers.append(number)
    return numbers
