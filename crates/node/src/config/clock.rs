//! Notice that this host's clock is wrong, and tell the operator.
//!
//! A wrong clock never forks the chain: a block's time is bounded by its parent's and by the clocks
//! of those who vote. But the node's own proposals are not accepted, and its peers refuse its
//! connections. Two things say what time it is: the newest block, whose time has passed, and the
//! `Date` that peers' APIs answer with (RFC 9110, section 6.6.1).

use crate::clock::now_ms;
use std::{
    io::{Read as _, Write as _},
    net::{TcpStream, ToSocketAddrs as _},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Difference, in milliseconds, from which on a clock is called wrong.
pub(super) const CLOCK_OFF_MS_MIN: u64 = 5_000;
/// How often the clock is compared.
const INTERVAL: Duration = Duration::from_secs(60);
/// Longest time that a peer may take for each step of its answer.
const ANSWER_TIME_MAX: Duration = Duration::from_millis(500);
/// Bytes of an answer that are looked at.
const ANSWER_BYTES_MAX: u64 = 4_096;
/// Peers that are asked each time.
const ASKED_MAX: usize = 16;

/// Watches this host's clock for ever: once a minute it is compared with the time of the newest
/// block, which `newest_block_ms` returns, and with the clocks of the peers at `urls`.
pub async fn watch(
    urls: Vec<String>,
    newest_block_ms: impl Fn() -> Option<u64> + Send,
) -> std::convert::Infallible {
    let mut clock = Clock::default();
    loop {
        if let Some(time_ms) = newest_block_ms() {
            clock.compare_block(time_ms, now_ms());
        }
        let asked = urls.clone();
        let answers = tokio::task::spawn_blocking(move || ask(&asked)).await;
        clock.compare_peers(answers.unwrap_or_default());
        tokio::time::sleep(INTERVAL).await;
    }
}

/// What is known of this host's clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Clock {
    /// Milliseconds by which it is ahead; 0 while nothing is wrong.
    pub(super) ahead_ms: i64,
}

impl Clock {
    /// Compares it with a block. A block of the past says nothing: the chain may stand still, or
    /// the node may be catching up.
    pub(super) fn compare_block(&mut self, time_ms: u64, clock_ms: u64) {
        if clock_ms < time_ms {
            self.judge(difference(clock_ms, time_ms), "the newest block stored here");
        }
    }

    /// Compares it with peers: the middle one of their answers counts.
    pub(super) fn compare_peers(&mut self, mut ahead_ms: Vec<i64>) {
        ahead_ms.sort_unstable();
        if let Some(middle) = ahead_ms.get(ahead_ms.len() / 2) {
            self.judge(*middle, "the clocks of its peers");
        }
    }

    fn judge(&mut self, ahead_ms: i64, than: &str) {
        let is_off = ahead_ms.unsigned_abs() >= CLOCK_OFF_MS_MIN;
        if is_off {
            tracing::warn!(code = "clock_off", "{}", warning(ahead_ms, than));
        } else if self.ahead_ms != 0 {
            tracing::info!("the clock of this host agrees with {than} again");
        }
        self.ahead_ms = if is_off { ahead_ms } else { 0 };
    }
}

fn difference(clock_ms: u64, other_ms: u64) -> i64 {
    let difference = i128::from(clock_ms) - i128::from(other_ms);
    difference.clamp(i64::MIN.into(), i64::MAX.into()) as i64
}

/// The sentence that an operator reads.
pub(super) fn warning(ahead_ms: i64, than: &str) -> String {
    let seconds = ahead_ms.unsigned_abs() / 1_000;
    let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
    let by = match (hours, minutes) {
        (0, 0) => format!("{seconds} s"),
        (0, _) => format!("{minutes} min {} s", seconds % 60),
        _ => format!("{hours} h {minutes} min"),
    };
    let direction = if ahead_ms > 0 { "ahead of" } else { "behind" };
    format!("the clock of this host is {by} {direction} {than}: set it, for example with NTP")
}

/// Asks peers for their time, at once, and returns by how much this clock is ahead of each that
/// answers. `Date` has whole seconds: half a second is added.
pub(super) fn ask(urls: &[String]) -> Vec<i64> {
    let asked = urls.iter().take(ASKED_MAX);
    std::thread::scope(|scope| {
        let asked: Vec<_> = asked.map(|url| scope.spawn(|| ask_one(url))).collect();
        let answers = asked.into_iter().filter_map(|thread| thread.join().ok().flatten());
        answers.collect()
    })
}

fn ask_one(url: &str) -> Option<i64> {
    let authority = url.strip_prefix("http://")?.split('/').next()?;
    let address = match authority.to_socket_addrs() {
        Ok(mut addresses) => addresses.next()?,
        Err(_) => (authority, 80).to_socket_addrs().ok()?.next()?,
    };
    let mut stream = TcpStream::connect_timeout(&address, ANSWER_TIME_MAX).ok()?;
    stream.set_read_timeout(Some(ANSWER_TIME_MAX)).ok()?;
    stream.set_write_timeout(Some(ANSWER_TIME_MAX)).ok()?;
    let request =
        format!("GET /healthz HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = Vec::new();
    // An answer cut at its limit still holds its head.
    let _ = stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer);
    let peer_ms = date_ms(&answer)?.checked_add(500)?;
    Some(difference(now_ms(), peer_ms))
}

/// Reads the `Date` of an answer, in Unix milliseconds.
pub(super) fn date_ms(answer: &[u8]) -> Option<u64> {
    let text = String::from_utf8_lossy(answer);
    let head = text.split("\r\n\r\n").next()?;
    let dates = head.lines().filter_map(|line| line.split_once(':'));
    let (_, date) = dates.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("date"))?;
    let date: SystemTime = httpdate::parse_http_date(date.trim()).ok()?;
    u64::try_from(date.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok()
}
