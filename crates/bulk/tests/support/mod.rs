//! Find test vectors beside the checkout.

use std::path::PathBuf;

/// Environment variable that names the folder of shared files.
const FOLDER_VARIABLE: &str = "TRINE_SHARED";

/// Text of a file below `vectors` in the folder of shared files; nothing, with a message, when
/// that folder is absent.
///
/// # Panics
/// When the folder is there and the file is not.
pub fn vectors(path: &str) -> Option<String> {
    let folder = std::env::var_os(FOLDER_VARIABLE).map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")),
        PathBuf::from,
    );
    if !folder.is_dir() {
        println!("skipped: {} is absent, so are the vectors {path}", folder.display());
        return None;
    }
    let file = folder.join("vectors").join(path);
    let text = std::fs::read_to_string(&file);
    Some(text.unwrap_or_else(|error| panic!("{}: {error}", file.display())))
}
