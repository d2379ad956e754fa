//! Listen for HTTP: on loopback in the clear, anywhere else with TLS only.

use super::connections::{CONNECTIONS_MAX, Capped};
use super::tls::{Tls, TlsFiles};
use axum::Router;
use axum_server::Handle;
use hyper_util::rt::TokioTimer;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

/// Longest time that a request's head may take to arrive.
const HEAD_TIME_MAX: Duration = Duration::from_secs(10);
/// Bytes of a request's head.
const HEAD_BYTES_MAX: usize = 16 * 1_024;
/// Longest time that requests may take to end when the server stops.
const STOP_TIME_MAX: Duration = Duration::from_secs(3);

/// Why the server cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// A public address without TLS.
    #[error(
        "{0} can be reached from other hosts, and no TLS is configured: listen on 127.0.0.1 or \
         name a certificate and a key"
    )]
    PublicWithoutTls(SocketAddr),
    /// The port is taken, or the address is not of this host.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// Address wanted.
        address: SocketAddr,
        /// The system's answer.
        source: std::io::Error,
    },
    /// Certificate or key cannot be used.
    #[error(
        "TLS with certificate {} and key {}: {source}",
        files.certificate.display(),
        files.key.display()
    )]
    Tls {
        /// The files.
        files: TlsFiles,
        /// What is wrong with them.
        source: std::io::Error,
    },
    /// The server stopped by itself.
    #[error("the HTTP server stopped: {0}")]
    Stopped(std::io::Error),
}

/// A server that listens, and does not serve yet.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<Tls>,
    handle: Handle<SocketAddr>,
}

impl Server {
    /// Listens on `address`; port 0 takes a free one.
    ///
    /// # Errors
    /// [`ServerError`] that says what to change.
    pub fn bind(address: SocketAddr, tls: Option<TlsFiles>) -> Result<Self, ServerError> {
        if tls.is_none() && !address.ip().is_loopback() {
            return Err(ServerError::PublicWithoutTls(address));
        }
        let bind = |source| ServerError::Bind { address, source };
        let listener = TcpListener::bind(address).map_err(bind)?;
        listener.set_nonblocking(true).map_err(bind)?;
        let bound = listener.local_addr().map_err(bind)?;
        let open = |files: TlsFiles| {
            Tls::open(files.clone()).map_err(|source| ServerError::Tls { files, source })
        };
        let tls = tls.map(open).transpose()?;
        Ok(Self { listener, address: bound, tls, handle: Handle::new() })
    }

    /// Address on which it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its certificate, where it has one.
    pub const fn tls(&self) -> Option<&Tls> {
        self.tls.as_ref()
    }

    /// Stops the server from elsewhere.
    pub fn stopper(&self) -> Stopper {
        Stopper(self.handle.clone())
    }

    /// Serves until it is stopped.
    ///
    /// # Errors
    /// [`ServerError`] when the listener fails.
    pub async fn serve(self, router: Router) -> Result<(), ServerError> {
        let service = router.into_make_service();
        let served = match self.tls {
            None => {
                let server = axum_server::from_tcp(self.listener).map_err(ServerError::Stopped)?;
                let mut server = server.map(|inner| Capped::new(inner, CONNECTIONS_MAX));
                limit(server.http_builder());
                server.http1_only().handle(self.handle).serve(service).await
            }
            Some(tls) => {
                let server = axum_server::from_tcp_rustls(self.listener, tls.config())
                    .map_err(ServerError::Stopped)?;
                let mut server = server.map(|inner| Capped::new(inner, CONNECTIONS_MAX));
                limit(server.http_builder());
                server.http1_only().handle(self.handle).serve(service).await
            }
        };
        served.map_err(ServerError::Stopped)
    }
}

/// Limits what a client may do with a connection. HTTP/1 alone is served: only then does the time
/// of a head begin with the connection, not with its first byte, and no connection idles for ever.
fn limit(builder: &mut hyper_util::server::conn::auto::Builder<hyper_util::rt::TokioExecutor>) {
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME_MAX)
        .max_buf_size(HEAD_BYTES_MAX);
}

/// Stops a server.
#[derive(Clone)]
pub struct Stopper(Handle<SocketAddr>);

impl Stopper {
    /// Takes no more connections, and lets requests end for a short time.
    pub fn stop(&self) {
        self.0.graceful_shutdown(Some(STOP_TIME_MAX));
    }
}
