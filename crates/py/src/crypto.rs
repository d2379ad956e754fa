//! Sign, verify, hash and encrypt what other programs signed or sealed, many at once.
//!
//! Nothing here has a namespace: the bytes are those that are signed.

use crate::detached::detached;
use crate::errors::{bad_argument, refuse};
use crate::keys::{SecretKey, algorithm};
use pyo3::buffer::PyBuffer;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;
use trine_crypto::sm2::{self, EncryptionError};
use trine_crypto::webauthn::{Assertion, Expected};
use trine_crypto::{
    Algorithm, Digest, KeyFileError, Suite, UnframedItem, hash_many as hash_each, keccak256,
    recover_secp256k1, sm4_gcm, verify_each_unframed, webauthn,
};

/// Signatures or messages of one call, at most.
const ITEMS_MAX: usize = 1 << 20;

fn of_key_file(error: &KeyFileError) -> PyErr {
    refuse(error.code(), error.to_string())
}

/// Byte strings of one length in a buffer, or a list of them.
#[derive(FromPyObject)]
enum Many {
    Joined(PyBuffer<u8>),
    Each(Vec<PyBackedBytes>),
}

/// The byte strings; a buffer is copied, since others may write to it meanwhile.
enum Owned {
    Joined(Vec<u8>, usize),
    Each(Vec<PyBackedBytes>),
}

impl Many {
    /// Takes `count` byte strings.
    fn take(self, py: Python<'_>, count: usize, what: &str) -> PyResult<Owned> {
        match self {
            Self::Each(list) if list.len() == count => Ok(Owned::Each(list)),
            Self::Each(list) => {
                Err(bad_argument(format!("{} {what}, expected {count}", list.len())))
            }
            Self::Joined(buffer) => {
                let bytes = buffer.to_vec(py)?;
                let length = bytes.len().checked_div(count).unwrap_or(0);
                if length * count == bytes.len() {
                    return Ok(Owned::Joined(bytes, length));
                }
                let found = bytes.len();
                Err(bad_argument(format!("{what}: {found} bytes, expected a multiple of {count}")))
            }
        }
    }

    fn count(&self, length: usize) -> usize {
        match self {
            Self::Each(list) => list.len(),
            Self::Joined(buffer) => buffer.len_bytes() / length.max(1),
        }
    }
}

impl Owned {
    fn get(&self, place: usize) -> &[u8] {
        match self {
            Self::Joined(bytes, length) => &bytes[place * length..(place + 1) * length],
            Self::Each(list) => &list[place],
        }
    }
}

fn check_count(count: usize) -> PyResult<()> {
    match count <= ITEMS_MAX {
        true => Ok(()),
        false => Err(bad_argument(format!("{count} items, at most {ITEMS_MAX} in a call"))),
    }
}

/// For each signature one byte, 1 where it is valid.
#[pyfunction]
fn verify_batch<'py>(
    py: Python<'py>,
    algorithm_name: &str,
    keys: Many,
    messages: Many,
    signatures: Many,
) -> PyResult<Bound<'py, PyBytes>> {
    let algorithm = algorithm(algorithm_name)?;
    let count = keys.count(algorithm.public_key_bytes());
    check_count(count)?;
    let keys = keys.take(py, count, "keys")?;
    let messages = messages.take(py, count, "messages")?;
    let signatures = signatures.take(py, count, "signatures")?;
    let item = |place| UnframedItem {
        public_key: keys.get(place),
        message: messages.get(place),
        signature: signatures.get(place),
    };
    let verdicts = detached(py, || {
        verify_each_unframed(algorithm, &(0..count).map(item).collect::<Vec<_>>())
    })?;
    Ok(PyBytes::new(py, &verdicts.into_iter().map(u8::from).collect::<Vec<_>>()))
}

/// The digests of the messages, 32 bytes each, one after the other.
#[pyfunction]
fn hash_many<'py>(
    py: Python<'py>,
    function: &str,
    messages: Vec<PyBackedBytes>,
) -> PyResult<Bound<'py, PyBytes>> {
    check_count(messages.len())?;
    let hash: fn(&[&[u8]]) -> Vec<Digest> = match function {
        "sha256" => |messages| hash_each(Suite::Intl, messages),
        "sm3" => |messages| hash_each(Suite::Gm, messages),
        "keccak256" => |messages| messages.iter().map(|one| keccak256(&[one])).collect(),
        other => {
            let expected = "sha256, sm3 or keccak256";
            return Err(bad_argument(format!("hash function {other:?}, expected {expected}")));
        }
    };
    let digests = detached(py, || {
        let messages: Vec<&[u8]> = messages.iter().map(|one| &**one).collect();
        hash(&messages).iter().flat_map(|digest| digest.0).collect::<Vec<u8>>()
    })?;
    Ok(PyBytes::new(py, &digests))
}

