//! Where processes of inference servers listen: at the ports that their command lines name.
//!
//! A port is asked only if a flag names it as the one for HTTP or metrics. The other sockets of these processes belong to
//! protocols that a request would disturb.
use crate::processes::listeners::Listener;
use crate::processes::socket_owners::SocketOwners;
use crate::processes::tree::Processes;
use crate::sources::host::read_file;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;

/// Words in the command lines, images and names of inference servers.
const PROGRAMS: [&str; 28] = [
    "vllm",
    "sglang",
    "llama-server",
    "llama.cpp",
    "llama_cpp",
    "llamafile",
    "text-generation",
    "text-embeddings",
    "triton",
    "trtllm",
    "tensorrt",
    "lmdeploy",
    "litellm",
    "bentoml",
    "torchserve",
    "infinity_emb",
    "infinity-emb",
    "michaelf34/infinity",
    "xinference",
    "ovms",
    "model_server",
    "mlx_lm",
    "aphrodite",
    "ktransformers",
    "gpustack",
    "lmcache",
    "dynamo",
    "inference",
];

/// Flags that name the port of an HTTP server or of its metrics, with dashes for underscores.
const PORT_FLAGS: [&str; 9] = [
    "--port",
    "-p",
    "--http-port",
    "--server-port",
    "--rest-port",
    "--metrics-port",
    "--prometheus-port",
    "--prom-port",
    "--api-server-port",
];

/// How far up from the owner of a socket command lines are read: a worker is started by a server, and that by a launcher.
const MAX_ANCESTORS: usize = 4;

/// Whether a text names an inference server.
pub(crate) fn is_inference_program(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    PROGRAMS.iter().any(|program| text.contains(program))
}

/// The addresses at which inference servers listen, as far as their owners are visible to this process.
pub(crate) fn inference_servers(
    proc: &Path,
    listeners: &[Listener],
    processes: &Processes,
    owners: &SocketOwners,
) -> Vec<SocketAddr> {
    let mut found = Vec::new();
    for listener in listeners {
        let Ok(owners) = owners.of(&[listener.inode()]) else { continue };
        let names_port = |pid: u32| names_port(&command_line(proc, pid), listener.port());
        let is_named = owners.iter().any(|owner| {
            let ancestors = processes.ancestors(owner.pid).map(|process| process.pid).take_while(|pid| *pid > 1);
            std::iter::once(owner.pid).chain(ancestors.take(MAX_ANCESTORS)).any(names_port)
        });
        let address = SocketAddr::new(reachable(listener.address()), listener.port());
        if is_named && !found.contains(&address) {
            found.push(address);
        }
    }
    found
}

/// Where this machine reaches a socket that is bound to `address`.
fn reachable(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        address if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        address => address,
    }
}

/// The words of a process's command line, also of a script that a shell was given as one argument.
fn command_line(proc: &Path, pid: u32) -> Vec<String> {
    let text = read_file(&proc.join(pid.to_string()).join("cmdline")).unwrap_or_default();
    text.split(['\0', ' ', '\n', '\t']).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Whether a command line is that of an inference server, and names the port as that of its HTTP server or metrics.
fn names_port(words: &[String], port: u16) -> bool {
    let port = port.to_string();
    let is_flag = |word: &str| PORT_FLAGS.contains(&word.replace('_', "-").as_str());
    let is_pair = |pair: &[String]| matches!(pair, [flag, value] if is_flag(flag) && *value == port);
    let is_joined = |word: &String| word.split_once('=').is_some_and(|(flag, value)| is_flag(flag) && value == port);
    words.iter().any(|word| is_inference_program(word))
        && (words.windows(2).any(is_pair) || words.iter().any(is_joined))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn a_port_counts_if_a_flag_of_an_inference_server_names_it_for_http() {
        for (line, port, expected) in [
            ("python -m vllm.entrypoints.openai.api_server --port 8011", 8011, true),
            ("/opt/bin/vllm serve m --port=8011 --master-port 29500", 8011, true),
            ("/opt/bin/vllm serve m --port=8011 --master-port 29500", 29500, false),
            ("llama-server -m x.gguf --port 9000", 9000, true),
            ("ovms --rest_port 9001 --port 9002", 9001, true),
            ("python manage.py runserver --port 8011", 8011, false),
            ("vllm serve m", 8000, false),
            ("vllm serve m --max-model-len 8011", 8011, false),
            ("", 0, false),
        ] {
            assert_eq!(names_port(&words(line), port), expected, "{line} {port}");
        }
    }

    #[test]
    fn images_and_programs_name_engines() {
        for text in ["vllm/vllm-openai:v0.33.0", "/usr/bin/llama-server", "nvcr.io/nvidia/tritonserver:25.10-py3"] {
            assert!(is_inference_program(text), "{text}");
        }
        assert!(!is_inference_program("postgres:17") && !is_inference_program("grafana/grafana"));
    }
}
