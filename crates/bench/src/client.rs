//! Speak HTTP/1.1 to one node: post batches, follow the stream of final blocks.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use std::sync::{Mutex, PoisonError};
use tokio::net::TcpStream;
use trine_types::TransactionId;

/// Bytes of one answer to a batch that are read at most.
const ANSWER_BYTES_MAX: usize = 16 * 1_024 * 1_024;
/// Bytes of one event of the stream that are read at most.
const EVENT_BYTES_MAX: usize = 16 * 1_024 * 1_024;
/// Idle connections kept to one node.
const IDLE_CONNECTIONS_MAX: usize = 32;

/// A node did not answer as it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{url}: {problem}")]
pub struct ClientError {
    /// The node.
    pub url: String,
    /// What went wrong.
    pub problem: String,
}

/// One node, with the connections to it that are idle.
pub struct Client {
    url: String,
    authority: String,
    idle: Mutex<Vec<SendRequest<Full<Bytes>>>>,
}

/// A transaction of a batch that the node did not take.
#[derive(Debug, Deserialize)]
pub struct Refused {
    /// Place in the batch.
    pub index: usize,
    /// Why.
    pub code: String,
}

#[derive(Deserialize)]
struct Answers {
    results: Vec<Refused>,
}

/// A final and durable block of the stream.
#[derive(Debug, PartialEq, Eq)]
pub struct FinalBlock {
    /// Height.
    pub height: u64,
    /// Identifiers and outcome codes of its transactions, in order.
    pub transactions: Vec<(TransactionId, u16)>,
}

#[derive(Deserialize)]
struct BlockEvent {
    height: u64,
    #[serde(default)]
    ids: String,
    #[serde(default)]
    codes: String,
}

impl Client {
    /// Prepares to speak to the node at `url`, `http://host:port`.
    ///
    /// # Errors
    /// [`ClientError`] when the URL has another form.
    pub fn new(url: &str) -> Result<Self, ClientError> {
        let authority = url.strip_prefix("http://").map(|rest| rest.trim_end_matches('/'));
        match authority {
            Some(authority) if authority.contains(':') && !authority.contains('/') => Ok(Self {
                url: url.to_owned(),
                authority: authority.to_owned(),
                idle: Mutex::default(),
            }),
            _ => Err(ClientError {
                url: url.to_owned(),
                problem: "expected a URL of the form http://host:port".to_owned(),
            }),
        }
    }

    fn fail(&self, problem: impl ToString) -> ClientError {
        ClientError { url: self.url.clone(), problem: problem.to_string() }
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, ClientError> {
        let stream = TcpStream::connect(&self.authority).await.map_err(|error| self.fail(error))?;
        stream.set_nodelay(true).map_err(|error| self.fail(error))?;
        let (sender, connection) =
            handshake(TokioIo::new(stream)).await.map_err(|error| self.fail(error))?;
        tokio::spawn(connection);
        Ok(sender)
    }

    fn take_idle(&self) -> Option<SendRequest<Full<Bytes>>> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(sender) = idle.pop() {
            if sender.is_ready() {
                return Some(sender);
            }
        }
        None
    }

