"""Write the report of a court pack: one page of HTML for people, in English and Chinese.

The page loads nothing, runs nothing, and prints. Every word in it follows from what was verified;
no clock is read, so that the same evidence gives the same page.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from typing import Final, NamedTuple

from cryptography.hazmat.primitives import hashes

from trine.client.verification import Trust
from trine.crypto.x509 import Certificate, MemberPath
from trine.services.evidence.pack.proving import Keys, Proven, Stamp
from trine.services.evidence.pack.words import LANGUAGES, Words

FUNCTIONS: Final = {"intl": "SHA-256", "gm": "SM3"}
"""Name of the hash function of a suite, as people write it."""
TEXT_CHARACTERS_MAX: Final = 300
"""Characters of somebody else's words that are shown."""
SIGNERS_SHOWN_MAX: Final = 20
"""Names of validators that are shown; the others are counted."""
_SECOND_MS: Final = 1_000
_UNITS: Final = ((86_400_000, "d", "天"), (3_600_000, "h", "小时"), (60_000, "min", "分钟"))

STYLE: Final = """
:root{--ink:#1c2733;--quiet:#5e6a75;--line:#d9e0e4;--pale:#f3f7f8;--accent:#0f546b;--alarm:#a3261c}
*{box-sizing:border-box}
body{margin:0;background:#fff;color:var(--ink);font:15px/1.55 "Noto Sans","Noto Sans SC",
"PingFang SC","Microsoft YaHei",system-ui,sans-serif}
main{max-width:820px;margin:0 auto;padding:34px 28px 40px;border-top:7px solid var(--accent)}
h1,h2{font-family:"Noto Serif","Noto Serif SC","Songti SC",serif;font-weight:600;line-height:1.25}
h1{font-size:32px;margin:4px 0 8px}h2{font-size:19px;color:var(--accent);margin:34px 0 12px;
padding-top:14px;border-top:1px solid var(--line)}
h3{font-size:16px;margin:0 0 8px;overflow-wrap:anywhere}
.brand{color:var(--accent);letter-spacing:.42em;font-size:12px}
.lead{font-size:17px;margin:0 0 6px;overflow-wrap:anywhere}
article{border:1px solid var(--line);border-radius:8px;padding:18px 20px;margin:14px 0;
break-inside:avoid-page}
dl{display:grid;grid-template-columns:150px 1fr;gap:5px 18px;margin:0}
dt{color:var(--quiet)}dd{margin:0;overflow-wrap:anywhere}
code,.digits{font-family:"Noto Sans Mono",ui-monospace,Menlo,Consolas,monospace;font-size:12px}
ol.steps{list-style:none;margin:14px 0 0;padding:12px 0 0;border-top:1px solid var(--line)}
ol.steps li{padding:3px 0 3px 28px;position:relative;overflow-wrap:anywhere}
ol.steps li::before{content:"\\2713";position:absolute;left:4px;color:var(--accent);font-weight:700}
ol.steps li.missing{color:var(--alarm)}
ol.steps li.missing::before{content:"\\2717";color:var(--alarm)}
.alarm{border:2px solid var(--alarm);color:var(--alarm);border-radius:8px;padding:12px 18px;
margin:18px 0}
.alarm b{display:block;font-size:17px}
pre{background:var(--pale);border-radius:6px;padding:12px 16px;overflow-x:auto;white-space:pre-wrap}
.quiet{color:var(--quiet)}li{margin:2px 0}
footer{margin-top:30px;color:var(--quiet);font-size:13px}
.choice{float:right;font-size:14px}
.choice label{cursor:pointer;color:var(--accent);margin-left:14px}
main>input{position:absolute;opacity:0}
section.text{display:none}
#en:checked~.en,#zh:checked~.zh{display:block}
#en:checked~.choice label[for=en],
#zh:checked~.choice label[for=zh]{color:var(--ink);font-weight:600}
#en:focus-visible~.choice label[for=en],
#zh:focus-visible~.choice label[for=zh]{outline:2px solid}
@media(max-width:560px){dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:8px}}
@media print{.choice{display:none}main{max-width:none;padding:0 0 20px;border-top-width:4px}
body{font-size:11.5pt}h2{break-after:avoid-page}}
"""


