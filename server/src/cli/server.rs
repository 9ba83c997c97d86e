//! How commands reach a running server: by its URL, with the authority of its certificate, or by its socket.
use clap::Args;
use reqwest::{Certificate, Client};
use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

/// What precedes the path of a socket.
const SOCKET: &str = "unix:";

/// The arguments that name a server.
#[derive(Clone, Debug, Args)]
pub struct ServerArgs {
    /// Server: its URL, or unix:PATH of its socket
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7117", value_parser = server)]
    pub server: String,
    /// File with the authority of the server's certificate, or the certificate itself, in PEM form [default: the
    /// authorities that browsers trust]
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
}

/// Why a server cannot be requested.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The file with the authority cannot be used.
    #[error("--ca-file: {problem}")]
    Authority {
        /// What is wrong with it.
        problem: String,
    },
    /// The client cannot be created.
    #[error("cannot create the HTTP client: {0}")]
    Client(reqwest::Error),
}

/// A way to a server.
#[derive(Debug)]
pub(crate) struct Server {
    /// Sends the requests.
    pub(crate) client: Client,
    /// What paths are added to.
    pub(crate) base: String,
}

impl ServerArgs {
    /// How the server is called in messages.
    pub(crate) fn name(&self) -> &str {
        self.server.trim_end_matches('/')
    }

    /// The way to the server, whose answers take at most `timeout`.
    ///
    /// # Errors
    /// If the file with the authority cannot be used.
    pub(crate) fn connect(&self, timeout: Duration) -> Result<Server, ServerError> {
        let mut client = Client::builder().no_proxy().timeout(timeout);
        if let Some(file) = &self.ca_file {
            let problem = |problem: String| ServerError::Authority { problem };
            let text = std::fs::read(file).map_err(|error| problem(format!("cannot read {file:?}: {error}")))?;
            let roots = Certificate::from_pem_bundle(&text).ok().filter(|roots| !roots.is_empty());
            let roots = roots.ok_or_else(|| problem(format!("{file:?} holds no certificate in PEM form")))?;
            client = roots
                .into_iter()
                .fold(client.tls_built_in_root_certs(false), reqwest::ClientBuilder::add_root_certificate);
        }
        let base = match self.server.strip_prefix(SOCKET) {
            Some(path) => {
                client = client.unix_socket(PathBuf::from(path));
                "http://localhost"
            }
            None => self.name(),
        };
        let base = base.to_owned();
        client.build().map(|client| Server { client, base }).map_err(ServerError::Client)
    }
}

/// Why a server did not answer, from the innermost cause: the outer ones name the request.
pub(crate) fn cause_of(error: &(dyn Error + 'static)) -> String {
    let innermost = std::iter::successors(Some(error), |&error| error.source()).last().unwrap_or(error).to_string();
    match innermost.contains("certificate") {
        true => format!("{innermost}; if its authority is one of your own, name it with --ca-file"),
        false => innermost,
    }
}

fn server(text: &str) -> Result<String, String> {
    match text.strip_prefix(SOCKET) {
        Some("") => Err("name the socket's path after unix:".into()),
        Some(_) => Ok(text.to_owned()),
        None => match text.parse::<reqwest::Url>() {
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(text.to_owned()),
            _ => Err("write a URL such as http://127.0.0.1:7117, or unix: and the path of a socket".into()),
        },
    }
}
