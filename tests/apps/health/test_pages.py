"""Test the parts of the pages that need no chain: links, sessions, forms, words, descriptions."""

import re
import string
import tomllib
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment, PackageLoader, StrictUndefined

from tests.apps.health.samples import one_of_each_type
from trine.apps.health import codes
from trine.apps.health.consent import Reason
from trine.apps.health.events import Kind
from trine.apps.health.generator import generate
from trine.apps.health.pages import clinician, links, patient, regulator, sessions
from trine.apps.health.pages.describe import LINES_MAX, TEXT_CHARACTERS_MAX, describe
from trine.apps.health.pages.forms import FIELDS_MAX, read_form
from trine.apps.health.pages.links import LINK_MS_MAX, Links
from trine.apps.health.pages.sessions import (
    IDLE_MS_MAX,
    SESSION_MS_MAX,
    SESSIONS_OF_ONE_MAX,
    PageRole,
    Sessions,
    Visitor,
)
from trine.apps.health.pages.words import LANGUAGES, choose, speech_of
from trine.apps.health.store import FolderStore
from trine.errors import CannotReachNode
from trine.errors.pages import FormNotOurs, FormTooLarge, LinkSpent, TooManySessions

PAGES = files("trine.apps.health.pages")
DOCTOR = Visitor("account:dr-li", "Dr. Li", frozenset({PageRole.CLINICIAN}))


class Clock:
    """A clock that is set by hand."""

    now_ms = 1_800_000_000_000

    def __call__(self) -> int:
        """Unix time in milliseconds."""
        return self.now_ms


@pytest.fixture
def clock() -> Clock:
    """A clock."""
    return Clock()


def test_a_link_works_once_and_for_a_time(tmp_path: Path, clock: Clock) -> None:
    """Goal: a link that was used, is old or was never made lets nobody in.

    Method: each of them, at the last millisecond and one past it, over two programs' stores; the
    store holds no token, only its hash.
    """
    mine, other = (Links(FolderStore(tmp_path), clock) for _ in range(2))
    token = mine.make("account:dr-li")
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert token.encode() not in content
    assert links.hash_of(token).encode() in content
    for wrong in ("", "x", token[:-1], token + "x" * 100):
        with pytest.raises(LinkSpent):
            other.redeem(wrong)
    assert other.redeem(token) == "account:dr-li"
    for one in (mine, other):
        with pytest.raises(LinkSpent):
            one.redeem(token)
    last, late = mine.make("patient:p-1"), mine.make("patient:p-2")
    clock.now_ms += LINK_MS_MAX
    assert mine.redeem(last) == "patient:p-1"
    clock.now_ms += 1
    with pytest.raises(LinkSpent):
        mine.redeem(late)


