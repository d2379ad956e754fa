//! Start real nodes on loopback, each a process, and talk HTTP with them.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::{Method, Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::net::TcpStream;
use trine_consensus::Timing;
use trine_crypto::{Algorithm, VoteSigner};
use trine_node::mempool::batch;
use trine_node::node::{Part, Peer, Settings};
use trine_testkit::{Member, genesis, secret_key, suite};
use trine_types::codec::to_hex;
use trine_types::{Address, Amount, AssetId, Call, Genesis, Transaction, UnsignedTransaction};

/// Longest time that anything in these tests may take.
pub const PATIENCE: Duration = Duration::from_secs(90);
/// Blocks of an epoch: few, so that the tests cross boundaries.
const BLOCKS_PER_EPOCH: u64 = 16;

const MEMBERS: &[Member] = &[
    Member {
        name: "admin",
        organisation: 0,
        roles: &["administrator", "notary", "issuer"],
        balance: 1_000_000,
    },
    Member { name: "alice", organisation: 0, roles: &[], balance: 1_000_000 },
    Member { name: "bob", organisation: 1, roles: &[], balance: 0 },
];

/// Unix time in milliseconds.
pub fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
}

/// Address of the account whose first key has this name.
pub fn address(name: &str) -> Address {
    let key = secret_key(name).public_key();
    Address::of_key(suite(), suite().algorithm(), &key)
}

/// A transfer of the primary asset.
pub fn transfer(to: &str, amount: u64) -> Call {
    let (asset, to, amount) = (AssetId::PRIMARY, address(to), Amount(amount));
    Call::AssetTransfer { asset, to, amount, reference: None }
}

/// Nodes of one chain, each a process of its own.
pub struct Network {
    /// Genesis document.
    pub genesis: Arc<Genesis>,
    folder: tempfile::TempDir,
    /// Lets validator 0 vote with a key in a token.
    token: Option<Token>,
    nodes: Vec<Option<Child>>,
    http: Vec<SocketAddr>,
    p2p: Vec<SocketAddr>,
}

/// A key in a token.
pub struct Token {
    /// The variable of the environment in which its module looks for its folder.
    pub variable: (&'static str, PathBuf),
    /// The table `validator_token` of `node.toml`.
    pub table: String,
    /// The key's algorithm.
    pub algorithm: Algorithm,
    /// The key.
    pub public_key: Vec<u8>,
}

/// Finds a port that nobody listens on, below those that the system gives to connections: it stays
/// free while a node is down.
fn free_address() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = std::process::id() as u16 % 10_000;
    loop {
        let port = 12_000 + (first + NEXT.fetch_add(1, Ordering::Relaxed)) % 20_000;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}

impl Network {
    /// Starts `count` validators.
    pub fn start(count: u32) -> Self {
        Self::start_with(count, None)
    }

    /// Starts `count` validators, the first with its key in a token where one is given.
    pub fn start_with(count: u32, token: Option<Token>) -> Self {
        let p2p: Vec<SocketAddr> = (0..count).map(|_| free_address()).collect();
        let mut document = genesis(&["city", "port"], MEMBERS, count);
        document.time_ms = now_ms();
        document.blocks_per_epoch = BLOCKS_PER_EPOCH;
        for (validator, address) in document.validators.iter_mut().zip(&p2p) {
            validator.address = address.to_string();
        }
        if let Some(token) = &token {
            let first = document.validators.iter_mut().find(|one| one.name == "validator-0");
            let first = first.expect("the first validator");
            first.algorithm = Some(token.algorithm.name().into());
            first.key = to_hex(&token.public_key);
        }
        let http = (0..count).map(|_| free_address()).collect();
        let mut network = Self {
            genesis: Arc::new(document),
            folder: tempfile::tempdir().unwrap(),
            token,
            nodes: (0..count).map(|_| None).collect(),
            http,
            p2p,
        };
        let document = serde_json::to_vec(&*network.genesis).unwrap();
        std::fs::write(network.folder.path().join("genesis.json"), document).unwrap();
        (0..count as usize).for_each(|place| network.start_node(place));
        network
    }

    /// Folder of one node.
    pub fn folder(&self, place: usize) -> PathBuf {
        self.folder.path().join(format!("validator-{place}"))
    }

