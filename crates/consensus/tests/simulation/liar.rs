//! Lie as a leader, as no honest validator does.
//!
//! The liar runs the real engine. What lies is what its engine is given, the rules and the
//! transactions, and what carries its messages: it sends other blocks than the engine made, and
//! signs votes for those.

use super::pen::Pen;
use crate::support::{ACCOUNTS, Queue, Seen, VICTIM, add, address, large};
use bytes::Bytes;
use commonware_actor::{Feedback, Unreliable};
use commonware_codec::{DecodeExt as _, Encode as _, ReadExt as _, Write as _, varint::UInt};
use commonware_consensus::simplex::types::{Notarize, Proposal, Vote};
use commonware_p2p::{CheckedSender, LimitedSender, Recipients, Sender as _, simulated};
use commonware_runtime::{IoBufs, deterministic::Context};
use futures::future::BoxFuture;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard},
    time::SystemTime,
};
use trine_consensus::Source;
use trine_ledger::{
    TransactionIds,
    preset::{BlockDigest, PublicKey, Scheme},
};
use trine_testkit::suite;
use trine_types::{
    Decode as _, Digest, Encode as _, Genesis, Header, Transaction, TransactionId, ValidatorKey,
    codec::Decoder, limits::BLOCK_BYTES_MAX,
};

/// Milliseconds by which a block lies in the future.
const FUTURE_MS: u64 = 3_600_000;
/// Bytes before a block: its length.
const PREFIX_BYTES: usize = 4;
/// First nonce of the transactions that make a block too large: later than those of the load.
const NONCE: u64 = 700;

pub type Sender = simulated::Sender<PublicKey, Context>;
/// To whom a message goes.
pub type Message = (Vec<PublicKey>, Bytes);

/// How a leader lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// Its blocks name another state.
    State,
    /// Its blocks name other outcomes.
    Outcomes,
    /// Its blocks come from the future.
    Future,
    /// Its blocks are older than their parents.
    Past,
    /// Its blocks have transactions whose sender did not sign them.
    Forged,
    /// Its blocks have a transaction that is final already.
    Twice,
    /// Its blocks have more bytes than a block may have.
    TooLarge,
    /// Nobody gets its blocks.
    Withheld,
    /// One validator does not get its blocks, and has to ask others than the liar.
    WithheldFromOne,
    /// It proposes two good blocks in each view, each to a part of the others.
    TwoBlocks,
}

impl Lie {
    /// Those whose blocks may become final: nothing is wrong with them.
    const fn harmless(self) -> bool {
        matches!(self, Self::WithheldFromOne | Self::TwoBlocks)
    }

    const fn withholds(self) -> bool {
        matches!(self, Self::Withheld | Self::WithheldFromOne)
    }
}

/// What a liar said; outlives its restarts.
#[derive(Default)]
pub struct Told {
    /// The block that it sends, by the block that its engine made.
    blocks: BTreeMap<Digest, Digest>,
    /// Blocks of which it told others and that must not be final.
    pub bad: BTreeSet<Digest>,
    /// Blocks of which it told others, lying.
    pub lies: usize,
}

/// Tells the lies of one validator.
pub struct Liar {
    pub lie: Lie,
    pub key: PublicKey,
    pub pen: Pen,
    pub votes: Sender,
    /// A vote that waits: for its block, or for the next vote where the block is another's.
    pub held: Mutex<Option<Message>>,
    pub seen: Arc<Mutex<Seen>>,
    pub told: Arc<Mutex<Told>>,
}

