//! A server on loopback, as small as a fixture needs it: one request to a connection, each on a thread of its own.
use crate::{FixtureError, Result};
use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use std::{io, thread};

/// The longest time that a client may take to send a request, and to take a part of the answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// The longest request: the page asks what is there in one query of many names.
const MAX_BYTES: usize = 65_536;

/// The server, until it is dropped.
#[derive(Debug)]
pub(crate) struct Listening {
    pub(crate) address: SocketAddr,
    is_closing: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

impl Listening {
    /// Listens at `port` of loopback, or at a free one where that is 0. `answer` is given the head of each request, and
    /// where to write.
    ///
    /// # Errors
    /// When the port cannot be had.
    pub(crate) fn start(
        port: u16,
        answer: impl Fn(&str, &mut TcpStream) -> io::Result<()> + Send + Sync + 'static,
    ) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .map_err(FixtureError::io(format!("cannot listen on port {port}")))?;
        let address = listener.local_addr().map_err(FixtureError::io("cannot learn the port"))?;
        let (is_closing, answer) = (Arc::new(AtomicBool::new(false)), Arc::new(answer));
        let accepting = Some(thread::spawn({
            let is_closing = Arc::clone(&is_closing);
            move || {
                while let Ok((mut connection, _)) = listener.accept() {
                    if is_closing.load(Ordering::Acquire) {
                        return;
                    }
                    let answer = Arc::clone(&answer);
                    // A client that stays away costs its own thread, not the next one's request. A failed exchange is
                    // the client's affair.
                    thread::spawn(move || match head(&mut connection)? {
                        Some(head) => answer(&head, &mut connection),
                        None => Ok(()),
                    });
                }
            }
        }));
        Ok(Self { address, is_closing, accepting })
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.is_closing.store(true, Ordering::Release);
        // The accepting thread waits in accept; one more connection wakes it.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.accepting.take() {
            let _ = thread.join();
        }
    }
}

/// A request, its body with it, as what is left unread would break the answer off; none where the client goes away
/// before, or sends too much.
fn head(connection: &mut TcpStream) -> io::Result<Option<String>> {
    connection.set_read_timeout(Some(PATIENCE))?;
    connection.set_write_timeout(Some(PATIENCE))?;
    let mut request = Vec::new();
    let mut part = [0; 2048];
    while !is_whole(&request) {
        let count = connection.read(&mut part)?;
        if count == 0 || request.len() > MAX_BYTES {
            return Ok(None);
        }
        request.extend_from_slice(part.get(..count).unwrap_or_default());
    }
    Ok(Some(String::from_utf8_lossy(&request).into_owned()))
}

/// Whether all of a request has come: its head, and as much after it as that says.
fn is_whole(request: &[u8]) -> bool {
    let Some(end) = request.windows(4).position(|end| end == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(request.get(..end).unwrap_or_default()).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    request.len() - end - 4 >= length.unwrap_or(0)
}
