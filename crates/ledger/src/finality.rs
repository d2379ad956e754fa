//! Read a block behind its certificate as nodes send it to each other, and believe nothing of it
//! that the validators did not sign.

use crate::{
    Block,
    committees::members,
    preset::{BlockDigest, Finalization, Scheme},
};
use bytes::Bytes;
use commonware_codec::Decode as _;
use commonware_parallel::Sequential;
use trine_types::{ChainId, EpochChange, Suite};

/// Separates this protocol's certificates from everything else that a key signs.
const NAMESPACE: &[u8] = b"trine/consensus/";

/// What keys of this chain sign under.
pub fn namespace(chain_id: ChainId) -> Vec<u8> {
    [NAMESPACE, &chain_id.0].concat()
}

/// Bytes are no final block of the epoch that they should be of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotFinal(&'static str);

/// Reads a block behind its certificate and checks that the validators of `change` certified it.
///
/// # Errors
/// [`NotFinal`] for anything else.
pub fn read_final(
    suite: Suite,
    chain_id: ChainId,
    bytes: Bytes,
    change: &EpochChange,
) -> Result<(Finalization, Block), NotFinal> {
    let validators = members(&change.validators);
    let config = (validators.len(), suite);
    let decoded = <(Finalization, Block)>::decode_cfg(bytes, &config);
    let (finalization, block) =
        decoded.map_err(|_| NotFinal("not a block behind its certificate"))?;
    if block.header().chain_id != chain_id {
        return Err(NotFinal("a block of another chain"));
    }
    let epoch = finalization.proposal.round.epoch().get();
    if epoch != change.epoch.0 || block.header().epoch != change.epoch {
        return Err(NotFinal("a block of another epoch"));
    }
    if finalization.proposal.payload != BlockDigest::from(block.id().0) {
        return Err(NotFinal("a certificate of another block"));
    }
    let scheme = Scheme::verifier(&namespace(chain_id), validators);
    if !finalization.verify(&mut rand::rng(), &scheme, &Sequential) {
        return Err(NotFinal("a certificate that does not verify"));
    }
    Ok((finalization, block))
}
