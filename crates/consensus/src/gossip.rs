//! Carry transactions between nodes on a channel of their own.

use bytes::Bytes;
use commonware_p2p::{Receiver, Recipients, Sender};
use commonware_runtime::{Handle, Spawner};
use std::sync::Arc;
use trine_ledger::preset::PublicKey;

/// Takes what a peer sent; must not block.
pub type Incoming = Arc<dyn Fn(Bytes) + Send + Sync>;

/// Sends to every other node.
#[derive(Clone)]
pub struct Gossip(Arc<dyn Fn(Bytes) + Send + Sync>);

impl Gossip {
    /// Starts to pass what peers send to `incoming`.
    pub fn start<E, S, R>(
        context: E,
        (sender, mut receiver): (S, R),
        incoming: Incoming,
    ) -> (Self, Handle<()>)
    where
        E: Spawner,
        S: Sender<PublicKey = PublicKey>,
        R: Receiver<PublicKey = PublicKey>,
    {
        let handle = context.spawn(move |_| async move {
            while let Ok((_, message)) = receiver.recv().await {
                incoming(Bytes::from(message));
            }
        });
        let send = move |message: Bytes| {
            // Nobody waits for it: the sender's pool sends again what does not become final.
            let _ = sender.clone().send(Recipients::All, message, false);
        };
        (Self(Arc::new(send)), handle)
    }

    /// Hands messages to `send`: for a node that belongs to no network.
    pub fn through(send: impl Fn(Bytes) + Send + Sync + 'static) -> Self {
        Self(Arc::new(send))
    }

    /// Sends a message of at most the network's message size. It may be lost.
    pub fn send(&self, message: Bytes) {
        (self.0)(message);
    }
}
