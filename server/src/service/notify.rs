//! Reports to the service manager that the companion serves, and that it stops.
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// What the service manager is told.
#[derive(Clone, Copy, Debug)]
pub enum ServiceState {
    /// The page can be opened.
    Ready,
    /// The companion is about to end.
    Stopping,
}

/// Reports a state to the service manager that has started this process, if one wants to know.
///
/// # Errors
/// If its socket does not take the message.
pub fn notify(state: ServiceState) -> io::Result<()> {
    match std::env::var_os("NOTIFY_SOCKET") {
        Some(socket) if !socket.is_empty() => send(&socket, state),
        _ => Ok(()),
    }
}

/// Source: sd_notify(3). A name that begins with `@` is of the abstract namespace.
fn send(socket: &OsStr, state: ServiceState) -> io::Result<()> {
    let address = address(socket.as_bytes())?;
    let message: &[u8] = match state {
        ServiceState::Ready => b"READY=1",
        ServiceState::Stopping => b"STOPPING=1",
    };
    UnixDatagram::unbound()?.send_to_addr(message, &address).map(|_| ())
}

#[cfg(target_os = "linux")]
fn address(name: &[u8]) -> io::Result<SocketAddr> {
    use std::os::linux::net::SocketAddrExt;
    match name.strip_prefix(b"@") {
        Some(abstract_name) => SocketAddr::from_abstract_name(abstract_name),
        None => SocketAddr::from_pathname(OsStr::from_bytes(name)),
    }
}

#[cfg(not(target_os = "linux"))]
fn address(name: &[u8]) -> io::Result<SocketAddr> {
    SocketAddr::from_pathname(OsStr::from_bytes(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_reach_a_socket_of_either_kind() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("notify");
        let by_path = UnixDatagram::bind(&path).expect("a socket");
        let name = format!("inferboard-test-{}", std::process::id());
        let abstract_address = address(format!("@{name}").as_bytes()).expect("an address");
        let by_name = UnixDatagram::bind_addr(&abstract_address).expect("a socket");
        for (socket, address) in [(by_path, path.into_os_string()), (by_name, format!("@{name}").into())] {
            send(&address, ServiceState::Ready).expect("sent");
            send(&address, ServiceState::Stopping).expect("sent");
            let mut buffer = [0; 64];
            for expected in [&b"READY=1"[..], b"STOPPING=1"] {
                let length = socket.recv(&mut buffer).expect("a message");
                assert_eq!(&buffer[..length], expected);
            }
        }
        assert!(send(folder.path().join("none").as_os_str(), ServiceState::Ready).is_err());
    }
}
