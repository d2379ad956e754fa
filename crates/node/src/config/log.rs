//! Write the log: one line an event, to a file that is replaced when it is full.
//!
//! Secrets have no place in events: keys implement no readable `Debug`, and errors about key files
//! say nothing of their content.

use super::{LogConfig, LogFormat, SetupError};
use std::{
    fs::{self, File},
    io::{self, Write},
    panic,
    path::{Path, PathBuf},
    sync::Mutex,
};
use tracing::{Level, Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{
    Layer,
    filter::Targets,
    fmt::{self, MakeWriter},
    layer::SubscriberExt as _,
    registry::LookupSpan,
    util::SubscriberInitExt as _,
};

/// Libraries whose events below `warn` only interest those who ask for `debug`.
const LIBRARIES: [&str; 6] = [
    "commonware_consensus",
    "commonware_p2p",
    "commonware_runtime",
    "commonware_glue",
    "commonware_resolver",
    "hyper",
];

/// Starts the log of this process. The first call wins; later ones change nothing.
///
/// # Errors
/// [`SetupError::ReadOnly`] or [`SetupError::DiskFull`] when the file cannot be opened.
pub fn start(config: &LogConfig) -> Result<(), SetupError> {
    let mut targets = Targets::new().with_default(config.level);
    if config.level <= Level::INFO {
        targets = targets.with_targets(LIBRARIES.map(|name| (name, LevelFilter::WARN)));
    }
    let lines = match &config.file {
        None => lines(config.format, io::stderr),
        Some(path) => {
            let file = RotatingFile::open(path, config.file_bytes_max, config.files_max);
            let file = file.map_err(|error| super::prepare::cannot_write(path, error))?;
            lines(config.format, Mutex::new(file))
        }
    };
    // Whoever embeds the node may have a log of their own; it gets the events then.
    let _ = tracing_subscriber::registry().with(lines.with_filter(targets)).try_init();
    Ok(())
}

/// Writes each event as a line.
pub(super) fn lines<S, W>(format: LogFormat, writer: W) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = fmt::layer().with_ansi(false).with_writer(writer);
    match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => {
            lines.json().flatten_event(true).with_current_span(false).with_span_list(false).boxed()
        }
    }
}

/// Writes panics to the log, a line each, instead of to standard error with a stack of frames.
pub fn take_panics() {
    panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string).unwrap_or_default();
        let cause = panic.payload_as_str().unwrap_or("no text");
        tracing::error!(location, "a task of the node panicked: {cause}");
    }));
}

/// A file that is renamed to `FILE.1` when it is full; `FILE.1` to `FILE.2`, and so on.
#[derive(Debug)]
pub struct RotatingFile {
    path: PathBuf,
    file: File,
    bytes: u64,
    bytes_max: u64,
    files_max: u32,
}

impl RotatingFile {
    /// Appends to `path`, begins a new file at `bytes_max`, keeps `files_max` older ones.
    ///
    /// # Errors
    /// The system's answer when the file cannot be opened.
    pub fn open(path: &Path, bytes_max: u64, files_max: u32) -> io::Result<Self> {
        let file = append(path)?;
        let bytes = file.metadata()?.len();
        Ok(Self { path: path.to_owned(), file, bytes, bytes_max, files_max })
    }

    fn older(&self, number: u32) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".{number}"));
        name.into()
    }

    fn rotate(&mut self) -> io::Result<()> {
        for number in (1..self.files_max).rev() {
            let older = self.older(number);
            if older.exists() {
                fs::rename(older, self.older(number + 1))?;
            }
        }
        fs::rename(&self.path, self.older(1))?;
        self.file = append(&self.path)?;
        self.bytes = 0;
        Ok(())
    }
}

fn append(path: &Path) -> io::Result<File> {
    File::options().create(true).append(true).open(path)
}

impl Write for RotatingFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes > 0 && self.bytes + bytes.len() as u64 > self.bytes_max {
            // A file that cannot be renamed grows on: losing events would be worse.
            if self.rotate().is_err() {
                self.bytes = 0;
            }
        }
        let written = self.file.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