def test_links_that_wait_are_limited(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Goal: links do not fill the store. Method: one past the limit; old ones are forgotten."""
    monkeypatch.setattr(links, "LINKS_MAX", 2)
    made = Links(FolderStore(tmp_path), clock)
    for _ in range(2):
        made.make("account:dr-li")
    with pytest.raises(TooManySessions):
        made.make("account:dr-li")
    clock.now_ms += LINK_MS_MAX + 1
    assert made.redeem(made.make("account:dr-wang")) == "account:dr-wang"


def test_sessions_end(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Goal: nobody stays signed in for good. Method: idle, old, signed out, too many, each by one.

    A cookie that is altered finds nothing.
    """
    known = Sessions(clock)
    cookie = known.begin(DOCTOR)
    clock.now_ms += IDLE_MS_MAX
    assert known.find(cookie) is not None
    assert known.find(cookie[:-1]) is None
    clock.now_ms += IDLE_MS_MAX + 1
    assert known.find(cookie) is None
    cookie = known.begin(DOCTOR)
    for _ in range(SESSION_MS_MAX // IDLE_MS_MAX):
        clock.now_ms += IDLE_MS_MAX
        assert known.find(cookie) is not None
    clock.now_ms += 1
    assert known.find(cookie) is None
    cookies = [known.begin(DOCTOR) for _ in range(SESSIONS_OF_ONE_MAX + 1)]
    assert [known.find(one) is not None for one in cookies] == [False] + [True] * (
        SESSIONS_OF_ONE_MAX
    )
    known.end(cookies[1])
    assert known.find(cookies[1]) is None
    monkeypatch.setattr(sessions, "SESSIONS_MAX", 2)
    with pytest.raises(TooManySessions):
        known.begin(Visitor("regulator:x", "x", frozenset({PageRole.REGULATOR})))


def test_a_form_needs_the_token_of_its_session(clock: Clock) -> None:
    """Goal: other sites cannot send forms. Method: no token, another session's, a prefix, ours."""
    known = Sessions(clock)
    mine, other = (known.find(known.begin(DOCTOR)) for _ in range(2))
    assert mine is not None
    assert other is not None
    for wrong in ("", other.form_token, mine.form_token[:-1], "é"):
        with pytest.raises(FormNotOurs):
            mine.check_form(wrong)
    mine.check_form(mine.form_token)
    assert mine.form_token not in repr(mine.visitor)


@given(st.lists(st.tuples(st.text(max_size=20), st.text(max_size=20)), max_size=20))
def test_forms_are_read_as_they_were_written(fields: list[tuple[str, str]]) -> None:
    """Goal: nothing is lost or cut. Method: encode any fields as browsers do, read them back."""
    from urllib.parse import urlencode

    assert list(read_form(urlencode(fields).encode()).fields) == fields


@pytest.mark.parametrize("body", [b"&".join([b"a=b"] * (FIELDS_MAX + 1)), b"a=%ff", "a=é".encode()])
def test_forms_that_are_none_are_refused(body: bytes) -> None:
    """Goal: a coded refusal. Method: too many fields, bytes that are no UTF-8, no ASCII."""
    with pytest.raises(FormTooLarge):
        read_form(body)


def test_the_picture_has_every_month() -> None:
    """Goal: a quiet month is a gap, not left out. Method: events over the turn of a year, many
    years, one month; bars stand on the base, and the highest one fills the picture."""
    for months, expected in (
        (["2026-11", "2027-02"], ["2026-11", "2026-12", "2027-01", "2027-02"]),
        (
            ["2020-01", "2027-02"],
            [f"2026-{one:02}" for one in range(3, 13)] + ["2027-01", "2027-02"],
        ),
        (["2026-11"], ["2026-11"]),
    ):
        totals = {(Kind.ACCESS, "TREAT", month): 3 for month in months}
        totals[Kind.REFUSAL, "TREAT", months[0]] = 1
        totals[Kind.REFUSAL, "TREAT", months[-1]] = 2
        bars = regulator._bars(totals)
        assert [one.month for one in bars] == expected
        assert bars[-1].total == 5
        assert min(one.refused_y for one in bars) == regulator.BASE_Y - regulator.BAR_HEIGHT_MAX
        for one in bars:
            assert one.access_y + one.access_height == pytest.approx(regulator.BASE_Y)
            assert one.refused_y + one.refused_height == pytest.approx(one.access_y)


def _words(language: str) -> dict[str, dict[str, str]]:
    return tomllib.loads(PAGES.joinpath("words", f"{language}.toml").read_text("utf-8"))


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_say_the_same() -> None:
    """Goal: no page lacks a text. Method: same names, same values in each; every code is named."""
    english, chinese = _words("en"), _words("zh")
    assert {name: set(table) for name, table in english.items()} == {
        name: set(table) for name, table in chinese.items()
    }
    for name, text in english["say"].items():
        assert _fields(text) == _fields(chinese["say"][name]), name
    for words in (english, chinese):
        assert set(map(str, Kind)) == set(words["kinds"])
        assert set(map(str, Reason)) <= set(words["reasons"])
        assert set(map(str, PageRole)) == set(words["roles"])
        assert set(words["purposes"]) <= codes.PURPOSES
        assert {*clinician.PURPOSES, *patient.PURPOSES} <= set(words["purposes"])
        assert set(patient.TYPES) <= set(words["types"])


def _sources() -> Iterator[tuple[str, str]]:
    for folder in ("", "templates"):
        for path in PAGES.joinpath(folder).iterdir():
            if path.name.endswith((".py", ".html")):
                yield path.name, path.read_text("utf-8")


def test_pages_say_only_what_there_is() -> None:
    """Goal: no unknown text, none that nobody says. Method: names in templates and code."""
    said, known = set[str](), _words("en")["say"]
    for _, text in _sources():
        said |= set(re.findall(r"""\bsay\(\s*["'](\w+)["']""", text))
        said |= set(re.findall(r"""\bfigure\(["'](\w+)["']""", text))
        said |= set(re.findall(r"""\("\w+", "/\w+", "(\w+)"\)""", text))
    said |= {"justified", "unjustified"}
    assert said - set(known) == set()
    assert set(known) - said == set()


def test_templates_escape_by_themselves() -> None:
    """Goal: no text becomes markup. Method: no template turns escaping off or marks text safe."""
    for name, text in _sources():
        if name.endswith(".html"):
            assert not re.search(r"\|\s*safe|autoescape|Markup|<script|style=|\son\w+=", text), name
            Environment(
                loader=PackageLoader("trine.apps.health.pages"), undefined=StrictUndefined
            ).get_template(name)


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_that_ask_for_patience_say_what_to_do(language: str) -> None:
    """Goal: whoever has to wait knows why and for what. Method: both pages as a visitor gets them,
    with the numbers in them; one looks again by itself, the other has a link."""
    loader = PackageLoader("trine.apps.health.pages")
    templates = Environment(loader=loader, undefined=StrictUndefined, autoescape=True)
    speech = speech_of(language, ZoneInfo("UTC"))
    visit = SimpleNamespace(request=SimpleNamespace(method="GET"))
    known = {"speech": speech, "say": speech.say, "visit": visit, "session": None, "flash": ""}
    known |= {"path": "/oversight", "custodian": "city"}
    reading = templates.get_template("reading.html").render(**known, done=1_234, count=100_000)
    assert "1,234" in reading
    assert "100,000" in reading
    assert '<meta http-equiv="refresh" content="3">' in reading
    error = CannotReachNode("no node answers (http://10.0.0.1)")
    for is_form in (False, True):
        values = {"error": error, "is_form": is_form, "again": "/consents?page=2"}
        away = templates.get_template("away.html").render(**known, **values)
        assert 'href="/consents?page=2"' in away
        assert speech.say("away_form" if is_form else "away_page") in away
        assert "cannot_reach_node" in away
        assert "10.0.0.1" not in away


def test_colours_are_those_of_the_status_page() -> None:
    """Goal: one look. Method: the colours of this style are those of the node's, name by name."""
    root = Path(__file__).parents[3]
    node = root / "crates" / "node" / "src" / "page" / "style.css"
    pattern = re.compile(r"(--[a-z-]+): ([^;]+);")
    mine = pattern.findall(PAGES.joinpath("static", "style.css").read_text("utf-8"))
    assert mine == pattern.findall(node.read_text("utf-8"))


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("zh", "zh"),
        ("zh-Hant-TW, en;q=0.1", "zh"),
        ("en;q=0.5, zh;q=0.9", "zh"),
        ("fr, de;q=0.9", "en"),
        ("zh;q=0, en", "en"),
        ("*;;;,,, q=x", "en"),
        ("zh" * 1_000, "en"),
    ],
)
def test_the_language_is_that_of_the_browser(header: str, language: str) -> None:
    """Goal: no switch needed. Method: headers as browsers send them, and junk."""
    assert choose(header) == language


