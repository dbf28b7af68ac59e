"""JSON with comments and trailing commas, parsed with the line of every key, for messages that point at it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

KeyPath = tuple[str | int, ...]

_MAX_DEPTH = 100
_SPACE_AND_COMMENTS = re.compile(r"(?:[ \t\r\n]+|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"')
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None}
_WORD = re.compile(r"[A-Za-z_]\w*")


class JsoncError(Exception):
    """The text is not JSON; `line` counts from 1, `remedy` is what to do."""

    def __init__(self, what: str, line: int, remedy: str) -> None:
        self.what, self.line, self.remedy = what, line, remedy
        super().__init__(f"line {line}: {what}; {remedy}")


@dataclass(frozen=True, slots=True)
class Located:
    """A parsed text: its value and the line (from 1) on which each key path stands."""

    value: Any
    lines: dict[KeyPath, int]


def parse_jsonc(text: str) -> Located:
    """Parse a whole text. Comments and trailing commas are allowed; duplicate keys, NaN and infinity are errors.

    Raises `JsoncError` with the line.
    """
    scanner = _Scanner(text)
    value = scanner.value((), 0)
    scanner.skip()
    if scanner.at < len(text):
        raise scanner.error("text follows the end of the JSON value", "keep one JSON object in the file")
    return Located(value, scanner.lines)


class _Scanner:
    """A position in the text, and the lines found so far."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.lines: dict[KeyPath, int] = {}
        self._line, self._counted_to = 1, 0

    def line(self) -> int:
        """Line of the current position; positions only grow, so newlines are counted once."""
        self._line += self.text.count("\n", self._counted_to, self.at)
        self._counted_to = self.at
        return self._line

    def error(self, what: str, remedy: str) -> JsoncError:
        """The error at the current position."""
        return JsoncError(what, self.line(), remedy)

    def skip(self) -> None:
        """Pass over white space and comments."""
        found = _SPACE_AND_COMMENTS.match(self.text, self.at)
        self.at = found.end() if found else self.at
        if self.text.startswith("/*", self.at):
            raise self.error("the comment opened here is never closed", "close it with */")

    def value(self, path: KeyPath, depth: int) -> Any:
        """The value at the current position."""
        self.skip()
        if depth > _MAX_DEPTH:
            raise self.error(f"the JSON is nested deeper than {_MAX_DEPTH} levels", "flatten it")
        self.lines.setdefault(path, self.line())
        character = self.text[self.at : self.at + 1]
        if character == "{":
            return self._object(path, depth)
        if character == "[":
            return self._array(path, depth)
        if character == '"':
            return self._string()
        if number := _NUMBER.match(self.text, self.at):
            self.at = number.end()
            return self._number(number.group())
        return self._word(character)

    def _word(self, character: str) -> Any:
        word = _WORD.match(self.text, self.at)
        if word and word.group() in _WORDS:
            self.at = word.end()
            return _WORDS[word.group()]
        if not character:
            raise self.error("the file ends where a value should stand", "complete the JSON")
        seen = word.group() if word else character
        raise self.error(
            f"`{seen[:40]}` is no JSON value", "write texts in double quotes, and true, false or null in lower case"
        )

    def _number(self, digits: str) -> int | float:
        if len(digits) > 400:
            raise self.error(f"a number of {len(digits)} digits", "write a smaller number")
        if digits.lstrip("-").isdigit():
            return int(digits)
        number = float(digits)
        if number in (float("inf"), float("-inf")):
            raise self.error(f"the number {digits} is too large", "write a smaller number")
        return number

    def _string(self) -> str:
        found = _STRING.match(self.text, self.at)
        if found is None:
            raise self.error("a text is not closed on its line", 'close it with "; a line break inside is written \\n')
        try:
            text = json.loads(found.group())
            text.encode()
        except (ValueError, UnicodeEncodeError):
            raise self.error(f"the text {found.group()[:40]} has a wrong escape", "write a backslash as \\\\") from None
        self.at = found.end()
        return text

    def _object(self, path: KeyPath, depth: int) -> dict[str, Any]:
        self.at += 1
        result: dict[str, Any] = {}
        while not self._closed("}"):
            if self.text[self.at] != '"':
                raise self.error(
                    f"`{self.text[self.at]}` stands where a key should begin", "write keys in double quotes"
                )
            key_line = self.line()
            key = self._string()
            if key in result:
                raise JsoncError(
                    f"the key `{'.'.join(map(str, (*path, key)))}` stood already on line {self.lines[(*path, key)]}",
                    key_line,
                    "keep one of the two",
                )
            self.lines[(*path, key)] = key_line
            self.skip()
            if self.text[self.at : self.at + 1] != ":":
                raise self.error(f"no colon follows the key `{key}`", 'write it as "key": value')
            self.at += 1
            result[key] = self.value((*path, key), depth + 1)
            self._comma("}")
        return result

    def _array(self, path: KeyPath, depth: int) -> list[Any]:
        self.at += 1
        result: list[Any] = []
        while not self._closed("]"):
            result.append(self.value((*path, len(result)), depth + 1))
            self._comma("]")
        return result

    def _closed(self, bracket: str) -> bool:
        """Did the object or array end here? Else the position is on its next item."""
        self.skip()
        if self.at >= len(self.text):
            raise self.error(f"the file ends before a `{bracket}`", "complete the JSON")
        if self.text[self.at] != bracket:
            return False
        self.at += 1
        return True

    def _comma(self, bracket: str) -> None:
        """A comma, unless the object or array ends."""
        self.skip()
        if self.text[self.at : self.at + 1] == ",":
            self.at += 1
        elif self.at < len(self.text) and self.text[self.at] != bracket:
            raise self.error(f"`{self.text[self.at]}` stands where a comma or `{bracket}` should", "add the comma")
