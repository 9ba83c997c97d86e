//! What a reload cannot change: the settings that take effect at the next start only.
use crate::config::Settings;
use crate::web::listen::certificate::ServerCertificate;

/// Keys of the configuration and their values, none of which is a secret.
#[derive(Clone, Debug)]
pub struct FixedSettings(Vec<(&'static str, String)>);

impl Settings {
    /// The settings that a reload cannot change.
    pub fn fixed(&self) -> FixedSettings {
        let text = |value: &dyn std::fmt::Debug| format!("{value:?}");
        let web = &self.web;
        FixedSettings(vec![
            ("listen", text(&web.listen)),
            ("socket_mode", text(&web.socket_mode)),
            ("tls_cert_file or tls_key_file", text(&web.certificate.as_ref().map(ServerCertificate::paths))),
            ("base_path, trusted_proxies, user_header or user_role", text(&(&web.rules, web.access.user))),
            ("allowed_hosts", text(&web.allowed_hosts)),
            ("frame_ancestors", text(&web.frame_ancestors)),
            ("cors_origins", text(&web.cors_origins)),
            (
                "read_token_file, write_token_file, metrics_token_file or write_on_loopback",
                text(&self.access_settings()),
            ),
            ("data_dir", text(&self.data_dir)),
            ("retention", text(&self.limits.retention_ms)),
            ("retention_bytes", text(&self.limits.size_bytes)),
            ("scrape_interval or scrape_timeout of this machine", text(&self.pace)),
            ("procfs, sysfs or rootfs", text(&self.host_paths)),
            ("gpus, gpu_sample_interval or nvml_library", text(&self.gpus)),
            ("discovery", text(&self.discovery)),
            ("remote_write", text(&self.remote_write)),
            ("metrics", text(&self.own_names)),
            ("findings", text(&self.thresholds)),
            ("backends", text(&self.backends)),
            ("container_socket", text(&self.container_socket)),
        ])
    }
}

impl Settings {
    /// Where the tokens are, and whether the page may write on loopback. The tokens themselves may change.
    fn access_settings(&self) -> ([Option<&std::path::Path>; 3], bool) {
        let access = &self.web.access;
        let files = [&access.read, &access.write, &access.metrics];
        (files.map(|file| file.as_ref().map(|file| file.path())), access.write_on_loopback)
    }
}

impl FixedSettings {
    /// The keys whose values in `loaded` are others.
    pub fn changed(&self, loaded: &Settings) -> Vec<&'static str> {
        let loaded = loaded.fixed();
        let pairs = self.0.iter().zip(&loaded.0);
        pairs.filter(|(own, other)| own.1 != other.1).map(|(own, _)| own.0).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Settings;
    use crate::config::serve_args::ServeArgs;

    fn load(text: &str) -> Settings {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), text).expect("a file");
        let args = ServeArgs { config: Some(file.path().to_owned()), ..ServeArgs::default() };
        Settings::load(&args).expect("settings")
    }

    #[test]
    fn settings_that_a_reload_cannot_change_are_named() {
        let running = load("data_dir = \"/d\"\n").fixed();
        assert!(running.changed(&load("data_dir = \"/d\"\n")).is_empty());
        let target = "[[targets]]\nurl = \"http://a:1\"\n";
        assert_eq!(running.changed(&load(&format!("data_dir = \"/d\"\n{target}"))), ["discovery"]);
        let other = "data_dir = \"/e\"\nlisten = \"127.0.0.1:1\"\ncors_origins = [\"https://a.example\"]\n\
            retention = \"1d\"\nwrite_on_loopback = false\nframe_ancestors = []\nallowed_hosts = [\"h\"]\nscrape_interval = \"1s\"\ngpus = false\n\
            base_path = \"/x/\"\nsocket_mode = \"0600\"\n\
            [[remote_write]]\nurl = \"http://a:1/\"\n";
        let changed = running.changed(&load(other)).join(" ");
        for key in [
            "listen",
            "allowed_hosts",
            "frame_ancestors",
            "cors_origins",
            "write_on_loopback",
            "data_dir",
            "retention",
            "scrape_interval",
            "gpus",
            "base_path",
            "socket_mode",
            "remote_write",
        ] {
            assert!(changed.contains(key), "{key}: {changed}");
        }
    }
}
