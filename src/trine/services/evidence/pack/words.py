"""Say what the report and the notes of a court pack say, in English and in Chinese."""

from dataclasses import dataclass
from typing import Final

from trine.services.evidence.certificate.words import CHINESE as CERTIFICATE_ZH
from trine.services.evidence.certificate.words import ENGLISH as CERTIFICATE_EN
from trine.services.evidence.certificate.words import Words as CertificateWords


@dataclass(frozen=True)
class Words:
    """The words of one language; names in braces are filled in.

    Attributes:
        tag: Tag of the language (RFC 5646).
        times: Words of certificates, which write times.
    """

    tag: str
    times: CertificateWords
    title: str
    lead: str
    lead_many: str
    alarm: str
    alarm_why: str
    records: str
    file: str
    size: str
    digest: str
    recorded: str
    recorded_value: str
    by: str
    by_nobody: str
    by_issuer: str
    by_certificate: str
    certified: str
    certified_value: str
    steps: str
    step_content: str
    step_signed: str
    step_vouched: str
    step_log: str
    step_block: str
    step_hand_overs: str
    step_stamp: str
    step_no_stamp: str
    trusted: str
    trusted_why: str
    trust_file: str
    chain: str
    validator: str
    root: str
    issuer_root: str
    key: str
    how: str
    how_steps: tuple[str, ...]
    how_issuers: str
    commands: tuple[str, ...]
    limits: str
    limit_lines: tuple[str, ...]
    footer: str
    language: str


ENGLISH: Final = Words(
    tag="en",
    times=CERTIFICATE_EN,
    title="Evidence report",
    lead='One record of chain "{chain}", with everything that is needed to check it.',
    lead_many='{count} records of chain "{chain}", with everything that is needed to check them.',
    alarm="No timestamp of an outside authority",
    alarm_why="Nobody outside of the chain states when its block existed. Whoever steals keys of "
    "former validators can make such a block at any later time. Ask for a pack with a timestamp.",
    records="What was recorded",
    file="File",
    size="{size:,} bytes",
    digest="{function} digest",
    recorded="Recorded",
    recorded_value="by {time}, in log {log}, entry {index}, block {height}",
    by="By whom",
    by_nobody="not stated: a receipt does not say who had the file recorded",
    by_issuer="{issuer} signed a statement about “{subject}” with the key {key}",
    by_certificate="; known by the certificate of {subject}, for whom {root} vouches",
    certified="Certified by",
    certified_value="{count} validators: {names}",
    steps="Steps of the check",
    step_content="The file, bit for bit, gives the entry {entry}.",
    step_signed="The issuer's signature covers the file's digest; {service} signed its receipt.",
    step_vouched="The certificate of {subject} names {issuer}, was in force when the block was "
    "made, and leads to the root {root}.",
    step_log="The entry is number {index} of log {log}; its path leads to the root in the header "
    "of block {height}.",
    step_block="{count} validators signed the header of block {height}: more than two thirds.",
    step_hand_overs="The proof brings {count} hand-overs from one set of validators to the next.",
    step_stamp="{authority} states that this header existed on {time}, {gap} after the block.",
    step_no_stamp="No outside authority states that this header existed.",
    trusted="What this rests on",
    trusted_why="A pack could bring its own. Compare these with what the chain's organisations "
    "and the timestamp authority publish elsewhere.",
    trust_file="trust.json, SHA-256",
    chain="Chain",
    validator="Validator {name}",
    root="Timestamp root, SHA-256",
    issuer_root="Root of issuers, SHA-256",
    key="Key of {name}",
    how="How to check this, without the makers of Trine",
    how_steps=(
        "Get trust.json and the root of the timestamp authority from sources of your own.",
        "Take verify.py out of the pack, or better from where Trine is published: fewer than 400 "
        "lines of Python that anybody can read. It needs Python 3.11, the package “cryptography” "
        "(with SM2 also “gmalg”), and no network.",
        "Run it. It prints each step as “ok” or “FAILED”, and whatever was altered by its name:",
    ),
    how_issuers="Get the root of issuers that are known by certificates likewise, and give it "
    "with --issuer-roots.",
    commands=(
        "pip install cryptography",
        "python verify.py case.zip --trust trust.json --roots root.pem",
    ),
    limits="What this does not show",
    limit_lines=(
        "Whether what a file says is true, and how it came to be before it was recorded.",
        "Its name: it is for the reader, and nothing on the chain covers it.",
        "A time before that of the block: the record may be older, never younger.",
        "Whether a certificate was revoked: ask the authority that issued it.",
        "This page proves nothing by itself. Only who runs the check has checked.",
    ),
    footer="Made from the pack's proofs alone: the same evidence gives this page again.",
    language="English",
)

