"""Say things in English and Chinese: texts, dates, numbers, names of codes.

>>> from zoneinfo import ZoneInfo
>>> english, chinese = (speech_of(name, ZoneInfo("UTC")) for name in ("en", "zh"))
>>> english.moment(1_800_000_000_000), chinese.moment(1_800_000_000_000)
('15 Jan 2027, 08:00', '2027年1月15日 08:00')
>>> english.say("found_none", query="Li")[:26]
'No patient found for “Li”.'
>>> choose("zh-CN,zh;q=0.9,en;q=0.8"), choose("de, en-GB;q=0.5"), choose("")
('zh', 'en', 'en')
"""

import re
import tomllib
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from importlib.resources import files
from typing import Final
from zoneinfo import ZoneInfo

LANGUAGES: Final = {"en": "en", "zh": "zh-CN"}
"""Languages of the pages, with the tag of each (RFC 5646)."""
HEADER_CHARACTERS_MAX: Final = 400
"""Characters of `Accept-Language` that are looked at."""
_MONTHS: Final = (
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
)  # fmt: skip
_PARTIAL: Final = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?").fullmatch


def choose(header: str) -> str:
    """Choose a language by `Accept-Language` (RFC 9110, section 12.5.4); English without one."""
    asked: list[tuple[float, str]] = []
    for part in header[:HEADER_CHARACTERS_MAX].split(","):
        tag, _, weight = part.strip().partition(";")
        found = re.fullmatch(r"\s*q=([01](?:\.\d{0,3})?)\s*", weight)
        asked.append((float(found[1]) if found else 1.0, tag.lower().partition("-")[0]))
    for preference, name in sorted(asked, key=lambda one: -one[0]):
        if name in LANGUAGES and preference > 0:
            return name
    return "en"


@cache
def _texts(language: str) -> dict[str, dict[str, str]]:
    place = files("trine.apps.health.pages").joinpath("words").joinpath(f"{language}.toml")
    return tomllib.loads(place.read_text("utf-8"))


@dataclass(frozen=True, slots=True)
class Speech:
    """One language, with the zone of its times."""

    language: str
    zone: ZoneInfo

    @property
    def tag(self) -> str:
        """The language as HTML names it."""
        return LANGUAGES[self.language]

    @property
    def other(self) -> str:
        """The language to switch to."""
        return "zh" if self.language == "en" else "en"

    def say(self, name: str, /, **values: object) -> str:
        """Return a text with its values in it."""
        shown = {key: self.number(one) if type(one) is int else one for key, one in values.items()}
        return _texts(self.language)["say"][name].format_map(shown)

    def named(self, table: str, code: str) -> str:
        """Return the name of a code of a table; the code itself where it has none."""
        return _texts(self.language)[table].get(code, code)

    def knows(self, table: str, code: str) -> bool:
        """Say whether a code has a name."""
        return code in _texts(self.language)[table]

    def codes(self, table: str) -> list[str]:
        """List the codes of a table."""
        return list(_texts(self.language)[table])

    def number(self, value: int) -> str:
        """Write a number; both languages group by thousands on a screen."""
        return f"{value:,}"

    def day(self, when: date) -> str:
        """Write a day."""
        if self.language == "zh":
            return f"{when.year}年{when.month}月{when.day}日"
        return f"{when.day} {_MONTHS[when.month - 1]} {when.year}"

    def month(self, text: str) -> str:
        """Write a month such as `2026-11`."""
        year, number = int(text[:4]), int(text[5:7])
        return f"{year}年{number}月" if self.language == "zh" else f"{_MONTHS[number - 1]} {year}"

    def moment(self, time_ms: int) -> str:
        """Write a moment of Unix time in milliseconds, to the minute."""
        try:
            when = datetime.fromtimestamp(time_ms / 1_000, UTC).astimezone(self.zone)
        except (OverflowError, ValueError, OSError):
            return f"{time_ms} ms"
        return self._moment(when)

    def when(self, text: str) -> str:
        """Write a date or time of FHIR as precise as it is; what is none stays as it is."""
        if found := _PARTIAL(text):
            year, month, day = found.groups()
            try:
                if day:
                    return self.day(date(int(year), int(month), int(day)))
                return self.month(text) if month and 1 <= int(month) <= len(_MONTHS) else text
            except ValueError:
                return text
        try:
            when = datetime.fromisoformat(text)
            return self._moment(when.astimezone(self.zone)) if when.tzinfo else text
        except (ValueError, OverflowError):
            return text

    def _moment(self, when: datetime) -> str:
        comma = "" if self.language == "zh" else ","
        return f"{self.day(when.date())}{comma} {when:%H:%M}"


def speech_of(language: str, zone: ZoneInfo) -> Speech:
    """Return a language that there is, English for others."""
    return Speech(language if language in LANGUAGES else "en", zone)
