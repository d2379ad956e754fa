//! Test what is read as a signature, and what is signed.

use super::{Fault, INPUT_BYTES_MAX, ReadSignature, SIGNATURE_BYTES_MAX, headers};
use trine_types::{Address, ChainId};

const PARAMETERS: &str = ";created=1700000000;keyid=\"0202020202020202020202020202020202020202/3\"";

fn made() -> (String, String) {
    let sign = |message: &[u8]| message.to_vec();
    let request = ("/v1/blocks", Some("limit=5"));
    headers(ChainId([1; 32]), (Address([2; 20]), 3), 1_700_000_000, request, sign)
}

/// Goal: what is signed is the signature base of RFC 9421, section 2.5. Method: sign by giving the
/// base back, and compare it with the text that the section prescribes.
#[test]
fn the_base_is_that_of_the_standard() {
    let (input, signature) = made();
    let read = ReadSignature::parse(&input, &signature).unwrap();
    assert_eq!((read.address, read.key_index), (Address([2; 20]), 3));
    assert_eq!((read.created_s, read.expires_s), (1_700_000_000, None));
    assert_eq!(read.chain_id, ChainId([1; 32]));
    let base = format!(
        "\"@method\": GET\n\"@path\": /v1/blocks\n\"@query\": ?limit=5\n\
         \"@signature-params\": (\"@method\" \"@path\" \"@query\"){PARAMETERS};\
         tag=\"trine-read-{}\"",
        "01".repeat(32)
    );
    assert_eq!(read.base("GET", "/v1/blocks", Some("limit=5")), base);
    assert_eq!(read.signature, base.as_bytes());
    assert!(read.base("GET", "/", None).contains("\"@query\": ?\n"));
}

/// Goal: a signature has one form, and each fault is named. Method: change one thing at a time.
#[test]
fn other_forms_are_refused() {
    let (input, signature) = made();
    let parse = |from: &str, to: &str| {
        assert!(input.contains(from), "{from}");
        ReadSignature::parse(&input.replacen(from, to, 1), &signature).map(drop)
    };
    for label in ["", "Trine", "tr ine", "-a", "1a"] {
        assert_eq!(parse("trine=", &format!("{label}=")), Err(Fault::Label), "{label}");
    }
    for other in ["(\"@path\" \"@method\" \"@query\")", "()", "(\"@method\"  \"@path\")"] {
        assert_eq!(parse(super::COMPONENTS, other), Err(Fault::Components));
    }
    for (from, to, fault) in [
        (";created", "; created", Fault::Unknown("another parameter")),
        (";created", " ;created", Fault::Unknown("something else after the components")),
        ("created=1700000000", "alg=\"ed25519\"", Fault::Unknown("another parameter")),
        ("created=1700000000;", "", Fault::Missing("created")),
        ("created=1700000000", "created=01700000000", super::BAD_CREATED),
        ("created=1700000000", "created=-1", super::BAD_CREATED),
        (
            "created=1700000000",
            "created=1.5",
            Fault::Unknown("something else after the components"),
        ),
        ("created=1700000000", "created=1234567890123456", super::BAD_CREATED),
        ("created=1700000000", "created=1;created=1", super::BAD_CREATED),
        ("created=1700000000", "created=1;expires=\"1\"", super::BAD_EXPIRES),
        ("/3\"", "/03\"", super::BAD_KEYID),
        ("/3\"", "/256\"", super::BAD_KEYID),
        ("/3\"", "\"", super::BAD_KEYID),
        ("/3\"", "/3", Fault::Unknown("something else after the components")),
        ("0202/3", "02/3", super::BAD_KEYID),
        ("/3\"", "\\\"/3\"", super::BAD_KEYID),
        ("trine-read-", "trine-write-", super::BAD_TAG),
        ("trine-read-01", "trine-read-", super::BAD_TAG),
    ] {
        assert_eq!(parse(from, to), Err(fault), "{from} -> {to}");
    }
    assert_eq!(ReadSignature::parse("", "").map(drop), Err(Fault::Label));
    for wrong in ["", "trine=", "trine=:", "trine=::x", "other=:AAAA:", "trine=:A:", "trine=:AAA:"]
    {
        let found = ReadSignature::parse(&input, wrong).map(drop);
        assert_eq!(found, Err(Fault::Signature), "{wrong}");
    }
}

/// Goal: both headers have limits. Method: each at its limit, and one byte longer.
#[test]
fn headers_have_limits() {
    let (input, _) = made();
    let fill = |length: usize| format!("trine=:{:A<1$}:", "", length - "trine=::".len());
    let signature = fill(SIGNATURE_BYTES_MAX);
    assert!(ReadSignature::parse(&input, &signature).is_ok());
    let too_long = ReadSignature::parse(&input, &fill(SIGNATURE_BYTES_MAX + 4)).map(drop);
    let expected = Fault::TooLong("Signature", SIGNATURE_BYTES_MAX + 4, SIGNATURE_BYTES_MAX);
    assert_eq!(too_long, Err(expected));
    let long = |length: usize| format!("{input:x<length$}");
    let at = ReadSignature::parse(&long(INPUT_BYTES_MAX), &signature).map(drop);
    assert_eq!(at, Err(Fault::Unknown("something else after the components")));
    let over = ReadSignature::parse(&long(INPUT_BYTES_MAX + 1), &signature).map(drop);
    let expected = Fault::TooLong("Signature-Input", INPUT_BYTES_MAX + 1, INPUT_BYTES_MAX);
    assert_eq!(over, Err(expected));
}
