//! A companion in this process, and requests to it.
use server::app::App;
use server::config::Settings;
use server::config::serve_args::ServeArgs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{LazyLock, mpsc};
use std::time::Duration;

/// The longest time that an answer may take: the companion's own limit is ten seconds.
const MAX_WAIT: Duration = Duration::from_secs(12);

static COMPANION: LazyLock<SocketAddr> = LazyLock::new(|| {
    let (send, address) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let args = ServeArgs {
                listen: Some("127.0.0.1:0".into()),
                in_memory: true,
                no_gpus: true,
                no_discovery: true,
                ..ServeArgs::default()
            };
            let app = App::bind(Settings::load(&args).expect("settings")).await.expect("a free port");
            send.send(app.address().network().expect("a port")).expect("a receiver");
            let (_reloads, received) = tokio::sync::mpsc::channel(1);
            app.run(std::future::pending(), received).await;
        });
    });
    address.recv().expect("an address")
});

/// Asks for `input`: a path with a query, and after the first line a form. The answer is whole, and no failure of the
/// companion itself.
pub fn check(input: &[u8]) {
    let line_end = input.iter().position(|byte| *byte == b'\n');
    let (path, form) = line_end.map_or((input, None), |at| (&input[..at], Some(&input[at + 1..])));
    let mut request = if form.is_some() { b"POST /".to_vec() } else { b"GET /".to_vec() };
    request.extend_from_slice(path);
    request.extend_from_slice(b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
    if let Some(form) = form {
        let head = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length:";
        request.extend_from_slice(format!("{head} {}\r\n\r\n", form.len()).as_bytes());
        request.extend_from_slice(form);
    } else {
        request.extend_from_slice(b"\r\n");
    }
    let mut stream = TcpStream::connect(*COMPANION).expect("the companion listens");
    stream.set_read_timeout(Some(MAX_WAIT)).expect("a timeout");
    // It may refuse before it has read everything.
    let _ = stream.write_all(&request);
    let mut answer = Vec::new();
    let outcome = stream.read_to_end(&mut answer);
    assert!(outcome.is_ok() || !answer.is_empty(), "no answer: {outcome:?}");
    let status = answer.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok());
    let status: u16 = status.and_then(|digits| digits.parse().ok()).unwrap_or(0);
    let is_sound = (200..500).contains(&status) || status == 503;
    assert!(is_sound, "status {status}: {}", String::from_utf8_lossy(&answer[..answer.len().min(300)]));
}
