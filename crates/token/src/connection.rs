//! Keep one session with a token, and open it again when it is lost.

use crate::{KeyName, TokenConfig, TokenError, TokenName, module, pin::Pin};
use cryptoki::{
    context::{Function, Pkcs11},
    error::{Error, RvError},
    object::{Attribute, AttributeType, ObjectClass, ObjectHandle},
    session::{Session, SessionState, UserType},
    slot::{Limit, Slot, TokenInfo},
};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// Pause before a lost token is looked for again; it doubles each time.
const PAUSE_MIN: Duration = Duration::from_millis(20);
/// Longest such pause.
const PAUSE_MAX: Duration = Duration::from_secs(1);
/// Labels of keys that an error lists.
const LISTED_MAX: usize = 16;

/// One login at a time in this process: two sessions that both found the PIN wrong would have used
/// up two tries.
static LOGIN: Mutex<()> = Mutex::new(());

/// An answer that is not the one asked for.
pub enum Failure {
    /// An answer of the module.
    Raw(Error),
    /// An error that is known for what it is.
    Token(TokenError),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Raw(error)
    }
}

impl From<TokenError> for Failure {
    fn from(error: TokenError) -> Self {
        Self::Token(error)
    }
}

/// A session that is logged in.
pub struct Live {
    pub module: Pkcs11,
    pub slot: Slot,
    pub session: Session,
    pub config: Arc<TokenConfig>,
    keys: HashMap<KeyName, ObjectHandle>,
}

/// A session, or the way to one.
pub struct Connection {
    config: Arc<TokenConfig>,
    /// Whether the token was there before, so that its absence is a loss.
    known: Arc<AtomicBool>,
    live: Option<Live>,
}

impl Connection {
    pub const fn new(config: Arc<TokenConfig>, known: Arc<AtomicBool>) -> Self {
        Self { config, known, live: None }
    }

    /// Does `work` in the session; where the token is lost, finds it, logs in and does it again, as
    /// long as there is time.
    ///
    /// # Errors
    /// [`TokenError::Lost`] when the time is over, or what else is wrong.
    pub fn run<T>(
        &mut self,
        deadline: Instant,
        work: &impl Fn(&mut Live) -> Result<T, Failure>,
    ) -> Result<T, TokenError> {
        let mut pause = Duration::ZERO;
        loop {
            let failure = match self.attempt(work) {
                Ok(done) => return Ok(done),
                Err(failure) => failure,
            };
            let reason = match failure {
                Failure::Raw(error) if is_loss(&error) => error.to_string(),
                Failure::Raw(error) => return Err(refused(&self.config, &error)),
                Failure::Token(TokenError::Missing { .. }) if self.is_known() => {
                    "no slot holds it".into()
                }
                Failure::Token(TokenError::Module { reason, .. }) if self.is_known() => reason,
                Failure::Token(error) => return Err(error),
            };
            // What is left of the session has no use: it is opened anew.
            self.live = None;
            if Instant::now() + pause >= deadline {
                return Err(lost(&self.config, reason));
            }
            tracing::warn!(token = %self.config.token, reason, "lost the token, opens it again");
            thread::sleep(pause);
            pause = (pause * 2).clamp(PAUSE_MIN, PAUSE_MAX);
        }
    }

    fn attempt<T>(
        &mut self,
        work: &impl Fn(&mut Live) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let live = match &mut self.live {
            Some(live) => live,
            empty => empty.insert(Live::open(&self.config)?),
        };
        self.known.store(true, Ordering::Relaxed);
        work(live)
    }

    /// Whether the token was there before, so that its absence is a loss.
    fn is_known(&self) -> bool {
        self.known.load(Ordering::Relaxed)
    }
}

pub fn lost(config: &TokenConfig, reason: String) -> TokenError {
    TokenError::Lost { token: config.token.clone(), wait_ms: config.wait_ms, reason }
}

fn refused(config: &TokenConfig, error: &Error) -> TokenError {
    TokenError::Refused { token: config.token.clone(), reason: error.to_string() }
}

/// Whether opening a new session may help: PKCS #11 has an answer for each way to lose a token, and
/// modules give the general ones too.
const fn is_loss(error: &Error) -> bool {
    let Error::Pkcs11(answer, _) = error else { return false };
    matches!(
        answer,
        RvError::CryptokiNotInitialized
            | RvError::DeviceError
            | RvError::DeviceRemoved
            | RvError::FunctionFailed
            | RvError::GeneralError
            | RvError::KeyHandleInvalid
            | RvError::ObjectHandleInvalid
            | RvError::OperationActive
            | RvError::SessionClosed
            | RvError::SessionCount
            | RvError::SessionHandleInvalid
            | RvError::SlotIdInvalid
            | RvError::TokenNotPresent
            | RvError::TokenNotRecognized
            | RvError::UserNotLoggedIn
    )
}

impl Live {
    fn open(config: &Arc<TokenConfig>) -> Result<Self, Failure> {
        let module = module::load(&config.module)?;
        let (slot, info) = find(&module, config)?;
        let session = module.open_ro_session(slot)?;
        log_in(&session, &module, slot, &info, config)?;
        Ok(Self { module, slot, session, config: config.clone(), keys: HashMap::new() })
    }

