//! Follow other nodes over their HTTP APIs (`/v1/sync`), one of them at a time.

use crate::clock;
use crate::config::{FollowConfig, ReaderConfig, SetupError, read_secret_key};
use crate::metrics::Metrics;
use crate::read_signature::{NAMESPACE, headers};
use bytes::{Bytes, BytesMut};
use futures::future::BoxFuture;
use reqwest::{
    Certificate, Client, Identity, RequestBuilder, Response, StatusCode, Url, header, redirect,
};
use serde::Deserialize;
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use trine_consensus::{Answer, Claim, Distrust, Upstream, Wanted};
use trine_crypto::SecretKey;
use trine_ledger::state::Table;
use trine_types::codec::to_hex;
use trine_types::{Address, ChainId, Digest, Genesis, Height, LogId, limits};

/// How long an upstream may keep a question for its newest block open.
const TIP_WAIT: Duration = Duration::from_secs(5);
/// Time for any other exchange, and beyond [`TIP_WAIT`] for that one.
const EXCHANGE_TIME_MAX: Duration = Duration::from_secs(30);
/// Time to connect.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);
/// Pause before another question where an upstream does not answer.
const PAUSE: Duration = Duration::from_millis(500);
/// How long an upstream that sent what does not hold is left out, where there are others.
const DISTRUST: Duration = Duration::from_secs(60);
/// Bytes of an answer: a block of the largest size behind a certificate of the most validators.
const ANSWER_BYTES_MAX: usize = limits::BLOCK_BYTES_MAX + 4 * 1_024 * 1_024;
/// Bytes of a file with certificates or a key.
const FILE_BYTES_MAX: u64 = 1_024 * 1_024;

/// A file with which upstreams are reached cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {reason}", .file.display())]
pub struct UpstreamError {
    file: PathBuf,
    reason: String,
}

/// Why an upstream gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The connection failed.
    #[error("{0}")]
    Exchange(String),
    /// It refused.
    #[error("it answered with status {0}")]
    Status(StatusCode),
    /// It lets nobody read, or not this node.
    #[error(
        "it does not let this node read (status {0}): name the key of an account that may read \
         the chain in follow.reader, and look at both clocks"
    )]
    Closed(StatusCode),
    /// It sent too much.
    #[error("it answered with more than {ANSWER_BYTES_MAX} bytes")]
    TooLarge,
    /// It is no node.
    #[error("its answer is not understood")]
    Malformed,
}

impl From<reqwest::Error> for Failure {
    fn from(error: reqwest::Error) -> Self {
        // The innermost cause says most, and names no address twice.
        let mut cause: &dyn std::error::Error = &error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        Self::Exchange(cause.to_string())
    }
}

#[derive(Deserialize)]
struct Tip {
    height: u64,
}

/// As whom upstreams are asked, where the chain is not read by anyone.
struct Reader {
    key: SecretKey,
    account: (Address, u8),
    chain_id: ChainId,
}

impl Reader {
    fn open(config: &ReaderConfig, genesis: &Genesis) -> Result<Self, UpstreamError> {
        let suite = genesis.suite().map_err(|error| refused(&config.key, error))?;
        let algorithm = config.algorithm.unwrap_or(suite.algorithm());
        let key = read_secret_key(algorithm, &config.key).map_err(|error| match error {
            SetupError::Key { file, reason } => UpstreamError { file, reason },
            other => refused(&config.key, other),
        })?;
        let own = Address::of_key(suite, algorithm, &key.public_key());
        let account = (config.account.unwrap_or(own), config.key_index);
        Ok(Self { key, account, chain_id: genesis.chain_id() })
    }

    /// Signs a request for what lies at `path` below an upstream's URL.
    fn sign(&self, path: &str, query: Option<&str>) -> (String, String) {
        let now_s = clock::now_ms() / 1_000;
        let sign = |message: &[u8]| self.key.sign(NAMESPACE, message);
        headers(self.chain_id, self.account, now_s, (&format!("/{path}"), query), sign)
    }
}

