"""Test that documents lead somewhere, agree in both languages and name what exists."""

import re
from pathlib import Path

import pytest

from tests.engineering.documents import ROOT, anchors, blocks, documents, without_blocks

NAMES = [str(path.relative_to(ROOT)) for path in documents()]


def links(path: Path) -> list[str]:
    """Targets of a document's links and images that lie in the checkout."""
    found = re.findall(r"\]\(([^)\s]+)\)", without_blocks(path.read_text(encoding="utf-8")))
    return [target for target in found if not target.startswith(("http:", "https:", "mailto:"))]


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_somewhere(name: str) -> None:
    """Goal: no dead link. Method: look for each target's file, and for its heading."""
    path = ROOT / name
    for target in links(path):
        file, _, anchor = target.partition("#")
        found = (path.parent / file).resolve() if file else path
        assert found.exists(), f"{name} leads to {target}"
        if anchor:
            assert anchor in anchors(found.read_text(encoding="utf-8")), f"{name}: {target}"


@pytest.mark.parametrize("name", NAMES)
def test_document_starts_with_its_title(name: str) -> None:
    """Goal: one title, first. Method: look at the first line and count the titles."""
    text = (ROOT / name).read_text(encoding="utf-8")
    titles = re.findall(r"^# ", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S), re.M)
    assert text.startswith("# ")
    assert len(titles) == 1


def test_both_readmes_have_the_same_commands() -> None:
    """Goal: same content in both languages. Method: compare blocks, tables and link targets."""
    english, chinese = (ROOT / name for name in ("README.md", "README.zh-CN.md"))
    texts = [path.read_text(encoding="utf-8") for path in (english, chinese)]
    for language in ("sh", "python", "text"):
        first, second = (blocks(text, language) for text in texts)
        assert first == second
    assert blocks(texts[0], "sh")[0].startswith("make up")
    rows, headings = r"^\|", r"^##+ "
    for pattern in (rows, headings):
        first, second = (len(re.findall(pattern, text, re.M)) for text in texts)
        assert first == second
    ours = {"README.md", "README.zh-CN.md"}
    targets = [
        {re.sub(r"\.zh-CN(?=\.(?:png|md))", "", target) for target in links(path)} - ours
        for path in (english, chinese)
    ]
    assert targets[0] == targets[1]


def test_every_document_is_in_the_index() -> None:
    """Goal: everything can be found. Method: follow links from README and the index."""
    seen: set[Path] = set()
    waiting = [ROOT / "README.md", ROOT / "docs" / "index.md"]
    while waiting:
        path = waiting.pop()
        seen.add(path)
        found = {(path.parent / target.partition("#")[0]).resolve() for target in links(path)}
        waiting += [one for one in found - seen if one.suffix == ".md" and one.is_file()]
    records = {path for path in documents() if path.parent.name in {"adr", "results"}}
    assert sorted(set(documents()) - seen - records) == []


def test_every_part_is_in_the_architecture() -> None:
    """Goal: a newcomer finds each part. Method: every crate has a row in ARCHITECTURE.md."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    for crate in sorted((ROOT / "crates").iterdir()):
        assert f"| `crates/{crate.name}` |" in text


def test_glossary_is_complete_and_in_order() -> None:
    """Goal: one word a thing, in both languages. Method: rows sorted, unique, none empty."""
    text = (ROOT / "docs" / "concepts" / "glossary.md").read_text(encoding="utf-8")
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("| ") and not line.startswith("| Word ")
    ]
    words = [row[0] for row in rows]
    assert len(words) > 40
    assert words == sorted(set(words))
    assert all(len(row) == 3 and all(row) for row in rows)
    assert all(re.search(r"[一-鿿]", row[1]) for row in rows)
