//! Serve TLS with certificates that may be replaced while the node runs.

use crate::metrics::Metrics;
use axum_server::tls_rustls::RustlsConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::convert::Infallible;
use std::io::{Error, ErrorKind, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use x509_cert::Certificate;
use x509_cert::der::Decode as _;

/// How often the files are looked at for a change.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);
/// Time before the end of a certificate from which on the node warns.
const EXPIRY_WARNING: Duration = Duration::from_hours(30 * 24);
/// Time between two such warnings.
const EXPIRY_WARNING_INTERVAL: Duration = Duration::from_hours(24);
/// Bytes of each file.
const FILE_BYTES_MAX: u64 = 1_024 * 1_024;

/// Certificate and key of a server, and whom it lets in; each a PEM file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// Certificate chain, the server's own first.
    pub certificate: PathBuf,
    /// Private key.
    pub key: PathBuf,
    /// Authorities of clients; without it, clients need no certificate.
    pub client_authorities: Option<PathBuf>,
}

/// What changes when a file is replaced or written: inode, length, seconds and nanoseconds of the
/// last change; nothing of a file that is not there.
type Stamp = Vec<Option<(u64, u64, i64, i64)>>;

impl TlsFiles {
    fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        [&self.certificate, &self.key].into_iter().chain(&self.client_authorities)
    }

    fn stamp(&self) -> Stamp {
        let stamp = |path: &PathBuf| {
            let found = std::fs::metadata(path).ok()?;
            Some((found.ino(), found.len(), found.mtime(), found.mtime_nsec()))
        };
        self.paths().map(stamp).collect()
    }
}

/// What the files hold.
struct Loaded {
    config: Arc<ServerConfig>,
    /// End of the server's certificate, seconds since 1970.
    expires_s: u64,
}

/// The configuration in use, and where it comes from.
#[derive(Clone)]
pub struct Tls {
    files: TlsFiles,
    config: RustlsConfig,
    expires_s: u64,
    /// The files as they were last read.
    stamp: Stamp,
    warned: Option<Instant>,
}

fn invalid(error: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::InvalidData, error.to_string())
}

/// Reads a file of at most [`FILE_BYTES_MAX`].
fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let named = |error: Error| Error::new(error.kind(), format!("{}: {error}", path.display()));
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(named)?;
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(named)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(invalid(format!("{}: more than {FILE_BYTES_MAX} bytes", path.display())));
    }
    Ok(bytes)
}

/// Reads the certificates of a file, at least one.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let named = |error: String| invalid(format!("{}: {error}", path.display()));
    let bytes = read(path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let found = found.map_err(|error| named(error.to_string()))?;
    if found.is_empty() {
        return Err(named("no PEM certificate".into()));
    }
    Ok(found)
}

fn load(files: &TlsFiles) -> Result<Loaded, Error> {
    let chain = certificates(&files.certificate)?;
    let own = Certificate::from_der(&chain[0]).map_err(invalid)?;
    let expires_s = own.tbs_certificate().validity().not_after.to_unix_duration().as_secs();
    let key = PrivateKeyDer::from_pem_slice(&read(&files.key)?)
        .map_err(|error| invalid(format!("{}: {error}", files.key.display())))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(invalid)?;
    let builder = match &files.client_authorities {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for authority in certificates(path)? {
                let named = |error| invalid(format!("{}: {error}", path.display()));
                roots.add(authority).map_err(named)?;
            }
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.map_err(invalid)?)
        }
    };
    let mut config = builder.with_single_cert(chain, key).map_err(invalid)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Loaded { config: Arc::new(config), expires_s })
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// When one cannot be read, holds something else, or key and certificate differ.
    pub fn open(files: TlsFiles) -> Result<Self, Error> {
        let stamp = files.stamp();
        let Loaded { config, expires_s } = load(&files)?;
        let config = RustlsConfig::from_config(config);
        Ok(Self { files, config, expires_s, stamp, warned: None })
    }

    /// The configuration that a server takes; it follows the files.
    pub(super) fn config(&self) -> RustlsConfig {
        self.config.clone()
    }

    /// Takes over what is written to the files, and warns before the certificate ends. What cannot
    /// be used is left, with a warning: the node goes on with what it has.
    pub async fn watch(mut self, metrics: Arc<Metrics>) -> Infallible {
        loop {
            metrics.tls_expires_s.set(self.expires_s);
            self.warn();
            tokio::time::sleep(LOOK_INTERVAL).await;
            let files = self.files.clone();
            let before = self.stamp.clone();
            let looked = tokio::task::spawn_blocking(move || {
                let stamp = files.stamp();
                (stamp != before).then(|| (stamp, load(&files)))
            });
            let Ok(Some((stamp, loaded))) = looked.await else { continue };
            self.stamp = stamp;
            match loaded {
                Ok(Loaded { config, expires_s }) => {
                    self.config.reload_from_config(config);
                    self.expires_s = expires_s;
                    self.warned = None;
                    metrics.tls_reloads.add("done", 1);
                    tracing::info!(expires_s, "serves with the new certificate");
                }
                Err(error) => {
                    metrics.tls_reloads.add("failed", 1);
                    tracing::warn!(%error, "the new certificate cannot be used: the old one stays");
                }
            }
        }
    }

    fn warn(&mut self) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let left = Duration::from_secs(self.expires_s).saturating_sub(now);
        let is_told = self.warned.is_some_and(|at| at.elapsed() < EXPIRY_WARNING_INTERVAL);
        if left < EXPIRY_WARNING && !is_told {
            self.warned = Some(Instant::now());
            let days = left.as_secs() / 86_400;
            tracing::warn!(days, "the certificate of the HTTP API expires: replace its files");
        }
    }
}