def test_dates_are_written_as_each_language_does() -> None:
    """Goal: dates are right, as precise as they are. Method: FHIR's forms, another zone, junk."""
    zone = ZoneInfo("Asia/Shanghai")
    english, chinese = (speech_of(name, zone) for name in LANGUAGES)
    for text, in_english, in_chinese in (
        ("2026", "2026", "2026"),
        ("2026-11", "Nov 2026", "2026年11月"),
        ("2026-11-27", "27 Nov 2026", "2026年11月27日"),
        ("2026-11-27T20:30:00Z", "28 Nov 2026, 04:30", "2026年11月28日 04:30"),
        ("2026-11-27T20:30:00+08:00", "27 Nov 2026, 20:30", "2026年11月27日 20:30"),
        ("2026-13", "2026-13", "2026-13"),
        ("2026-02-30", "2026-02-30", "2026-02-30"),
        ("<b>", "<b>", "<b>"),
        ("", "", ""),
    ):
        assert english.when(text) == in_english
        assert chinese.when(text) == in_chinese
    assert english.number(1_234_567) == "1,234,567"
    assert english.moment(10**30).endswith(" ms")


def test_generated_records_are_described() -> None:
    """Goal: the usual types are readable. Method: each has a title, and what it is about.

    A measurement shows value and unit with the digits it has, a diagnosis its codes.
    """
    found: dict[str, int] = {}
    for resource, _ in zip(generate(3), range(2_000), strict=False):
        described = describe(resource)
        type_name = resource["resourceType"]
        found[type_name] = found.get(type_name, 0) + 1
        assert described.title
        if "valueQuantity" in resource:
            quantity = resource["valueQuantity"]
            shown = f"{quantity['value']} {quantity['unit']}"
            assert described.lines[0].texts == (shown,)
            assert described.codes == (f"LOINC {resource['code']['coding'][0]['code']}",)
            assert described.when == resource["effectiveDateTime"]
        if "component" in resource:
            assert sum(bool(line.label) for line in described.lines) == len(resource["component"])
        if type_name == "Condition":
            assert any(code.startswith("ICD-10 ") for code in described.codes)
    assert {"Observation", "Condition", "MedicationRequest", "Patient", "Encounter"} <= found.keys()


def test_every_type_of_the_bundles_is_described() -> None:
    """Goal: no record breaks a page. Method: one of each type of the Synthea bundles."""
    for resource in one_of_each_type():
        described = describe(resource)
        assert described.title, resource["resourceType"]
        assert len(described.lines) <= LINES_MAX


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["text", "coding", "code", "display", "value", "unit", "low", "high", "start",
                 "end", "given", "family", "line", "reference", "actor"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)  # fmt: skip


@given(
    st.dictionaries(
        st.sampled_from(
            ["code", "valueQuantity", "valueString", "component", "name", "period", "address",
             "performer", "referenceRange", "status", "category", "type", "effectiveDateTime",
             "dosageInstruction", "total", "identifier", "class"]
        ),
        JSON,
        max_size=8,
    )
)  # fmt: skip
def test_nothing_breaks_a_description(resource: dict[str, object]) -> None:
    """Goal: a page for whatever was sealed. Method: any JSON in the places that are read."""
    described = describe({"resourceType": "Observation", **resource})
    texts = [text for line in described.lines for text in line.texts]
    assert all(len(text) <= TEXT_CHARACTERS_MAX for text in texts)
    assert described.title
