//! Decrypt PKCS#8 files within bounds on the work that they may ask for.

use super::{KeyFileError, malformed};
use pkcs8::EncryptedPrivateKeyInfoRef;
use pkcs8::pkcs5::EncryptionScheme;
use pkcs8::pkcs5::pbes2::Kdf;
use zeroize::Zeroizing;

/// Most rounds of PBKDF2 that a key file may ask for: about two seconds of work.
pub const PBKDF2_ITERATIONS_MAX: u32 = 10_000_000;
/// Most memory that a key file's scrypt may touch, in bytes: `128 N r p` (RFC 7914, section 5).
pub const SCRYPT_BYTES_MAX: u64 = 1 << 30;

pub(super) fn is_encrypted(der: &[u8]) -> bool {
    EncryptedPrivateKeyInfoRef::try_from(der).is_ok()
}

pub(super) fn decrypt(
    der: &[u8],
    password: Option<&[u8]>,
) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let info = EncryptedPrivateKeyInfoRef::try_from(der).map_err(malformed)?;
    let EncryptionScheme::Pbes2(scheme) = &info.encryption_algorithm else {
        return Err(KeyFileError::Unsupported("encryption other than PBES2".to_owned()));
    };
    check_cost(&scheme.kdf)?;
    let password = password.ok_or(KeyFileError::PasswordNeeded)?;
    info.decrypt(password)
        .map(|document| document.to_bytes())
        .map_err(|_| KeyFileError::WrongPassword)
}

fn check_cost(kdf: &Kdf) -> Result<(), KeyFileError> {
    match kdf {
        Kdf::Pbkdf2(kdf) if kdf.iteration_count > PBKDF2_ITERATIONS_MAX => {
            let (asked, most) = (kdf.iteration_count, PBKDF2_ITERATIONS_MAX);
            Err(KeyFileError::TooCostly(format!("PBKDF2 of {asked} rounds, at most {most}")))
        }
        Kdf::Scrypt(kdf) => {
            let bytes = [kdf.block_size.into(), kdf.parallelization.into()]
                .into_iter()
                .fold(kdf.cost_parameter.saturating_mul(128), u64::saturating_mul);
            if bytes > SCRYPT_BYTES_MAX {
                let text = format!("scrypt over {bytes} bytes, at most {SCRYPT_BYTES_MAX}");
                return Err(KeyFileError::TooCostly(text));
            }
            Ok(())
        }
        _ => Ok(()),
    }
}
