"""Say what the certificate of a statement says, in English and in Chinese."""

from dataclasses import dataclass
from typing import Final

from trine.services.evidence.certificate import words
from trine.services.evidence.certificate.words import Words


@dataclass(frozen=True)
class StatementWords:
    """The words of one language; names in braces are filled in.

    Attributes:
        common: Words that certificates of files have too.
    """

    common: Words
    title: str
    lead: str
    statement: str
    issuer: str
    key: str
    known_by: str
    known_by_value: str
    subject: str
    content_type: str
    content_format: str
    content: str
    issued: str
    issued_value: str
    not_stated: str
    registered: str
    registered_value: str
    steps: tuple[str, str, str]
    steps_rooted: tuple[str, str, str]
    limit_lines: tuple[str, ...]
    footer: str


ENGLISH: Final = StatementWords(
    common=words.ENGLISH,
    title="Certificate of statement",
    lead='What {issuer} stated about "{subject}" was in the records of chain "{chain}" '
    "at the latest on {time}.",
    statement="The statement",
    issuer="By whom",
    key="Signed with, {algorithm}",
    known_by="Known by",
    known_by_value="the certificate of {subject}, for whom {root} vouches",
    subject="About",
    content_type="Media type",
    content_format="number {number} of CoAP",
    content="Content, {function}",
    issued="Signed on",
    issued_value="{time}, as the issuer says",
    not_stated="not stated",
    registered="Registered by",
    registered_value="{service}",
    steps=(
        words.ENGLISH.steps[0],
        "Get the issuer's key from a source of your own. The PDF carries the one that was used.",
        "Have what was signed and this PDF, both unchanged. The PDF carries the proof "
        "(evidence.statement). Install Trine and run, with your own names of the files:",
    ),
    steps_rooted=(
        words.ENGLISH.steps[0],
        "Get the root certificate for the issuer from a source of your own. The PDF carries the "
        "one that was used.",
        "Have what was signed and this PDF, both unchanged. The PDF carries the proof "
        "(evidence.statement). Install Trine and run, with your own names of the files:",
    ),
    limit_lines=(
        "Whether what is stated is true, and whether the key is the issuer's: step 2 is for that.",
        "The time of signing is what the issuer says. That of the block is proven.",
        "The statement may be older than its block, never younger.",
        "Whoever only reads this page, or only scans the code, has verified nothing.",
    ),
    footer="Made from the statement alone: the same statement gives this page again, "
    "byte for byte.",
)

CHINESE: Final = StatementWords(
    common=words.CHINESE,
    title="签名声明证书",
    lead="{issuer} 关于“{subject}”的声明最迟于{time}已记录在链“{chain}”上。",
    statement="声明",
    issuer="何人",
    key="签名密钥，{algorithm}",
    known_by="身份依据",
    known_by_value="{subject} 的证书，由 {root} 担保",
    subject="关于",
    content_type="媒体类型",
    content_format="CoAP 编号 {number}",
    content="内容，{function}",
    issued="签署时间",
    issued_value="{time}，据签署者所称",
    not_stated="未注明",
    registered="登记者",
    registered_value="{service}",
    steps=(
        words.CHINESE.steps[0],
        "从自己信任的来源取得签署者的公钥。制作本证书时所用的公钥在本 PDF 内。",
        "准备好被签署的文件和本 PDF，两者均不得改动。证明（evidence.statement）就在本 PDF 内。"
        "安装 Trine 并运行下列命令，文件名换成您自己的：",
    ),
    steps_rooted=(
        words.CHINESE.steps[0],
        "从自己信任的来源取得签署者的根证书。制作本证书时所用的根证书在本 PDF 内。",
        "准备好被签署的文件和本 PDF，两者均不得改动。证明（evidence.statement）就在本 PDF 内。"
        "安装 Trine 并运行下列命令，文件名换成您自己的：",
    ),
    limit_lines=(
        "不说明声明内容是否真实，也不说明密钥是否属于签署者：第 2 步即为此而设。",
        "签署时间由签署者自称，区块时间则有证明。",
        "声明可能早于其区块，不可能更晚。",
        "仅阅读本页或仅扫描二维码，并不构成验证。",
    ),
    footer="本页完全由声明生成：同一声明总能逐字节重新生成同一页。",
)

COMMAND: Final = "trine evidence verify FILE --receipt CERTIFICATE.pdf --trust trust.json \\"
"""First line of the command."""
COMMAND_KEY: Final = "      --issuer-key ALGORITHM:HEX"
"""Second line, where the issuer is known by a key."""
COMMAND_ROOTS: Final = "      --issuer-roots root.pem"
"""Second line, where the issuer is known by a certificate."""
