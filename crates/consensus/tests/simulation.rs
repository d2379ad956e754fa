//! Run the engine on the deterministic runtime: crashes, partitions, delay, planted faults.

mod support;

mod simulation {
    pub mod double_voter;
    pub mod engine;
    pub mod follower;
    mod garbage;
    pub mod properties;
    mod scenarios;
}
