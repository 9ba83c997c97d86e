//! A minimal HTTP server on loopback: one request for each connection, each connection on its own thread.
use crate::{FixtureError, Result};
use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use std::{io, thread};

/// The longest time that a client may take to send a request or to read a part of the response.
const CLIENT_TIMEOUT: Duration = Duration::from_secs(5);

/// The largest request. The page's discovery is one query that contains many names.
const MAX_BYTES: usize = 65_536;

type Answer = dyn Fn(&str, &mut TcpStream) -> io::Result<()> + Send + Sync;

/// The server, which stops on drop.
pub(crate) struct LoopbackServer {
    pub(crate) address: SocketAddr,
    answer: Arc<Answer>,
    accepting: Mutex<Option<Accepting>>,
}

/// The thread that accepts connections.
struct Accepting {
    thread: JoinHandle<()>,
    is_closing: Arc<AtomicBool>,
}

impl LoopbackServer {
    /// Listens on `port` of loopback, or on a free one if that is 0. `answer` receives each request and writes the
    /// response.
    ///
    /// # Errors
    /// When the port is not available.
    pub(crate) fn start(
        port: u16,
        answer: impl Fn(&str, &mut TcpStream) -> io::Result<()> + Send + Sync + 'static,
    ) -> Result<Self> {
        let (listener, address) = listen(port)?;
        let answer: Arc<Answer> = Arc::new(answer);
        let accepting = Mutex::new(Some(Accepting::start(listener, Arc::clone(&answer))));
        Ok(Self { address, answer, accepting })
    }

    /// Stops to listen, so that connections are refused.
    pub(crate) fn pause(&self) {
        if let Some(accepting) = self.lock().take() {
            accepting.stop(self.address);
        }
    }

    /// Listens again on the same port.
    ///
    /// # Errors
    /// When the port is not available any more.
    pub(crate) fn resume(&self) -> Result<()> {
        let mut accepting = self.lock();
        if accepting.is_none() {
            let (listener, _) = listen(self.address.port())?;
            *accepting = Some(Accepting::start(listener, Arc::clone(&self.answer)));
        }
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Accepting>> {
        self.accepting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn listen(port: u16) -> Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .map_err(FixtureError::io(format!("cannot listen on port {port}")))?;
    let address = listener.local_addr().map_err(FixtureError::io("cannot read the port"))?;
    Ok((listener, address))
}

impl Accepting {
    fn start(listener: TcpListener, answer: Arc<Answer>) -> Self {
        let is_closing = Arc::new(AtomicBool::new(false));
        let thread = thread::spawn({
            let is_closing = Arc::clone(&is_closing);
            move || {
                while let Ok((mut connection, _)) = listener.accept() {
                    if is_closing.load(Ordering::Acquire) {
                        return;
                    }
                    let answer = Arc::clone(&answer);
                    // A slow client blocks only its own thread. The fixture ignores failed exchanges: tests see them
                    // at the client.
                    thread::spawn(move || match read_request(&mut connection)? {
                        Some(request) => answer(&request, &mut connection),
                        None => Ok(()),
                    });
                }
            }
        });
        Self { thread, is_closing }
    }

    fn stop(self, address: SocketAddr) {
        self.is_closing.store(true, Ordering::Release);
        // The thread waits in `accept`; one more connection wakes it.
        let _ = TcpStream::connect(address);
        let _ = self.thread.join();
    }
}

impl std::fmt::Debug for LoopbackServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoopbackServer").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Drop for LoopbackServer {
    fn drop(&mut self) {
        self.pause();
    }
}

/// Reads a request with its body, because unread bytes would reset the connection before the client has the response.
/// None if the client disconnects early or sends too much.
fn read_request(connection: &mut TcpStream) -> io::Result<Option<String>> {
    connection.set_read_timeout(Some(CLIENT_TIMEOUT))?;
    connection.set_write_timeout(Some(CLIENT_TIMEOUT))?;
    let mut request = Vec::new();
    let mut buffer = [0; 2048];
    while !is_complete(&request) {
        let count = connection.read(&mut buffer)?;
        if count == 0 || request.len() > MAX_BYTES {
            return Ok(None);
        }
        request.extend_from_slice(buffer.get(..count).unwrap_or_default());
    }
    Ok(Some(String::from_utf8_lossy(&request).into_owned()))
}

/// Whether a request is complete: its head, and a body of the length that the head declares.
fn is_complete(request: &[u8]) -> bool {
    let Some(end) = request.windows(4).position(|end| end == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(request.get(..end).unwrap_or_default()).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    request.len() - end - 4 >= length.unwrap_or(0)
}
