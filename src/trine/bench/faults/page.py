"""Write the report of a run as one web page: verdict, timeline, table; English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any, Final

from trine.bench.faults.check import problems
from trine.bench.faults.plan import KINDS
from trine.bench.faults.show import COLOURS

WIDTH: Final = 1_000
"""Units of the picture; the page scales it."""
LEFT: Final = 110
"""Units for the names of the nodes."""
CHART: Final = 180
LANE: Final = 22
TICKS: Final = (10, 20, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 14_400)
"""Seconds that may lie between two marks of the axis."""
TICKS_MAX: Final = 16

STYLE: Final = """
:root { color-scheme: light dark; --ink: #1c2430; --paper: #fff; --soft: #667; --line: #ccd; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e9ef; --paper: #14181f; --soft: #9aa; --line: #345; }
}
body { font: 16px/1.5 system-ui, "Noto Sans CJK SC", sans-serif; color: var(--ink);
  background: var(--paper); max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: 0; }
[lang=zh] { color: var(--soft); }
.verdict { border-left: .4rem solid; padding: .5rem 1rem; margin: 1.2rem 0; font-size: 1.1rem; }
.good { border-color: #1b7837; } .bad { border-color: #a6191e; }
.wide { overflow-x: auto; }
svg { width: 100%; min-width: 44rem; height: auto; font-size: 12px; }
svg text { fill: var(--ink); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid var(--line); }
td.number, th.number { text-align: right; white-space: nowrap; }
small { color: var(--soft); display: block; }
.key { display: inline-block; width: .8em; height: .8em; border-radius: .2em; }
"""

FOUND_ZH: Final = {
    "lost": "条已确认的记录丢失或高度不符",
    "doubled": "笔交易被最终确认了不止一次",
    "different": "个高度上各节点的区块不同",
    "reordered": "条记录排在其发送之前就已确认的记录前面",
    "missing": "条已确认的记录不在某节点的状态中",
    "stale": "次读取：节点声称已有该区块，却没有其中的记录",
}

LOGS_ZH: Final = {
    "lost": "次已确认的追加或日志不在某节点的日志中",
    "moved": "次追加或日志的位置与确认的不符",
    "doubled": "次追加在日志中重复出现",
    "torn": "次追加只有一部分在日志中，或不连续",
    "reordered": "次追加排在其发送之前就已确认的追加前面",
    "foreign": "条日志或条目无人写入过",
    "different": "个日志在各节点上不同",
    "roots": "个根或大小与条目不符",
    "unproven": "个条目或区块的证明无法通过验证",
}
"""What must not be found in logs, in Chinese, after a number."""

WRONG: Final = {
    "lost": ("Lost", "丢失"),
    "moved": ("Elsewhere than acknowledged", "位置与确认的不符"),
    "doubled": ("Doubled", "重复"),
    "torn": ("In part, or not in a row", "不完整或不连续"),
    "reordered": ("Reordered", "乱序"),
    "foreign": ("Written by nobody", "无人写入"),
    "different": ("Different between nodes", "各节点不同"),
    "roots": ("Roots or sizes other than the entries'", "根或大小与条目不符"),
    "unproven": ("Proofs that do not verify", "验证失败的证明"),
}
"""The same in a table."""


def write_page(report: Mapping[str, Any], to: Path) -> None:
    """Write the page; it needs nothing but itself."""
    to.write_text(_page(report), encoding="utf-8")


def _page(report: Mapping[str, Any]) -> str:
    title = f"{len(report['nodes'])} validators, {len(report['faults'])} faults"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{STYLE}</style>
</head>
<body>
<h1>{escape(title)}</h1>
<p lang="zh">{len(report["nodes"])} 个验证节点，{len(report["faults"])} 次故障</p>
{_verdict(report)}
<div class="wide">{_timeline(report)}</div>
{_table(report)}
{_logs(report["evidence"])}
{_facts(report)}
</body>
</html>
"""


def _verdict(report: Mapping[str, Any]) -> str:
    found = problems(report)
    count = f"{report['acknowledged']:,}"
    if not found:
        entries = f"{report['evidence']['acknowledged']:,}"
        english = (
            f"{count} records were acknowledged, with {entries} entries of evidence logs in them. "
            "None was lost, doubled, reordered or missing, and nothing is there that nobody wrote."
        )
        chinese = (
            f"共确认 {count} 条记录，含 {entries} 个证据日志条目：没有丢失、重复、乱序或缺失，"
            "也没有任何无人写入的内容。"
        )
    else:
        english = "; ".join(found)
        counts = [
            f"{len(among[name]):,} {text}"
            for among, texts in ((report, FOUND_ZH), (report["evidence"], LOGS_ZH))
            for name, text in texts.items()
            if among[name]
        ]
        chinese = "；".join([*counts, *([] if report["recovered"] else ["故障结束后没有新的确认"])])
    kind = "bad" if found else "good"
    return (
        f'<div class="verdict {kind}">{escape(english)}<br><span lang="zh">{chinese}</span></div>'
    )


def _timeline(report: Mapping[str, Any]) -> str:
    """Draw throughput above, and below a lane for each node with what hit it."""
    seconds = max(1, len(report["per_second"]))
    scale = (WIDTH - LEFT) / seconds
    nodes = report["nodes"]
    bottom = CHART + LANE * len(nodes)
    most = max(1, *report["per_second"])
    marks = []
    for second, count in enumerate(report["per_second"]):
        height = (CHART - 20) * count / most
        marks.append(
            f'<rect x="{LEFT + second * scale:.1f}" y="{CHART - height:.1f}" '
            f'width="{max(scale - 0.4, 0.4):.1f}" height="{height:.1f}" fill="#4a90c2">'
            f"<title>{second} s: {count}</title></rect>"
        )
    for fault in report["faults"]:
        left, width = LEFT + fault["at_s"] * scale, (fault["until_s"] - fault["at_s"]) * scale
        colour, what = COLOURS[fault["kind"]], escape(KINDS[fault["kind"]].what)
        marks.append(
            f'<rect x="{left:.1f}" y="0" width="{width:.1f}" height="{CHART}" '
            f'fill="{colour}" opacity="0.18"/>'
        )
        for name in fault["targets"]:
            top = CHART + LANE * nodes.index(name) + 3
            marks.append(
                f'<rect x="{left:.1f}" y="{top}" width="{width:.1f}" height="{LANE - 6}" rx="3" '
                f'fill="{colour}"><title>{escape(name)}: {what}</title></rect>'
            )
    for place, name in enumerate(nodes):
        top = CHART + LANE * place
        marks.append(f'<text x="0" y="{top + 16}">{escape(name)}</text>')
        marks.append(
            f'<line x1="0" x2="{WIDTH}" y1="{top}" y2="{top}" stroke="currentColor" opacity="0.2"/>'
        )
    step = next((one for one in TICKS if seconds / one <= TICKS_MAX), TICKS[-1])
    for second in range(0, seconds + 1, step):
        left = LEFT + second * scale
        marks.append(f'<text x="{left:.1f}" y="{bottom + 16}">{second} s</text>')
    marks.append(f'<text x="0" y="14">{most}/s</text>')
    marks.append(f'<text x="0" y="{CHART - 24}">acknowledged</text>')
    marks.append(f'<text x="0" y="{CHART - 8}">每秒确认</text>')
    drawn = "\n".join(marks)
    label = "Records acknowledged a second, and which faults hit which node when"
    box = f"0 0 {WIDTH} {bottom + 24}"
    return f'<svg viewBox="{box}" role="img" aria-label="{label}">\n{drawn}\n</svg>'


def _table(report: Mapping[str, Any]) -> str:
    rows = []
    for fault in report["faults"]:
        kind = KINDS[fault["kind"]]
        rows.append(
            f'<tr><td class="number">{fault["at_s"]:.0f}–{fault["until_s"]:.0f} s</td>'
            f'<td><span class="key" style="background:{COLOURS[fault["kind"]]}"></span> '
            f'{escape(kind.what)}<small lang="zh">{kind.what_zh}</small></td>'
            f"<td>{escape(', '.join(fault['targets']))}</td>"
            f'<td class="number">{fault["gap_ms"] / 1_000:.1f} s</td></tr>'
        )
    return (
        '<div class="wide"><table><thead><tr><th class="number">When<small>时间</small></th>'
        "<th>Fault<small>故障</small></th><th>Nodes<small>节点</small></th>"
        '<th class="number">Longest time without a block<small>最长无区块时间</small></th></tr>'
        f"</thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _logs(found: Mapping[str, Any]) -> str:
    """Count what was compared in evidence logs, and what was found wrong there."""
    counted = (
        ("Logs compared on every node", "在每个节点上比较的日志", found["logs"]),
        ("Entries in them", "其中的条目", found["entries"]),
        ("Entries acknowledged", "已确认的条目", found["acknowledged"]),
        ("Entries sent without an answer", "已发送但没有答复的条目", found["unknown"]),
        ("These that are in a log all the same", "其中仍在日志里的", found["recorded"]),
        ("Proofs verified against certificates", "对照证书验证通过的证明", found["proven"]),
    )
    wrong = [(*words, len(found[name])) for name, words in WRONG.items()]
    rows = "".join(
        f'<tr><th>{english}<small lang="zh">{chinese}</small></th>'
        f'<td class="number">{count:,}</td></tr>'
        for english, chinese, count in (*counted, *wrong)
    )
    return f"<h2>Evidence logs <span lang='zh'>证据日志</span></h2><table>{rows}</table>"


def _facts(report: Mapping[str, Any]) -> str:
    unknown = ", ".join(f"{code} {count}" for code, count in report["unknown"].items()) or "0"
    facts = (
        ("Suite", "算法", report["suite"]),
        ("Seed", "种子", report["seed"]),
        (
            "Acknowledged, in blocks",
            "已确认，区块数",
            f"{report['acknowledged']:,}, {report['heights']:,}",
        ),
        ("Not acknowledged, by code", "未确认（按代码）", unknown),
        (
            "Logs looked up by name in every node's state at the end",
            "结束后在每个节点状态中按名称查找的日志",
            f"{report['looked_up']:,}",
        ),
        ("Reads while faults happened", "故障期间的读取", f"{report['read']:,}"),
        (
            "Compared",
            "比较内容",
            "every block's digest on all nodes, which covers state and evidence roots; "
            "height of every record; order of the chain against the clock of the writers; every "
            "entry of every log, its place and the trees over them",
        ),
    )
    rows = "".join(
        f'<tr><th>{english}<small lang="zh">{chinese}</small></th>'
        f"<td>{escape(str(value))}</td></tr>"
        for english, chinese, value in facts
    )
    return f"<h2>Run <span lang='zh'>本次运行</span></h2><table>{rows}</table>"
