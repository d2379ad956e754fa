//! Kill validators that run as processes, and look whether anything is lost or done twice.

use std::{
    collections::{BTreeMap, HashMap},
    io::{BufRead as _, BufReader, Write as _},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

const VALIDATORS: usize = 4;
const EPOCH: u64 = 32;
const ACCOUNTS: u64 = 16;
/// Times that all validators are killed, unless `TRINE_KILLS` names another number.
const KILLS: u64 = 5;
const PATIENCE: Duration = Duration::from_secs(60);

/// What all processes said, over all their lives.
#[derive(Default)]
struct Told {
    blocks: BTreeMap<u64, String>,
    transactions: HashMap<String, u64>,
    heights: [u64; VALIDATORS],
    states: [Option<(u64, u64)>; VALIDATORS],
    faults: Vec<String>,
}

impl Told {
    fn hear(&mut self, node: usize, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let height: u64 = words[1].parse().expect("a height");
        if words[0] == "state" {
            self.states[node] = Some((height, words[2].parse().expect("a sum")));
            return;
        }
        self.heights[node] = self.heights[node].max(height);
        let digest = words[2].to_owned();
        if *self.blocks.entry(height).or_insert_with(|| digest.clone()) != digest {
            self.faults.push(format!("validator {node} has another block at {height}"));
        }
        for id in &words[3..] {
            if *self.transactions.entry((*id).to_owned()).or_insert(height) != height {
                self.faults.push(format!("transaction {id} is final twice"));
            }
        }
    }
}

struct Validator {
    number: usize,
    folder: PathBuf,
    addresses: Vec<String>,
    told: Arc<Mutex<Told>>,
    process: Option<Child>,
}

impl Validator {
    fn start(&mut self) {
        let log = self.folder.join("log");
        let log = std::fs::File::options().append(true).create(true).open(log);
        let mut process = Command::new(binary())
            .arg(&self.folder)
            .arg(self.number.to_string())
            .arg(EPOCH.to_string())
            .args(&self.addresses)
            .env("RUST_LOG", "warn")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log.expect("a log file"))
            .spawn()
            .expect("the example is built with the tests");
        let output = BufReader::new(process.stdout.take().expect("a pipe"));
        let (number, told) = (self.number, self.told.clone());
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                told.lock().expect("no thread panics with this lock").hear(number, &line);
            }
        });
        self.process = Some(process);
    }

    fn kill(&mut self) {
        let mut process = self.process.take().expect("it runs");
        process.kill().expect("it can be killed");
        process.wait().expect("it ends");
    }

    fn say(&mut self, line: &str) {
        let Some(process) = &mut self.process else { return };
        let input = process.stdin.as_mut().expect("a pipe");
        // A process that ended says so elsewhere.
        let _ = writeln!(input, "{line}");
    }
}

impl Drop for Validator {
    fn drop(&mut self) {
        if self.process.is_some() {
            self.kill();
        }
    }
}

fn binary() -> PathBuf {
    let test = std::env::current_exe().expect("a test has a path");
    let folder = test.parent().and_then(std::path::Path::parent).expect("a target folder");
    folder.join("examples").join("testnode")
}

fn free_addresses() -> Vec<String> {
    let listeners: Vec<_> = (0..VALIDATORS)
        .map(|_| std::net::TcpListener::bind("127.0.0.1:0").expect("a free port"))
        .collect();
    listeners.iter().map(|one| one.local_addr().expect("an address").to_string()).collect()
}

struct Cluster {
    validators: Vec<Validator>,
    told: Arc<Mutex<Told>>,
    sent: u64,
}