/// Signs exactly `message`; for SM2 as the signer `id`, where given.
#[pyfunction]
#[pyo3(signature = (key, message, id=None))]
fn sign<'py>(
    py: Python<'py>,
    key: &SecretKey,
    message: &[u8],
    id: Option<&[u8]>,
) -> PyResult<Bound<'py, PyBytes>> {
    let signature = match id {
        None => detached(py, || key.0.sign_unframed(message))?,
        Some(id) => detached(py, || sm2::sign_as(&key.0, id, message))?.ok_or_else(|| {
            let limit = sm2::ID_BYTES_MAX;
            bad_argument(format!("identifiers are for SM2 keys, of at most {limit} bytes"))
        })?,
    };
    Ok(PyBytes::new(py, &signature))
}

/// Says whether a signature over exactly `message` is valid; for SM2 of the signer `id`.
#[pyfunction]
#[pyo3(signature = (algorithm_name, public_key, message, signature, id=None))]
fn verify(
    py: Python<'_>,
    algorithm_name: &str,
    public_key: &[u8],
    message: &[u8],
    signature: &[u8],
    id: Option<&[u8]>,
) -> PyResult<bool> {
    let algorithm = algorithm(algorithm_name)?;
    match (algorithm, id) {
        (_, None) => detached(py, || {
            trine_crypto::verify_unframed(algorithm, public_key, message, signature)
        }),
        (Algorithm::Sm2, Some(id)) => {
            detached(py, || sm2::verify_as(public_key, id, message, signature))
        }
        _ => Err(bad_argument(format!("identifiers are for sm2, not for {algorithm}"))),
    }
}

/// Reads a DER signature of another program.
#[pyfunction]
fn signature_from_der<'py>(
    py: Python<'py>,
    algorithm_name: &str,
    der: &[u8],
) -> PyResult<Bound<'py, PyBytes>> {
    let read = trine_crypto::signature_from_der(algorithm(algorithm_name)?, der);
    Ok(PyBytes::new(py, &read.map_err(|error| bad_argument(error.to_string()))?))
}

/// Writes a signature as DER for another program.
#[pyfunction]
fn signature_to_der<'py>(
    py: Python<'py>,
    algorithm_name: &str,
    signature: &[u8],
) -> PyResult<Bound<'py, PyBytes>> {
    let written = trine_crypto::signature_to_der(algorithm(algorithm_name)?, signature);
    Ok(PyBytes::new(py, &written.map_err(|error| bad_argument(error.to_string()))?))
}

/// Reads a secret key in PEM or DER; gives algorithm and secret.
#[pyfunction]
#[pyo3(signature = (file, password=None))]
fn read_secret_key(py: Python<'_>, file: &[u8], password: Option<&[u8]>) -> PyResult<SecretKey> {
    let read = detached(py, || trine_crypto::SecretKey::from_key_file(file, password))?;
    read.map(SecretKey).map_err(|error| of_key_file(&error))
}

/// Writes a secret key as PKCS#8 in PEM.
#[pyfunction]
fn write_secret_key<'py>(py: Python<'py>, key: &SecretKey) -> PyResult<Bound<'py, PyBytes>> {
    let text = key.0.to_pkcs8_pem().map_err(|error| of_key_file(&error))?;
    Ok(PyBytes::new(py, text.as_bytes()))
}

/// Reads a public key in PEM or DER; gives algorithm and key.
#[pyfunction]
fn read_public_key<'py>(
    py: Python<'py>,
    file: &[u8],
) -> PyResult<(&'static str, Bound<'py, PyBytes>)> {
    let read = trine_crypto::public_key_from_spki(file);
    let (algorithm, key) = read.map_err(|error| of_key_file(&error))?;
    Ok((algorithm.name(), PyBytes::new(py, &key)))
}

/// Writes a public key in PEM.
#[pyfunction]
fn write_public_key<'py>(
    py: Python<'py>,
    algorithm_name: &str,
    public_key: &[u8],
) -> PyResult<Bound<'py, PyBytes>> {
    let written = trine_crypto::public_key_to_spki_pem(algorithm(algorithm_name)?, public_key);
    Ok(PyBytes::new(py, written.map_err(|error| of_key_file(&error))?.as_bytes()))
}

/// The public key of secp256k1 that signed a digest; nothing where there is none.
#[pyfunction]
fn recover<'py>(
    py: Python<'py>,
    digest: [u8; 32],
    signature: &[u8],
) -> Option<Bound<'py, PyBytes>> {
    recover_secp256k1(&digest, signature).map(|key| PyBytes::new(py, &key))
}

/// Encrypts with SM4-GCM.
#[pyfunction]
fn sm4_gcm_seal<'py>(
    py: Python<'py>,
    key: [u8; sm4_gcm::KEY_BYTES],
    nonce: [u8; sm4_gcm::NONCE_BYTES],
    associated: &[u8],
    plaintext: &[u8],
) -> PyResult<Bound<'py, PyBytes>> {
    let sealed = detached(py, || sm4_gcm::seal(&key, &nonce, associated, plaintext))?;
    Ok(PyBytes::new(py, &sealed.map_err(|error| bad_argument(error.to_string()))?))
}

