//! The addresses of inference servers in containers, from the API of Docker or Podman on a Unix socket.
//! Source: "List containers" of the Docker Engine API, which Podman serves too.
use crate::processes::inference_servers::is_inference_program;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tracing::debug;

/// How long the runtime may take to answer.
const TIMEOUT: Duration = Duration::from_secs(1);

/// The longest answer that is read.
const MAX_ANSWER_BYTES: u64 = 4 << 20;

/// The request. In this version of HTTP the answer ends with the connection, and has no chunks.
const REQUEST: &[u8] = b"GET /containers/json HTTP/1.0\r\nHost: localhost\r\nAccept: application/json\r\n\r\n";

/// The containers of a runtime.
#[derive(Debug)]
pub(super) struct Containers {
    socket: PathBuf,
    /// Whether the last request failed, which is logged once.
    has_failed: bool,
}

/// A container. Podman writes null where it knows nothing, such as the networks of a container without a bridge.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Container {
    #[serde(deserialize_with = "or_default")]
    names: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    image: String,
    #[serde(deserialize_with = "or_default")]
    command: String,
    #[serde(deserialize_with = "or_default")]
    ports: Vec<Port>,
    #[serde(deserialize_with = "or_default")]
    network_settings: NetworkSettings,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Port {
    #[serde(rename = "IP", deserialize_with = "or_default")]
    ip: String,
    private_port: u16,
    public_port: Option<u16>,
    r#type: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct NetworkSettings {
    #[serde(deserialize_with = "or_default")]
    networks: BTreeMap<String, Option<Network>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Network {
    #[serde(rename = "IPAddress", deserialize_with = "or_default")]
    ip_address: String,
}

/// A value, or the default in place of null.
fn or_default<'de, T: Default + Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

impl Containers {
    pub(super) fn new(socket: PathBuf) -> Self {
        Self { socket, has_failed: false }
    }

    /// Where servers in running containers can be reached, with the container's name. None if the runtime does not answer.
    pub(super) async fn addresses(&mut self) -> Vec<(SocketAddr, String)> {
        let answer = tokio::time::timeout(TIMEOUT, self.ask()).await;
        let answer = answer.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut)));
        if let Err(error) = &answer
            && !self.has_failed
        {
            debug!(socket = ?self.socket, error = ?error.to_string(), "cannot list containers");
        }
        self.has_failed = answer.is_err();
        addresses(&answer.unwrap_or_default())
    }

    async fn ask(&self) -> io::Result<Vec<Container>> {
        let mut stream = UnixStream::connect(&self.socket).await?;
        stream.write_all(REQUEST).await?;
        let mut answer = Vec::new();
        stream.take(MAX_ANSWER_BYTES).read_to_end(&mut answer).await?;
        parse(&answer).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the answer is no list of containers"))
    }
}

/// The containers in an HTTP response.
fn parse(response: &[u8]) -> Option<Vec<Container>> {
    const END: &[u8] = b"\r\n\r\n";
    let end = response.windows(END.len()).position(|bytes| bytes == END)?;
    let (head, body) = (response.get(..end)?, response.get(end + END.len()..)?);
    let status = std::str::from_utf8(head).ok()?.split_ascii_whitespace().nth(1)?;
    let all: Vec<Value> = (status == "200").then(|| serde_json::from_slice(body).ok()).flatten()?;
    // One that cannot be read hides no other.
    Some(all.into_iter().filter_map(|container| serde_json::from_value(container).ok()).collect())
}

/// Where the inference servers among the containers can be reached: at a published port, or else at the container's own
/// address.
fn addresses(containers: &[Container]) -> Vec<(SocketAddr, String)> {
    let mut all: Vec<(SocketAddr, String)> = Vec::new();
    for container in containers.iter().filter(|container| container.is_inference_server()) {
        for address in container.addresses() {
            if all.iter().all(|(other, _)| *other != address) {
                all.push((address, container.name()));
            }
        }
    }
    all
}

impl Container {
    fn is_inference_server(&self) -> bool {
        self.names.iter().chain([&self.image, &self.command]).any(|text| is_inference_program(text))
    }

    fn name(&self) -> String {
        self.names.first().map_or("", |name| name.trim_start_matches('/')).to_owned()
    }