class Rest(NamedTuple):
    """What a pack rests on, beside its proofs: all of it comes from whoever made the pack."""

    trust: Trust
    roots: Sequence[Certificate]
    keys: Keys


@dataclass(frozen=True)
class Facts:
    """All that a report shows.

    Attributes:
        proven: What each receipt or statement proves.
        stamps: Verified timestamps over the certified headers.
        rest: Trust file, roots and keys.
        language: `en` or `zh`: the one that is shown first.
    """

    proven: Sequence[Proven]
    stamps: Sequence[Stamp]
    rest: Rest
    language: str


def write_report(facts: Facts) -> bytes:
    """Write the report."""
    texts = "".join(_text(facts, code, words) for code, words in LANGUAGES.items())
    choice = "".join(
        f'<label for="{code}" lang="{words.tag}">{words.language}</label>'
        for code, words in LANGUAGES.items()
    )
    inputs = "".join(
        f'<input type="radio" name="language" id="{code}" aria-label="{words.language}"'
        f"{' checked' if code == facts.language else ''}>"
        for code, words in LANGUAGES.items()
    )
    first = LANGUAGES[facts.language]
    page = (
        f'<!DOCTYPE html>\n<html lang="{first.tag}">\n<head>\n<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>{first.title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        f'{inputs}<div class="choice">{choice}</div>\n'
        f'<div class="brand">TRINE</div>\n{texts}</main>\n</body>\n</html>\n'
    )
    return page.encode()


def shown(text: str) -> str:
    r"""Write somebody else's words: what cannot be seen by its number, `\u{202E}`; cut."""
    seen = (one if one.isprintable() else f"\\u{{{ord(one):X}}}" for one in text)
    cut = "".join(seen)
    return escape(cut if len(cut) <= TEXT_CHARACTERS_MAX else cut[:TEXT_CHARACTERS_MAX] + "…")


def _digits(value: bytes) -> str:
    text = value.hex()
    groups = " ".join(text[first : first + 8] for first in range(0, len(text), 8))
    return f'<span class="digits">{groups}</span>'


def _text(facts: Facts, code: str, words: Words) -> str:
    """Write the whole report in one language."""
    count, chain = len(facts.proven), shown(facts.rest.trust.chain)
    lead = (words.lead if count == 1 else words.lead_many).format(count=count, chain=chain)
    stamped = {one.block for one in facts.stamps}
    alarm = ""
    if any(one.certified not in stamped for one in facts.proven):
        alarm = f'<div class="alarm"><b>{words.alarm}</b>{words.alarm_why}</div>\n'
    records = "".join(_record(facts, one, words) for one in facts.proven)
    first, *others = words.how_steps
    how = [first, words.how_issuers, *others] if facts.rest.keys.issuer_roots else words.how_steps
    steps = "".join(f"<li>{escape(step)}</li>" for step in how)
    commands = escape("\n".join(words.commands))
    limits = "".join(f"<li>{line}</li>" for line in words.limit_lines)
    return (
        f'<section class="text {code}" lang="{words.tag}">\n{alarm}<h1>{words.title}</h1>\n'
        f'<p class="lead">{lead}</p>\n<h2>{words.records}</h2>\n{records}'
        f'<h2>{words.trusted}</h2>\n<p class="quiet">{words.trusted_why}</p>\n'
        f"{_rest(facts, words)}<h2>{words.how}</h2>\n<ol>{steps}</ol>\n<pre>{commands}</pre>\n"
        f'<h2>{words.limits}</h2>\n<ul class="quiet">{limits}</ul>\n'
        f"<footer>{words.footer}</footer>\n</section>\n"
    )


def _pairs(pairs: Iterable[tuple[str, str]]) -> str:
    return "<dl>" + "".join(f"<dt>{one}</dt><dd>{two}</dd>" for one, two in pairs) + "</dl>"