/// Decrypts with SM4-GCM; nothing where key, nonce or bytes are not those that were sealed.
#[pyfunction]
fn sm4_gcm_open<'py>(
    py: Python<'py>,
    key: [u8; sm4_gcm::KEY_BYTES],
    nonce: [u8; sm4_gcm::NONCE_BYTES],
    associated: &[u8],
    sealed: &[u8],
) -> PyResult<Option<Bound<'py, PyBytes>>> {
    let opened = detached(py, || sm4_gcm::open(&key, &nonce, associated, sealed))?;
    Ok(opened.ok().map(|plaintext| PyBytes::new(py, &plaintext)))
}

/// Encrypts a short secret to a public key of SM2.
#[pyfunction]
fn sm2_encrypt<'py>(
    py: Python<'py>,
    public_key: &[u8],
    secret: &[u8],
) -> PyResult<Bound<'py, PyBytes>> {
    let encrypted = detached(py, || sm2::encrypt(public_key, secret))?;
    let encrypted = encrypted.map_err(|error| match error {
        EncryptionError::BadPublicKey(_) => refuse("bad_public_key", error.to_string()),
        EncryptionError::Length(_) => bad_argument(error.to_string()),
    })?;
    Ok(PyBytes::new(py, &encrypted))
}

/// Decrypts with a key of SM2; nothing where the bytes are not those that were encrypted to it.
#[pyfunction]
fn sm2_decrypt<'py>(
    py: Python<'py>,
    key: &SecretKey,
    ciphertext: &[u8],
) -> PyResult<Option<Bound<'py, PyBytes>>> {
    if key.0.algorithm() != Algorithm::Sm2 {
        let found = key.0.algorithm();
        return Err(bad_argument(format!("a key of {found}, expected one of sm2")));
    }
    let decrypted = detached(py, || sm2::decrypt(&key.0, ciphertext))?;
    Ok(decrypted.map(|secret| PyBytes::new(py, &secret)))
}

/// Checks a passkey's assertion; gives whether the user was verified and the counter.
#[pyfunction]
#[pyo3(signature = (
    public_key, *, authenticator_data, client_data_json, signature, challenge, relying_party,
    origins, user_verification
))]
#[expect(clippy::too_many_arguments, reason = "Python passes them by name")]
fn verify_passkey(
    public_key: &[u8],
    authenticator_data: &[u8],
    client_data_json: &[u8],
    signature: &[u8],
    challenge: &[u8],
    relying_party: &str,
    origins: Vec<String>,
    user_verification: bool,
) -> PyResult<(bool, u32)> {
    let origins: Vec<&str> = origins.iter().map(String::as_str).collect();
    let assertion = Assertion { authenticator_data, client_data_json, signature };
    let expected = Expected { challenge, relying_party, origins: &origins, user_verification };
    let verified = webauthn::verify(public_key, &assertion, &expected);
    let verified = verified.map_err(|error| refuse("bad_signature", error.to_string()))?;
    Ok((verified.user_verified, verified.sign_count))
}

/// What a passkey is asked to sign in the place of `message` in `namespace`.
#[pyfunction]
fn passkey_challenge<'py>(
    py: Python<'py>,
    namespace: &[u8],
    message: &[u8],
) -> Bound<'py, PyBytes> {
    PyBytes::new(py, &trine_crypto::passkey_challenge(namespace, message).0)
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(verify_batch, module)?)?;
    module.add_function(wrap_pyfunction!(hash_many, module)?)?;
    module.add_function(wrap_pyfunction!(sign, module)?)?;
    module.add_function(wrap_pyfunction!(verify, module)?)?;
    module.add_function(wrap_pyfunction!(signature_from_der, module)?)?;
    module.add_function(wrap_pyfunction!(signature_to_der, module)?)?;
    module.add_function(wrap_pyfunction!(read_secret_key, module)?)?;
    module.add_function(wrap_pyfunction!(write_secret_key, module)?)?;
    module.add_function(wrap_pyfunction!(read_public_key, module)?)?;
    module.add_function(wrap_pyfunction!(write_public_key, module)?)?;
    module.add_function(wrap_pyfunction!(recover, module)?)?;
    module.add_function(wrap_pyfunction!(sm4_gcm_seal, module)?)?;
    module.add_function(wrap_pyfunction!(sm4_gcm_open, module)?)?;
    module.add_function(wrap_pyfunction!(sm2_encrypt, module)?)?;
    module.add_function(wrap_pyfunction!(sm2_decrypt, module)?)?;
    module.add_function(wrap_pyfunction!(passkey_challenge, module)?)?;
    module.add_function(wrap_pyfunction!(verify_passkey, module)?)
}
