//! Hash, sign and verify: every algorithm of the chain behind one small interface.