/// Which upstream is asked.
#[derive(Debug)]
struct Choice {
    current: usize,
    /// Until when each is left out.
    barred: Vec<Option<Instant>>,
}

impl Choice {
    /// Whether every upstream is left out.
    fn all_barred(&self, now: Instant) -> bool {
        self.barred.iter().all(|until| until.is_some_and(|until| until > now))
    }

    /// The one after the current that is not left out; the next one where all are.
    fn next(&self, now: Instant) -> usize {
        let count = self.barred.len();
        let others = (1..=count).map(|step| (self.current + step) % count);
        let may = |place: &usize| self.barred[*place].is_none_or(|until| until <= now);
        others.clone().find(may).unwrap_or((self.current + 1) % count)
    }
}

/// The upstreams of one follower.
pub struct HttpUpstream {
    client: Client,
    reader: Option<Reader>,
    urls: Vec<Url>,
    choice: Mutex<Choice>,
    metrics: Arc<Metrics>,
    outbox: mpsc::Sender<Bytes>,
    waiting: tokio::sync::Mutex<mpsc::Receiver<Bytes>>,
}

impl HttpUpstream {
    /// Reads the files that `follow` names; nothing is asked yet.
    ///
    /// # Errors
    /// [`UpstreamError`] for a file that cannot be used.
    pub fn open(
        follow: &FollowConfig,
        genesis: &Genesis,
        metrics: Arc<Metrics>,
    ) -> Result<Arc<Self>, UpstreamError> {
        let mut builder = Client::builder()
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT_TIME_MAX)
            .timeout(EXCHANGE_TIME_MAX);
        if let Some(file) = &follow.authorities {
            let read = Certificate::from_pem_bundle(&read(file)?);
            let authorities = read.map_err(|error| refused(file, error))?;
            if authorities.is_empty() {
                return Err(refused(file, "no PEM certificate"));
            }
            builder = builder.tls_certs_merge(authorities);
        }
        if let Some((certificate, key)) = &follow.client {
            let pem = [read(certificate)?, b"\n".to_vec(), read(key)?].concat();
            let identity = Identity::from_pem(&pem);
            builder = builder.identity(identity.map_err(|error| refused(certificate, error))?);
        }
        let named = follow.authorities.iter().chain(follow.client.iter().map(|(file, _)| file));
        let named = named.last().cloned().unwrap_or_default();
        let client = builder.build().map_err(|error| refused(&named, error))?;
        let urls: Vec<Url> = follow
            .upstreams
            .iter()
            .map(|url| Url::parse(url).map_err(|error| refused(Path::new(url), error)))
            .collect::<Result<_, _>>()?;
        let choice = Choice { current: 0, barred: vec![None; urls.len()] };
        let (outbox, waiting) = mpsc::channel(limits::FORWARD_QUEUE_MAX);
        let waiting = tokio::sync::Mutex::new(waiting);
        let choice = Mutex::new(choice);
        let open = |config| Reader::open(config, genesis);
        let reader = follow.reader.as_ref().map(open).transpose()?;
        Ok(Arc::new(Self { client, reader, urls, choice, metrics, outbox, waiting }))
    }

    /// The upstream that is asked now.
    pub fn current(&self) -> String {
        self.urls[self.choice().current].to_string()
    }

    /// Sends transactions that this node took on to an upstream, for ever.
    pub async fn send(&self) -> Infallible {
        let mut waiting = self.waiting.lock().await;
        loop {
            // The sender lives as long as this.
            let Some(batch) = waiting.recv().await else { return std::future::pending().await };
            let source = self.choice().current;
            let sent = self.post(source, batch).await;
            if let Err(error) = sent {
                let url = self.urls[source].as_str();
                // The pool sends again what does not become final.
                tracing::debug!(url, %error, "transactions were not taken");
            }
        }
    }

    async fn post(&self, source: usize, batch: Bytes) -> Result<(), Failure> {
        let mut url = self.at(source, "v1/transactions");
        url.set_query(Some("answers=refused"));
        let request = self.client.post(url).body(batch);
        let response = request.header(header::CONTENT_TYPE, "application/octet-stream").send();
        match response.await?.status() {
            StatusCode::OK => Ok(()),
            other => Err(Failure::Status(other)),
        }
    }

    fn choice(&self) -> MutexGuard<'_, Choice> {
        self.choice.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A path below an upstream's URL.
    fn at(&self, source: usize, path: &str) -> Url {
        let mut url = self.urls[source].clone();
        let below = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{below}/{path}"));
        url
    }

    /// Asks another upstream from now on, where `source` is the current one.
    fn leave(&self, source: usize, reason: &'static str, why: &str, bar: Option<Duration>) {
        let mut choice = self.choice();
        let now = Instant::now();
        if let Some(bar) = bar {
            choice.barred[source] = Some(now + bar);
        }
        if choice.current == source {
            choice.current = choice.next(now);
        }
        let (left, next) = (self.urls[source].as_str(), self.urls[choice.current].as_str());
        let others = self.urls.len() > 1;
        drop(choice);
        self.metrics.upstreams_left.add(reason, 1);
        match others {
            true => tracing::warn!(code = "upstream_left", left, next, "{why}: another is asked"),
            false => tracing::warn!(code = "upstream_left", left, "{why}, and there is no other"),
        }
    }

    /// Number of upstreams.
    pub fn count(&self) -> usize {
        self.urls.len()
    }

    /// Address of an upstream.
    pub fn url(&self, source: usize) -> &str {
        self.urls[source].as_str()
    }

    /// Leaves an upstream that sent what does not hold.
    pub fn refuse(&self, source: usize) {
        self.distrust(source, Distrust::Invalid);
    }

    /// Entries of an evidence log from `first` on, at most `count`, at least one; nothing of them
    /// is checked. Waits until somebody answers.
    pub async fn entries(&self, log: LogId, first: u64, count: u64) -> (Vec<Digest>, usize) {
        let path = format!("v1/sync/logs/{log}/{first}/{count}");
        loop {
            let Answer { bytes, source } = self.ask_until(&path).await;
            let (entries, rest) = bytes.as_chunks();
            if rest.is_empty() && (1..=count).contains(&(entries.len() as u64)) {
                return (entries.iter().copied().map(Digest).collect(), source);
            }
            self.refuse(source);
        }
    }

    /// Asks for something that every upstream has sooner or later.
    async fn ask_until(&self, path: &str) -> Answer {
        loop {
            // Where all lied, or all are away, there is no hurry.
            if self.choice().all_barred(Instant::now()) {
                tokio::time::sleep(PAUSE).await;
            }
            match self.ask_all(path).await {
                Some(answer) => return answer,
                None => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    /// Asks one upstream after the other, the current one first.
    async fn ask_all(&self, path: &str) -> Option<Answer> {
        let (first, count) = (self.choice().current, self.urls.len());
        for source in (first..first + count).map(|place| place % count) {
            match self.get(source, path).await {
                Ok(Some(bytes)) => return Some(Answer { bytes, source }),
                Ok(None) => (),
                Err(error) => {
                    let url = self.url(source);
                    tracing::debug!(url, path, %error, "no answer");
                }
            }
        }
        None
    }

    /// Asks an upstream for its newest certified block above `above`.
    ///
    /// # Errors
    /// [`Failure`] when it does not answer as a node does.
    pub async fn ask_tip(&self, source: usize, above: Height) -> Result<Height, Failure> {
        let query = format!("above={above}&wait_ms={}", TIP_WAIT.as_millis());
        let request = self.request(source, "v1/sync/tip", Some(&query));
        let request = request.timeout(EXCHANGE_TIME_MAX + TIP_WAIT);
        let bytes = body(request.send().await?).await?.ok_or(Failure::Malformed)?;
        let tip: Tip = serde_json::from_slice(&bytes).map_err(|_| Failure::Malformed)?;
        Ok(Height(tip.height))
    }

    /// Asks an upstream for what lies at a path; none where it has no such thing.
    ///
    /// # Errors
    /// [`Failure`] when it does not answer as a node does.
    pub async fn get(&self, source: usize, path: &str) -> Result<Option<Bytes>, Failure> {
        body(self.request(source, path, None).send().await?).await
    }

    /// A request for records, signed where this node has a key to read with.
    fn request(&self, source: usize, path: &str, query: Option<&str>) -> RequestBuilder {
        let mut url = self.at(source, path);
        url.set_query(query);
        let request = self.client.get(url);
        let Some(reader) = &self.reader else { return request };
        let (input, signature) = reader.sign(path, query);
        request.header("signature-input", input).header("signature", signature)
    }
}

fn refused(file: &Path, reason: impl std::fmt::Display) -> UpstreamError {
    UpstreamError { file: file.to_owned(), reason: reason.to_string() }
}

fn read(file: &Path) -> Result<Vec<u8>, UpstreamError> {
    use std::io::Read as _;
    let failed = |error| refused(file, error);
    let mut bytes = Vec::new();
    let opened = std::fs::File::open(file).map_err(failed)?;
    opened.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(refused(file, format!("more than {FILE_BYTES_MAX} bytes")));
    }
    Ok(bytes)
}

/// Reads an answer; none where there is no such thing.
async fn body(mut response: Response) -> Result<Option<Bytes>, Failure> {
    match response.status() {
        StatusCode::OK => (),
        StatusCode::NOT_FOUND => return Ok(None),
        closed @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
            return Err(Failure::Closed(closed));
        }
        other => return Err(Failure::Status(other)),
    }
    let mut bytes = BytesMut::new();
    while let Some(chunk) = response.chunk().await? {
        if bytes.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(Failure::TooLarge);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Some(bytes.freeze()))
}

