//! Keep the entries of evidence logs and prove that they are in their logs.
//!
//! - [`Evidence`] stores every entry and enough of each log's tree for inclusion paths.
//! - [`Forest`] computes the header's evidence root and the paths from one log to it.

mod forest;
mod store;
mod tree;

#[cfg(test)]
mod tests;

pub use forest::{Forest, HeadPath};
pub use store::Evidence;
