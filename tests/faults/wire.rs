//! HTTP by hand: requests as bytes on a socket, so that they can be wrong, and their answers.
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// How long an answer is waited for. The companion's own limit is ten seconds.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// 0 if there was none.
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    pub(crate) took: Duration,
}

impl Answer {
    /// The value of a header, or nothing.
    pub(crate) fn header(&self, name: &str) -> &str {
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        let mut values = lines.filter(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim());
        values.next().unwrap_or_default()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Sends `bytes` and returns everything that comes back until the connection ends, for `limit` at most.
pub(crate) fn exchange(to: SocketAddr, bytes: &[u8], limit: Duration) -> Vec<u8> {
    let mut received = Vec::new();
    let Ok(mut stream) = TcpStream::connect_timeout(&to, limit) else { return received };
    let began = Instant::now();
    let _ = stream.set_write_timeout(Some(limit));
    // The server may refuse before it has read everything.
    let _ = stream.write_all(bytes);
    let mut piece = [0; 65_536];
    while let Some(left) = limit.checked_sub(began.elapsed()).filter(|left| !left.is_zero()) {
        let _ = stream.set_read_timeout(Some(left));
        match stream.read(&mut piece) {
            Ok(count) if count > 0 => received.extend_from_slice(&piece[..count]),
            _ => break,
        }
    }
    received
}

/// Sends a request that closes its connection.
pub(crate) fn send(to: SocketAddr, request: &[u8]) -> Answer {
    let began = Instant::now();
    let received = exchange(to, request, PATIENCE);
    let took = began.elapsed();
    let end = received.windows(4).position(|window| window == b"\r\n\r\n").map_or(received.len(), |at| at + 4);
    let (head, body) = received.split_at(end);
    let head = String::from_utf8_lossy(head).into_owned();
    let status = head.split_whitespace().nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
    Answer { status, head, body: body.to_vec(), took }
}

/// A GET with further header lines, each of which ends with CRLF.
pub(crate) fn get_with(to: SocketAddr, path: &str, headers: &str) -> Answer {
    request(to, "GET", path, headers, b"")
}

/// A GET.
pub(crate) fn get(to: SocketAddr, path: &str) -> Answer {
    get_with(to, path, "")
}

/// A POST of a form.
pub(crate) fn post(to: SocketAddr, path: &str, form: &str) -> Answer {
    let headers = format!("Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n", form.len());
    request(to, "POST", path, &headers, form.as_bytes())
}

/// Any request to `localhost`.
pub(crate) fn request(to: SocketAddr, method: &str, path: &str, headers: &str, body: &[u8]) -> Answer {
    let head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n");
    send(to, &[head.as_bytes(), body].concat())
}

/// The text in a form or a URL.
pub(crate) fn percent(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        let _ = match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' => write!(encoded, "{}", char::from(byte)),
            _ => write!(encoded, "%{byte:02X}"),
        };
        encoded
    })
}

/// Connections that send `start` and then nothing, from another address of loopback where the system allows that.
pub(crate) fn hold(to: SocketAddr, count: usize, start: &[u8]) -> Vec<TcpStream> {
    let connect = || connect_from(Ipv4Addr::new(127, 0, 0, 2), to).or_else(|| TcpStream::connect(to).ok());
    let mut held = Vec::new();
    for _ in 0..count {
        let Some(mut stream) = connect() else { continue };
        let _ = stream.write_all(start);
        held.push(stream);
    }
    held
}

/// A connection from `address`, with a small buffer for what is received.
fn connect_from(address: Ipv4Addr, to: SocketAddr) -> Option<TcpStream> {
    use rustix::net::{AddressFamily, SocketType, bind, connect, socket, sockopt};
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None).ok()?;
    sockopt::set_socket_recv_buffer_size(&socket, 4096).ok()?;
    bind(&socket, &SocketAddr::from((address, 0))).ok()?;
    connect(&socket, &to).ok()?;
    Some(socket.into())
}

/// How many of `held` the server has closed, what it sent before that left unread.
pub(crate) fn closed(held: &[TcpStream]) -> usize {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let ends = PollFlags::RDHUP | PollFlags::HUP | PollFlags::ERR;
    let mut polled: Vec<_> = held.iter().map(|stream| PollFd::new(stream, PollFlags::RDHUP)).collect();
    poll(&mut polled, Some(&Timespec::default())).expect("open descriptors");
    polled.iter().filter(|fd| fd.revents().intersects(ends)).count()
}
