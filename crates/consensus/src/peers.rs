//! Give the network the addresses of the validators and of the known observers.

use commonware_consensus::types::Epoch;
use commonware_glue::dkg::network::Manager;
use commonware_p2p::{
    Address, AddressableManager, AddressableTrackedPeers, Ingress, PeerSetSubscription, Provider,
    TrackedPeers,
};
use commonware_utils::{
    Hostname,
    ordered::{Map, Set},
    sequence::Unit,
    sync::Mutex,
};
use std::{
    collections::BTreeMap,
    convert::Infallible,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};
use tracing::warn;
use trine_ledger::{committees::public_key, preset::PublicKey};
use trine_types::{EpochChange, ValidatorSet};

/// Peers beside the validators that may connect.
pub const OBSERVERS_MAX: usize = 8;

/// Where peers listen, by key.
pub type AddressBook = BTreeMap<PublicKey, Address>;

/// A peer's address cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("peer address {0:?}, expected host:port or address:port")]
pub struct AddressError(pub String);

/// Reads `host:port` or `address:port`.
///
/// # Errors
/// [`AddressError`] for anything else.
pub fn parse_address(text: &str) -> Result<Address, AddressError> {
    if let Ok(socket) = text.parse::<SocketAddr>() {
        return Ok(Address::Symmetric(socket));
    }
    let error = || AddressError(text.to_owned());
    let (host, port) = text.rsplit_once(':').ok_or_else(error)?;
    let port = port.parse().map_err(|_| error())?;
    let host = Hostname::new(host).map_err(|_| error())?;
    // Peers prove their keys, so from where they connect does not matter.
    let egress = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port);
    Ok(Address::Asymmetric { ingress: Ingress::Dns { host, port }, egress })
}

/// Takes the validators' addresses from the genesis document.
///
/// # Errors
/// [`AddressError`] for an address that cannot be read.
pub fn address_book(validators: &ValidatorSet) -> Result<AddressBook, AddressError> {
    validators
        .as_slice()
        .iter()
        .map(|validator| Ok((public_key(&validator.key), parse_address(&validator.address)?)))
        .collect()
}

/// Where the chain says that the validators of this epoch and the next listen; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Addresses(Arc<Mutex<AddressBook>>);

impl Addresses {
    /// Takes the addresses of the epoch that `change` begins, and of the one after it.
    pub fn learn(&self, change: &EpochChange) {
        let mut learned = AddressBook::new();
        let following = change.following.iter().flat_map(ValidatorSet::as_slice);
        for validator in change.validators.as_slice().iter().chain(following) {
            let found = parse_address(&validator.address);
            let found = found.map(|address| learned.insert(public_key(&validator.key), address));
            if let Err(error) = found {
                warn!(validator = %validator.name, %error, "this validator cannot be reached");
            }
        }
        *self.0.lock() = learned;
    }
}

/// Looks up addresses: those that the operator fixed, then those that the chain names. The peers of
/// either that do not validate are observers.
#[derive(Clone, Debug)]
pub struct Peers<M> {
    manager: M,
    fixed: Arc<AddressBook>,
    addresses: Addresses,
    peers_max: usize,
}

impl<M> Peers<M> {
    /// Wraps the network's own manager, which takes `peers_max` peers at most.
    pub fn new(manager: M, fixed: AddressBook, addresses: Addresses, peers_max: usize) -> Self {
        Self { manager, fixed: Arc::new(fixed), addresses, peers_max }
    }

    /// Addresses of the peers among `primary`, then those of the others.
    pub fn divide(&self, primary: &Set<PublicKey>) -> [Map<PublicKey, Address>; 2] {
        let mut known = self.addresses.0.lock().clone();
        known.extend(self.fixed.iter().map(|(key, address)| (key.clone(), address.clone())));
        for key in primary.iter().filter(|key| !known.contains_key(*key)) {
            warn!(peer = %key, "no address is known of this peer");
        }
        let (validators, observers): (AddressBook, AddressBook) =
            known.into_iter().partition(|(key, _)| primary.position(key).is_some());
        if validators.len() > self.peers_max {
            let (found, peers_max) = (validators.len(), self.peers_max);
            warn!(found, peers_max, "more validators than this node may connect to");
        }
        let room = self.peers_max.saturating_sub(validators.len()).min(OBSERVERS_MAX);
        [
            Map::from_iter_dedup(validators.into_iter().take(self.peers_max)),
            Map::from_iter_dedup(observers.into_iter().take(room)),
        ]
    }
}

impl<M: AddressableManager<PublicKey = PublicKey>> Provider for Peers<M> {
    type PublicKey = PublicKey;

    async fn peer_set(&mut self, id: u64) -> Option<TrackedPeers<PublicKey>> {
        self.manager.peer_set(id).await
    }

    async fn subscribe(&mut self) -> PeerSetSubscription<PublicKey> {
        self.manager.subscribe().await
    }
}

impl<M: AddressableManager<PublicKey = PublicKey>> Manager for Peers<M> {
    type Directory = Unit;
    type Error = Infallible;

    fn track(
        &mut self,
        epoch: Epoch,
        peers: TrackedPeers<PublicKey>,
        _: &Unit,
    ) -> Result<(), Infallible> {
        let [primary, secondary] = self.divide(&peers.primary);
        let _ = self.manager.track(epoch.get(), AddressableTrackedPeers::new(primary, secondary));
        Ok(())
    }
}