CHINESE: Final = Words(
    tag="zh-Hans",
    times=CERTIFICATE_ZH,
    title="证据报告",
    lead="链“{chain}”上的一份记录，以及核验它所需的全部材料。",
    lead_many="链“{chain}”上的 {count} 份记录，以及核验它们所需的全部材料。",
    alarm="没有外部时间戳机构的时间戳",
    alarm_why="链外无人证明该区块何时存在。任何窃得前任验证节点密钥的人，日后随时都能造出这样的区块。"
    "请索取带有时间戳的证据包。",
    records="记录了什么",
    file="文件",
    size="{size:,} 字节",
    digest="{function} 摘要",
    recorded="记录时间",
    recorded_value="不晚于{time}，日志 {log}，条目 {index}，区块 {height}",
    by="何人",
    by_nobody="未注明：收据不说明由谁提交存证",
    by_issuer="{issuer} 用密钥 {key} 签署了关于“{subject}”的声明",
    by_certificate="；凭 {subject} 的证书确认，由 {root} 担保",
    certified="认证者",
    certified_value="{count} 个验证节点：{names}",
    steps="核验步骤",
    step_content="该文件逐比特对应条目 {entry}。",
    step_signed="签署者的签名涵盖文件摘要；收据由 {service} 签署。",
    step_vouched="{subject} 的证书写明 {issuer}，区块产生时在有效期内，并通向根证书 {root}。",
    step_log="该条目是日志 {log} 的第 {index} 号；其路径通向区块 {height} 头部中的根。",
    step_block="{count} 个验证节点签署了区块 {height} 的头部：超过三分之二。",
    step_hand_overs="证明中含有 {count} 次验证节点集合的交接。",
    step_stamp="{authority} 证明该头部于{time}已经存在，在区块之后 {gap}。",
    step_no_stamp="没有外部机构证明该头部何时存在。",
    trusted="以上所依赖的",
    trusted_why="证据包可能自带伪造的内容。请与链上各组织和时间戳机构在别处公布的内容比对。",
    trust_file="trust.json, SHA-256",
    chain="链",
    validator="验证节点 {name}",
    root="时间戳根，SHA-256",
    issuer_root="签署者的根证书，SHA-256",
    key="{name} 的密钥",
    how="如何自行核验，无需信任 Trine 的制作者",
    how_steps=(
        "从自己信任的来源取得 trust.json 和时间戳机构的根证书。",
        "从包中取出 verify.py，更好的做法是从 Trine 的发布处取得：它是不到 400 行、人人可读的 "
        "Python 程序，只需 Python 3.11 和软件包“cryptography”（使用 SM2 时还需“gmalg”），"
        "不需要网络。",
        "运行它。它逐步打印“ok”或“FAILED”，凡被改动之处都会指名：",
    ),
    how_issuers="凭证书确认的签署者，其根证书同样从自己信任的来源取得，并用 --issuer-roots 给出。",
    commands=ENGLISH.commands,
    limits="本报告不说明什么",
    limit_lines=(
        "不说明文件内容是否真实，也不说明上链之前文件如何形成。",
        "不证明文件名：名称仅供读者参考，链上没有任何内容为其担保。",
        "时间是区块的时间：记录可能更早存在，不可能更晚。",
        "不说明证书是否已被吊销：请向签发机构查询。",
        "本页本身不证明任何事。只有实际运行核验的人才算核验过。",
    ),
    footer="本页完全由包内的证明生成：同样的证据总能重新生成同一页。",
    language="中文",
)

LANGUAGES: Final = {"en": ENGLISH, "zh": CHINESE}
"""Words by the language that a report shows first."""

READ_ME: Final = """\
Court pack of Trine
===================

report.html      what was recorded, when and by whom, for people
records/         the files, bit for bit
receipts/        their receipts; statements/: signed statements with receipts
timestamps/      what outside authorities state about the blocks (RFC 3161)
checkpoints/     where they are: what logs and witnesses signed about whole logs
trust.json       the validators of the chain; keys/: roots and keys
manifest.json    SHA-256 of every other file
verify.py        checks all of it, without Trine and without a network

    pip install cryptography        (for a chain with SM2 also: pip install gmalg)
    python verify.py case.zip --trust trust.json --roots root.pem

Leave the ZIP as it is. Take trust.json and root.pem from sources of your own,
not from this pack: a pack could bring its own.
"""

READ_ME_ZH: Final = """\
Trine 证据包
============

report.html      记录了什么、何时、何人（供阅读）
records/         文件原件，逐比特一致
receipts/        收据；statements/：带收据的签名声明
timestamps/      外部机构对区块所作的时间戳（RFC 3161）
checkpoints/     如有：日志及见证方对整个日志签署的检查点
trust.json       链的验证节点；keys/：根证书与密钥
manifest.json    其余每个文件的 SHA-256
verify.py        核验全部内容，无需 Trine，无需网络

    pip install cryptography        （使用 SM2 的链还需：pip install gmalg）
    python verify.py case.zip --trust trust.json --roots root.pem

请保持 ZIP 原样。trust.json 和 root.pem 请从自己信任的来源取得，
不要取自本包：证据包可能自带伪造的内容。
"""
