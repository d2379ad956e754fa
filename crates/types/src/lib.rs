//! Define what the chain is made of: identifiers, transactions, blocks, the codec, every limit.
