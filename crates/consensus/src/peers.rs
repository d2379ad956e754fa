//! Give the network the addresses of the validators and of the known observers.

use commonware_consensus::types::Epoch;
use commonware_glue::dkg::network::Manager;
use commonware_p2p::{
    Address, AddressableManager, AddressableTrackedPeers, Ingress, PeerSetSubscription, Provider,
    TrackedPeers,
};
use commonware_utils::{Hostname, ordered::Map, sequence::Unit};
use std::{
    collections::BTreeMap,
    convert::Infallible,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};
use tracing::warn;
use trine_ledger::{committees::public_key, preset::PublicKey};
use trine_types::ValidatorSet;

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

/// Looks up addresses in a book and adds the book's other peers as observers.
#[derive(Clone, Debug)]
pub struct Peers<M> {
    manager: M,
    book: Arc<AddressBook>,
}

impl<M> Peers<M> {
    /// Wraps the network's own manager.
    pub fn new(manager: M, book: AddressBook) -> Self {
        Self { manager, book: Arc::new(book) }
    }

    fn resolve<'a>(&self, keys: impl Iterator<Item = &'a PublicKey>) -> Map<PublicKey, Address> {
        Map::from_iter_dedup(keys.filter_map(|key| {
            let address = self.book.get(key);
            if address.is_none() {
                warn!(peer = %key, "no address is configured for this peer");
            }
            address.map(|address| (key.clone(), address.clone()))
        }))
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
        let primary = self.resolve(peers.primary.iter());
        let known = self.book.keys().filter(|key| peers.primary.position(key).is_none());
        let secondary = self.resolve(known);
        let _ = self.manager.track(epoch.get(), AddressableTrackedPeers::new(primary, secondary));
        Ok(())
    }
}
