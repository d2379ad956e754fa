"""Say what a certificate says, in English and in Chinese."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_YEAR_9999_MS: Final = 253_402_300_800_000
"""Milliseconds from which on a calendar has no year of four digits."""


@dataclass(frozen=True)
class OriginWords:
    """The words of by whom a file was recorded; names in braces are filled in."""

    title: str
    organisation: str
    organisation_value: str
    account: str
    key: str
    other_key: str
    other_key_value: str
    transaction: str
    steps: tuple[str, str, str]
    limit_lines: tuple[str, ...]
    footer: str


@dataclass(frozen=True)
class Words:
    """The words of one language; names in braces are filled in.

    Attributes:
        tag: Tag of the language (RFC 5646).
        moment: Writes the time of a block in words.
    """

    tag: str
    title: str
    lead: str
    scan: str
    file: str
    name: str
    size: str
    size_value: str
    media_type: str
    unknown: str
    record: str
    time: str
    chain: str
    place: str
    place_value: str
    entry: str
    certified: str
    certified_value: str
    separator: str
    more: str
    how: str
    steps: tuple[str, str, str]
    command: str
    answer: str
    limits: str
    limit_lines: tuple[str, ...]
    origin: "OriginWords"
    footer: str
    moment: Callable[[datetime], str]

    def time_words(self, time_ms: int) -> str:
        """Write a time in words, in UTC and to the millisecond."""
        if time_ms >= _YEAR_9999_MS:
            return f"Unix {time_ms} ms"
        second = datetime.fromtimestamp(time_ms // 1000, UTC)
        return self.moment(second).replace("{ms}", f"{time_ms % 1000:03}")


def iso_time(time_ms: int) -> str:
    """Write a time to the second as XMP has it; times past the year 9999 as its last second."""
    second = min(time_ms, _YEAR_9999_MS - 1) // 1000
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _english(time: datetime) -> str:
    date = f"{time.day} {_MONTHS[time.month - 1]} {time.year}"
    return f"{date}, {time:%H:%M:%S}.{{ms}} UTC"


def _chinese(time: datetime) -> str:
    return f"{time.year}年{time.month}月{time.day}日 {time:%H:%M:%S}.{{ms}}（协调世界时 UTC）"


_ENGLISH_ORIGIN: Final = OriginWords(
    title="By whom",
    organisation="Organisation",
    organisation_value="{name}, number {number} of the chain",
    account="Its account",
    key="Its key, {algorithm}",
    other_key="Its key",
    other_key_value="key {index} of the account",
    transaction="Transaction",
    steps=(
        "Get trust.json from a source of your own: from several organisations of the chain, "
        "and compare.",
        "Have the file and this PDF, both unchanged. The PDF carries the proofs.",
        "Install Trine and run, with your own names of the files:",
    ),
    limit_lines=(
        "Who made the file, and whether what it says is true.",
        "Its name and media type are for the reader; nothing on the chain covers them.",
        "Which person used the account: ask the organisation. Name and key are those of block "
        "{height}.",
        "The time is that of the block: the file may be older, never younger.",
        "Whoever only reads this page, or only scans the code, has verified nothing.",
    ),
    footer="Made from the proofs alone: the same proofs give this page again, byte for byte.",
)

_CHINESE_ORIGIN: Final = OriginWords(
    title="何人",
    organisation="组织",
    organisation_value="{name}，链上第 {number} 号",
    account="其账户",
    key="其密钥，{algorithm}",
    other_key="其密钥",
    other_key_value="账户的第 {index} 号密钥",
    transaction="交易",
    steps=(
        "从自己信任的来源取得 trust.json：向链上的多个组织索取并相互比对。",
        "准备好文件和本 PDF，两者均不得改动。各项证明就在本 PDF 内。",
        "安装 Trine 并运行下列命令，文件名换成您自己的：",
    ),
    limit_lines=(
        "不说明文件由谁制作，也不说明其内容是否真实。",
        "名称和媒体类型仅供读者参考，链上没有任何内容为其担保。",
        "不说明由哪个人使用该账户：请向该组织查询。组织名称和密钥以区块 {height} 为准。",
        "时间是区块的时间：文件可能更早存在，不可能更晚。",
        "仅阅读本页或仅扫描二维码，并不构成验证。",
    ),
    footer="本页完全由各项证明生成：同样的证明总能逐字节重新生成同一页。",
)

ENGLISH: Final = Words(
    tag="en",
    title="Certificate of evidence",
    lead='The file named below, bit for bit, was in the records of chain "{chain}" '
    "at the latest on {time}.",
    scan="Place on the chain",
    file="The file",
    name="Name",
    size="Size",
    size_value="{size:,} bytes",
    media_type="Media type",
    unknown="not given",
    record="The record",
    time="Time of the block",
    chain="Chain",
    place="Place",
    place_value="Log {log}, entry {index}, block {height}",
    entry="Entry",
    certified="Certified by",
    certified_value="{count} validators: {names}",
    separator=", ",
    more=" and {count} more",
    how="How to verify, without a network",
    steps=(
        "Get trust.json from a source of your own: from several organisations of the chain, "
        "and compare.",
        "Have the file and this PDF, both unchanged. The PDF carries the proof (evidence.receipt).",
        "Install Trine and run, with your own names of the files:",
    ),
    command="trine evidence verify FILE --receipt CERTIFICATE.pdf --trust trust.json",
    answer="It answers that all of this is so, or says in one sentence what is not.",
    limits="What this does not show",
    limit_lines=(
        "Who made the file or had it recorded, and whether what it says is true.",
        "Its name and media type are for the reader; nothing on the chain covers them.",
        "The time is that of the block: the file may be older, never younger.",
        "Whoever only reads this page, or only scans the code, has verified nothing.",
    ),
    origin=_ENGLISH_ORIGIN,
    footer="Made from the receipt alone: the same receipt gives this page again, byte for byte.",
    moment=_english,
)

CHINESE: Final = Words(
    tag="zh-Hans",
    title="存证证书",
    lead="下列文件最迟于{time}已逐比特记录在链“{chain}”上。",
    scan="链上位置",
    file="文件",
    name="名称",
    size="大小",
    size_value="{size:,} 字节",
    media_type="媒体类型",
    unknown="未注明",
    record="记录",
    time="区块时间",
    chain="链",
    place="位置",
    place_value="日志 {log}，条目 {index}，区块 {height}",
    entry="条目",
    certified="认证者",
    certified_value="{count} 个验证节点：{names}",
    separator="、",
    more=" 等，另有 {count} 个",
    how="如何离线验证",
    steps=(
        "从自己信任的来源取得 trust.json：向链上的多个组织索取并相互比对。",
        "准备好文件和本 PDF，两者均不得改动。证明（evidence.receipt）就在本 PDF 内。",
        "安装 Trine 并运行下列命令，文件名换成您自己的：",
    ),
    command="trine evidence verify FILE --receipt CERTIFICATE.pdf --trust trust.json",
    answer="命令或者确认以上各项属实，或者用一句话指出何处不符。",
    limits="本证书不说明什么",
    limit_lines=(
        "不说明文件由谁制作、由谁提交，也不说明其内容是否真实。",
        "名称和媒体类型仅供读者参考，链上没有任何内容为其担保。",
        "时间是区块的时间：文件可能更早存在，不可能更晚。",
        "仅阅读本页或仅扫描二维码，并不构成验证。",
    ),
    origin=_CHINESE_ORIGIN,
    footer="本页完全由收据生成：同一收据总能逐字节重新生成同一页。",
    moment=_chinese,
)
