//! Define what the chain is made of: identifiers, transactions, blocks, the codec, every limit.
//!
//! The byte formats are specified in `docs/reference/wire.md`. Every encoding is canonical: a value
//! has one encoding, and decoding refuses every other.

pub mod account;
pub mod application;
pub mod block;
pub mod call;
pub mod code;
pub mod codec;
pub mod genesis;
pub mod identifiers;
pub mod limits;
pub mod merkle;
pub mod outcome;
pub mod record;
pub mod signing;
pub mod state_key;
pub mod transaction;
pub mod validators;
pub mod view;
pub mod x509;

pub use account::{Account, Roles};
pub use block::{Block, Header, StateCommitment};
pub use call::Call;
pub use code::Code;
pub use codec::{Decode, DecodeError, Encode};
pub use genesis::Genesis;
pub use identifiers::{
    Address, Amount, AssetId, ChainId, Epoch, Height, LogId, OrganisationId, ProposalId,
    TransactionId, ValidatorKey,
};
pub use outcome::{Event, Outcome};
pub use state_key::StateKey;
pub use transaction::{RawCall, Transaction, UnsignedTransaction};
pub use trine_crypto::{Algorithm, Digest, Suite};
pub use validators::{EpochChange, Validator, ValidatorSet};
pub use view::View;
