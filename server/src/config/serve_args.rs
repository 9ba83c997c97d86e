//! The flags of `serve`.
use clap::Args;
use std::path::PathBuf;

/// Flags of `serve`, which override the configuration file.
#[derive(Clone, Debug, Default, Args)]
pub struct ServeArgs {
    /// Configuration file (TOML)
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Address to listen on, or unix:PATH for a socket [default: 127.0.0.1:7117]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<String>,
    /// File with the certificate to serve HTTPS with, and those of the authorities between, in PEM form
    #[arg(long, value_name = "FILE")]
    pub tls_cert_file: Option<PathBuf>,
    /// File with the private key of that certificate, in PEM form
    #[arg(long, value_name = "FILE")]
    pub tls_key_file: Option<PathBuf>,
    /// Path below which the page is opened, such as /metrics-tab/, if a proxy has other sites beside it [default: /]
    #[arg(long, value_name = "PATH")]
    pub base_path: Option<String>,
    /// Allow --listen on an address that other machines can reach, without a token to sign in with
    #[arg(long)]
    pub allow_open_network: bool,
    /// Additional host name under which the page may be opened, such as the machine's DNS name (repeatable)
    #[arg(long = "allow-host", value_name = "NAME")]
    pub allowed_hosts: Vec<String>,
    /// Directory for history [default: $XDG_DATA_HOME/inferboard or ~/.local/share/inferboard]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Keep history in memory only, until the process ends
    #[arg(long, conflicts_with = "data_dir")]
    pub in_memory: bool,
    /// Age at which samples are deleted, such as 12h, 15d or 1y [default: 15d]
    #[arg(long, value_name = "DURATION")]
    pub retention: Option<String>,
    /// Memory that the server may take, such as 512MiB; more series than fit are refused [default: what the machine or
    /// the control group has]
    #[arg(long, value_name = "SIZE")]
    pub memory_limit: Option<String>,
    /// URL to scrape, such as http://localhost:8000; the path defaults to /metrics (repeatable)
    #[arg(long = "target", value_name = "URL")]
    pub targets: Vec<String>,
    /// Model of each --target, in the same order, or of all; by default it is read from the metrics (repeatable)
    #[arg(long = "model", value_name = "NAME")]
    pub models: Vec<String>,
    /// Time between scrapes [default: 5s]
    #[arg(long, value_name = "DURATION")]
    pub scrape_interval: Option<String>,
    /// Mount point of the machine's /proc, for use in a container [default: /proc]
    #[arg(long, value_name = "DIR")]
    pub procfs: Option<PathBuf>,
    /// Do not measure this machine's GPUs
    #[arg(long)]
    pub no_gpus: bool,
    /// Path or name of the NVIDIA management library (NVML) [default: libnvidia-ml.so.1]
    #[arg(long, value_name = "FILE")]
    pub nvml_library: Option<PathBuf>,
    /// Do not look for inference servers on this machine
    #[arg(long)]
    pub no_discovery: bool,
}
