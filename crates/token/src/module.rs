//! Load each vendor's module once in a process.

use crate::TokenError;
use cryptoki::{
    context::{CInitializeArgs, CInitializeFlags, Pkcs11},
    error::{Error, RvError},
};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

/// Modules keep state for the whole process: a second one of the same library would end the first
/// one's sessions when it is dropped.
static MODULES: Mutex<Option<HashMap<PathBuf, Pkcs11>>> = Mutex::new(None);

/// Loads and initialises the module; initialises it again where somebody finalised it.
///
/// # Errors
/// [`TokenError::Module`].
pub fn load(path: &Path) -> Result<Pkcs11, TokenError> {
    let refuse =
        |error: Error| TokenError::Module { path: path.to_owned(), reason: error.to_string() };
    // A panic elsewhere leaves a map that is whole.
    let mut modules = MODULES.lock().unwrap_or_else(PoisonError::into_inner);
    let modules = modules.get_or_insert_default();
    let module = match modules.get(path) {
        Some(module) => module.clone(),
        None => Pkcs11::new(path).map_err(refuse)?,
    };
    match module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
        Err(error) => return Err(refuse(error)),
    }
    modules.insert(path.to_owned(), module.clone());
    Ok(module)
}
