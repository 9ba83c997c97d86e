//! Tests of who may write.
use crate::config::secret_file;
use crate::web::access::write_right::WriteRight;
use crate::web::access::{Access, Keyring, UserRole};
use crate::web::arrival::Arrival;
use crate::web::base_path::BasePath;
use crate::web::listen::address::ListenAddress;
use crate::web::peers::NO_ADDRESS;
use axum::http::HeaderValue;
use axum::http::header::{HOST, HeaderMap, HeaderName};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const AWAY: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 7));
const TOKEN: &str = "0123456789abcdef";

fn right(token: Option<&str>, on_loopback: bool) -> (WriteRight, tempfile::NamedTempFile) {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), format!("{}\n", token.unwrap_or_default())).expect("a file");
    let token = token.map(|_| secret_file::open(file.path()).expect("a file"));
    let access = Access { read: None, write: token, metrics: None, user: None, write_on_loopback: on_loopback };
    let address = ListenAddress::Network(([127, 0, 0, 1], 7117).into());
    (WriteRight::new(Arc::new(Keyring::new(access, &address, BasePath::default()))).expect("a key"), file)
}

/// The status with which a request is refused, or 200. `KEY` stands for the right key.
async fn status(right: &WriteRight, client: IpAddr, headers: &[(&str, &str)]) -> u16 {
    let header = |(name, value): &(&str, &str)| {
        let value = value.replace("KEY", &right.key);
        (HeaderName::try_from(*name).expect("a name"), HeaderValue::try_from(value).expect("a value"))
    };
    let headers: HeaderMap = headers.iter().map(header).collect();
    right.check(&Arrival::direct(client), &headers).await.map_or_else(|refusal| refusal.status.as_u16(), |()| 200)
}

#[tokio::test]
async fn on_loopback_the_key_is_enough() {
    let (right, _file) = right(None, true);
    let key = ("write-key", "KEY");
    for host in ["localhost:7117", "127.0.0.1:7117", "[::1]:7117", "LOCALHOST"] {
        assert_eq!(status(&right, HERE, &[("host", host), key]).await, 200, "{host}");
        let origin = format!("http://{host}");
        assert_eq!(status(&right, HERE, &[("host", host), ("origin", &origin), key]).await, 200, "{host}");
    }
    assert_eq!(
        status(&right, "::ffff:127.0.0.1".parse().expect("an address"), &[("host", "localhost"), key]).await,
        200
    );
    assert_eq!(status(&right, HERE, &[("host", "localhost")]).await, 401);
    assert_eq!(status(&right, HERE, &[("host", "localhost"), ("write-key", "")]).await, 403);
    assert_eq!(status(&right, HERE, &[("host", "localhost"), ("write-key", "KEYx")]).await, 403);
    assert_eq!(status(&right, AWAY, &[("host", "localhost"), key]).await, 401, "another machine");
    assert_eq!(
        status(&right, NO_ADDRESS, &[("host", "localhost"), key]).await,
        401,
        "by the socket, where proxies are"
    );
    assert_eq!(status(&right, HERE, &[("host", "dash.example"), key]).await, 401, "a proxy");
    let local = HeaderMap::from_iter([(HOST, HeaderValue::from_static("localhost"))]);
    let passed_on = Arrival { is_passed_on: true, ..Arrival::direct(HERE) };
    assert!(right.key_for(&passed_on, &local).await.is_err(), "a proxy that adds no header");
    for name in ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via"] {
        assert_eq!(status(&right, HERE, &[("host", "localhost"), (name, "x"), key]).await, 401, "{name}");
    }
}

#[tokio::test]
async fn no_page_of_another_origin_can_write() {
    let (right, _file) = right(Some(TOKEN), true);
    let bearer = format!("Bearer {TOKEN}");
    for credentials in [("write-key", "KEY"), ("authorization", bearer.as_str())] {
        let host = ("host", "localhost:7117");
        for foreign in [
            &[("sec-fetch-site", "cross-site")][..],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")],
            &[("origin", "http://evil.example")],
            &[("origin", "http://localhost:8080")],
            &[("origin", "null")],
        ] {
            let headers: Vec<_> = foreign.iter().copied().chain([host, credentials]).collect();
            assert_eq!(status(&right, HERE, &headers).await, 403, "{headers:?}");
        }
        let own = [("sec-fetch-site", "same-origin"), ("origin", "http://localhost:7117"), host, credentials];
        assert_eq!(status(&right, HERE, &own).await, 200);
    }
    // A proxy that rewrites the host: the browser's word for the same origin counts, but it is not loopback.
    let proxied = [("sec-fetch-site", "same-origin"), ("origin", "https://dash.example"), ("host", "127.0.0.1:7117")];
    let with = |header| proxied.iter().copied().chain([header]).collect::<Vec<_>>();
    assert_eq!(status(&right, HERE, &with(("write-key", "KEY"))).await, 401);
    assert_eq!(status(&right, HERE, &with(("authorization", &bearer))).await, 200);
}

