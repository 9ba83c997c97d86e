//! Valid configurations, and the errors of invalid ones.
use crate::config::*;
use crate::sources::kubernetes::PortRule;
use crate::target::identity::Identity;
use std::path::Path;

fn args() -> ServeArgs {
    ServeArgs { in_memory: true, ..ServeArgs::default() }
}

fn load(text: &str) -> Result<Settings, String> {
    let file = parse(text, Path::new("inferboard.toml"));
    file.and_then(|file| Settings::join(&args(), file)).map_err(|error| error.to_string())
}

fn error_of(args: &ServeArgs) -> String {
    Settings::join(args, File::default()).expect_err("an error").to_string()
}

#[test]
fn everything_has_a_default() {
    let settings = load("").expect("defaults");
    assert_eq!(settings.web.listen.to_string(), "127.0.0.1:7117");
    assert_eq!(settings.limits.retention_ms, 15 * 86_400_000);
    assert_eq!(settings.pace, Pace { interval: Duration::from_secs(5), timeout: Duration::from_secs(5) });
    assert!(settings.discovery && settings.targets.fixed.is_empty());
}

#[test]
fn the_socket_of_containers_is_dockers_another_or_none() {
    let socket = |text: &str| load(text).expect(text).container_socket.map(|path| path.display().to_string());
    assert_eq!(socket("").as_deref(), Some("/var/run/docker.sock"));
    assert_eq!(socket("container_socket = \"/run/podman/podman.sock\"").as_deref(), Some("/run/podman/podman.sock"));
    assert_eq!(socket("container_socket = false"), None);
    let error = load("container_socket = 7").expect_err("a number");
    assert!(error.contains("expected the path of a socket, or false for none"), "{error}");
}

#[test]
fn a_file_sets_everything() {
    let settings = load(
        r#"
        listen = "[::1]:0"
        retention = "1y"
        scrape_interval = "30s"
        allowed_hosts = ["gpubox"]
        [[targets]]
        url = "https://gpu1/"
        model = "m"
        environment = "e"
        deployment = "d"
        replica = "r"
        job = "j"
        scrape_interval = "1m"
        scrape_timeout = "20s"
        authorization = { credentials = "hf_CANARY" }
        [[targets]]
        url = "http://gpu2:8000/v1?token=CANARY"
        metrics_path = "/prometheus/metrics"
        "#,
    )
    .expect("a configuration");
    assert_eq!(settings.limits.retention_ms, 365 * 86_400_000);
    assert_eq!(settings.pace.timeout, Duration::from_secs(10));
    assert!(!settings.discovery, "a configured target may be one that discovery would find again");
    let [one, two] = &settings.targets.fixed[..] else { panic!("{:?}", settings.targets.fixed) };
    assert_eq!(one.key(), "https://gpu1/metrics");
    assert_eq!(one.pace, Pace { interval: Duration::from_secs(60), timeout: Duration::from_secs(20) });
    assert_eq!(
        one.identity,
        Identity {
            job: Some("j".into()),
            instance: "gpu1:443".into(),
            model: Some("m".into()),
            environment: Some("e".into()),
            deployment: Some("d".into()),
            replica: Some("r".into()),
            is_certainly_replica: true,
            ..Identity::default()
        }
    );
    assert_eq!(two.key(), "http://gpu2:8000/prometheus/metrics?token=CANARY");
    assert_eq!(two.identity.replica.as_deref(), Some("gpu2:8000"));
    assert!(!format!("{settings:?}").contains("CANARY"), "{settings:?}");
}

#[test]
fn a_target_is_no_replica_if_the_file_says_so() {
    let replica = |line: &str| {
        let settings = load(&format!("[[targets]]\nurl = \"http://h:1\"\n{line}")).expect("a configuration");
        let identity = &settings.targets.fixed[0].identity;
        (identity.replica.clone(), identity.is_certainly_replica)
    };
    assert_eq!(replica("replica = false"), (None, false));
    assert_eq!(replica("replica = true"), (Some("h:1".into()), true));
    assert_eq!(replica("replica = \"r\""), (Some("r".into()), true));
    assert_eq!(replica(""), (Some("h:1".into()), false));
    let error = load("[[targets]]\nurl = \"http://h:1\"\nreplica = 7").expect_err("a number");
    assert!(error.contains("expected the name of the replica, true, or false"), "{error}");
}

