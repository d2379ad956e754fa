//! Test encryption through the crate's interface, and exchange ciphertexts with `openssl`.

use crate::sm2::{
    CIPHERTEXT_OVERHEAD_BYTES, EncryptionError, PLAINTEXT_BYTES_MAX, decrypt, encrypt,
};
use crate::tests::key_of;
use crate::tests::openssl::{is_there, run};
use crate::tests::vectors::{hex, read};
use crate::{Algorithm, SecretKey, public_key_to_spki_pem};
use der::asn1::{OctetString, OctetStringRef, UintRef};
use der::{Any, Decode, Encode};
use std::fs;

/// Bytes of a ciphertext before the digest.
const POINT_BYTES: usize = 65;
/// Bytes of a ciphertext before the masked text.
const HEAD_BYTES: usize = CIPHERTEXT_OVERHEAD_BYTES;

/// Writes a ciphertext as other programs do: `SM2Cipher` (GM/T 0009, section 7.2).
fn to_der(ciphertext: &[u8]) -> Vec<u8> {
    let integer = |bytes| Any::encode_from(&UintRef::new(bytes).unwrap()).unwrap();
    let octets = |bytes| Any::encode_from(&OctetString::new(bytes).unwrap()).unwrap();
    vec![
        integer(&ciphertext[1..33]),
        integer(&ciphertext[33..POINT_BYTES]),
        octets(&ciphertext[POINT_BYTES..HEAD_BYTES]),
        octets(&ciphertext[HEAD_BYTES..]),
    ]
    .to_der()
    .unwrap()
}

fn from_der(der: &[u8]) -> Vec<u8> {
    let parts: [Any; 4] = Vec::<Any>::from_der(der).unwrap().try_into().unwrap();
    let mut ciphertext = vec![4; 1];
    for coordinate in &parts[..2] {
        let digits = coordinate.decode_as::<UintRef<'_>>().unwrap();
        ciphertext.resize(ciphertext.len() + 32 - digits.as_bytes().len(), 0);
        ciphertext.extend(digits.as_bytes());
    }
    for octets in &parts[2..] {
        ciphertext.extend(octets.decode_as::<&OctetStringRef>().unwrap().as_bytes());
    }
    ciphertext
}

/// Goal: the example of the standard (GB/T 32918.5-2017, appendix C) opens. Method: its parts.
#[test]
fn the_example_of_the_standard_opens() {
    let Some(file) = read("sm2/sm2_standard_example.json") else { return };
    let case = &file["encrypt"];
    let key = SecretKey::from_bytes(Algorithm::Sm2, &hex(&case["private_key_hex"])).unwrap();
    let parts = ["c1_hex", "c3_hex", "c2_hex"].map(|name| hex(&case[name]));
    let opened = decrypt(&key, &parts.concat()).unwrap();
    assert_eq!(opened[..], *case["plaintext"].as_str().unwrap().as_bytes());
}

/// Goal: secrets pass both ways. Method: `openssl` decrypts ours and we decrypt its own, of several
/// lengths; many, so that coordinates with zeros in front come too.
#[test]
fn secrets_pass_both_ways() {
    if !is_there() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let key = key_of(Algorithm::Sm2, 7);
    let pem = public_key_to_spki_pem(Algorithm::Sm2, &key.public_key()).unwrap();
    fs::write(path.join("key.pub"), pem).unwrap();
    fs::write(path.join("key.pem"), key.to_pkcs8_pem().unwrap()).unwrap();
    for bytes in [1, 16, 31, 32, 33, 80, 200] {
        let secret: Vec<u8> = (0..bytes).collect();
        let ours = encrypt(&key.public_key(), &secret).unwrap();
        fs::write(path.join("ours"), to_der(&ours)).unwrap();
        let command = ["pkeyutl", "-decrypt", "-inkey", "key.pem", "-in", "ours", "-out", "opened"];
        run(path, &command);
        assert_eq!(fs::read(path.join("opened")).unwrap(), secret);
        fs::write(path.join("secret"), &secret).unwrap();
        let command = ["pkeyutl", "-encrypt", "-pubin", "-inkey", "key.pub", "-in", "secret"];
        run(path, &[&command[..], &["-out", "theirs"]].concat());
        let theirs = from_der(&fs::read(path.join("theirs")).unwrap());
        assert_eq!(*decrypt(&key, &theirs).unwrap(), secret);
        assert_eq!(from_der(&to_der(&theirs)), theirs);
    }
}

/// Goal: what cannot be encrypted or decrypted is told. Method: keys of other lengths, algorithms
/// and curves; secrets at the limits and past them; the key of another algorithm.
#[test]
fn keys_and_secrets_have_limits() {
    let key = key_of(Algorithm::Sm2, 7);
    let public_key = key.public_key();
    for bytes in [1, PLAINTEXT_BYTES_MAX] {
        let secret = vec![1; bytes];
        let encrypted = encrypt(&public_key, &secret).unwrap();
        assert_eq!(encrypted.len(), bytes + CIPHERTEXT_OVERHEAD_BYTES);
        assert_eq!(*decrypt(&key, &encrypted).unwrap(), secret);
        assert!(decrypt(&key_of(Algorithm::Sm2, 8), &encrypted).is_none());
        assert!(decrypt(&key_of(Algorithm::P256, 7), &encrypted).is_none());
    }
    for bytes in [0, PLAINTEXT_BYTES_MAX + 1] {
        let refused = encrypt(&public_key, &vec![1; bytes]);
        assert_eq!(refused, Err(EncryptionError::Length(bytes)));
    }
    let mut tagged = public_key.clone();
    tagged[0] = 4;
    let none = [&[2], &[0xff; 32][..]].concat();
    for bad in
        [b"".as_slice(), &public_key[..32], &[&public_key[..], &[0]].concat(), &tagged, &none]
    {
        assert_eq!(encrypt(bad, b"secret"), Err(EncryptionError::BadPublicKey(bad.len())));
    }
}
