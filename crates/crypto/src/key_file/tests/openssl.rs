//! Exchange keys and signatures with the `openssl` command, where the machine has it.

use super::read;
use crate::tests::openssl::{is_there, run};
use crate::{
    Algorithm, SecretKey, framed, public_key_from_spki, public_key_to_spki_pem, signature_from_der,
    signature_to_der, verify_unframed,
};
use std::fs;

/// What `openssl` calls an algorithm, and how it signs with it; it has no ML-DSA before 3.5.
struct Peer {
    algorithm: Algorithm,
    generate: &'static [&'static str],
    /// Options of `pkeyutl` beside the files.
    sign: &'static [&'static str],
}

const PEERS: [Peer; 4] = [
    Peer { algorithm: Algorithm::Ed25519, generate: &["-algorithm", "ED25519"], sign: &[] },
    Peer {
        algorithm: Algorithm::P256,
        generate: &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
        sign: &["-digest", "sha256"],
    },
    Peer {
        algorithm: Algorithm::Secp256k1,
        generate: &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp256k1"],
        sign: &["-digest", "sha256"],
    },
    Peer {
        algorithm: Algorithm::Sm2,
        generate: &["-algorithm", "SM2"],
        sign: &["-digest", "sm3", "-pkeyopt", "distid:1234567812345678"],
    },
];

fn to_signature(peer: &Peer, bytes: &[u8]) -> Vec<u8> {
    match signature_from_der(peer.algorithm, bytes) {
        Ok(signature) => signature,
        Err(_) => bytes.to_vec(),
    }
}

/// Whether a signature in the form of another program is valid, whatever its last byte.
fn is_valid(peer: &Peer, public_key: &[u8], signed: &[u8], bytes: &[u8]) -> bool {
    let mut signature = to_signature(peer, bytes);
    let tries = if peer.algorithm == Algorithm::Secp256k1 { 4 } else { 1 };
    (0..tries).any(|last| {
        if tries > 1 {
            signature[64] = last;
        }
        verify_unframed(peer.algorithm, public_key, signed, &signature)
    })
}

/// Goal: keys pass both ways. Method: `openssl` makes a key, it is read, written and read by
/// `openssl` again; the public keys that both derive are equal.
#[test]
fn keys_pass_both_ways() {
    if !is_there() {
        return;
    }
    for peer in &PEERS {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        run(path, &[&["genpkey", "-out", "a.pem"], peer.generate].concat());
        run(path, &["pkey", "-in", "a.pem", "-pubout", "-out", "a.pub"]);
        run(path, &["pkey", "-in", "a.pem", "-outform", "DER", "-out", "a.der"]);
        let key = read(fs::read(path.join("a.pem")).unwrap()).unwrap();
        assert_eq!(key.algorithm(), peer.algorithm);
        assert_eq!(read(fs::read(path.join("a.der")).unwrap()).unwrap().expose(), key.expose());
        let theirs = fs::read(path.join("a.pub")).unwrap();
        assert_eq!(public_key_from_spki(&theirs), Ok((peer.algorithm, key.public_key())));
        let ours = public_key_to_spki_pem(peer.algorithm, &key.public_key()).unwrap();
        assert_eq!(ours.as_bytes(), theirs);
        fs::write(path.join("b.pem"), key.to_pkcs8_pem().unwrap()).unwrap();
        run(path, &["pkey", "-in", "b.pem", "-pubout", "-out", "b.pub"]);
        assert_eq!(fs::read(path.join("b.pub")).unwrap(), theirs);
        assert_eq!(fs::read(path.join("b.pem")).unwrap(), fs::read(path.join("a.pem")).unwrap());
    }
}

/// Goal: signatures pass both ways. Method: `openssl` verifies ours over the framed bytes, and we
/// verify its own.
#[test]
fn signatures_pass_both_ways() {
    if !is_there() {
        return;
    }
    for peer in &PEERS {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let key = crate::tests::key_of(peer.algorithm, 7);
        let public_key = key.public_key();
        let signed = framed(b"test", b"message");
        let ours = key.sign(b"test", b"message");
        let ours = signature_to_der(peer.algorithm, &ours).unwrap_or(ours);
        let pem = public_key_to_spki_pem(peer.algorithm, &public_key).unwrap();
        fs::write(path.join("key.pem"), key.to_pkcs8_pem().unwrap()).unwrap();
        fs::write(path.join("key.pub"), pem).unwrap();
        fs::write(path.join("message"), &signed).unwrap();
        fs::write(path.join("ours"), &ours).unwrap();
        let verify = ["pkeyutl", "-verify", "-pubin", "-inkey", "key.pub", "-sigfile", "ours"];
        let input = ["-rawin", "-in", "message"];
        run(path, &[&verify[..], &input, peer.sign].concat());
        let sign = ["pkeyutl", "-sign", "-inkey", "key.pem", "-out", "theirs"];
        run(path, &[&sign[..], &input, peer.sign].concat());
        let theirs = fs::read(path.join("theirs")).unwrap();
        assert!(is_valid(peer, &public_key, &signed, &theirs), "{}", peer.algorithm);
        assert!(!is_valid(peer, &public_key, b"other", &theirs), "{}", peer.algorithm);
    }
}

/// Goal: encrypted files of `openssl` open. Method: its key derivations and ciphers.
#[test]
fn encrypted_files_open() {
    if !is_there() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    for peer in &PEERS {
        run(path, &[&["genpkey", "-out", "a.pem"], peer.generate].concat());
        let key = read(fs::read(path.join("a.pem")).unwrap()).unwrap();
        let forms: [&[&str]; 4] = [
            &["-v2", "aes-128-cbc"],
            &["-v2", "aes-256-cbc", "-iter", "10000"],
            &["-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA512"],
            &["-scrypt"],
        ];
        for form in forms {
            let write =
                ["pkcs8", "-topk8", "-in", "a.pem", "-out", "e.pem", "-passout", "pass:open"];
            run(path, &[&write[..], form].concat());
            let file = fs::read(path.join("e.pem")).unwrap();
            let opened = SecretKey::from_key_file(&file, Some(b"open")).unwrap();
            assert_eq!(opened.expose(), key.expose());
        }
    }
}

/// Goal: SEC 1 keys are read, with the block of parameters that `openssl` puts before them. Method:
/// its older commands, in PEM and DER, with compressed public keys and without any.
#[test]
fn sec1_keys_are_read() {
    if !is_there() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    for (curve, algorithm) in [("prime256v1", Algorithm::P256), ("secp256k1", Algorithm::Secp256k1)]
    {
        run(path, &["ecparam", "-name", curve, "-genkey", "-out", "a.pem"]);
        let key = read(fs::read(path.join("a.pem")).unwrap()).unwrap();
        assert_eq!(key.algorithm(), algorithm);
        let forms: [&[&str]; 3] = [
            &["-outform", "DER"],
            &["-conv_form", "compressed"],
            &["-no_public", "-outform", "DER"],
        ];
        for form in forms {
            run(path, &[&["ec", "-in", "a.pem", "-out", "b"], form].concat());
            assert_eq!(read(fs::read(path.join("b")).unwrap()).unwrap().expose(), key.expose());
        }
        run(path, &["ec", "-in", "a.pem", "-out", "b", "-param_enc", "explicit"]);
        assert_eq!(super::code(read(fs::read(path.join("b")).unwrap())), "bad_key_file");
    }
}
