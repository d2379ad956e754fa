//! Ask the other validators' nodes how far they are, lazily and seldom.

use bytes::Bytes;
use futures::future::join_all;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::{Request, Uri, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use trine_types::ValidatorKey;

/// Age up to which answers are used again.
const ANSWERS_AGE_MAX: Duration = Duration::from_secs(1);
/// Longest time that a peer may take to answer.
const ANSWER_TIME_MAX: Duration = Duration::from_millis(500);
/// Bytes of a peer's answer.
const ANSWER_BYTES_MAX: usize = 4_096;

/// Heights by validator.
type Heights = Arc<HashMap<ValidatorKey, u64>>;

/// Where the other validators' nodes serve their API.
#[derive(Debug, Default)]
pub struct Peers {
    urls: BTreeMap<ValidatorKey, String>,
    answers: Mutex<Option<(Instant, Heights)>>,
}

impl Peers {
    /// Takes the addresses, as `http://host:port`. Peers that serve TLS are shown, not asked.
    pub fn new(urls: BTreeMap<ValidatorKey, String>) -> Self {
        Self { urls, answers: Mutex::default() }
    }

    /// Address of a validator's node, where it is known.
    pub fn url(&self, key: &ValidatorKey) -> Option<&str> {
        self.urls.get(key).map(String::as_str)
    }

    /// Heights of the peers that answer; at most a second old.
    pub async fn heights(&self) -> Heights {
        // Whoever comes while others are asked waits for their answers instead of asking too.
        let mut answers = self.answers.lock().await;
        if let Some((at, heights)) = &*answers
            && at.elapsed() <= ANSWERS_AGE_MAX
        {
            return heights.clone();
        }
        let ask = |(key, url): (&ValidatorKey, &String)| {
            let (key, url) = (*key, url.clone());
            async move { Some((key, height(&url).await?)) }
        };
        let found: HashMap<ValidatorKey, u64> =
            join_all(self.urls.iter().map(ask)).await.into_iter().flatten().collect();
        let heights = Arc::new(found);
        *answers = Some((Instant::now(), heights.clone()));
        heights
    }
}

/// Height of the node at `url`; none when it does not answer as a node does.
async fn height(url: &str) -> Option<u64> {
    let answer = tokio::time::timeout(ANSWER_TIME_MAX, get(url, "/readyz")).await.ok()??;
    // A node that is not ready says its height too, in the problem document.
    let document: serde_json::Value = serde_json::from_slice(&answer).ok()?;
    document.get("height")?.as_u64()
}

async fn get(url: &str, path: &str) -> Option<Bytes> {
    let uri: Uri = url.parse().ok()?;
    if uri.scheme_str() != Some("http") {
        return None;
    }
    let authority = uri.authority()?;
    let port = authority.port_u16().unwrap_or(80);
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    let stream = TcpStream::connect((host, port)).await.ok()?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
    let request = Request::get(path)
        .header(header::HOST, authority.as_str())
        .header(header::CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .ok()?;
    let exchange = async {
        let response = sender.send_request(request).await.ok()?;
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await.ok()?;
        Some(body.to_bytes())
    };
    // The connection's own result adds nothing: a failure shows in the answer.
    let (answer, _) = futures::future::join(exchange, connection).await;
    answer
}