    fn addresses(&self) -> Vec<SocketAddr> {
        let ports = || self.ports.iter().filter(|port| port.r#type == "tcp");
        let is_published =
            |private: u16| ports().any(|port| port.private_port == private && port.public_port.is_some());
        let published = ports().filter_map(|port| {
            // A port that is published on all addresses is on loopback too.
            let ip = port.ip.parse().unwrap_or(IpAddr::from(Ipv4Addr::UNSPECIFIED));
            let ip = if ip.is_unspecified() { Ipv4Addr::LOCALHOST.into() } else { ip };
            Some(SocketAddr::new(ip, port.public_port?))
        });
        let networks = self.network_settings.networks.values().flatten();
        let own: Vec<IpAddr> = networks.filter_map(|network| network.ip_address.parse().ok()).collect();
        let inside = ports().filter(|port| !is_published(port.private_port)).map(|port| port.private_port);
        let inside = inside.flat_map(|port| own.iter().map(move |ip| SocketAddr::new(*ip, port)));
        published.chain(inside).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_ports_are_on_this_machine_and_others_at_the_container() {
        let body = r#"[
            {"Names":["/chat"],"Image":"vllm/vllm-openai:v0.33.0","Command":"vllm serve m","Ports":[
                {"IP":"0.0.0.0","PrivatePort":8000,"PublicPort":18000,"Type":"tcp"},
                {"IP":"::","PrivatePort":8000,"PublicPort":18000,"Type":"tcp"},
                {"PrivatePort":9000,"Type":"udp"},{"PrivatePort":9001,"Type":"tcp"}],
             "NetworkSettings":{"Networks":{"bridge":{"IPAddress":"172.17.0.2"},"none":{"IPAddress":""}}}},
            {"Names":["/db"],"Image":"postgres:17","Command":"postgres","Ports":[
                {"IP":"0.0.0.0","PrivatePort":5432,"PublicPort":5432,"Type":"tcp"}]},
            {"Names":["/tgi"],"Image":"ghcr.io/x/text-generation-inference","Command":"text-generation-launcher",
             "Ports":[{"IP":"192.0.2.7","PrivatePort":80,"PublicPort":3000,"Type":"tcp"}]},
            {"Names":["/host"],"Image":"lmsysorg/sglang","Command":"x","Ports":null,"NetworkSettings":null}]"#;
        let containers = parse(format!("HTTP/1.0 200 OK\r\nA: b\r\n\r\n{body}").as_bytes()).expect("containers");
        let found: Vec<String> =
            addresses(&containers).into_iter().map(|(address, name)| format!("{name} {address}")).collect();
        assert_eq!(found, ["chat 127.0.0.1:18000", "chat 172.17.0.2:9001", "tgi 192.0.2.7:3000"]);
        for broken in ["", "HTTP/1.0 500 no\r\n\r\n[]", "HTTP/1.0 200 OK\r\n\r\n{}", "HTTP/1.0 200 OK\r\n\r\n"] {
            assert!(parse(broken.as_bytes()).is_none(), "{broken}");
        }
    }

    #[test]
    fn the_containers_of_podman_are_read_with_their_nulls() {
        // Composed from LibpodToContainer in pkg/api/handlers/compat/containers.go of Podman 5: a published port has no
        // address, and a rootless container no network.
        let body = r#"[
            {"Id":"1","Names":["/chat"],"Image":"docker.io/vllm/vllm-openai:v0.33.0","Command":"vllm serve m",
             "Ports":[{"IP":"","PrivatePort":8000,"PublicPort":18000,"Type":"tcp"}],"Labels":null,"State":"running",
             "NetworkSettings":{"Networks":null},"Mounts":[]},
            {"Names":["/odd"],"Image":"vllm","Ports":"none"},
            {"Names":["/inner"],"Image":"lmsysorg/sglang","Command":null,"Ports":[{"PrivatePort":30000,"Type":"tcp"}],
             "NetworkSettings":{"Networks":{"podman":{"IPAddress":"10.88.0.2"},"gone":null}}}]"#;
        let containers = parse(format!("HTTP/1.0 200 OK\r\n\r\n{body}").as_bytes()).expect("containers");
        let found: Vec<String> =
            addresses(&containers).into_iter().map(|(address, name)| format!("{name} {address}")).collect();
        assert_eq!(found, ["chat 127.0.0.1:18000", "inner 10.88.0.2:30000"]);
    }
}