    fn keep_idle(&self, sender: SendRequest<Full<Bytes>>) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_CONNECTIONS_MAX {
            idle.push(sender);
        }
    }

    fn request(&self, method: Method, path: &str) -> hyper::http::request::Builder {
        Request::builder().method(method).uri(path).header("host", &self.authority)
    }

    async fn send(
        &self,
        sender: &mut SendRequest<Full<Bytes>>,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, ClientError> {
        sender.ready().await.map_err(|error| self.fail(error))?;
        let response = sender.send_request(request).await.map_err(|error| self.fail(error))?;
        Ok(response)
    }

    fn check(&self, status: StatusCode) -> Result<(), ClientError> {
        status.is_success().then_some(()).ok_or_else(|| self.fail(format!("status {status}")))
    }

    async fn call(&self, request: Request<Full<Bytes>>) -> Result<Bytes, ClientError> {
        let (status, bytes) = self.ask(request).await?;
        self.check(status).map(|()| bytes)
    }

    async fn ask(&self, request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes), ClientError> {
        // The node may close an idle connection at any time. What is asked may be asked twice: of a
        // transaction that comes again the node says that it is there already.
        if let Some(sender) = self.take_idle()
            && let Ok(answer) = self.exchange(sender, request.clone()).await
        {
            return Ok(answer);
        }
        let sender = self.connect().await?;
        self.exchange(sender, request).await
    }

    async fn exchange(
        &self,
        mut sender: SendRequest<Full<Bytes>>,
        request: Request<Full<Bytes>>,
    ) -> Result<(StatusCode, Bytes), ClientError> {
        let response = self.send(&mut sender, request).await?;
        let status = response.status();
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX);
        let bytes = body.collect().await.map_err(|error| self.fail(error))?.to_bytes();
        self.keep_idle(sender);
        Ok((status, bytes))
    }

    /// Asks for what lies under `path`; the answer may be a refusal.
    ///
    /// # Errors
    /// [`ClientError`] when the node cannot be reached.
    pub async fn get(&self, path: &str) -> Result<(StatusCode, Bytes), ClientError> {
        let request = self.request(Method::GET, path).body(Full::default());
        self.ask(request.map_err(|error| self.fail(error))?).await
    }

    /// Posts a batch and returns what the node refused of it.
    ///
    /// # Errors
    /// [`ClientError`] when the node cannot be reached or refuses the whole batch.
    pub async fn submit(&self, batch: Bytes) -> Result<Vec<Refused>, ClientError> {
        let request = self
            .request(Method::POST, "/v1/transactions?answers=refused")
            .header("content-type", "application/octet-stream")
            .body(Full::new(batch))
            .map_err(|error| self.fail(error))?;
        let bytes = self.call(request).await?;
        let answers: Answers = serde_json::from_slice(&bytes).map_err(|error| self.fail(error))?;
        Ok(answers.results)
    }

    /// Next nonce of an account; 0 for an account that does not answer with one.
    ///
    /// # Errors
    /// [`ClientError`] when the node cannot be reached or does not know the account.
    pub async fn nonce_base(&self, address: &str) -> Result<u64, ClientError> {
        let request = self
            .request(Method::GET, &format!("/v1/accounts/{address}"))
            .body(Full::default())
            .map_err(|error| self.fail(error))?;
        let account: serde_json::Value =
            serde_json::from_slice(&self.call(request).await?).map_err(|e| self.fail(e))?;
        Ok(account.get("nonce_base").and_then(serde_json::Value::as_u64).unwrap_or(0))
    }

    /// Follows the stream of final blocks, the one after `after` first, until it breaks.
    ///
    /// # Errors
    /// [`ClientError`] when the node cannot be reached, ends the stream or sends nonsense.
    pub async fn follow(
        &self,
        after: Option<u64>,
        mut each: impl FnMut(FinalBlock),
    ) -> Result<(), ClientError> {
        let mut sender = self.connect().await?;
        let mut request = self.request(Method::GET, "/v1/stream?ids=1");
        if let Some(height) = after {
            request = request.header("last-event-id", height.to_string());
        }
        let request = request.body(Full::default()).map_err(|error| self.fail(error))?;
        let response = self.send(&mut sender, request).await?;
        self.check(response.status())?;
        let mut body = response.into_body();
        let mut buffer = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| self.fail(error))?;
            let Ok(data) = frame.into_data() else { continue };
            buffer.extend_from_slice(&data);
            while let Some(event) = take_event(&mut buffer) {
                if let Some(block) = parse_event(&event).map_err(|problem| self.fail(problem))? {
                    each(block);
                }
            }
            if buffer.len() > EVENT_BYTES_MAX {
                return Err(self.fail(format!("an event over {EVENT_BYTES_MAX} bytes")));
            }
        }
        Err(self.fail("the stream ended"))
    }
}

/// Takes one event, without the empty line that ends it.
fn take_event(buffer: &mut BytesMut) -> Option<BytesMut> {
    let end = buffer.windows(2).position(|pair| pair == b"\n\n")?;
    let event = buffer.split_to(end);
    let _ = buffer.split_to(2);
    Some(event)
}

/// Reads a block event; nothing for comments and other events.
fn parse_event(event: &[u8]) -> Result<Option<FinalBlock>, String> {
    let text = std::str::from_utf8(event).map_err(|error| error.to_string())?;
    let field = |name: &str| {
        text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
    };
    let (Some("block"), Some(data)) = (field("event"), field("data")) else { return Ok(None) };
    let event: BlockEvent = serde_json::from_str(data).map_err(|error| error.to_string())?;
    let ids = STANDARD.decode(&event.ids).map_err(|error| error.to_string())?;
    let codes = STANDARD.decode(&event.codes).map_err(|error| error.to_string())?;
    let (ids, rest) = ids.as_chunks::<32>();
    let (codes, rest_of_codes) = codes.as_chunks::<2>();
    if !rest.is_empty() || !rest_of_codes.is_empty() || ids.len() != codes.len() {
        return Err(format!("{} ids and {} codes in one block", ids.len(), codes.len()));
    }
    let transactions = ids
        .iter()
        .zip(codes)
        .map(|(id, code)| (TransactionId(*id), u16::from_be_bytes(*code)))
        .collect();
    Ok(Some(FinalBlock { height: event.height, transactions }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: events are read whole, in any split of the bytes. Method: two events and a comment,
    /// fed byte by byte.
    #[test]
    fn reads_events_in_any_split() {
        let ids = STANDARD.encode([[7u8; 32], [8; 32]].concat());
        let codes = STANDARD.encode([0u8, 0, 0, 103]);
        let stream = format!(
            ": hello\n\nid: 5\nevent: block\ndata: {{\"height\":5,\"ids\":\"{ids}\",\
             \"codes\":\"{codes}\"}}\n\nid: 6\nevent: block\ndata: {{\"height\":6}}\n\n"
        );
        let mut buffer = BytesMut::new();
        let mut blocks = Vec::new();
        for byte in stream.bytes() {
            buffer.extend_from_slice(&[byte]);
            while let Some(event) = take_event(&mut buffer) {
                blocks.extend(parse_event(&event).unwrap());
            }
        }
        let transactions = vec![(TransactionId([7; 32]), 0), (TransactionId([8; 32]), 103)];
        assert_eq!(blocks[0], FinalBlock { height: 5, transactions });
        assert_eq!(blocks[1], FinalBlock { height: 6, transactions: Vec::new() });
        assert_eq!(blocks.len(), 2);
    }

    /// Goal: nonsense is an error, not a panic. Method: ids without codes.
    #[test]
    fn refuses_ids_without_codes() {
        let ids = STANDARD.encode([7u8; 32]);
        let event = format!("event: block\ndata: {{\"height\":5,\"ids\":\"{ids}\"}}");
        assert!(parse_event(event.as_bytes()).is_err());
    }
}