    /// What one node is started with.
    pub fn settings(&self, place: usize) -> Settings {
        let name = format!("validator-{place}");
        let folder = self.folder(place);
        std::fs::create_dir_all(&folder).unwrap();
        let peers = self.http.iter().enumerate().filter(|(other, _)| *other != place);
        Settings {
            name: name.clone(),
            genesis: self.genesis.clone(),
            data: folder.join("data"),
            part: Part::Peer(Peer {
                key_file: folder.join("validator.key"),
                key: VoteSigner::new(secret_key(&name)).expect("the suite's algorithm"),
                p2p_listen: self.p2p[place],
                p2p_peers: BTreeMap::new(),
                peers_max: 32,
            }),
            http_listen: self.http[place],
            tls: None,
            http_peers: peers
                .map(|(other, at)| (format!("validator-{other}"), format!("http://{at}")))
                .collect(),
            timing: Timing { idle_ms: 200, ..Timing::default() },
            cache_bytes: 16 << 20,
            workers: 1,
            engine_threads: 1,
            verify_threads: 1,
        }
    }

    /// Starts one node.
    pub fn start_node(&mut self, place: usize) {
        let settings = self.settings(place);
        let file = self.write_config(place, &settings);
        let mut command = Command::new(env!("CARGO_BIN_EXE_trine-node"));
        if let Some(token) = &self.token {
            let (name, value) = &token.variable;
            command.env(name, value);
        }
        self.nodes[place] = Some(command.arg(file).spawn().unwrap());
    }

    /// Writes the files that a process is started with.
    fn write_config(&self, place: usize, settings: &Settings) -> PathBuf {
        let folder = self.folder(place);
        let genesis = self.folder.path().join("genesis.json");
        let Part::Peer(peer) = &settings.part else { panic!("validators are peers") };
        let mut options = File::options();
        let key = options.write(true).create(true).truncate(true).mode(0o600).open(&peer.key_file);
        writeln!(key.unwrap(), "{}", to_hex(secret_key(&settings.name).expose())).unwrap();
        let (file, table) = match &self.token {
            Some(token) if place == 0 => ("", token.table.as_str()),
            _ => ("validator_key = \"validator.key\"\n", ""),
        };
        let mut text = format!(
            "name = \"{}\"\ngenesis = {genesis:?}\ndata_dir = \"data\"\n{file}\
             p2p_listen = \"{}\"\nhttp_listen = \"{}\"\n{table}\
             [engine]\nidle_ms = 200\nworkers = 1\ncache_mib = 16\n\
             [log]\nfile = \"node.log\"\n[peers]\n",
            settings.name, peer.p2p_listen, settings.http_listen
        );
        for (name, url) in &settings.http_peers {
            text += &format!("{name} = \"{url}\"\n");
        }
        let file = folder.join("node.toml");
        std::fs::write(&file, text).unwrap();
        file
    }

    /// Stops one node as an operator does.
    pub fn stop_node(&mut self, place: usize) {
        let Some(mut child) = self.nodes[place].take() else { return };
        let process = child.id().to_string();
        assert!(Command::new("kill").arg(&process).status().unwrap().success());
        assert!(child.wait().unwrap().success(), "a stopped node ends well");
    }

