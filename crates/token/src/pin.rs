//! Read a PIN when it is needed, and never try one again that was refused.
//!
//! Tokens count wrong PINs and lock themselves, and a service that fails is started again by its
//! supervisor. So a refused PIN is remembered twice: in this process, and across processes by a
//! mark beside the PIN's file that names the state of the file (time and length), nothing of its
//! content. A corrected file has another state, and is tried once.

use crate::{PinSource, TokenConfig, TokenError};
use cryptoki::types::AuthPin;
use std::{
    env,
    fs::{self, File},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};
use trine_crypto::Suite;
use zeroize::Zeroizing;

/// Longest PIN, in bytes; PKCS #11 leaves it to tokens, which stop far below.
const PIN_BYTES_MAX: usize = 255;
/// A refused PIN is kept as a digest; the process ends long before it meets this many.
const REFUSED_MAX: usize = 64;
const MARK: &str = ".refused";

static REFUSED: Mutex<Vec<[u8; 32]>> = Mutex::new(Vec::new());

/// A PIN that was read, erased when dropped.
pub struct Pin<'a> {
    text: Zeroizing<String>,
    config: &'a TokenConfig,
    serial: String,
}

impl<'a> Pin<'a> {
    /// Reads the PIN for the token with this serial number.
    ///
    /// # Errors
    /// [`TokenError::Pin`], or [`TokenError::WrongPin`] when this very PIN was refused before.
    pub fn read(config: &'a TokenConfig, serial: &str) -> Result<Self, TokenError> {
        let text = match &config.pin {
            PinSource::File(file) => read_file(file),
            PinSource::Variable(name) => read_variable(name),
        };
        let text = text.map_err(|reason| TokenError::Pin { from: config.pin.clone(), reason })?;
        let pin = Self { text, config, serial: serial.to_owned() };
        let refused = REFUSED.lock().unwrap_or_else(PoisonError::into_inner);
        if refused.contains(&pin.digest()) || pin.is_marked() {
            return Err(pin.wrong(true));
        }
        Ok(pin)
    }

    /// The PIN as the module takes it.
    pub fn expose(&self) -> AuthPin {
        AuthPin::new(self.text.as_str().into())
    }

    /// Remembers that the token refused this PIN.
    pub fn refused(&self) -> TokenError {
        let mut refused = REFUSED.lock().unwrap_or_else(PoisonError::into_inner);
        if refused.len() == REFUSED_MAX {
            refused.remove(0);
        }
        refused.push(self.digest());
        if let Some((mark, state)) = self.mark()
            && let Err(error) = write_mark(&mark, &state)
        {
            // Other processes will try the PIN once more; the last try is never used up.
            tracing::warn!(mark = %mark.display(), %error, "cannot remember the refused PIN");
        }
        self.wrong(false)
    }

    /// Forgets what was remembered of an earlier PIN.
    pub fn accepted(&self) {
        let Some((mark, _)) = self.mark() else { return };
        // A mark of another token that shares the file stays.
        let of_this = format!("{} ", self.serial);
        if fs::read_to_string(&mark).is_ok_and(|text| text.starts_with(&of_this)) {
            // One that cannot be removed names another state of the file, and stops nobody.
            let _ = fs::remove_file(mark);
        }
    }

    fn wrong(&self, before: bool) -> TokenError {
        let (token, from) = (self.config.token.clone(), self.config.pin.clone());
        TokenError::WrongPin { token, from, before }
    }

    /// Tells PINs of tokens apart; kept in memory alone, where the PIN passes anyway.
    fn digest(&self) -> [u8; 32] {
        let module = self.config.module.as_os_str().as_encoded_bytes();
        let parts = [module, b"\0", self.serial.as_bytes(), b"\0", self.text.as_bytes()];
        *Suite::Intl.hash(&parts).as_bytes()
    }

    /// The mark's place, and what it holds for the file as it is now.
    fn mark(&self) -> Option<(PathBuf, String)> {
        let PinSource::File(file) = &self.config.pin else { return None };
        let meta = fs::metadata(file).ok()?;
        let changed = meta.modified().ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
        let mut mark = file.clone().into_os_string();
        mark.push(MARK);
        let state = format!("{} {} {}\n", self.serial, changed.as_nanos(), meta.len());
        Some((mark.into(), state))
    }

    fn is_marked(&self) -> bool {
        self.mark()
            .is_some_and(|(mark, state)| fs::read_to_string(mark).is_ok_and(|text| text == state))
    }
}

fn write_mark(mark: &Path, state: &str) -> io::Result<()> {
    let mut file = File::create(mark)?;
    file.write_all(state.as_bytes())?;
    file.sync_all()
}

fn read_variable(name: &str) -> Result<Zeroizing<String>, String> {
    match env::var(name) {
        Ok(pin) => checked(Zeroizing::new(pin)),
        Err(env::VarError::NotPresent) => Err("it is not set; set it for this process".into()),
        Err(env::VarError::NotUnicode(bytes)) => {
            drop(Zeroizing::new(bytes.into_encoded_bytes()));
            Err("it is not UTF-8".into())
        }
    }
}

fn read_file(file: &Path) -> Result<Zeroizing<String>, String> {
    let mut opened = File::open(file).map_err(|error| error.to_string())?;
    let meta = opened.metadata().map_err(|error| error.to_string())?;
    if !meta.is_file() {
        return Err("it is no file".into());
    }
    check_private(&meta)?;
    // Room for all that is read: a buffer that grew would leave a copy behind.
    let mut bytes = Zeroizing::new(vec![0; PIN_BYTES_MAX + 3]);
    let mut length = 0;
    while length < bytes.len() {
        match opened.read(&mut bytes[length..]).map_err(|error| error.to_string())? {
            0 => break,
            read => length += read,
        }
    }
    let line = bytes[..length].split(|byte| matches!(byte, b'\r' | b'\n')).next();
    let text = str::from_utf8(line.unwrap_or_default()).map_err(|_| "it is not UTF-8")?;
    checked(Zeroizing::new(text.to_owned()))
}

fn checked(pin: Zeroizing<String>) -> Result<Zeroizing<String>, String> {
    match pin.len() {
        0 => Err("it is empty, expected the PIN in the first line".into()),
        1..=PIN_BYTES_MAX => Ok(pin),
        _ => Err(format!("it is longer than {PIN_BYTES_MAX} bytes")),
    }
}

#[cfg(unix)]
fn check_private(meta: &fs::Metadata) -> Result<(), String> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = meta.permissions().mode() & 0o777;
    let private = mode & 0o077 == 0;
    private.then_some(()).ok_or_else(|| {
        format!("others can read it (mode {mode:03o}), expected mode 600: `chmod 600` it")
    })
}

#[cfg(not(unix))]
fn check_private(_: &fs::Metadata) -> Result<(), String> {
    Ok(())
}

#[cfg(test)]
mod tests;