impl Upstream for HttpUpstream {
    fn tip(&self, above: Height) -> BoxFuture<'_, Claim> {
        Box::pin(async move {
            loop {
                let source = self.choice().current;
                match self.ask_tip(source, above).await {
                    Ok(height) if height > above => return Claim { height, source },
                    Ok(_) => self.leave(source, "silent", "it has no new block", None),
                    Err(error) => {
                        self.leave(source, "unreachable", &error.to_string(), None);
                        tokio::time::sleep(PAUSE).await;
                    }
                }
            }
        })
    }

    fn fetch(&self, wanted: Wanted) -> BoxFuture<'_, Option<Answer>> {
        let path = match wanted {
            Wanted::Block(digest) => format!("v1/sync/blocks/{digest}"),
            Wanted::Finalized(height) => format!("v1/sync/finalized/{height}"),
        };
        Box::pin(async move { self.ask_all(&path).await })
    }

    fn operations(&self, table: Table, request: Bytes) -> BoxFuture<'_, Answer> {
        let table = match table {
            Table::Accounts => "accounts",
            Table::Values => "values",
        };
        let path = format!("v1/sync/state/{table}/{}", to_hex(&request));
        Box::pin(async move { self.ask_until(&path).await })
    }

    fn distrust(&self, source: usize, why: Distrust) {
        let reason = match why {
            Distrust::Invalid => "invalid",
            Distrust::Unproven => "unproven",
        };
        self.leave(source, reason, &why.to_string(), Some(DISTRUST));
    }

    fn forward(&self, batch: Bytes) {
        // What has no place is lost here and sent again later.
        let _ = self.outbox.try_send(batch);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: another upstream is asked, one that is left out only where all are. Method: three of
    /// whom one after the other is barred.
    #[test]
    fn those_who_lied_are_left_out() {
        let now = Instant::now();
        let mut choice = Choice { current: 0, barred: vec![None; 3] };
        assert_eq!(choice.next(now), 1);
        choice.barred[1] = Some(now + DISTRUST);
        assert_eq!(choice.next(now), 2);
        assert_eq!(choice.next(now + DISTRUST), 1);
        choice.barred[2] = Some(now + DISTRUST);
        assert_eq!(choice.next(now), 0);
        choice.barred[0] = Some(now + DISTRUST);
        assert_eq!(choice.next(now), 1);
        assert_eq!(Choice { current: 0, barred: vec![None] }.next(now), 0);
    }
}