#[tokio::test]
async fn elsewhere_a_token_is_enough() {
    let (right, file) = right(Some(TOKEN), true);
    let host = ("host", "gpubox:7117");
    let bearer = |token: &str| format!("bearer {token}");
    assert_eq!(status(&right, AWAY, &[host, ("authorization", &bearer(TOKEN))]).await, 200);
    assert_eq!(status(&right, AWAY, &[host]).await, 401);
    assert_eq!(status(&right, AWAY, &[host, ("authorization", "Basic abc")]).await, 401, "a proxy's login");
    for wrong in ["", "0123456789abcde", "0123456789abcdef0", "0123456789abcdeX"] {
        assert_eq!(status(&right, AWAY, &[host, ("authorization", &bearer(wrong))]).await, 403, "{wrong}");
    }
    // A new token needs no restart, and an empty file allows nothing.
    std::fs::write(file.path(), "fedcba9876543210").expect("a file");
    assert_eq!(status(&right, AWAY, &[host, ("authorization", &bearer("fedcba9876543210"))]).await, 200);
    for short in ["", "short"] {
        std::fs::write(file.path(), short).expect("a file");
        assert_eq!(status(&right, AWAY, &[host, ("authorization", &bearer(short))]).await, 403, "{short:?}");
    }
}

#[tokio::test]
async fn wrong_tries_are_limited_for_each_client() {
    let (right, _file) = right(Some(TOKEN), true);
    let host = ("host", "gpubox:7117");
    let mut statuses = Vec::new();
    for _ in 0..12 {
        statuses.push(status(&right, AWAY, &[host, ("authorization", "Bearer wrong")]).await);
    }
    assert_eq!((&statuses[..10], &statuses[10..]), (&[403; 10][..], &[429; 2][..]));
    let right_one = format!("Bearer {TOKEN}");
    assert_eq!(status(&right, AWAY, &[host, ("authorization", &right_one)]).await, 429);
    assert_eq!(status(&right, HERE, &[host, ("authorization", &right_one)]).await, 200);
}

#[tokio::test]
async fn a_refusal_says_what_to_configure() {
    for (token, on_loopback, expected) in [
        (None, true, "set write_token_file in the configuration"),
        (None, false, "write_on_loopback = false"),
        (Some(TOKEN), true, "Authorization: Bearer"),
    ] {
        let (right, _file) = right(token, on_loopback);
        let headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static("gpubox"))]);
        let refused = right.key_for(&Arrival::direct(AWAY), &headers).await.expect_err("a refusal");
        assert!(refused.message.contains(expected), "{}", refused.message);
        assert_eq!(right.check(&Arrival::direct(AWAY), &headers).await, Err(refused));
        let local = HeaderMap::from_iter([(HOST, HeaderValue::from_static("localhost"))]);
        assert_eq!(right.key_for(&Arrival::direct(HERE), &local).await.is_ok(), on_loopback);
    }
}

#[tokio::test]
async fn whom_a_proxy_has_signed_in_writes_only_if_that_is_configured() {
    for (role, expected) in [(None, Err(401)), (Some(UserRole::Read), Err(401)), (Some(UserRole::Write), Ok(()))] {
        let access = Access { read: None, write: None, metrics: None, user: role, write_on_loopback: true };
        let address = ListenAddress::Network(([127, 0, 0, 1], 7117).into());
        let right = WriteRight::new(Arc::new(Keyring::new(access, &address, BasePath::default()))).expect("a key");
        let hosts = vec!["dash.example".to_owned()];
        let arrival = Arrival { has_user: true, hosts, ..Arrival::direct(AWAY) };
        let headers = |origin: &'static str| {
            let pairs = [("host", "127.0.0.1:7117"), ("origin", origin), ("x-forwarded-host", "dash.example")];
            let pairs = pairs.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
            pairs.into_iter().collect::<HeaderMap>()
        };
        let checked = async |arrival: &Arrival, origin| {
            right.check(arrival, &headers(origin)).await.map_err(|refused| refused.status.as_u16())
        };
        assert_eq!(checked(&arrival, "https://dash.example").await, expected, "{role:?}");
        assert_eq!(checked(&arrival, "https://evil.example").await, Err(403), "{role:?}");
        let direct = Arrival { hosts: Vec::new(), ..Arrival::direct(AWAY) };
        assert_eq!(checked(&direct, "https://dash.example").await, Err(403), "nobody is believed: {role:?}");
    }
}