    /// Sessions that the token allows this process.
    pub fn sessions_max(&self) -> Result<usize, Failure> {
        Ok(match self.module.get_token_info(self.slot)?.max_session_count() {
            Limit::Max(count) => usize::try_from(count).unwrap_or(usize::MAX).max(1),
            Limit::Infinite | Limit::Unavailable => usize::MAX,
        })
    }

    /// Finds one object of a class by the name of its key.
    pub fn find(&self, class: ObjectClass, key: &KeyName) -> Result<Option<ObjectHandle>, Failure> {
        let mut template = vec![
            Attribute::Class(class),
            Attribute::Token(true),
            Attribute::Label(key.label.clone().into_bytes()),
        ];
        template.extend(key.id.clone().map(Attribute::Id));
        match self.session.find_objects(&template)?[..] {
            // Tokens hide private keys, with no word of it, from who is not logged in any more.
            [] if !is_logged_in(&self.session)? => {
                Err(Error::Pkcs11(RvError::UserNotLoggedIn, Function::FindObjects).into())
            }
            [] => Ok(None),
            [object] => Ok(Some(object)),
            ref several => Err(TokenError::KeyAmbiguous {
                token: self.config.token.clone(),
                key: key.clone(),
                count: several.len(),
            }
            .into()),
        }
    }

    /// As [`Live::find`], with an error where there is none.
    pub fn require(&self, class: ObjectClass, key: &KeyName) -> Result<ObjectHandle, Failure> {
        if let Some(found) = self.find(class, key)? {
            return Ok(found);
        }
        Err(TokenError::KeyMissing {
            token: self.config.token.clone(),
            key: key.clone(),
            part: if class == ObjectClass::PRIVATE_KEY { "private" } else { "public" },
            found: self.labels(class)?,
        }
        .into())
    }

    /// The private key, found once in a session.
    pub fn private_key(&mut self, key: &KeyName) -> Result<ObjectHandle, Failure> {
        if let Some(found) = self.keys.get(key) {
            return Ok(*found);
        }
        let found = self.require(ObjectClass::PRIVATE_KEY, key)?;
        self.keys.insert(key.clone(), found);
        Ok(found)
    }

    fn labels(&self, class: ObjectClass) -> Result<String, Failure> {
        let template = [Attribute::Class(class), Attribute::Token(true)];
        let mut labels = Vec::new();
        for object in self.session.find_objects(&template)?.into_iter().take(LISTED_MAX) {
            let label = self.session.get_attributes(object, &[AttributeType::Label])?;
            if let Some(Attribute::Label(label)) = label.into_iter().next() {
                labels.push(format!("{:?}", String::from_utf8_lossy(&label)));
            }
        }
        Ok(listed(labels))
    }
}

fn listed(names: Vec<String>) -> String {
    if names.is_empty() { "none".into() } else { names.join(", ") }
}

/// Finds the slot of the token: its number changes when it is plugged in elsewhere.
fn find(module: &Pkcs11, config: &TokenConfig) -> Result<(Slot, TokenInfo), Failure> {
    let (mut found, mut names) = (Vec::new(), Vec::new());
    for slot in module.get_slots_with_token()? {
        // A token that is pulled at this moment is not there.
        let Ok(info) = module.get_token_info(slot) else { continue };
        if !info.token_initialized() {
            continue;
        }
        names.push(format!("{:?} ({})", info.label(), info.serial_number()));
        let is_it = match &config.token {
            TokenName::Label(label) => info.label() == label,
            TokenName::Serial(serial) => info.serial_number() == serial,
        };
        if is_it {
            found.push((slot, info));
        }
    }
    let token = config.token.clone();
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(TokenError::Missing { token, found: listed(names) }.into()),
        count => Err(TokenError::Ambiguous { token, count }.into()),
    }
}

fn is_logged_in(session: &Session) -> Result<bool, Error> {
    Ok(session.get_session_info()?.session_state() == SessionState::RoUser)
}

/// Logs in, unless another session of this process is logged in: PKCS #11 logs a process in, not a
/// session.
fn log_in(
    session: &Session,
    module: &Pkcs11,
    slot: Slot,
    info: &TokenInfo,
    config: &TokenConfig,
) -> Result<(), Failure> {
    // A panic elsewhere leaves nothing behind: the lock holds no data.
    let _one_at_a_time = LOGIN.lock().unwrap_or_else(PoisonError::into_inner);
    if is_logged_in(session)? {
        return Ok(());
    }
    let pin = Pin::read(config, info.serial_number())?;
    // Read again under the lock: another session may have used up a try.
    let info = module.get_token_info(slot)?;
    let locked = |final_try| TokenError::PinLocked { token: config.token.clone(), final_try };
    if info.user_pin_locked() {
        return Err(locked(false).into());
    }
    if info.user_pin_final_try() {
        return Err(locked(true).into());
    }
    match session.login(UserType::User, Some(&pin.expose())) {
        Ok(()) => {
            pin.accepted();
            Ok(())
        }
        Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(()),
        Err(Error::Pkcs11(RvError::PinLocked, _)) => Err(locked(false).into()),
        Err(Error::Pkcs11(
            RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLenRange,
            _,
        )) => Err(pin.refused().into()),
        Err(error) => Err(error.into()),
    }
}