impl Liar {
    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().expect("no test panics with this lock")
    }

    fn speak(&self, channel: Channel, message: Bytes, to: Vec<PublicKey>) -> Vec<Message> {
        let said = match channel {
            Channel::Blocks => self.block(&message, &to),
            Channel::Votes => Some(self.vote(message.clone(), to.clone())),
            Channel::Backfill => self.lie.withholds().then(Vec::new),
        };
        said.unwrap_or_else(|| vec![(to, message)])
    }

    /// What it sends in the place of a block; nothing else where the block is another's.
    fn block(&self, message: &Bytes, to: &[PublicKey]) -> Option<Vec<Message>> {
        let encoded = message.get(PREFIX_BYTES..)?;
        let header = Header::decode(&mut Decoder::new(encoded)).ok()?;
        if header.proposer != ValidatorKey(self.key.to_array()) {
            return None;
        }
        let body = &encoded[header.to_bytes().len()..];
        let truth = header.digest(suite());
        let other = self.change(&header);
        let digest = other.digest(suite());
        if self.is_lie(&header, body) {
            self.told().blocks.insert(truth, digest);
        }
        // The vote for it may have come first.
        self.release();
        let other = [&other.to_bytes(), body].concat();
        let other = Bytes::from([&(other.len() as u32).to_be_bytes()[..], &other].concat());
        Some(self.share(header.view, to, message, other))
    }

    /// The header that it sends.
    fn change(&self, header: &Header) -> Header {
        let mut other = header.clone();
        match self.lie {
            Lie::State => other.accounts.root.0[0] ^= 1,
            Lie::Outcomes => other.outcome_root.0[0] ^= 1,
            Lie::Future => other.time_ms += FUTURE_MS,
            Lie::Past => other.time_ms = 1,
            Lie::TwoBlocks => other.time_ms += 1,
            _ => {}
        }
        other
    }

    /// Whether a block of this one is a lie; some need what they lie with first.
    fn is_lie(&self, header: &Header, body: &[u8]) -> bool {
        let transactions = || {
            let block = Bytes::from([&header.to_bytes(), body].concat());
            let block = trine_types::Block::from_shared(&block);
            let raw = block.map(|block| block.transactions).unwrap_or_default();
            let all = raw.into_iter().map(|raw| Transaction::from_bytes(suite(), raw));
            all.collect::<Result<Vec<_>, _>>().expect("its engine made them")
        };
        match self.lie {
            Lie::Forged => transactions().iter().any(|one| one.body.sender == address(VICTIM)),
            Lie::Twice => {
                let seen = self.seen.lock().expect("no test panics with this lock");
                transactions().iter().any(|one| seen.transactions.contains_key(&one.id))
            }
            Lie::TooLarge => body.len() > BLOCK_BYTES_MAX,
            _ => true,
        }
    }

    /// Who gets the message of the engine, and who the other one.
    fn share(&self, view: u64, to: &[PublicKey], message: &Bytes, other: Bytes) -> Vec<Message> {
        let mut sorted = to.to_vec();
        sorted.sort();
        let count = sorted.len().max(1);
        sorted.rotate_left(view as usize % count);
        match self.lie {
            Lie::Withheld => Vec::new(),
            Lie::WithheldFromOne => vec![(sorted.split_off(1.min(sorted.len())), other)],
            Lie::TwoBlocks => {
                let others = sorted.split_off(count / 3);
                vec![(sorted, message.clone()), (others, other)]
            }
            _ => vec![(sorted, other)],
        }
    }

    /// What it sends now in the place of a vote: one that came before its block waits for it.
    fn vote(&self, message: Bytes, to: Vec<PublicKey>) -> Vec<Message> {
        self.release();
        let Some((_, proposal)) = notarized(&message) else { return vec![(to, message)] };
        let known = self.told().blocks.contains_key(&Digest(proposal.payload.0));
        if known {
            return self.vote_for_other(&message, &to).unwrap_or_default();
        }
        *self.held.lock().expect("no test panics with this lock") = Some((to, message));
        Vec::new()
    }

    /// Sends the vote that waits.
    fn release(&self) {
        let held = self.held.lock().expect("no test panics with this lock").take();
        let Some((to, message)) = held else { return };
        let said = self.vote_for_other(&message, &to).unwrap_or_else(|| vec![(to, message)]);
        for (to, message) in said {
            let _ = self.votes.clone().send(Recipients::Some(to), message, true);
        }
    }

    /// The vote for what it sends in the place of its block; nothing for any other vote.
    fn vote_for_other(&self, message: &Bytes, to: &[PublicKey]) -> Option<Vec<Message>> {
        let (epoch, mut proposal) = notarized(message)?;
        let other = *self.told().blocks.get(&Digest(proposal.payload.0))?;
        let round = proposal.round;
        proposal.payload = BlockDigest::from(other.0);
        let scheme = self.pen.scheme(round.epoch())?;
        let vote = Vote::Notarize(Notarize::sign(scheme.as_ref(), proposal)?);
        let mut signed = Vec::new();
        UInt(epoch).write(&mut signed);
        signed.extend_from_slice(&vote.encode());
        let mut told = self.told();
        told.lies += 1;
        if !self.lie.harmless() {
            told.bad.insert(other);
        }
        drop(told);
        if self.lie.withholds() {
            return Some(vec![(to.to_vec(), signed.into())]);
        }
        Some(self.share(round.view().get(), to, message, signed.into()))
    }
}

