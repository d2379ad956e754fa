//! Run the engine on the deterministic runtime: crashes, partitions, delay, planted faults.

mod support;

mod simulation {
    mod disk;
    mod disks;
    pub mod double_voter;
    pub mod engine;
    pub mod follower;
    mod garbage;
    mod liar;
    mod lies;
    mod machine;
    mod pen;
    pub mod properties;
    mod scenarios;
    mod wrong_clocks;
}
