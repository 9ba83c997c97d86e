//! The layers at which requests are counted.

/// Where requests are measured, outermost first. Two layers may count the same requests, and the one that counted most is
/// drawn; two engines of one layer do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// What a platform or gateway exports under inferboard's own names, or a hosted platform under its own.
    Platform,
    /// A gateway or router made for inference, in front of several servers. Its metrics page is not that of an engine.
    Gateway,
    /// The server's HTTP side, or the framework around the engine, on the same metrics page.
    Server,
    /// The engine itself.
    Engine,
    /// A general-purpose proxy. It sees inference requests first but may see others too, so its counts are drawn only
    /// where no other layer has any.
    Proxy,
    /// Hosts, containers and GPUs. A scope narrows their series only by the labels that they carry.
    Machine,
}

impl Layer {
    /// All of them, in the order of their values.
    pub(crate) const ALL: [Self; 6] =
        [Self::Platform, Self::Gateway, Self::Server, Self::Engine, Self::Proxy, Self::Machine];
}