def _record(facts: Facts, one: Proven, words: Words) -> str:
    function = FUNCTIONS[facts.rest.trust.suite]
    names = words.times.separator.join(map(shown, one.signers[:SIGNERS_SHOWN_MAX]))
    if len(one.signers) > SIGNERS_SHOWN_MAX:
        names += words.times.more.format(count=len(one.signers) - SIGNERS_SHOWN_MAX)
    said = words.by_nobody
    if one.said is not None:
        key = f'<span class="digits">{one.said.key.algorithm}:{one.said.key.key.hex()}</span>'
        said = words.by_issuer.format(
            issuer=shown(one.said.issuer), subject=shown(one.said.subject), key=key
        )
        if one.said.path is not None:
            said += words.by_certificate.format(**_path(one.said.path))
    time = words.times.time_words(one.time_ms)
    recorded = words.recorded_value.format(
        time=time, log=one.log, index=one.index, height=one.height
    )
    certified = words.certified_value.format(count=len(one.signers), names=names)
    pairs = (
        (words.digest.format(function=function), _digits(one.digest)),
        (words.recorded, recorded),
        (words.by, said),
        (words.certified, certified),
    )
    size = f'<span class="quiet">({words.size.format(size=one.size)})</span>'
    steps = "".join(_steps(facts, one, words))
    return (
        f"<article>\n<h3>{shown(one.name)} {size}</h3>\n{_pairs(pairs)}"
        f'<ol class="steps" aria-label="{words.steps}">{steps}</ol>\n</article>\n'
    )


def _path(path: MemberPath) -> dict[str, str]:
    return {"subject": shown(path.member.subject), "root": shown(path.authority.subject)}


def _steps(facts: Facts, one: Proven, words: Words) -> Iterable[str]:
    yield f"<li>{words.step_content.format(entry=_digits(one.entry))}</li>"
    if one.said is not None:
        yield f"<li>{words.step_signed.format(service=shown(one.said.service))}</li>"
        if one.said.path is not None:
            names = {"issuer": shown(one.said.issuer), **_path(one.said.path)}
            yield f"<li>{words.step_vouched.format(**names)}</li>"
    yield f"<li>{words.step_log.format(index=one.index, log=one.log, height=one.height)}</li>"
    height = one.certified.height
    yield f"<li>{words.step_block.format(count=len(one.signers), height=height)}</li>"
    if one.hand_overs:
        yield f"<li>{words.step_hand_overs.format(count=one.hand_overs)}</li>"
    stamps = [stamp for stamp in facts.stamps if stamp.block == one.certified]
    for stamp in stamps:
        gap = _gap(stamp.shown.time_ms - one.time_ms, is_chinese=words.tag.startswith("zh"))
        time = words.times.time_words(stamp.shown.time_ms)
        authority = shown(stamp.shown.signer.subject)
        yield f"<li>{words.step_stamp.format(authority=authority, time=time, gap=gap)}</li>"
    if not stamps:
        yield f'<li class="missing">{words.step_no_stamp}</li>'


def _gap(gap_ms: int, *, is_chinese: bool) -> str:
    """Write a length of time in its largest unit."""
    for unit_ms, english, chinese in _UNITS:
        if gap_ms >= unit_ms:
            return f"{gap_ms // unit_ms} {chinese if is_chinese else english}"
    return f"{max(0, gap_ms) / _SECOND_MS:.3f} {'秒' if is_chinese else 's'}"


def _rest(facts: Facts, words: Words) -> str:
    """Write what the pack rests on, to be compared."""
    trust, roots, keys = facts.rest
    pairs = [
        (words.chain, f"{shown(trust.chain)}<br>{_digits(trust.chain_id)}"),
        (words.trust_file, _digits(sha256(trust.content).digest())),
    ]
    for one in json.loads(trust.content)["validators"]:
        name, key = words.validator.format(name=shown(str(one["name"]))), str(one["key"])
        pairs.append((name, f'<span class="digits">{shown(key)}</span>'))
    named = [(words.root, root) for root in roots]
    named += [(words.issuer_root, root) for root in keys.issuer_roots]
    for name, root in named:
        value = _digits(root.parsed.fingerprint(hashes.SHA256()))
        pairs.append((name, f"{shown(root.subject)}<br>{value}"))
    for name, key_of in keys.issuers:
        text = f'<span class="digits">{key_of.algorithm}:{key_of.key.hex()}</span>'
        pairs.append((words.key.format(name=shown(name)), text))
    return _pairs(pairs) + "\n"
