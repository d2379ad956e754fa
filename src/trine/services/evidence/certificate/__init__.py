"""Make the certificate that people hold, and read and verify it.

A certificate is a PDF/A-3u of one page: the facts in words, a QR code, how to verify, and inside it
the receipt that proves them. Its form is docs/reference/certificate.md. The page holds nothing that
the receipt, the trust file and the file's digest do not say, and it is made byte for byte the same
each time: whoever verifies makes it again and compares. No parser of PDF meets a stranger's bytes.
"""

from trine.services.evidence.certificate.code import Code as Code
from trine.services.evidence.certificate.code import read_code as read_code
from trine.services.evidence.certificate.document import (
    CERTIFICATE_BYTES_MAX as CERTIFICATE_BYTES_MAX,
)
from trine.services.evidence.certificate.document import LANGUAGES as LANGUAGES
from trine.services.evidence.certificate.document import Language as Language
from trine.services.evidence.certificate.document import check_code as check_code
from trine.services.evidence.certificate.document import read_certificate as read_certificate
from trine.services.evidence.certificate.document import verify_certificate as verify_certificate
from trine.services.evidence.certificate.document import write_certificate as write_certificate
