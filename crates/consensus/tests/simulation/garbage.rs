//! Send bytes that are no messages, as no honest peer does.

use commonware_p2p::{Recipients, Sender as _, simulated};
use commonware_runtime::{Clock as _, Spawner as _, deterministic::Context};
use rand::Rng as _;
use std::time::Duration;
use trine_ledger::preset::PublicKey;

/// Pause between two messages on a channel.
const STEP: Duration = Duration::from_millis(150);
/// Bytes of the longest message.
const BYTES_MAX: usize = 2_048;

type Sender = simulated::Sender<PublicKey, Context>;

/// Sends garbage on each of the channels, for as long as the peer runs. One in four messages names
/// an epoch first, so that it reaches the engine of that epoch.
pub fn send(context: &Context, senders: Vec<Sender>) {
    for mut sender in senders {
        let context = commonware_runtime::Supervisor::child(context, "garbage");
        context.spawn(move |mut context| async move {
            loop {
                let length = context.next_u32() as usize % BYTES_MAX;
                let mut message = vec![0; length];
                context.fill_bytes(&mut message);
                if let (true, Some(first)) = (context.next_u32() % 4 == 0, message.first_mut()) {
                    *first %= 4;
                }
                let _ = sender.send(Recipients::All, message, true);
                context.sleep(STEP).await;
            }
        });
    }
}
