//! Test the limit on connections over real sockets.

use super::*;
use axum::{Router, routing::get};
use axum_server::{Handle, accept::DefaultAcceptor};
use std::net::{SocketAddr, TcpListener};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";

/// Sends a request and returns the start of the answer, nothing when the server hung up.
async fn ask(stream: &mut TcpStream) -> String {
    let mut answer = [0; 15];
    match stream.write_all(REQUEST).await {
        Ok(()) if stream.read_exact(&mut answer).await.is_ok() => {
            String::from_utf8_lossy(&answer).into_owned()
        }
        _ => String::new(),
    }
}

/// Goal: one connection more than the limit is closed, and a place is free again when a
/// connection ends. Method: a limit of two; two stay open, a third comes, one goes, a fourth comes.
#[tokio::test]
async fn connections_are_limited() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let handle = Handle::<SocketAddr>::new();
    let server = axum_server::from_tcp(listener).unwrap();
    let server = server.acceptor(Capped::new(DefaultAcceptor::new(), 2)).handle(handle.clone());
    let router = Router::new().route("/", get(|| async { "yes" })).into_make_service();
    let task = tokio::spawn(server.serve(router));
    let mut first = TcpStream::connect(address).await.unwrap();
    let mut second = TcpStream::connect(address).await.unwrap();
    assert_eq!(ask(&mut first).await, "HTTP/1.1 200 OK");
    assert_eq!(ask(&mut second).await, "HTTP/1.1 200 OK");
    let mut third = TcpStream::connect(address).await.unwrap();
    assert_eq!(ask(&mut third).await, "");
    drop(first);
    // The server sees the end of the first connection some time later.
    let mut answer = String::new();
    for _ in 0..200 {
        let mut fourth = TcpStream::connect(address).await.unwrap();
        answer = ask(&mut fourth).await;
        if !answer.is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    assert_eq!(answer, "HTTP/1.1 200 OK");
    handle.shutdown();
    task.await.unwrap().unwrap();
}
