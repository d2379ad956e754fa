//! Test key files against fixed ones, against `openssl` and against any bytes.

use super::{EC_PUBLIC_KEY, KEY_FILE_BYTES_MAX, KeyFileError, SECP256R1};
use crate::tests::key_of;
use crate::tests::vectors::unhex;
use crate::{
    Algorithm, KeyError, SecretKey, public_key_from_spki, public_key_to_spki_der,
    public_key_to_spki_pem,
};
use der::Encode;
use proptest::collection::vec;
use proptest::prelude::*;

mod openssl;

/// PBES2 with PBKDF2 (2,048 rounds of HMAC-SHA-256) and AES-256-CBC, by OpenSSL 3.0.
const PBKDF2_PEM: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAgtT9PREbBLDgICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEE/JTPXl5ghgRHNfNaKaKJkEgZCQ
R08SUc+Vy1spI2XpeReU6KuEEB80P2iLjstHdwuXhJFu17TMfqS3wkhG2XNKvpTv
cxQqmBz8ASnFli2Jn2lnMAlcByBwdzVnyBr10S/XtpkUc+LJZFDg2nB4RFh3VAQv
AcLIxmb1yi/3OSC+tb91BlhK+RlLwGBE+ddrwKNd1i/GURgUU/ast39/lG5Pjz0=
-----END ENCRYPTED PRIVATE KEY-----
";
/// PBES2 with scrypt (N = 1,024, r = 8, p = 1) and AES-256-CBC, by OpenSSL 3.0, in DER.
const SCRYPT_DER: &str = "3081e4304f06092a864886f70d01050d3042302106092b06010401da47040b3014\
    0408e3503097c4b504bb020204000201080201013\
    01d060960864801650304012a0410e83488e9df03f87857d94841f95583a1048190617b9a625f88208d503e5433ba\
    3908d9dc790710d2a3b41527c0e5021ab66e35448f219d77e8a46ec5b8a1f468c7a6b852e76434a1f9f4fbd5ce39\
    350ba95391a11ff3ed3d8a22e5b5ba9d0206f4b7578ddcd8158ac7fc224196a9fd4f38a523349833f1ce609e11ac\
    a9e2a6865a40dfd920d663969a46b54fc1ff422c74bc3c8d33e9fe0989b0dc06724194c379f5f4";
/// Secret and public key in both.
const SECRET: &str = "1e364a2931b1fa58d727cd83bef260bd73a5022c5c172681564ba47542864159";
const PUBLIC: &str = "0237a223fae9471465b6e4203d6a9dadd5318da068fed3b9ea5cce16e639c71752";

/// The example of RFC 9881, appendix C: ML-DSA-65, the seed 00 01 ... 1f.
const ML_DSA_PEM: &str = "-----BEGIN PRIVATE KEY-----
MDQCAQAwCwYJYIZIAWUDBAMSBCKAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZ
GhscHR4f
-----END PRIVATE KEY-----
";
/// The example of RFC 8410, section 10.3.
const ED25519_PEM: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
-----END PRIVATE KEY-----
";
/// The same with attributes and its public key, from the same section.
const ED25519_WITH_PUBLIC_KEY_PEM: &str = "-----BEGIN PRIVATE KEY-----
MHICAQEwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
oB8wHQYKKoZIhvcNAQkJFDEPDA1DdXJkbGUgQ2hhaXJzgSEAGb9ECWmEzf6FQbrB
Z9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PRIVATE KEY-----
";

fn read(file: impl AsRef<[u8]>) -> Result<SecretKey, KeyFileError> {
    SecretKey::from_key_file(file.as_ref(), None)
}

fn code(result: Result<SecretKey, KeyFileError>) -> &'static str {
    result.unwrap_err().code()
}

/// Goal: the examples of the standards are read and written byte for byte. Method: RFC 8410 and
/// RFC 9881.
#[test]
fn examples_of_the_standards() {
    let key = read(ML_DSA_PEM).unwrap();
    assert_eq!(key.algorithm(), Algorithm::MlDsa65);
    assert_eq!(key.expose(), (0..32).collect::<Vec<u8>>());
    assert_eq!(*key.to_pkcs8_pem().unwrap(), ML_DSA_PEM);
    let key = read(ED25519_PEM).unwrap();
    let public_key = "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1";
    assert_eq!(key.public_key(), unhex(public_key));
    assert_eq!(*key.to_pkcs8_pem().unwrap(), ED25519_PEM);
    assert_eq!(read(ED25519_WITH_PUBLIC_KEY_PEM).unwrap().expose(), key.expose());
}

