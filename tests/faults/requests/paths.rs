//! Rows S30 to S33, S40, S41 and S66: paths, what is exposed, and who may read what is at rest.
use crate::outcome::Outcome;
use crate::subject::{Setup, Subject, program};
use crate::wire::{get, get_with, send};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

/// S30: no path reaches the file system.
pub(crate) fn no_path_reaches_a_file() -> Outcome {
    let subject = Subject::companion(&Setup::default());
    let ups = [
        "../",
        "..\\",
        "..%2f",
        "..%5c",
        "%2e%2e/",
        "%2e%2e%2f",
        "%252e%252e%252f",
        "..%c0%af",
        "..%ef%bc%8f",
        "....//",
        "..;/",
        "..%00/",
    ];
    let files = ["etc/passwd", "etc%2fpasswd", "proc/self/environ", "etc/passwd%00.html"];
    let (mut tried, mut wrong) = (0, Vec::new());
    for prefix in ["/", "/assets/", "/api/v1/label/", "/openmetrics/", "/api/v1/", "/./"] {
        for up in ups {
            for (depth, file) in [1, 3, 8].into_iter().flat_map(|depth| files.map(|file| (depth, file))) {
                let path = format!("{prefix}{}{file}", up.repeat(depth));
                let answer = get(subject.address, &path);
                tried += 1;
                let text = answer.text();
                if text.contains("root:x:0:0") || text.contains("PATH=") || ![400, 404, 414].contains(&answer.status) {
                    wrong.push(format!("{path}: {}", answer.status));
                }
            }
        }
    }
    Outcome::of(wrong.is_empty(), format!("{tried} paths, wrong: {:?}", wrong.get(..3.min(wrong.len()))))
}

/// S31: a path that is not in its one form has no answer.
pub(crate) fn paths_have_one_form() -> Outcome {
    let subject = Subject::companion(&Setup::default());
    let paths = [
        "//api/v1/query?query=1",
        "/api//v1/query?query=1",
        "/api/v1/./query?query=1",
        "/api/v1/x/../query?query=1",
        "/api/v1/%71uery?query=1",
        "/API/V1/QUERY?query=1",
        "/api/v1/query/?query=1",
        "/api/v1/query;x=1?query=1",
        "/%61pi/v1/query?query=1",
        "/api/v1/label/:name/values",
        "/api/v1/label/%3Aname/values",
        "/openmetrics/:name",
        "/openmetrics/%7Bname%7D",
        "/./metrics",
        "/metrics/",
        "/metrics%00",
    ];
    let statuses = paths.map(|path| get(subject.address, path).status);
    let right = statuses.iter().filter(|status| [400, 404].contains(*status)).count();
    Outcome::of(right == paths.len(), format!("{right} of {} refused", paths.len()))
}

/// S32: nothing redirects elsewhere.
pub(crate) fn nothing_redirects() -> Outcome {
    let subject = Subject::companion(&Setup::default());
    let places = [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "/%2f%2fevil.example",
        "//evil.example/%2e%2e",
        "javascript:alert(1)",
        "/%0d%0aLocation:%20//evil.example",
        "///evil.example/..",
        "/.evil.example",
    ];
    let parameters = ["next", "redirect", "url", "return", "continue"];
    let (mut tried, mut wrong) = (0, Vec::new());
    for place in places {
        let by_path = if place.starts_with('/') { place.to_owned() } else { format!("/{place}") };
        let paths = parameters.map(|name| format!("/?{name}={place}"));
        for path in [by_path].iter().chain(&paths) {
            tried += 1;
            let answer = get(subject.address, path);
            if !answer.header("location").is_empty() || answer.head.to_ascii_lowercase().contains("\r\nlocation:") {
                wrong.push(format!("{path}: {}", answer.header("location")));
            }
        }
    }
    Outcome::of(wrong.is_empty(), format!("{tried} addresses, wrong: {wrong:?}"))
}

/// S33: nothing of a request becomes a header, or acts on a terminal from the log.
pub(crate) fn nothing_is_injected() -> Outcome {
    let subject = Subject::companion(&Setup { env: vec![("RUST_LOG".into(), "trace".into())], ..Setup::default() });
    let mut wrong = Vec::new();
    for path in
        ["/%0d%0aSet-Cookie:%20a=b", "/api/v1/query?query=%0d%0aSet-Cookie:%20a=b", "/openmetrics/%0d%0aSet-Cookie:a"]
    {
        let answer = get_with(subject.address, path, "User-Agent: \x1b[2Jx\x07\r\nX-A: \u{2028}\u{202e}\r\n");
        if answer.head.to_ascii_lowercase().contains("\r\nset-cookie") {
            wrong.push(path.to_owned());
        }
    }
    send(subject.address, b"GET / HTTP/1.1\r\nHost: \x1b[31mevil.example\r\n\r\n");
    send(subject.address, b"GET / HTTP/1.1\r\nHost: evil.example\xc2\x9b31m\r\n\r\n");
    let log = subject.log();
    let acting = log.chars().filter(|c| *c != '\n' && c.is_control() || ('\u{2028}'..='\u{202e}').contains(c)).count();
    Outcome::of(
        wrong.is_empty() && acting == 0,
        format!("headers injected: {wrong:?}, {acting} control characters in {} KiB of log", log.len() >> 10),
    )
}

