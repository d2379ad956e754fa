//! Test that a wrong clock is noticed, and a right one is not.

use crate::{
    clock::now_ms,
    config::clock::{CLOCK_OFF_MS_MIN, Clock, ask, date_ms, warning},
};
use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    thread,
};

const NOW: u64 = 1_700_000_000_000;
const HOURS_2: i64 = 2 * 3_600_000;

/// Goal: each source finds a clock that is two hours off, in the directions it can. Method: both
/// sources, both directions, the bound and one millisecond below.
#[test]
fn two_hours_are_noticed() {
    let ahead = |look: &dyn Fn(&mut Clock)| {
        let mut clock = Clock::default();
        look(&mut clock);
        clock.ahead_ms
    };
    let later = NOW + HOURS_2 as u64;
    assert_eq!(ahead(&|clock| clock.compare_block(later, NOW)), -HOURS_2);
    assert_eq!(ahead(&|clock| clock.compare_block(NOW, later)), 0, "the chain may stand still");
    assert_eq!(ahead(&|clock| clock.compare_peers(vec![-HOURS_2; 3])), -HOURS_2);
    assert_eq!(ahead(&|clock| clock.compare_peers(vec![HOURS_2; 2])), HOURS_2);
    let bound = CLOCK_OFF_MS_MIN;
    assert_eq!(ahead(&|clock| clock.compare_block(NOW + bound - 1, NOW)), 0);
    assert_eq!(ahead(&|clock| clock.compare_block(NOW + bound, NOW)), -(bound as i64));
}

/// Goal: one peer with a wrong clock does not make ours wrong, and a clock that was set is right
/// again. Method: three answers of which one is off; then wrong and right answers.
#[test]
fn the_middle_peer_counts_and_errors_pass() {
    let mut clock = Clock::default();
    clock.compare_peers(vec![HOURS_2, 100, -40]);
    assert_eq!(clock.ahead_ms, 0);
    clock.compare_peers(vec![HOURS_2, HOURS_2 + 1, -40]);
    assert_eq!(clock.ahead_ms, HOURS_2);
    clock.compare_peers(Vec::new());
    assert_eq!(clock.ahead_ms, HOURS_2, "silence says nothing");
    clock.compare_peers(vec![300]);
    assert_eq!(clock.ahead_ms, 0);
}

/// Goal: the operator reads how far off, in which direction, and what to do. Method: some values.
#[test]
fn the_warning_is_a_sentence() {
    let text = warning(HOURS_2 + 60_000, "the clocks of its peers");
    assert_eq!(
        text,
        "the clock of this host is 2 h 1 min ahead of the clocks of its peers: set it, for \
         example with NTP",
    );
    assert!(warning(-75_000, "x").contains("is 1 min 15 s behind x"));
    assert!(warning(-5_000, "x").contains("is 5 s behind x"));
}

/// Goal: no clock value makes the comparison panic. Method: the extremes.
#[test]
fn extreme_clocks_are_compared() {
    let mut clock = Clock::default();
    clock.compare_block(0, u64::MAX);
    clock.compare_block(u64::MAX, 0);
    clock.compare_peers(vec![i64::MIN, i64::MAX]);
    assert_eq!(clock.ahead_ms, i64::MAX);
}

/// Goal: peers' answers are read as HTTP says. Method: heads with and without a good date.
#[test]
fn a_date_is_read_from_an_answer() {
    let date = "Tue, 14 Nov 2023 22:13:20 GMT";
    let answer = format!("HTTP/1.1 200 OK\r\nserver: x\r\ndAtE: {date}\r\n\r\n");
    assert_eq!(date_ms(answer.as_bytes()), Some(NOW));
    let body = format!("HTTP/1.1 200 OK\r\n\r\ndate: {date}\r\n");
    for bad in [body.as_bytes(), b"", b"\xff\xfe", b"HTTP/1.1 200 OK\r\ndate: today\r\n\r\n"] {
        assert_eq!(date_ms(bad), None);
    }
}

/// Goal: a peer is asked over HTTP; one that is silent, closed or TLS is left out. Method: a small
/// server that answers with its date, two hours late.
#[test]
fn peers_are_asked_for_their_time() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let answering = thread::spawn(move || {
        let (mut stream, _) = server.accept().unwrap();
        let mut request = [0; 1_024];
        let length = stream.read(&mut request).unwrap();
        let late = std::time::SystemTime::now() - std::time::Duration::from_millis(HOURS_2 as u64);
        let date = httpdate::fmt_http_date(late);
        write!(stream, "HTTP/1.1 200 OK\r\ndate: {date}\r\ncontent-length: 0\r\n\r\n").unwrap();
        String::from_utf8_lossy(&request[..length]).into_owned()
    });
    let urls = [
        format!("http://{address}"),
        format!("http://{}", silent.local_addr().unwrap()),
        "http://127.0.0.1:1/".to_owned(),
        "https://127.0.0.1:2".to_owned(),
    ];
    let started = now_ms();
    let ahead = ask(&urls);
    assert!(now_ms() - started < 5_000, "silence is bounded");
    assert_eq!(ahead.len(), 1);
    assert!((ahead[0] - HOURS_2).abs() < 2_000, "{ahead:?}");
    let request = answering.join().unwrap();
    assert!(request.starts_with("GET /healthz HTTP/1.1\r\n"), "{request}");
}
