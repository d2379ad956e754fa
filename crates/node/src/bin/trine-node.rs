//! Run one node from its configuration file, without Python around it.

use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(file), None) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: trine-node CONFIGURATION");
        return ExitCode::from(2);
    };
    match trine_node::launch::run_file(&PathBuf::from(file), || {}) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}: {error}", error.code());
            ExitCode::FAILURE
        }
    }
}