    /// Kills one process without notice.
    pub fn kill_node(&mut self, place: usize) {
        let mut child = self.nodes[place].take().expect("the node was started");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Waits for one node to end by itself; whether it ended well.
    pub fn end_of_node(&mut self, place: usize) -> bool {
        let mut child = self.nodes[place].take().expect("the node was started");
        let start = Instant::now();
        loop {
            if let Some(ended) = child.try_wait().unwrap() {
                return ended.success();
            }
            assert!(start.elapsed() < PATIENCE, "validator {place} does not end");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Number of nodes.
    pub fn count(&self) -> usize {
        self.nodes.len()
    }

    /// Sends a request and reads the head of the answer.
    pub async fn send(
        &self,
        place: usize,
        request: Request<Full<Bytes>>,
    ) -> Option<Response<Incoming>> {
        let stream = TcpStream::connect(self.http[place]).await.ok()?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
        tokio::spawn(connection);
        sender.send_request(request).await.ok()
    }

    /// Sends a request and reads the whole answer.
    pub async fn ask(
        &self,
        place: usize,
        method: Method,
        path: &str,
        body: Option<(&str, Bytes)>,
    ) -> Option<(StatusCode, Bytes)> {
        let mut request = Request::builder().method(method).uri(path).header(header::HOST, "node");
        let mut content = Bytes::new();
        if let Some((kind, bytes)) = body {
            request = request.header(header::CONTENT_TYPE, kind);
            content = bytes;
        }
        let response = self.send(place, request.body(Full::new(content)).unwrap()).await?;
        let status = response.status();
        Some((status, response.into_body().collect().await.ok()?.to_bytes()))
    }

    /// JSON document at a path, which must be there.
    pub async fn get(&self, place: usize, path: &str) -> Value {
        let answer = self.ask(place, Method::GET, path, None).await;
        let (status, bytes) =
            answer.unwrap_or_else(|| panic!("validator {place} answers nothing to {path}"));
        let document: Value = serde_json::from_slice(&bytes).expect("JSON");
        assert_eq!(status, StatusCode::OK, "{path}: {document}");
        document
    }

    /// Waits until a node answers that it is ready.
    pub async fn ready(&mut self, place: usize) {
        let start = Instant::now();
        loop {
            let answer = self.ask(place, Method::GET, "/readyz", None).await;
            if answer.is_some_and(|(status, _)| status == StatusCode::OK) {
                // The first block after a start shows that this node takes part.
                return;
            }
            let child = self.nodes[place].as_mut().expect("the node was started");
            assert!(child.try_wait().unwrap().is_none(), "validator {place} ended");
            assert!(start.elapsed() < PATIENCE, "validator {place} is not ready");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until all nodes are ready.
    pub async fn all_ready(&mut self) {
        for place in 0..self.count() {
            self.ready(place).await;
        }
    }

    /// Waits until a node has a block of this height.
    pub async fn reach(&self, place: usize, height: u64) {
        let start = Instant::now();
        loop {
            let status = self.get(place, "/v1/status").await;
            if status["height"].as_u64().is_some_and(|found| found >= height) {
                return;
            }
            assert!(start.elapsed() < PATIENCE, "validator {place} stays at {}", status["height"]);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// What a person of the test signs.
    pub fn unsigned(&self, name: &str, nonce: u64, calls: &[Call]) -> UnsignedTransaction {
        UnsignedTransaction {
            chain_id: self.genesis.chain_id(),
            sender: address(name),
            key_index: 0,
            nonce,
            valid_until_ms: now_ms() + 600_000,
            calls: calls.iter().map(Call::to_raw).collect(),
        }
    }

    /// A signed transaction.
    pub fn transaction(&self, name: &str, nonce: u64, calls: &[Call]) -> Transaction {
        self.unsigned(name, nonce, calls).sign(suite(), &secret_key(name))
    }

    /// Submits a batch to one node; one line of the answer for each.
    pub async fn submit(&self, place: usize, transactions: &[Bytes]) -> Vec<Value> {
        let body = batch::join(transactions.iter());
        let body = Some(("application/octet-stream", body));
        let answer = self.ask(place, Method::POST, "/v1/transactions", body).await;
        let (status, bytes) = answer.expect("an answer");
        let document: Value = serde_json::from_slice(&bytes).expect("JSON");
        assert_eq!(status, StatusCode::OK, "{document}");
        document["results"].as_array().unwrap().clone()
    }

    /// Submits one transaction, which must be accepted.
    pub async fn accept(&self, place: usize, transaction: &Transaction) {
        let lines = self.submit(place, std::slice::from_ref(&transaction.bytes)).await;
        assert_eq!(lines[0]["accepted"], true, "{}", lines[0]);
    }

    /// Outcome of a transaction, waiting for it to be final.
    pub async fn outcome(&self, place: usize, transaction: &Transaction) -> Value {
        let path = format!("/v1/transactions/{}?wait_ms=30000", transaction.id);
        self.get(place, &path).await
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for child in self.nodes.iter_mut().flatten() {
            // It may have ended by itself; the test says so already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
