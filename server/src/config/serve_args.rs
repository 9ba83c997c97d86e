//! The flags of `serve`.
use clap::Args;
use std::path::PathBuf;

/// Flags of `serve`; each wins over the configuration file.
#[derive(Clone, Debug, Default, Args)]
pub struct ServeArgs {
    /// Configuration file, in TOML
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Address to listen on [default: 127.0.0.1:7117]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<String>,
    /// Allow --listen on an address that others can reach: there is no login
    #[arg(long)]
    pub allow_open_network: bool,
    /// Another name under which the page is opened, such as the machine's DNS name (repeatable)
    #[arg(long = "allow-host", value_name = "NAME")]
    pub allowed_hosts: Vec<String>,
    /// Where history is kept [default: $XDG_DATA_HOME/inferboard or ~/.local/share/inferboard]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Keep history in memory only: it ends with the process
    #[arg(long, conflicts_with = "data_dir")]
    pub in_memory: bool,
    /// How long to keep samples, such as 12h, 15d or 1y [default: 15d]
    #[arg(long, value_name = "DURATION")]
    pub retention: Option<String>,
    /// A metrics page to scrape, such as http://localhost:8000; without a path, /metrics (repeatable)
    #[arg(long = "target", value_name = "URL")]
    pub targets: Vec<String>,
    /// The model that a --target serves, in their order; one for all, or none to read it from the metrics (repeatable)
    #[arg(long = "model", value_name = "NAME")]
    pub models: Vec<String>,
    /// How often to scrape [default: 5s]
    #[arg(long, value_name = "DURATION")]
    pub scrape_interval: Option<String>,
    /// Where the machine's /proc is mounted, as within a container [default: /proc]
    #[arg(long, value_name = "DIR")]
    pub procfs: Option<PathBuf>,
    /// Do not measure this machine's GPUs
    #[arg(long)]
    pub no_gpus: bool,
    /// NVIDIA's library, a path or a name that the system's loader finds [default: libnvidia-ml.so.1]
    #[arg(long, value_name = "FILE")]
    pub nvml_library: Option<PathBuf>,
    /// Do not look for inference servers on this machine
    #[arg(long)]
    pub no_discovery: bool,
}
