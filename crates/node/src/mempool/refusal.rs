//! Say why a transaction was not taken into the pool.

use trine_types::{Code, TransactionId, codec::DecodeError, limits};

/// Why a transaction was refused; the message says what was found and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It could not enter a block, or would fail there for sure.
    #[error("{detail}")]
    Chain {
        /// The chain's code.
        code: Code,
        /// Values found and expected.
        detail: String,
    },
    /// The same transaction waits already.
    #[error("the transaction waits already to become final: ask for its outcome by its id")]
    Duplicate,
    /// The account has as many waiting transactions as it may.
    #[error(
        "the account has {} transactions that are not final, the most allowed: wait for some of \
         them",
        limits::PENDING_ACCOUNT_MAX
    )]
    AccountFull,
    /// The node has as many waiting transactions as it may.
    #[error(
        "the node has as many waiting transactions as it may ({} or {} bytes): send it again later",
        limits::PENDING_TRANSACTIONS_MAX,
        limits::PENDING_BYTES_MAX
    )]
    PoolFull,
    /// Transactions come faster than blocks take them.
    #[error(
        "more than {} transactions wait, the oldest for over {} ms: send it again later, and less",
        limits::BACKLOG_TRANSACTIONS_MIN,
        limits::BACKLOG_MS_MAX
    )]
    Behind,
    /// The node cannot check transactions yet.
    #[error("the node has no final block yet: send it again later")]
    NotReady,
    /// The node failed; its log says why.
    #[error("the node could not read its state: its log says why")]
    Internal,
}

impl Refusal {
    /// Refusal for a reason of the chain.
    pub fn chain(code: Code, detail: impl Into<String>) -> Self {
        Self::Chain { code, detail: detail.into() }
    }

    /// Stable code, as in problem documents.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Chain { code, .. } => code.name(),
            Self::Duplicate => "duplicate",
            Self::AccountFull | Self::PoolFull | Self::Behind => "pending_full",
            Self::NotReady => "not_ready",
            Self::Internal => "internal",
        }
    }

    /// Whether the same bytes may be taken a little later.
    pub const fn passes(&self) -> bool {
        matches!(self, Self::AccountFull | Self::PoolFull | Self::Behind | Self::NotReady)
    }
}

impl From<DecodeError> for Refusal {
    fn from(error: DecodeError) -> Self {
        Self::chain(Code::from(&error), error.to_string())
    }
}

/// What became of one submitted transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Its identifier, where the bytes could be read.
    pub id: Option<TransactionId>,
    /// Accepted, or why not.
    pub result: Result<(), Refusal>,
}