/// Goal: an encrypted file opens with its password alone. Method: both key derivations, the right
/// password, a wrong one and none.
#[test]
fn encrypted_files() {
    for file in [PBKDF2_PEM.as_bytes().to_vec(), unhex(SCRYPT_DER)] {
        let key = SecretKey::from_key_file(&file, Some(b"password")).unwrap();
        assert_eq!(key.algorithm(), Algorithm::P256);
        assert_eq!(key.expose(), unhex(SECRET));
        assert_eq!(key.public_key(), unhex(PUBLIC));
        assert_eq!(code(read(&file)), "password_needed");
        for wrong in ["", "Password", "password "] {
            let result = SecretKey::from_key_file(&file, Some(wrong.as_bytes()));
            assert_eq!(code(result), "wrong_password");
        }
    }
}

/// Goal: a file cannot ask for minutes of work or gigabytes. Method: raise the cost in a good file.
#[test]
fn costs_are_bounded() {
    let (_, der) = der::pem::decode_vec(PBKDF2_PEM.as_bytes()).unwrap();
    // Two more bytes of rounds, and so in each length around them.
    let mut costly = der.clone();
    costly.splice(43..47, [2, 4, 0x7f, 0xff, 0xff, 0xff]);
    for place in [2, 4, 17, 19, 32] {
        costly[place] += 2;
    }
    let result = SecretKey::from_key_file(&costly, Some(b"password"));
    assert_eq!(code(result), "key_file_too_costly");
    let der = unhex(SCRYPT_DER);
    let mut costly = der.clone();
    costly.splice(43..47, [2, 4, 0x40, 0, 0, 0]);
    for place in [2, 4, 17, 19, 32] {
        costly[place] += 2;
    }
    let result = SecretKey::from_key_file(&costly, Some(b"password"));
    assert_eq!(code(result), "key_file_too_costly");
}

