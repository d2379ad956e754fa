//! Define what execution says about a transaction.

use crate::code::Code;
use crate::codec::{Decode, DecodeError, Decoder, Encode, Encoder};
use crate::identifiers::Address;
use crate::limits::{EVENT_DATA_BYTES_MAX, EVENTS_MAX, TOPICS_MAX};
use trine_crypto::Digest;

/// Something that happened in a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What emitted it: a contract's address, or for a module 19 zero bytes and its number.
    pub emitter: Address,
    /// Up to four values to search by; an address is padded with zeros on the left.
    pub topics: Vec<Digest>,
    /// For a module: the event's number as one byte, then its fields (see the wire reference).
    pub data: Vec<u8>,
}

impl Event {
    /// The emitter that stands for a module.
    pub const fn module_emitter(module: u8) -> Address {
        let mut address = [0; 20];
        address[19] = module;
        Address(address)
    }

    /// An address as a topic.
    pub fn address_topic(address: &Address) -> Digest {
        let mut topic = [0; 32];
        topic[12..].copy_from_slice(&address.0);
        Digest(topic)
    }
}

impl Encode for Event {
    fn encode(&self, to: &mut Encoder) {
        self.emitter.encode(to);
        assert!(self.topics.len() <= TOPICS_MAX, "an event has at most TOPICS_MAX topics");
        (self.topics.len() as u8).encode(to);
        self.topics.iter().for_each(|topic| topic.encode(to));
        to.bytes32(&self.data);
    }
}

impl Decode for Event {
    fn decode(from: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let emitter = Address::decode(from)?;
        let count = u8::decode(from)?.into();
        crate::codec::check_limit(count, TOPICS_MAX, "topics")?;
        let topics = (0..count).map(|_| Digest::decode(from)).collect::<Result<_, _>>()?;
        let data = from.bytes32(EVENT_DATA_BYTES_MAX, "event data")?.to_vec();
        Ok(Self { emitter, topics, data })
    }
}

/// What execution says about a transaction in a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Verdict; [`Code::Ok`] or a code from 100 on.
    pub code: Code,
    /// Index of the call that failed; 0 where none did or none ran.
    pub failed_call: u8,
    /// Quota units used.
    pub gas_used: u64,
    /// Events in order; none when the transaction failed.
    pub events: Vec<Event>,
}

impl Encode for Outcome {
    fn encode(&self, to: &mut Encoder) {
        self.code.number().encode(to);
        self.failed_call.encode(to);
        self.gas_used.encode(to);
        to.list16(&self.events);
    }
}

impl Decode for Outcome {
    fn decode(from: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            code: Code::from_number(u16::decode(from)?)
                .ok_or(DecodeError::Malformed("unknown outcome code"))?,
            failed_call: u8::decode(from)?,
            gas_used: u64::decode(from)?,
            events: from.list16(EVENTS_MAX, "events")?,
        })
    }
}
