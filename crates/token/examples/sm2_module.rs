//! Be a PKCS #11 module with one token that has SM2 alone, for the tests.
//!
//! SoftHSM2 has no SM2. This module implements the functions that `trine-token` calls, keeps its
//! keys in memory and signs with the project's own kernels. The tests steer it through files in the
//! folder that `TRINE_TEST_TOKEN` names: `pulled` (the token is not there), `hangs` (no signature
//! for a while), `wrong` (signatures of another digest); it appends a byte to `logins` at each try.
//! A file `tokens/LABEL` of 32 bytes is a key that the token has from the start.

#![allow(non_snake_case, reason = "the names are those of PKCS #11")]

use cryptoki_sys::*;
use std::{
    collections::HashMap,
    env,
    fs::{self, OpenOptions},
    io::Write as _,
    os::raw::c_void,
    path::PathBuf,
    slice,
    sync::{LazyLock, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};
use trine_bulk::sm2::SigningKey;

const PIN: &[u8] = b"1234567";
const LABEL: &[u8] = b"trine";
const SLOT: CK_SLOT_ID = 7;
/// Numbers of this module; a real vendor has its own.
const CKK_TEST_SM2: CK_KEY_TYPE = CKK_VENDOR_DEFINED | 0x5301;
const CKM_TEST_SM2_GENERATE: CK_MECHANISM_TYPE = CKM_VENDOR_DEFINED | 0x5302;
const CKM_TEST_SM2_SIGN: CK_MECHANISM_TYPE = CKM_VENDOR_DEFINED | 0x5303;
/// `sm2` as a DER object identifier.
const CURVE: &[u8] = &[0x06, 0x08, 0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x82, 0x2d];
const HANG: Duration = Duration::from_secs(3);
const TRIES_MAX: usize = 3;

struct Key {
    secret: SigningKey,
    label: Vec<u8>,
    id: Vec<u8>,
}

#[derive(Default)]
struct Session {
    found: Vec<CK_OBJECT_HANDLE>,
    signs_with: Option<CK_OBJECT_HANDLE>,
}

#[derive(Default)]
struct State {
    is_initialised: bool,
    is_logged_in: bool,
    wrong_pins: usize,
    sessions: HashMap<CK_SESSION_HANDLE, Session>,
    last_session: CK_SESSION_HANDLE,
    /// Key `n` has the handles `2 n + 1` (public) and `2 n + 2` (private).
    keys: Vec<Key>,
}

static STATE: LazyLock<Mutex<State>> = LazyLock::new(Mutex::default);

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn folder() -> PathBuf {
    env::var_os("TRINE_TEST_TOKEN").unwrap_or_default().into()
}

fn is_told(name: &str) -> bool {
    folder().join(name).exists()
}

impl State {
    /// The session, unless the token is not there: pulling it ends all sessions.
    fn session(&mut self, handle: CK_SESSION_HANDLE) -> Result<&mut Session, CK_RV> {
        if !self.is_initialised {
            return Err(CKR_CRYPTOKI_NOT_INITIALIZED);
        }
        if is_told("pulled") {
            let was_there = !self.sessions.is_empty();
            self.sessions.clear();
            self.is_logged_in = false;
            return Err(if was_there { CKR_DEVICE_REMOVED } else { CKR_SESSION_HANDLE_INVALID });
        }
        self.sessions.get_mut(&handle).ok_or(CKR_SESSION_HANDLE_INVALID)
    }

    fn key(&self, handle: CK_OBJECT_HANDLE) -> Result<&Key, CK_RV> {
        let place = handle.checked_sub(1).ok_or(CKR_OBJECT_HANDLE_INVALID)? / 2;
        self.keys.get(place as usize).ok_or(CKR_OBJECT_HANDLE_INVALID)
    }

    fn attribute(&self, handle: CK_OBJECT_HANDLE, kind: CK_ATTRIBUTE_TYPE) -> Option<Vec<u8>> {
        let (key, is_public) = (self.key(handle).ok()?, handle % 2 == 1);
        Some(match kind {
            CKA_CLASS => {
                let class = if is_public { CKO_PUBLIC_KEY } else { CKO_PRIVATE_KEY };
                class.to_ne_bytes().to_vec()
            }
            CKA_TOKEN => vec![CK_TRUE],
            CKA_LABEL => key.label.clone(),
            CKA_ID => key.id.clone(),
            CKA_KEY_TYPE => CKK_TEST_SM2.to_ne_bytes().to_vec(),
            CKA_EC_PARAMS => CURVE.to_vec(),
            // DER OCTET STRING of the uncompressed point.
            CKA_EC_POINT if is_public => [&[4, 65, 4], &key.secret.public_key()[..]].concat(),
            _ => return None,
        })
    }
}

fn answer(outcome: Result<(), CK_RV>) -> CK_RV {
    outcome.err().unwrap_or(CKR_OK)
}

/// The bytes that a caller gave.
///
/// # Safety
/// `bytes` points to `length` bytes that live as long as the call, or is null.
// SAFETY: the condition is the one above.
unsafe fn given<'a, T>(bytes: *const T, length: CK_ULONG) -> &'a [T] {
    if bytes.is_null() {
        return &[];
    }
    // SAFETY: as the function's own condition says.
    unsafe { slice::from_raw_parts(bytes, length as usize) }
}

/// Gives a list in the way of PKCS #11: the length alone where `to` is null.
///
/// # Safety
/// `to` has room for `length` items or is null; `length` points to a number.
// SAFETY: the condition is the one above.
unsafe fn give<T: Copy>(items: &[T], to: *mut T, length: *mut CK_ULONG) -> CK_RV {
    // SAFETY: `length` points to a number.
    let room = unsafe { length.replace(items.len() as CK_ULONG) };
    if to.is_null() {
        return CKR_OK;
    }
    if (room as usize) < items.len() {
        return CKR_BUFFER_TOO_SMALL;
    }
    // SAFETY: `to` has room for `room` items, which are enough.
    unsafe { to.copy_from_nonoverlapping(items.as_ptr(), items.len()) };
    CKR_OK
}

/// The value of one attribute in a template.
///
/// # Safety
/// As [`given`], for every attribute.
// SAFETY: the condition is the one above.
unsafe fn wanted(template: &[CK_ATTRIBUTE], kind: CK_ATTRIBUTE_TYPE) -> Option<Vec<u8>> {
    let found = template.iter().find(|attribute| attribute.type_ == kind)?;
    // SAFETY: the caller gave the length with the pointer.
    Some(unsafe { given(found.pValue.cast::<u8>(), found.ulValueLen) }.to_vec())
}

/// The keys of the folder `tokens`.
fn first_keys() -> Vec<Key> {
    let files = fs::read_dir(folder().join("tokens")).into_iter().flatten().flatten();
    let key = |file: fs::DirEntry| {
        let secret = SigningKey::new(&fs::read(file.path()).ok()?.try_into().ok()?)?;
        Some(Key { secret, label: file.file_name().into_encoded_bytes(), id: vec![1] })
    };
    files.filter_map(key).collect()
}

extern "C" fn initialize(_: *mut c_void) -> CK_RV {
    let mut state = state();
    if std::mem::replace(&mut state.is_initialised, true) {
        return CKR_CRYPTOKI_ALREADY_INITIALIZED;
    }
    state.keys = first_keys();
    CKR_OK
}

extern "C" fn get_slot_list(_: CK_BBOOL, slots: *mut CK_SLOT_ID, count: *mut CK_ULONG) -> CK_RV {
    let there: &[_] = if is_told("pulled") { &[] } else { &[SLOT] };
    // SAFETY: the caller gives room for as many slots as it says.
    unsafe { give(there, slots, count) }
}

extern "C" fn get_token_info(_: CK_SLOT_ID, info: *mut CK_TOKEN_INFO) -> CK_RV {
    if is_told("pulled") {
        return CKR_TOKEN_NOT_PRESENT;
    }
    let padded = |text: &[u8]| {
        let mut bytes = [b' '; 32];
        bytes[..text.len()].copy_from_slice(text);
        bytes
    };
    let wrong_pins = state().wrong_pins;
    let flags = match wrong_pins {
        0 => 0,
        TRIES_MAX.. => CKF_USER_PIN_LOCKED,
        _ if wrong_pins + 1 == TRIES_MAX => CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY,
        _ => CKF_USER_PIN_COUNT_LOW,
    };
    let made = CK_TOKEN_INFO {
        label: padded(LABEL),
        manufacturerID: padded(b"Trine tests"),
        serialNumber: *b"0000000000000001",
        flags: CKF_TOKEN_INITIALIZED | CKF_LOGIN_REQUIRED | CKF_USER_PIN_INITIALIZED | flags,
        ulMaxSessionCount: 4,
        ..CK_TOKEN_INFO::default()
    };
    // SAFETY: the caller gives room for one.
    unsafe { info.write(made) };
    CKR_OK
}

extern "C" fn get_mechanism_info(
    _: CK_SLOT_ID,
    mechanism: CK_MECHANISM_TYPE,
    info: *mut CK_MECHANISM_INFO,
) -> CK_RV {
    let flags = match mechanism {
        CKM_TEST_SM2_GENERATE => CKF_GENERATE_KEY_PAIR,
        CKM_TEST_SM2_SIGN => CKF_SIGN,
        _ => return CKR_MECHANISM_INVALID,
    };
    // SAFETY: the caller gives room for one.
    unsafe { info.write(CK_MECHANISM_INFO { ulMinKeySize: 256, ulMaxKeySize: 256, flags }) };
    CKR_OK
}

extern "C" fn open_session(
    slot: CK_SLOT_ID,
    _: CK_FLAGS,
    _: *mut c_void,
    _: CK_NOTIFY,
    handle: *mut CK_SESSION_HANDLE,
) -> CK_RV {
    if slot != SLOT || is_told("pulled") {
        return CKR_TOKEN_NOT_PRESENT;
    }
    let mut state = state();
    state.last_session += 1;
    let session = state.last_session;
    state.sessions.insert(session, Session::default());
    // SAFETY: the caller gives room for one.
    unsafe { handle.write(session) };
    CKR_OK
}

extern "C" fn close_session(handle: CK_SESSION_HANDLE) -> CK_RV {
    let mut state = state();
    let known = state.sessions.remove(&handle).is_some();
    // The last session of a process logs it out.
    state.is_logged_in &= !state.sessions.is_empty();
    if known { CKR_OK } else { CKR_SESSION_HANDLE_INVALID }
}

extern "C" fn get_session_info(handle: CK_SESSION_HANDLE, info: *mut CK_SESSION_INFO) -> CK_RV {
    let mut state = state();
    if let Err(error) = state.session(handle) {
        return error;
    }
    let login = if state.is_logged_in { CKS_RO_USER_FUNCTIONS } else { CKS_RO_PUBLIC_SESSION };
    let (slotID, flags) = (SLOT, CKF_SERIAL_SESSION);
    // SAFETY: the caller gives room for one.
    unsafe { info.write(CK_SESSION_INFO { slotID, state: login, flags, ulDeviceError: 0 }) };
    CKR_OK
}

extern "C" fn login(
    handle: CK_SESSION_HANDLE,
    _: CK_USER_TYPE,
    pin: *mut u8,
    length: CK_ULONG,
) -> CK_RV {
    let mut state = state();
    if let Err(error) = state.session(handle) {
        return error;
    }
    let tries = OpenOptions::new().create(true).append(true).open(folder().join("logins"));
    if tries.and_then(|mut file| file.write_all(b".")).is_err() {
        return CKR_GENERAL_ERROR;
    }
    if state.wrong_pins >= TRIES_MAX {
        return CKR_PIN_LOCKED;
    }
    // SAFETY: the caller gave the length with the pointer.
    if unsafe { given(pin, length) } != PIN {
        state.wrong_pins += 1;
        return CKR_PIN_INCORRECT;
    }
    (state.wrong_pins, state.is_logged_in) = (0, true);
    CKR_OK
}

extern "C" fn find_objects_init(
    handle: CK_SESSION_HANDLE,
    template: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
) -> CK_RV {
    let mut state = state();
    // SAFETY: the caller gave the count with the pointer.
    let template = unsafe { given(template, count) };
    let handles = 1..=2 * state.keys.len() as CK_OBJECT_HANDLE;
    // Private objects are hidden from who is not logged in.
    let visible = handles.filter(|object| object % 2 == 1 || state.is_logged_in);
    let found = visible.filter(|object| {
        template.iter().all(|attribute| {
            // SAFETY: as above.
            let value = unsafe { wanted(slice::from_ref(attribute), attribute.type_) };
            state.attribute(*object, attribute.type_) == value
        })
    });
    let found = found.collect();
    answer(state.session(handle).map(|session| session.found = found))
}

extern "C" fn find_objects(
    handle: CK_SESSION_HANDLE,
    objects: *mut CK_OBJECT_HANDLE,
    room: CK_ULONG,
    count: *mut CK_ULONG,
) -> CK_RV {
    let mut state = state();
    let session = match state.session(handle) {
        Ok(session) => session,
        Err(error) => return error,
    };
    let taken = session.found.len().min(room as usize);
    let taken: Vec<_> = session.found.drain(..taken).collect();
    // SAFETY: the caller gives room for at least as many; `count` says nothing before the call.
    unsafe {
        count.write(room);
        give(&taken, objects, count)
    }
}

extern "C" fn find_objects_final(handle: CK_SESSION_HANDLE) -> CK_RV {
    answer(state().session(handle).map(|session| session.found.clear()))
}

extern "C" fn get_attribute_value(
    handle: CK_SESSION_HANDLE,
    object: CK_OBJECT_HANDLE,
    template: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
) -> CK_RV {
    let mut state = state();
    if let Err(error) = state.session(handle) {
        return error;
    }
    for place in 0..count as usize {
        // SAFETY: the caller gave the count with the pointer; nobody else has it meanwhile.
        let attribute = unsafe { &mut *template.add(place) };
        let Some(value) = state.attribute(object, attribute.type_) else {
            attribute.ulValueLen = CK_UNAVAILABLE_INFORMATION;
            return CKR_ATTRIBUTE_TYPE_INVALID;
        };
        // SAFETY: the caller gave the length with the pointer.
        let given = unsafe { give(&value, attribute.pValue.cast(), &raw mut attribute.ulValueLen) };
        if given != CKR_OK {
            return given;
        }
    }
    CKR_OK
}

extern "C" fn generate_key_pair(
    handle: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    public: *mut CK_ATTRIBUTE,
    public_count: CK_ULONG,
    _: *mut CK_ATTRIBUTE,
    _: CK_ULONG,
    public_handle: *mut CK_OBJECT_HANDLE,
    private_handle: *mut CK_OBJECT_HANDLE,
) -> CK_RV {
    let mut state = state();
    if let Err(error) = state.session(handle) {
        return error;
    }
    // SAFETY: the caller gives a mechanism, and the count with the pointer.
    let (mechanism, template) = unsafe { ((*mechanism).mechanism, given(public, public_count)) };
    // SAFETY: as above.
    let value = |kind| unsafe { wanted(template, kind) };
    if mechanism != CKM_TEST_SM2_GENERATE {
        return CKR_MECHANISM_INVALID;
    }
    if value(CKA_EC_PARAMS).as_deref() != Some(CURVE) {
        return CKR_CURVE_NOT_SUPPORTED;
    }
    if !state.is_logged_in {
        return CKR_USER_NOT_LOGGED_IN;
    }
    let mut secret = [0; 32];
    if getrandom::fill(&mut secret).is_err() {
        return CKR_RANDOM_NO_RNG;
    }
    let Some(secret) = SigningKey::new(&secret) else { return CKR_FUNCTION_FAILED };
    let (label, id) = (value(CKA_LABEL).unwrap_or_default(), value(CKA_ID).unwrap_or_default());
    state.keys.push(Key { secret, label, id });
    let last = 2 * state.keys.len() as CK_OBJECT_HANDLE;
    // SAFETY: the caller gives room for one each.
    unsafe {
        public_handle.write(last - 1);
        private_handle.write(last);
    }
    CKR_OK
}

extern "C" fn sign_init(
    handle: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    key: CK_OBJECT_HANDLE,
) -> CK_RV {
    // SAFETY: the caller gives a mechanism.
    if unsafe { (*mechanism).mechanism } != CKM_TEST_SM2_SIGN {
        return CKR_MECHANISM_INVALID;
    }
    let mut state = state();
    if key % 2 == 1 || state.key(key).is_err() {
        return CKR_KEY_HANDLE_INVALID;
    }
    if let Err(error) = state.session(handle) {
        return error;
    }
    if !state.is_logged_in {
        return CKR_USER_NOT_LOGGED_IN;
    }
    answer(state.session(handle).map(|session| session.signs_with = Some(key)))
}

extern "C" fn sign(
    handle: CK_SESSION_HANDLE,
    digest: *mut u8,
    length: CK_ULONG,
    signature: *mut u8,
    signature_length: *mut CK_ULONG,
) -> CK_RV {
    if is_told("hangs") {
        thread::sleep(HANG);
    }
    let mut state = state();
    let key = match state.session(handle) {
        Ok(session) => session.signs_with,
        Err(error) => return error,
    };
    let Some(key) = key else { return CKR_OPERATION_NOT_INITIALIZED };
    // SAFETY: the caller gave the length with the pointer.
    let Ok(mut digest) = <[u8; 32]>::try_from(unsafe { given(digest, length) }) else {
        return CKR_DATA_LEN_RANGE;
    };
    if is_told("wrong") {
        digest[31] ^= 1;
    }
    let made = match state.key(key) {
        Ok(key) => key.secret.sign_digest(&digest).0,
        Err(error) => return error,
    };
    // SAFETY: the caller gives as much room as it says.
    unsafe { give(&made, signature, signature_length) }
}

static FUNCTIONS: LazyLock<CK_FUNCTION_LIST> = LazyLock::new(|| CK_FUNCTION_LIST {
    version: CK_VERSION { major: 2, minor: 40 },
    C_Initialize: Some(initialize),
    C_GetSlotList: Some(get_slot_list),
    C_GetTokenInfo: Some(get_token_info),
    C_GetMechanismInfo: Some(get_mechanism_info),
    C_OpenSession: Some(open_session),
    C_CloseSession: Some(close_session),
    C_GetSessionInfo: Some(get_session_info),
    C_Login: Some(login),
    C_FindObjectsInit: Some(find_objects_init),
    C_FindObjects: Some(find_objects),
    C_FindObjectsFinal: Some(find_objects_final),
    C_GetAttributeValue: Some(get_attribute_value),
    C_GenerateKeyPair: Some(generate_key_pair),
    C_SignInit: Some(sign_init),
    C_Sign: Some(sign),
    ..CK_FUNCTION_LIST::default()
});

/// Gives the functions to who loads the module.
///
/// # Safety
/// `list` has room for one pointer.
// SAFETY: no other function has this name: each module's names are its own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetFunctionList(list: *mut *mut CK_FUNCTION_LIST) -> CK_RV {
    let functions: *const CK_FUNCTION_LIST = &raw const *FUNCTIONS;
    // SAFETY: the caller gives room for a pointer; it only reads what it points to.
    unsafe { list.write(functions.cast_mut()) };
    CKR_OK
}
