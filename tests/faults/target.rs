//! Targets on loopback that behave as a row wants it.
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// Handles one connection, given the head of its request.
pub(crate) type Behaviour = Arc<dyn Fn(&str, &mut TcpStream) + Send + Sync>;

/// A server that runs until it is dropped.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    /// The heads of the requests so far.
    heads: Arc<Mutex<Vec<String>>>,
    connections: Arc<AtomicUsize>,
    is_over: Arc<AtomicBool>,
}

impl Target {
    pub(crate) fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let own = Self { address, heads: Arc::default(), connections: Arc::default(), is_over: Arc::default() };
        let (heads, connections, is_over) =
            (Arc::clone(&own.heads), Arc::clone(&own.connections), Arc::clone(&own.is_over));
        thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                if is_over.load(Ordering::Relaxed) {
                    return;
                }
                connections.fetch_add(1, Ordering::Relaxed);
                let (behaviour, heads) = (Arc::clone(&behaviour), Arc::clone(&heads));
                thread::spawn(move || {
                    let head = read_head(&mut stream);
                    heads.lock().unwrap_or_else(PoisonError::into_inner).push(head.clone());
                    behaviour(&head, &mut stream);
                });
            }
        });
        own
    }

    /// How many connections it has had.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// The heads of the requests so far.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/metrics", self.address)
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
    }
}

fn read_head(stream: &mut TcpStream) -> String {
    let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && head.len() < 65_536 {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => break,
        }
    }
    String::from_utf8_lossy(&head).into_owned()
}

/// Answers with these bytes.
pub(crate) fn raw(bytes: impl Into<Vec<u8>>) -> Behaviour {
    let bytes = bytes.into();
    Arc::new(move |_, stream| drop(stream.write_all(&bytes)))
}

/// Answers 200 with header lines, each of which ends with CRLF, and a body.
pub(crate) fn answer(headers: &str, body: &[u8]) -> Behaviour {
    let head = format!("HTTP/1.1 200 OK\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    raw([head.as_bytes(), body].concat())
}

/// Answers with a metrics page.
pub(crate) fn page(text: &str) -> Behaviour {
    answer("Content-Type: text/plain; version=0.0.4\r\n", text.as_bytes())
}

/// Answers each time with the page that `text` makes of the number of the scrape.
pub(crate) fn changing(text: impl Fn(usize) -> String + Send + Sync + 'static) -> Behaviour {
    let scrapes = AtomicUsize::new(0);
    Arc::new(move |head, stream| page(&text(scrapes.fetch_add(1, Ordering::Relaxed)))(head, stream))
}

/// Sends a head and then pieces for ever, with a pause after each.
pub(crate) fn endless(piece: impl Fn(usize) -> Vec<u8> + Send + Sync + 'static, pause: Duration) -> Behaviour {
    Arc::new(move |_, stream| {
        let mut sent = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n");
        for number in 0.. {
            if sent.is_err() {
                return;
            }
            sent = stream.write_all(&piece(number));
            thread::sleep(pause);
        }
    })
}

/// Accepts and never answers.
pub(crate) fn hang() -> Behaviour {
    Arc::new(|_, _| thread::sleep(Duration::from_secs(120)))
}
