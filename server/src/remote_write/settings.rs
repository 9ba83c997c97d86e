//! Where samples are sent, and how.
use crate::target::Endpoint;
use std::time::Duration;

/// A receiver of samples.
#[derive(Debug)]
pub struct RemoteWriteSettings {
    /// Its name in logs and in the label `remote_name`.
    pub name: String,
    /// Its URL, and how it is requested.
    pub endpoint: Endpoint,
    /// The message that it understands.
    pub message: MessageVersion,
    /// The labels that series get which do not have them.
    pub external_labels: Vec<(String, String)>,
    /// How long an answer may take.
    pub timeout: Duration,
    /// What is kept for it, and how much is sent at once.
    pub queue: QueueSettings,
}

/// The message of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageVersion {
    /// That of Remote-Write 1.0.
    V1,
    /// That of Remote-Write 2.0.
    V2,
}

/// How samples wait, and how they are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueSettings {
    /// How many bytes may wait before the oldest samples are dropped.
    pub max_bytes: u64,
    /// How many requests are under way at a time, at most.
    pub max_shards: usize,
    /// How many samples a request has, at most.
    pub max_samples_per_send: usize,
    /// How long samples wait for others, to be sent together.
    pub batch_send_deadline: Duration,
    /// The pause before the first repetition of a failed request.
    pub min_backoff: Duration,
    /// The longest such pause.
    pub max_backoff: Duration,
}

impl Default for QueueSettings {
    /// Those of Prometheus, apart from the bytes. Source: `DefaultQueueConfig` in its `config/config.go`.
    fn default() -> Self {
        Self {
            max_bytes: 1 << 30,
            max_shards: 50,
            max_samples_per_send: 2000,
            batch_send_deadline: Duration::from_secs(5),
            min_backoff: Duration::from_millis(30),
            max_backoff: Duration::from_secs(5),
        }
    }
}

impl MessageVersion {
    /// The name of the message in `protobuf_message`.
    pub fn name(self) -> &'static str {
        match self {
            Self::V1 => "prometheus.WriteRequest",
            Self::V2 => "io.prometheus.write.v2.Request",
        }
    }

    /// The other one.
    pub(crate) fn other(self) -> Self {
        match self {
            Self::V1 => Self::V2,
            Self::V2 => Self::V1,
        }
    }

    /// The content type of its requests. Source: Remote-Write 2.0, "Protocol".
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::V1 => "application/x-protobuf",
            Self::V2 => "application/x-protobuf;proto=io.prometheus.write.v2.Request",
        }
    }

    /// The value of the header `X-Prometheus-Remote-Write-Version`. Source: the same.
    pub(crate) fn version(self) -> &'static str {
        match self {
            Self::V1 => "0.1.0",
            Self::V2 => "2.0.0",
        }
    }
}