/// The epoch and the proposal of a vote that notarizes.
fn notarized(message: &Bytes) -> Option<(u64, Proposal<BlockDigest>)> {
    let mut rest = message.clone();
    let UInt(epoch) = UInt::<u64>::read(&mut rest).ok()?;
    match Vote::<Scheme, BlockDigest>::decode(rest) {
        Ok(Vote::Notarize(vote)) => Some((epoch, vote.proposal)),
        _ => None,
    }
}

/// Channels on which a liar lies.
#[derive(Clone, Copy)]
pub enum Channel {
    Votes,
    Backfill,
    Blocks,
}

/// Sends what a validator says, or what its liar makes of it.
#[derive(Clone)]
pub struct Voice {
    sender: Sender,
    liar: Option<(Channel, Arc<Liar>)>,
}

impl std::fmt::Debug for Voice {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.sender.fmt(to)
    }
}

impl Voice {
    /// The voice on this one of the engine's channels.
    pub fn new(sender: Sender, channel: u64, liar: Option<Arc<Liar>>) -> Self {
        let channel = match channel {
            0 => Some(Channel::Votes),
            3 => Some(Channel::Backfill),
            4 => Some(Channel::Blocks),
            _ => None,
        };
        Self { sender, liar: channel.zip(liar) }
    }
}

/// Sends one message of a [`Voice`].
pub struct Utterance<'a> {
    checked: <Sender as LimitedSender>::Checked<'a>,
    voice: Voice,
}

impl LimitedSender for Voice {
    type PublicKey = PublicKey;
    type Checked<'a> = Utterance<'a>;

    fn check(&mut self, to: Recipients<PublicKey>) -> Result<Utterance<'_>, SystemTime> {
        let voice = self.clone();
        Ok(Utterance { checked: self.sender.check(to)?, voice })
    }
}

impl CheckedSender for Utterance<'_> {
    type PublicKey = PublicKey;

    fn recipients(&self) -> Vec<PublicKey> {
        self.checked.recipients()
    }

    fn send(self, message: impl Into<IoBufs> + Send, priority: bool) -> Unreliable<Feedback> {
        let Voice { mut sender, liar } = self.voice;
        let Some((channel, liar)) = liar else { return self.checked.send(message, priority) };
        let message: IoBufs = message.into();
        let to = self.checked.recipients();
        for (to, message) in liar.speak(channel, message.coalesce().into(), to) {
            let _ = sender.send(Recipients::Some(to), message, priority);
        }
        Unreliable::new(Feedback::Ok)
    }
}

/// A pool that gives its leader what no block may have.
pub struct BentQueue {
    honest: Arc<Queue>,
    /// What it adds.
    extra: Vec<Arc<Transaction>>,
    /// Whether it gives nothing else.
    alone: bool,
}

impl BentQueue {
    pub fn new(lie: Lie, genesis: &Genesis, honest: Arc<Queue>) -> Self {
        let mut extra = Vec::new();
        match lie {
            // The first of the load: it is final soon.
            Lie::Twice => extra.push(Arc::new(add(genesis, 0, 0, 0))),
            Lie::TooLarge => {
                let mut bytes = 0;
                for place in 0.. {
                    let (account, nonce) =
                        (place % u64::from(ACCOUNTS), place / u64::from(ACCOUNTS));
                    let one = large(genesis, account as u8, NONCE + nonce);
                    bytes += one.bytes.len();
                    extra.push(Arc::new(one));
                    if bytes > BLOCK_BYTES_MAX {
                        break;
                    }
                }
            }
            _ => {}
        }
        Self { honest, extra, alone: lie == Lie::TooLarge }
    }
}

impl Source for BentQueue {
    fn candidates(
        &self,
        count_max: usize,
        bytes_max: usize,
        taken: &TransactionIds,
    ) -> Vec<Arc<Transaction>> {
        let mut all = self.extra.clone();
        if !self.alone {
            all.extend(self.honest.candidates(count_max, bytes_max, taken));
        }
        all
    }

    fn left_out(&self, _: &[TransactionId]) {}

    fn changed(&self) -> BoxFuture<'static, ()> {
        self.honest.changed()
    }
}