#[test]
fn hosted_endpoints_are_targets() {
    let settings = load(
        r#"
        file_sd = ["/etc/inferboard/*.json"]
        [[huggingface]]
        namespace = "acme"
        name = "llama"
        authorization = { credentials = "hf_CANARY" }
        [[baseten]]
        shared_as = "all"
        authorization = { credentials = "bt_CANARY" }
        scope_labels = { replica = ["pod"] }
        "#,
    )
    .expect("a configuration");
    assert!(!settings.discovery && !settings.targets.files.is_empty());
    let [metrics, state, baseten] = &settings.targets.fixed[..] else { panic!("{:?}", settings.targets.fixed) };
    let base = "https://api.endpoints.huggingface.cloud/v2/endpoint/acme/llama";
    assert_eq!((metrics.key(), state.key()), (&*format!("{base}/open-metrics"), base));
    assert_eq!(metrics.source.shared_name(), Some("llama"));
    assert_eq!(metrics.identity.rules.replica, ["replica_id"]);
    assert_eq!(metrics.pace.interval, Duration::from_secs(15));
    assert_eq!(baseten.key(), "https://app.baseten.co/metrics");
    assert_eq!(baseten.source.shared_name(), Some("all"));
    assert_eq!(baseten.pace, Pace { interval: Duration::from_secs(60), timeout: Duration::from_secs(10) });
    assert_eq!(baseten.identity.rules.deployment, ["deployment_id"]);
    assert_eq!(baseten.identity.rules.replica, ["pod"]);
    assert!(!format!("{settings:?}").contains("CANARY"), "{settings:?}");
}

#[test]
fn a_cluster_is_a_target_for_each_namespace() {
    let settings = load(
        r#"
        [[kubernetes]]
        context = "prod"
        namespaces = ["chat", "*"]
        selector = "app=vllm"
        port = "metrics"
        model = "m"
        pod_labels = { deployment = ["version"] }
        download_containers = ["fetch-*"]
        [[kubernetes]]
        port = 9000
        "#,
    )
    .expect("a configuration");
    let places: Vec<_> =
        settings.targets.fixed.iter().map(|target| (target.key(), target.identity.job.as_deref())).collect();
    let job = Some("kubernetes");
    assert_eq!(places, [("prod/chat/app=vllm", job), ("prod/*/app=vllm", job), ("cluster/default", job)]);
    let spec = settings.targets.clusters[0].cluster.spec();
    assert_eq!((&spec.port, spec.metrics_path.as_str()), (&PortRule::Name("metrics".into()), "/metrics"));
    assert_eq!((spec.fixed.model.as_deref(), spec.rules.deployment.len()), (Some("m"), 1));
    assert!(spec.download_containers.iter().any(|pattern| pattern.matches("fetch-weights")));
    let again = load("[[kubernetes]]\nport = 9000").expect("a configuration");
    let spec = |settings: &Settings, at: usize| settings.targets.clusters[at].cluster.spec().clone();
    assert_eq!(spec(&settings, 2), spec(&again, 0), "a reload does not restart the watch");
    assert!(!settings.discovery);
}

#[test]
fn the_data_directory_comes_from_the_flag_or_the_file() {
    let file = || parse("data_dir = \"/srv/a\"\nretention_bytes = 1000", Path::new("inferboard.toml"));
    let settings = Settings::join(&ServeArgs::default(), file().expect("a file")).expect("settings");
    assert_eq!(settings.data_dir.as_deref(), Some(Path::new("/srv/a")));
    assert_eq!(settings.limits.size_bytes, 1000);
    let flag = ServeArgs { data_dir: Some("/srv/b".into()), ..ServeArgs::default() };
    let settings = Settings::join(&flag, file().expect("a file")).expect("settings");
    assert_eq!(settings.data_dir.as_deref(), Some(Path::new("/srv/b")));
    assert_eq!(Settings::join(&args(), file().expect("a file")).expect("settings").data_dir, None);
}

#[test]
fn flags_override_the_file() {
    let args = ServeArgs {
        listen: Some("127.0.0.1:1".into()),
        retention: Some("1h".into()),
        scrape_interval: Some("2s".into()),
        targets: vec!["http://a:1".into(), "http://b:2/m".into()],
        models: vec!["one".into()],
        ..args()
    };
    let file =
        parse("listen = \"127.0.0.1:2\"\nretention = \"2h\"\nscrape_interval = \"3s\"", Path::new("f")).expect("toml");
    let settings = Settings::join(&args, file).expect("settings");
    assert_eq!(settings.web.listen.to_string(), "127.0.0.1:1");
    assert_eq!(settings.limits.retention_ms, 3_600_000);
    assert_eq!(settings.pace.interval, Duration::from_secs(2));
    let keys: Vec<_> =
        settings.targets.fixed.iter().map(|target| (target.key(), target.identity.model.as_deref())).collect();
    assert_eq!(keys, [("http://a:1/metrics", Some("one")), ("http://b:2/m", Some("one"))]);
}