impl Cluster {
    fn start(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("trine-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        let told = Arc::new(Mutex::new(Told::default()));
        let addresses = free_addresses();
        let validators = (0..VALIDATORS).map(|number| {
            let folder = folder.join(number.to_string());
            std::fs::create_dir_all(&folder).expect("a folder");
            std::fs::write(folder.join("first-start"), "").expect("a permit");
            let (addresses, told) = (addresses.clone(), told.clone());
            let mut validator = Validator { number, folder, addresses, told, process: None };
            validator.start();
            validator
        });
        let mut cluster = Self { validators: validators.collect(), told, sent: 0 };
        cluster.wait("the first block", |told| told.heights.iter().all(|height| *height >= 1));
        cluster
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().expect("no thread panics with this lock")
    }

    /// Sends transactions, the amount of each being its number, until the condition holds.
    fn wait(&mut self, what: &str, done: impl Fn(&Told) -> bool) {
        let start = Instant::now();
        while !done(&self.told()) {
            assert!(start.elapsed() < PATIENCE, "{what}: heights {:?}", self.told().heights);
            if self.validators.iter().all(|validator| validator.process.is_some()) {
                let place = self.sent;
                self.sent += 1;
                let line = format!("{} {} {}", place % ACCOUNTS, place / ACCOUNTS, 1);
                self.validators.iter_mut().for_each(|validator| validator.say(&line));
            }
            std::thread::sleep(Duration::from_millis(15));
        }
        let faults = self.told().faults.clone();
        assert!(faults.is_empty(), "{what}: {faults:?}");
    }

    fn highest(&self) -> u64 {
        *self.told().heights.iter().max().expect("there are validators")
    }

    /// The state of every validator counts each final transaction once.
    fn check_states(&mut self) {
        self.told().states = [None; VALIDATORS];
        self.validators.iter_mut().for_each(|validator| validator.say("state"));
        self.wait("the states", |told| {
            let top = told.states.iter().flatten().map(|(height, _)| *height).max();
            told.states.iter().all(Option::is_some)
                && told.heights.iter().all(|height| Some(*height) >= top)
        });
        let told = self.told();
        for (node, state) in told.states.iter().enumerate() {
            let (height, sum) = state.expect("every validator answered");
            let final_by_then = told.transactions.values().filter(|at| **at <= height).count();
            assert_eq!(sum, final_by_then as u64, "validator {node} at height {height}");
        }
    }
}

/// Goal: a killed validator catches up by itself and the others go on without it. Method: kill
/// one after the other close to an epoch's end.
#[test]
fn one_validator_is_killed() {
    let mut cluster = Cluster::start("kill-one");
    for victim in 0..VALIDATORS {
        let target = (cluster.highest() / EPOCH + 1) * EPOCH - 2 + victim as u64 % 3;
        cluster.wait("an epoch's end", |told| told.heights[victim] >= target);
        cluster.validators[victim].kill();
        let height = cluster.highest();
        let missed = 3 + EPOCH * (victim as u64 % 2);
        cluster.wait("going on", |told| told.heights.iter().any(|one| *one > height + missed));
        let top = cluster.highest();
        cluster.validators[victim].start();
        cluster.wait("catching up", |told| told.heights[victim] > top);
    }
    cluster.check_states();
}

/// Goal: nothing that was acknowledged is lost and nothing happens twice. Method: kill all
/// validators at once under load, at moments spread over an epoch, and compare state and answers.
#[test]
fn all_validators_are_killed() {
    let kills = std::env::var("TRINE_KILLS").ok().and_then(|text| text.parse().ok());
    let mut cluster = Cluster::start("kill-all");
    for kill in 0..kills.unwrap_or(KILLS) {
        let boundary = (cluster.highest() / EPOCH + 1) * EPOCH;
        let target = match kill % 2 {
            0 => boundary - 2 + kill % 4,
            _ => cluster.highest() + 3 + 7 * kill % EPOCH,
        };
        cluster.wait("the moment", |told| told.heights.iter().any(|height| *height >= target));
        cluster.validators.iter_mut().for_each(Validator::kill);
        let top = cluster.highest();
        cluster.validators.iter_mut().for_each(Validator::start);
        cluster.wait("recovery", |told| told.heights.iter().all(|height| *height > top));
        cluster.check_states();
    }
}