/// S40: there is no page for debugging, for the configuration or for the end of the process.
pub(crate) fn nothing_is_for_debugging() -> Outcome {
    let subject = Subject::companion(&Setup::default());
    let paths = [
        "/debug/pprof/",
        "/debug/pprof/cmdline",
        "/debug/vars",
        "/config",
        "/flags",
        "/-/quit",
        "/-/reload",
        "/env",
        "/.env",
        "/api/v1/admin/tsdb/delete_series",
        "/api/v1/status/config",
        "/api/v1/status/flags",
        "/.git/config",
        "/actuator",
        "/server-status",
        "/console",
        "/api/v1/write",
        "/api/v1/import",
        "/internal/force_flush",
    ];
    let all = paths.iter().flat_map(|path| ["GET", "POST"].map(|method| (method, *path)));
    let statuses: Vec<u16> =
        all.map(|(method, path)| crate::wire::request(subject.address, method, path, "", b"").status).collect();
    let right = statuses.iter().filter(|status| **status == 404).count();
    Outcome::of(right == statuses.len(), format!("{right} of {} are 404", statuses.len()))
}

/// S41: other machines are let in only if someone says so, and then the log says so too.
pub(crate) fn the_network_is_closed() -> Outcome {
    let refused = Command::new(program())
        .args(["--listen", "0.0.0.0:0", "--in-memory"])
        .stdin(Stdio::null())
        .output()
        .expect("the companion");
    let text = String::from_utf8_lossy(&refused.stderr).into_owned();
    let is_refused =
        refused.status.code() == Some(2) && text.contains("--allow-open-network") && text.lines().count() == 1;
    let folder = tempfile::tempdir().expect("a folder");
    let log = fs::File::create(folder.path().join("log")).expect("a log");
    let mut command = Command::new(program());
    command.args(["--listen", "0.0.0.0:0", "--allow-open-network", "--in-memory", "--no-gpus", "--no-discovery"]);
    let mut open = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().expect("the companion");
    thread::sleep(Duration::from_secs(1));
    let _ = open.kill();
    let _ = open.wait();
    let warned = fs::read_to_string(folder.path().join("log")).unwrap_or_default().contains("there is no login");
    Outcome::of(
        is_refused && warned,
        format!("exit {:?} with the flag named: {is_refused}; warned when open: {warned}", refused.status.code()),
    )
}

/// S66: credentials that everyone can read are warned of, and history is the owner's.
pub(crate) fn what_is_at_rest_is_private() -> Outcome {
    let setup = Setup {
        per_target: "authorization = { credentials = \"hf_CANARY\" }".into(),
        ..Setup::of(&["http://127.0.0.1:1/metrics".into()])
    };
    let subject = Subject::companion(&setup);
    let mode = |path: &std::path::Path| fs::metadata(path).map_or(0, |metadata| metadata.permissions().mode() & 0o777);
    let folder_mode = mode(&subject.data());
    let files = fs::read_dir(subject.data()).into_iter().flatten().filter_map(Result::ok);
    let is_private = folder_mode == 0o700 && files.map(|entry| mode(&entry.path())).all(|mode| mode & 0o077 == 0);
    // The folder of this test is the owner's, so its files are not readable by others. A second one is.
    let open = tempfile::tempdir().expect("a folder");
    fs::set_permissions(open.path(), fs::Permissions::from_mode(0o755)).expect("a mode");
    let config = open.path().join("config");
    fs::write(&config, fs::read_to_string(subject.folder.path().join("config")).expect("a file")).expect("a file");
    fs::set_permissions(&config, fs::Permissions::from_mode(0o644)).expect("a mode");
    let mut command = Command::new(program());
    command.args(["--listen", "127.0.0.1:0", "--in-memory", "--no-gpus", "--no-discovery", "--config"]).arg(&config);
    let log = fs::File::create(open.path().join("log")).expect("a log");
    let mut warned = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().expect("the companion");
    thread::sleep(Duration::from_secs(1));
    let _ = warned.kill();
    let _ = warned.wait();
    let is_warned =
        fs::read_to_string(open.path().join("log")).unwrap_or_default().contains("can read the credentials");
    Outcome::of(
        is_private && is_warned,
        format!(
            "folder of history {folder_mode:o}, files private: {is_private}; warned of readable credentials: {is_warned}"
        ),
    )
}
