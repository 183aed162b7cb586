"""From a rule's text to its tree: `right_hand:hold for 0.3 s AND NOT object:cup`.

    sequence := span {"then" span ["within" SECONDS "s"]}        grouped from the left
    span     := choice [("while" | "until") choice]
    choice   := joint {"OR" joint}
    joint    := lasting {"AND" lasting}
    lasting  := single ["for" SECONDS "s"]
    single   := "NOT" single | "(" sequence ")" | PREDICATE

Words of the language may be written in any case. A predicate is "part:state" of letters, digits, "_" and "-".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from difflib import get_close_matches

from geometry import InputError
from perception.behavior.reasoning.expression import Expression, Operator

DEFAULT_PAUSE_S = 5.0
"""Longest time between the parts of `then` where no `within` is written, seconds."""

_TOKEN = re.compile(r"\s*(?:([A-Za-z_]\w*:[\w-]+)|(\d+(?:\.\d*)?|\.\d+)|([A-Za-z_][\w-]*)|([()]))")
_WORDS = {"and", "or", "not", "for", "then", "within", "while", "until", "s"}
_DEEPEST = 50
"""Nested brackets and NOTs that a condition may have; more is a mistake, and would exhaust the stack."""


def parse_condition(text: str, predicates: Collection[str] | None = None, where: str = "condition") -> Expression:
    """Read one condition.

    Args:
        text: what the rule says.
        predicates: names that it may use; None allows all.
        where: who asks, such as the rule's name; begins the message of an error.
    Raises:
        InputError: one line that says what is wrong, and for an unknown name which ones are valid.
    """
    reader = _Reader(_tokens(text, where), text, where)
    found = reader.sequence()
    if reader.next_word():
        raise reader.fault("the end, AND, OR, then, while, until or for")
    if predicates is not None:
        for name, _ in found.literals():
            if name not in predicates:
                raise _unknown(name, predicates, where)
    return found


def _tokens(text: str, where: str) -> list[str]:
    tokens, at = [], 0
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise InputError(
                where,
                expected='predicates such as "right_hand:hold" joined by AND, OR, NOT, then, while, until, for',
                got=f"{text[at:].strip()[:20]!r} in {text!r}",
            )
        token = match.group().strip()
        tokens.append(token.lower() if token.lower() in _WORDS else token)
        at = match.end()
    return tokens


def _unknown(name: str, predicates: Collection[str], where: str) -> InputError:
    close = get_close_matches(name, predicates, n=3, cutoff=0.6)
    part = name.split(":")[0]
    siblings = [known for known in predicates if known.split(":")[0] == part]
    parts = sorted({known.split(":")[0] for known in predicates})
    valid = f"{part}: knows {', '.join(s.split(':')[1] for s in siblings)}" if siblings else f"parts {', '.join(parts)}"
    hint = f"did you mean {' or '.join(close)}? " if close else ""
    return InputError(where, expected="a known predicate", got=f"{name!r}", remedy=f"{hint}{valid}")


class _Reader:
    """Recursive descent over the tokens, one method for each line of the grammar."""

    def __init__(self, tokens: list[str], text: str, where: str) -> None:
        self._tokens, self._text, self._where = tokens, text, where
        self._at, self._depth = 0, 0

    def next_word(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def fault(self, expected: str) -> InputError:
        got = f"{self.next_word()!r}" if self.next_word() else "the end"
        return InputError(self._where, expected=expected, got=f"{got} in {self._text!r}")

    def took(self, *words: str) -> str:
        word = self.next_word()
        if word and word in words:
            self._at += 1
            return word
        return ""

    def sequence(self) -> Expression:
        found = self.span()
        while self.took("then"):
            after = self.span()
            pause_s = self.seconds() if self.took("within") else DEFAULT_PAUSE_S
            found = Expression(Operator.THEN, (found, after), seconds=pause_s)
        return found

    def span(self) -> Expression:
        found = self.choice()
        word = self.took("while", "until")
        return Expression(Operator(word), (found, self.choice())) if word else found

    def choice(self) -> Expression:
        return self.joined("or", self.joint)

    def joint(self) -> Expression:
        return self.joined("and", self.lasting)

    def joined(self, word: str, part: Callable[[], Expression]) -> Expression:
        parts = [part()]
        while self.took(word):
            parts.append(part())
        return parts[0] if len(parts) == 1 else Expression(Operator(word.upper()), tuple(parts))

    def lasting(self) -> Expression:
        found = self.single()
        return Expression(Operator.FOR, (found,), seconds=self.seconds()) if self.took("for") else found

    def seconds(self) -> float:
        word = self.next_word()
        number = float(word) if word[:1].isdigit() or word[:1] == "." else 0.0
        if number <= 0.0:
            raise self.fault('a number of seconds above 0, such as "0.5 s"')
        self._at += 1
        if not self.took("s"):
            raise self.fault('"s" for seconds after the number')
        return number

    def single(self) -> Expression:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self.fault(f"at most {_DEEPEST} nested brackets")
        try:
            return self.one()
        finally:
            self._depth -= 1

    def one(self) -> Expression:
        if self.took("not"):
            return Expression(Operator.NOT, (self.single(),))
        if self.took("("):
            found = self.sequence()
            if not self.took(")"):
                raise self.fault('")"')
            return found
        if ":" not in self.next_word():
            raise self.fault('a predicate such as "right_hand:hold", NOT or "("')
        self._at += 1
        return Expression(Operator.IS, name=self._tokens[self._at - 1])