#[test]
fn models_belong_to_targets_in_their_order() {
    let targets = |models: &[&str]| {
        let models = models.iter().map(|model| (*model).to_owned()).collect();
        let args = ServeArgs { targets: vec!["http://a:1".into(), "http://b:2".into()], models, ..args() };
        let settings = Settings::join(&args, File::default())?;
        Ok(settings.targets.fixed.iter().map(|target| target.identity.model.clone()).collect::<Vec<_>>())
    };
    let models = |models: &[&str]| targets(models).map_err(|error: ConfigError| error.to_string());
    assert_eq!(models(&[]).expect("none"), [None, None]);
    assert_eq!(models(&["x", "y"]).expect("both"), [Some("x".into()), Some("y".into())]);
    assert!(models(&["x", "y", "z"]).expect_err("three").contains("3 models for 2 targets"));
    assert!(error_of(&ServeArgs { models: vec!["x".into()], ..args() }).contains("--model"));
}

#[test]
fn listening_on_the_network_must_be_allowed() {
    let open = ServeArgs { listen: Some("0.0.0.0:7117".into()), ..args() };
    assert!(error_of(&open).contains("--allow-open-network"));
    assert!(Settings::join(&ServeArgs { allow_open_network: true, ..open }, File::default()).is_ok());
    assert!(load("listen = \"10.0.0.1:1\"\nallow_open_network = true").is_ok());
}

#[test]
fn errors_name_the_setting_and_quote_no_secrets() {
    for (text, expected) in [
        ("listen = \"localhost\"", "listen: \"localhost\" is not an address and port"),
        ("retentoin = \"1d\"", "inferboard.toml:1:1: unknown field `retentoin`"),
        ("\nretention = \"soon\"", "inferboard.toml:2:13: cannot parse \"soon\" to a valid duration"),
        ("retention = \"0s\"", "is not a positive duration"),
        (
            "scrape_interval = \"5s\"\nscrape_timeout = \"6s\"",
            "scrape_timeout: 6s is longer than the scrape interval, 5s",
        ),
        ("[[targets]]\nurl = \"gpu1:8000\"", "target 1: the URL must begin with http:// or https://"),
        ("[[targets]]\nurl = \"http://\"", "target 1: the URL is invalid"),
        ("[[targets]]", "target 1: the URL is invalid"),
        ("[[targets]]\nurl = \"http://u:pw_CANARY@h/\"", "target 1: the URL contains a user name or password; use"),
        (
            "[[targets]]\nurl = \"http://h\"\n[[targets]]\nurl = \"http://h:80/metrics\"",
            "target 2: h:80 is configured twice",
        ),
        (
            "[[targets]]\nurl = \"http://h/a\"\n[[targets]]\nurl = \"http://h/b\"",
            "target 2: its series would have the same labels",
        ),
        (
            "[[targets]]\nurl = \"http://h\"\nauthorization = {}",
            "target 1: authorization: set exactly one of credentials, credentials_file and",
        ),
        (
            "[[targets]]\nurl = \"http://h\"\nauthorization = { credential = \"hf_CANARY\" }",
            "unknown field `credential`",
        ),
        (
            "[[targets]]\nurl = \"http://h\"\nauthorization = \"hf_CANARY\"",
            "inferboard.toml:3:17: expected a table with credentials",
        ),
        (
            "[[targets]]\nurl = \"http://h\"\nauthorization = { credentials_file = \"no/such/file\" }",
            "cannot read no/such/file",
        ),
        (
            "[[targets]]\nurl = \"http://h\"\nauthorization = { credentials_env = \"INFERBOARD_NOT_SET\" }",
            "target 1: authorization: the environment variable INFERBOARD_NOT_SET is not set",
        ),
        (
            "[[targets]]\nurl = \"http://h\"\nlabels = { model = \"m\" }",
            "target 1: labels: \"model\" has a setting of its own",
        ),
        (
            "[[targets]]\nurl = \"http://h\"\nlabels = { a-b = \"m\" }",
            "target 1: labels: \"a-b\" is not a valid label name",
        ),
        ("[[huggingface]]\nname = \"e\"", "huggingface: set namespace and name"),
        ("[[baseten]]\nenvironment_label = \"no\"", "unknown field `environment_label`"),
        (
            "[[huggingface]]\nnamespace = \"n\"\nname = \"a b\"\nauthorization = { credentials = \"hf_CANARY\" }",
            "huggingface n/a b: shared_as: \"a b\" cannot be part of a URL",
        ),
        (
            "[[baseten]]\nscrape_interval = \"5s\"\nscrape_timeout = \"5s\"",
            "baseten: Baseten allows six requests a minute; set scrape_interval to 12s or more",
        ),
        (
            "[[baseten]]\nauthorization = { credentials = \"hf_CANARY\" }\nshared_as = \"x\"\n\
             [[baseten]]\nauthorization = { credentials = \"b\" }\nurl = \"http://b\"\nshared_as = \"x\"",
            "baseten: two endpoints are shared as \"x\"",
        ),
        ("frame_ancestors = [\"*\"]", "frame_ancestors: \"*\" is not an origin"),
        ("frame_ancestors = [\"self\"]", "frame_ancestors: \"self\" is not an origin"),
        ("frame_ancestors = [\"https://a.example; script-src *\"]", "is not an origin"),
        ("cors_origins = [\"null\"]", "cors_origins: \"null\" is not an origin"),
        ("cors_origins = [\"https://a.example/\"]", "is not an origin; write it as browsers do"),
        ("[[kubernetes]]\nscheme = \"ftp\"", "kubernetes: scheme: \"ftp\" is neither http nor https"),
        ("[[kubernetes]]\nport = -1", "expected a port number or name"),
        ("[[kubernetes]]\ndownload_containers = [\"a[\"]", "kubernetes: download_containers: \"a[\": "),
        ("[[kubernetes]]\n[[kubernetes]]", "kubernetes: cluster/default is configured twice"),
        ("file_sd = [\"a[\"]", "file_sd: \"a[\": "),
        ("listen = \"hf_CANARY", "inferboard.toml:1:"),
    ] {
        let error = load(text).expect_err(text);
        assert!(error.contains(expected), "{text}: {error}");
        assert!(!error.contains("CANARY"), "{error}");
    }
}

