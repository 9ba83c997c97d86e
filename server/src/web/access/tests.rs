//! Tests of who may read, and of sessions.
use crate::config::secret_file;
use crate::web::access::session::LENGTH_S;
use crate::web::access::{Access, Keyring, Role};
use crate::web::base_path::BasePath;
use crate::web::listen::address::ListenAddress;
use axum::http::HeaderValue;
use axum::http::header::{COOKIE, HeaderMap};
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 7));
const NOW_MS: i64 = 1_795_000_000_000;

/// A keyring with a token for each role, in files of `folder`.
fn keyring(folder: &Path, port: u16) -> Keyring {
    let file = |name: &str| {
        let path = folder.join(name);
        if !path.exists() {
            std::fs::write(&path, format!("{name}-0123456789abcdef\n")).expect("a file");
        }
        Some(secret_file::open(&path).expect("a file"))
    };
    let access = Access {
        read: file("read"),
        write: file("write"),
        metrics: file("metrics"),
        user: None,
        write_on_loopback: false,
    };
    Keyring::new(access, &ListenAddress::Network(([127, 0, 0, 1], port).into()), BasePath::default())
}

/// The headers of a browser with the session that a role begins.
async fn session(keyring: &Keyring, role: Role) -> HeaderMap {
    let cookie = keyring.session_cookie(role, false, NOW_MS).await.expect("a cookie");
    let cookie = cookie.to_str().expect("text").split(';').next().expect("a pair").to_owned();
    cookies(&format!("theme=dark; {cookie}; other=1"))
}

fn cookies(text: &str) -> HeaderMap {
    HeaderMap::from_iter([(COOKIE, HeaderValue::from_str(text).expect("a header"))])
}

#[tokio::test]
async fn each_token_has_its_role_and_no_other_text_has_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let keyring = keyring(folder.path(), 7117);
    for (token, role) in [("metrics", Role::Metrics), ("read", Role::Read), ("write", Role::Write)] {
        let token = format!("{token}-0123456789abcdef");
        assert_eq!(keyring.role_of(CLIENT, token.as_bytes()).await, Ok(role));
    }
    let refused = keyring.role_of(CLIENT, b"read-0123456789abcdeX").await.expect_err("a refusal");
    assert!(refused.message.contains("write_token_file or read_token_file or metrics_token_file"), "{refused}");
    for _ in 0..9 {
        assert_eq!(keyring.role_of(CLIENT, b"guess").await.map_err(|refused| refused.status.as_u16()), Err(403));
    }
    assert_eq!(keyring.role_of(CLIENT, b"guess").await.map_err(|refused| refused.status.as_u16()), Err(429));
}

#[tokio::test]
async fn a_session_lasts_a_month_and_ends_with_its_token() {
    let folder = tempfile::tempdir().expect("a folder");
    let keyring = keyring(folder.path(), 7117);
    for role in [Role::Read, Role::Write] {
        let headers = session(&keyring, role).await;
        for (after_s, found) in [(0, Some(role)), (LENGTH_S - 1, Some(role)), (LENGTH_S, None), (-2, None)] {
            let now_ms = NOW_MS + after_s * 1000;
            assert_eq!(keyring.session_role(&headers, now_ms).await, found, "{after_s} s later");
        }
    }
    let (reader, writer) = (session(&keyring, Role::Read).await, session(&keyring, Role::Write).await);
    std::fs::write(folder.path().join("read"), "another-0123456789abcdef").expect("a file");
    assert_eq!(keyring.session_role(&reader, NOW_MS).await, None, "the token has changed");
    assert_eq!(keyring.session_role(&writer, NOW_MS).await, Some(Role::Write), "that of writers has not");
    std::fs::write(folder.path().join("write"), "short").expect("a file");
    assert_eq!(keyring.session_role(&writer, NOW_MS).await, None);
}

#[tokio::test]
async fn what_was_not_signed_begins_no_session() {
    let folder = tempfile::tempdir().expect("a folder");
    let (own, other) = (keyring(folder.path(), 7117), keyring(folder.path(), 7118));
    let headers = session(&own, Role::Read).await;
    assert_eq!(other.session_role(&headers, NOW_MS).await, None, "it is another server's cookie");
    let text = headers.get(COOKIE).and_then(|value| value.to_str().ok()).expect("a cookie").to_owned();
    let raised = text.replace("read_token_file", "write_token_file");
    let value = text.split("inferboard-7117=").nth(1).and_then(|rest| rest.split(';').next()).expect("a value");
    let signature = value.rsplit('.').next().expect("a signature");
    for forged in [
        raised,
        text.replace(signature, &signature[2..]),
        text.replace(signature, &format!("{signature}00")),
        text.replace(signature, ""),
        text.replace(signature, &format!("{signature}.x")),
        text.replace(signature, &signature.replace(|digit: char| digit != '0', "0")),
        "inferboard-7117=".into(),
        "inferboard-7117=read_token_file.9999999999.é".into(),
    ] {
        let Ok(value) = HeaderValue::from_bytes(forged.as_bytes()) else { continue };
        let headers = HeaderMap::from_iter([(COOKIE, value)]);
        assert_eq!(own.session_role(&headers, NOW_MS).await, None, "{forged}");
    }
    // Time that is longer than a session lasts was not signed by this server.
    assert_eq!(own.session_role(&cookies(&text), NOW_MS - 10_000).await, None);
}
