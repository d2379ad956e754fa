"""Make the certificate that people hold, and read and verify it.

A certificate is a PDF/A-3u of one page: the facts in words, a QR code, how to verify, and inside it
what proves them: the receipt of a file, or a signed statement with its receipts. Its form is
docs/reference/certificate.md. The page holds nothing that the proof, the trust file and the file's
digest do not say, and it is made byte for byte the same each time: whoever verifies makes it again
and compares. No parser of PDF meets a stranger's bytes.
"""

from trine.services.evidence.certificate.code import Code as Code
from trine.services.evidence.certificate.code import read_code as read_code
from trine.services.evidence.certificate.document import (
    CERTIFICATE_BYTES_MAX as CERTIFICATE_BYTES_MAX,
)
from trine.services.evidence.certificate.document import LANGUAGES as LANGUAGES
from trine.services.evidence.certificate.document import Language as Language
from trine.services.evidence.certificate.document import check_code as check_code
from trine.services.evidence.certificate.document import origin_of as origin_of
from trine.services.evidence.certificate.document import read_certificate as read_certificate
from trine.services.evidence.certificate.document import verify_certificate as verify_certificate
from trine.services.evidence.certificate.document import write_certificate as write_certificate
from trine.services.evidence.certificate.origin import Origin as Origin
from trine.services.evidence.certificate.origin import fetch_origin as fetch_origin
from trine.services.evidence.certificate.origin import prove_origin as prove_origin
from trine.services.evidence.certificate.signed import (
    STATEMENT_CERTIFICATE_BYTES_MAX as STATEMENT_CERTIFICATE_BYTES_MAX,
)
from trine.services.evidence.certificate.signed import Known as Known
from trine.services.evidence.certificate.signed import VerifiedStatement as VerifiedStatement
from trine.services.evidence.certificate.signed import check_statement_code as check_statement_code
from trine.services.evidence.certificate.signed import (
    is_statement_certificate as is_statement_certificate,
)
from trine.services.evidence.certificate.signed import (
    read_statement_certificate as read_statement_certificate,
)
from trine.services.evidence.certificate.signed import (
    verify_statement_certificate as verify_statement_certificate,
)
from trine.services.evidence.certificate.signed import (
    write_statement_certificate as write_statement_certificate,
)
