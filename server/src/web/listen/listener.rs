//! Opens what the server listens at, and accepts connections there. The file of a socket is made and removed with care: one
//! of a process that runs is left alone, and one of a process that has ended is replaced.
use crate::web::listen::address::ListenAddress;
use crate::web::peers::NO_ADDRESS;
use rustix::fs::{Mode, fchmod};
use std::fs::{Metadata, Permissions};
use std::io;
use std::net::IpAddr;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixSocket, UnixStream};

/// How many connections may wait until they are accepted.
const MAX_WAITING: u32 = 1024;

/// Why the server cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The address is taken or not this machine's, or the path cannot be used.
    #[error("cannot listen on {listen}: {source}; choose another address with --listen")]
    Bind {
        /// The address.
        listen: ListenAddress,
        /// The cause.
        source: io::Error,
    },
    /// The system does not say on which port it listens.
    #[error("the system does not say on which port the server listens: {0}")]
    Address(io::Error),
    /// The folder of a socket does not exist.
    #[error("cannot listen on {listen}: its folder does not exist; create it, or choose another path with --listen")]
    NoFolder {
        /// The address.
        listen: ListenAddress,
    },
    /// Another process listens at the socket.
    #[error("cannot listen on {listen}: another process listens there; stop it, or choose another path with --listen")]
    InUse {
        /// The address.
        listen: ListenAddress,
    },
    /// The path is that of something else.
    #[error(
        "cannot listen on {listen}: there is a file that is no socket; remove it, or choose another path with --listen"
    )]
    NoSocket {
        /// The address.
        listen: ListenAddress,
    },
}

/// What the server listens at.
#[derive(Debug)]
pub(crate) enum Listener {
    Network(TcpListener),
    Socket(SocketFile),
}

/// A listening socket with its file, which is removed when this is dropped.
#[derive(Debug)]
pub(crate) struct SocketFile {
    listener: UnixListener,
    path: PathBuf,
    /// What tells the file from another one at the same path.
    identity: Option<(u64, u64)>,
}

/// A connection that was accepted.
#[derive(Debug)]
pub(crate) enum Accepted {
    Network(TcpStream),
    Socket(UnixStream),
}

impl Listener {
    /// Listens at `listen`. The file of a socket gets these permissions.
    ///
    /// # Errors
    /// If that is not possible.
    pub(crate) async fn bind(listen: &ListenAddress, permissions: u32) -> Result<Self, ListenError> {
        let failed = |source: io::Error| ListenError::Bind { listen: listen.clone(), source };
        match listen {
            ListenAddress::Network(address) => TcpListener::bind(address).await.map(Self::Network).map_err(failed),
            ListenAddress::Socket(path) => {
                remove_stale(listen, path).await?;
                let opened = SocketFile::open(path, permissions);
                opened.map(Self::Socket).map_err(|source| match source.kind() {
                    io::ErrorKind::NotFound => ListenError::NoFolder { listen: listen.clone() },
                    _ => failed(source),
                })
            }
        }
    }

    /// Where it listens, with the actual port if port 0 was configured.
    ///
    /// # Errors
    /// If the system does not say.
    pub(crate) fn address(&self) -> Result<ListenAddress, ListenError> {
        match self {
            Self::Network(listener) => listener.local_addr().map(ListenAddress::Network).map_err(ListenError::Address),
            Self::Socket(socket) => Ok(ListenAddress::Socket(socket.path.clone())),
        }
    }

    /// The next connection, and the address of its client; [`NO_ADDRESS`] at a socket.
    ///
    /// # Errors
    /// If none can be accepted now.
    pub(crate) async fn accept(&self) -> io::Result<(Accepted, IpAddr)> {
        match self {
            Self::Network(listener) => {
                let (stream, address) = listener.accept().await?;
                Ok((Accepted::Network(stream), address.ip()))
            }
            Self::Socket(socket) => {
                let (stream, _) = socket.listener.accept().await?;
                Ok((Accepted::Socket(stream), NO_ADDRESS))
            }
        }
    }
}

impl Accepted {
    /// Writes as much as can be written at once.
    pub(crate) fn try_write(&self, bytes: &[u8]) {
        // Best effort: a client that is gone or slow misses it.
        let _ = match self {
            Self::Network(stream) => stream.try_write(bytes),
            Self::Socket(stream) => stream.try_write(bytes),
        };
    }
}

impl SocketFile {
    fn open(path: &Path, permissions: u32) -> io::Result<Self> {
        let socket = UnixSocket::new_stream()?;
        // On Linux the file then never has more permissions than these; elsewhere it has them a moment later.
        let _ = fchmod(&socket, Mode::from_raw_mode(permissions as rustix::fs::RawMode));
        socket.bind(path)?;
        let mut file = Self {
            listener: socket.listen(MAX_WAITING)?,
            path: path.to_owned(),
            identity: path.symlink_metadata().ok().map(|own| identity(&own)),
        };
        if let Err(error) = std::fs::set_permissions(path, Permissions::from_mode(permissions)) {
            file.remove();
            return Err(error);
        }
        Ok(file)
    }

    /// Removes the file, unless another process has put its own at the path.
    fn remove(&mut self) {
        let found = self.path.symlink_metadata().ok().map(|found| identity(&found));
        if self.identity.take().is_some_and(|own| found == Some(own)) {
            // Without rights to the folder the next start replaces it.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        self.remove();
    }
}

fn identity(file: &Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}

/// Removes the socket at `path` if no process listens there any more.
async fn remove_stale(listen: &ListenAddress, path: &Path) -> Result<(), ListenError> {
    let Ok(found) = path.symlink_metadata() else { return Ok(()) };
    if !found.file_type().is_socket() {
        return Err(ListenError::NoSocket { listen: listen.clone() });
    }
    match UnixStream::connect(path).await {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            std::fs::remove_file(path).map_err(|source| ListenError::Bind { listen: listen.clone(), source })
        }
        // Any other failure is no evidence that nobody listens: it may have too many connections, or be another user's.
        _ => Err(ListenError::InUse { listen: listen.clone() }),
    }
}