/// Goal: each refusal has its own code. Method: one file for each.
#[test]
fn refusals_are_told_apart() {
    let good = key_of(Algorithm::P256, 7).to_pkcs8_der().unwrap();
    assert_eq!(code(read(b"")), "bad_key_file");
    assert_eq!(code(read(vec![b'a'; KEY_FILE_BYTES_MAX + 1])), "bad_key_file");
    assert_eq!(code(read(&good[..good.len() - 1])), "bad_key_file");
    assert_eq!(code(read([&good[..], &[0]].concat())), "bad_key_file");
    let spki = public_key_to_spki_pem(Algorithm::P256, &key_of(Algorithm::P256, 7).public_key());
    assert_eq!(code(read(spki.unwrap())), "bad_key_file");
    let curve = SECP256R1.to_der().unwrap();
    assert_eq!(
        code(read(replace(&good, &curve, &[6, 8, 1, 2, 3, 4, 5, 6, 7, 8]))),
        "unsupported_key"
    );
    let algorithm = EC_PUBLIC_KEY.to_der().unwrap();
    let other = replace(&good, &algorithm, &[6, 7, 1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(code(read(other)), "unsupported_key");
    assert_eq!(code(read(replace(&good, &[7; 32], &[8; 32]))), "wrong_public_key");
    assert_eq!(code(read(replace(&good, &[7; 32], &[0; 32]))), "bad_secret_key");
    let wrong = ED25519_WITH_PUBLIC_KEY_PEM.replace("Z9w7", "Z9w8");
    assert_eq!(code(read(wrong)), "wrong_public_key");
    let key = public_key_to_spki_der(Algorithm::P256, &[2; 32]);
    assert_eq!(key, Err(KeyFileError::BadPublicKey(Algorithm::P256)));
    let algorithm = Algorithm::P256;
    let error = KeyError::BadSecretKey { algorithm, length: 32, expected: 32 };
    assert_eq!(KeyFileError::from(error).code(), "bad_secret_key");
}

/// Replaces the one place where `from` stands.
fn replace(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let place = bytes.windows(from.len()).position(|window| window == from).unwrap();
    [&bytes[..place], to, &bytes[place + to.len()..]].concat()
}

/// Goal: an ML-DSA key beside its expanded form is read, one without its seed is told apart.
/// Method: the other two choices of RFC 9881, section 6.
#[test]
fn other_forms_of_ml_dsa() {
    let file = |inner: &[u8]| {
        let algorithm = unhex("300b0609608648016503040312");
        let mut key = vec![4, 0x82];
        key.extend((inner.len() as u16).to_be_bytes());
        key.extend(inner);
        let body = [&[2, 1, 0][..], &algorithm, &key].concat();
        [&[0x30, 0x82][..], &(body.len() as u16).to_be_bytes(), &body].concat()
    };
    let expanded = [&[4, 0x82, 0x0f, 0xc0][..], &[0; 4032]].concat();
    let both = [&[0x30, 0x82, 0x0f, 0xe6, 4, 32][..], &[9; 32], &expanded].concat();
    let key = read(file(&both)).unwrap();
    assert_eq!((key.algorithm(), key.expose()), (Algorithm::MlDsa65, &[9; 32][..]));
    assert_eq!(code(read(file(&expanded))), "unsupported_key");
    let good = key_of(Algorithm::MlDsa65, 9).to_pkcs8_der().unwrap();
    let as_octets = replace(&good, &[0x80, 32], &[4, 32]);
    assert_eq!(code(read(as_octets)), "unsupported_key");
    let other_tag = replace(&good, &[0x80, 32], &[0x81, 32]);
    assert_eq!(code(read(other_tag)), "unsupported_key");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Goal: what is written is read again. Method: any key, both forms, secret and public.
    #[test]
    fn there_and_back(seed in 1u8..255) {
        for algorithm in Algorithm::ALL {
            let key = key_of(algorithm, seed);
            for file in [
                key.to_pkcs8_der().unwrap().to_vec(),
                key.to_pkcs8_pem().unwrap().as_bytes().to_vec(),
                key.to_pkcs8_pem().unwrap().replace('\n', "\r\n").into_bytes(),
            ] {
                let again = read(file).unwrap();
                prop_assert_eq!(again.algorithm(), algorithm);
                prop_assert_eq!(again.expose(), key.expose());
            }
            let public_key = key.public_key();
            let der = public_key_to_spki_der(algorithm, &public_key).unwrap();
            let pem = public_key_to_spki_pem(algorithm, &public_key).unwrap();
            for file in [&der[..], pem.as_bytes()] {
                let expected = Ok((algorithm, public_key.clone()));
                prop_assert_eq!(public_key_from_spki(file), expected);
            }
        }
    }

    /// Goal: a damaged file gives an error or the same key, never a panic or another key. Method:
    /// change one byte of good files, and cut them.
    #[test]
    fn damaged_files(place: prop::sample::Index, value: u8, cut: bool) {
        for algorithm in Algorithm::ALL {
            let key = key_of(algorithm, 7);
            let der = key.to_pkcs8_der().unwrap();
            let spki = public_key_to_spki_der(algorithm, &key.public_key()).unwrap();
            for file in [&der[..], &spki, &unhex(SCRYPT_DER), PBKDF2_PEM.as_bytes()] {
                let mut file = file.to_vec();
                let place = place.index(file.len());
                if cut { file.truncate(place) } else { file[place] = value }
                let _ = read(&file);
                let _ = public_key_from_spki(&file);
            }
        }
    }

    /// Goal: any bytes give an error. Method: any, and any behind the header of a block.
    #[test]
    fn any_bytes(bytes in vec(any::<u8>(), 0..200), text in "[ -~\\n]{0,200}") {
        prop_assert!(SecretKey::from_key_file(&bytes, Some(b"")).is_err());
        prop_assert!(public_key_from_spki(&bytes).is_err());
        for label in ["PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "PUBLIC KEY"] {
            let file = format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n");
            prop_assert!(SecretKey::from_key_file(file.as_bytes(), Some(b"")).is_err());
            prop_assert!(public_key_from_spki(file.as_bytes()).is_err());
        }
    }
}