#[test]
fn errors_about_the_http_server_name_the_setting() {
    for (text, expected) in [
        ("listen = \"unix:\"", "listen: name the path of the socket"),
        ("socket_mode = \"rw\"", "socket_mode: \"rw\" is not a mode of a file in octal digits"),
        ("socket_mode = \"0060\"", "socket_mode: \"0060\" is not a mode"),
        ("socket_mode = \"4660\"", "socket_mode: \"4660\" is not a mode"),
        ("base_path = \"tab\"", "base_path: \"tab\" does not begin with a slash"),
        ("base_path = \"/metrics/\"", "base_path: \"/metrics/\" is, or is below, /metrics"),
        ("trusted_proxies = [\"0.0.0.0/0\"]", "trusted_proxies: \"0.0.0.0/0\" is everyone"),
        ("trusted_proxies = [\"proxy\"]", "trusted_proxies: \"proxy\" is neither an address nor a network"),
        ("user_header = \"X-User\"", "user_header: \"X-User\" counts only if a proxy sends it"),
        ("user_header = \"a b\"\ntrusted_proxies = [\"::1\"]", "user_header: \"a b\" is not the name of a header"),
        (
            "user_header = \"Cookie\"\ntrusted_proxies = [\"::1\"]",
            "user_header: \"Cookie\" is a header that every client",
        ),
        ("user_role = \"write\"", "user_role: it says what people may do whom user_header names"),
        ("user_role = \"admin\"", "inferboard.toml:1:"),
    ] {
        let error = load(text).expect_err(text);
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn a_missing_file_is_named() {
    let args = ServeArgs { config: Some("no/such.toml".into()), ..args() };
    assert!(Settings::load(&args).expect_err("absent").to_string().starts_with("cannot read no/such.toml"));
}

#[test]
fn the_machine_is_read_from_the_configured_mount_points() {
    let settings = |text: &str, args: ServeArgs| {
        let file = parse(text, "inferboard.toml".as_ref()).expect("a file");
        let settings = Settings::join(&args, file).expect("settings");
        let gpus =
            settings.gpus.map(|gpus| (gpus.library.into_string().expect("text"), gpus.sample_interval.as_millis()));
        (gpus, settings.host_paths.root, settings.host_paths.sys)
    };
    let here = (Some("/".into()), PathBuf::from("/sys"));
    let (gpus, root, sys) = settings("", args());
    assert_eq!((gpus, (root, sys)), (Some(("libnvidia-ml.so.1".into(), 1000)), here));
    let text =
        "nvml_library = \"/n.so\"\ngpu_sample_interval = \"250ms\"\nprocfs = \"/host/proc\"\nsysfs = \"/host/sys\"";
    let (gpus, root, sys) = settings(text, args());
    // If the machine's /proc is mounted elsewhere, / here is not the machine's.
    assert_eq!((gpus, root, sys), (Some(("/n.so".into(), 250)), None, "/host/sys".into()));
    let flags = ServeArgs { nvml_library: Some("/f.so".into()), ..args() };
    assert_eq!(settings(&format!("{text}\nrootfs = \"/host\""), flags).1, Some("/host".into()));
    assert_eq!(settings("gpus = false", args()).0, None);
    assert_eq!(settings("", ServeArgs { no_gpus: true, ..args() }).0, None);
}
