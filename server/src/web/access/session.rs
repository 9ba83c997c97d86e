//! Sessions: a cookie that says until when a browser has a role, signed with the role's token. Nothing is kept on the
//! server, a restart ends no session, and another token ends all that began with the one before.
use crate::web::access::{Keyring, MIN_TOKEN_BYTES, Role};
use crate::web::frame_policy::hex;
use axum::http::HeaderValue;
use axum::http::header::{COOKIE, HeaderMap};
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// How long a session lasts, in seconds: a month.
pub(super) const LENGTH_S: i64 = 30 * 86_400;

/// What a signature is of besides the role and the time, so that it is of nothing else.
const PURPOSE: &str = "inferboard session 1";

impl Keyring {
    /// The role of a request by its session; none without a valid one.
    pub(crate) async fn session_role(&self, headers: &HeaderMap, now_ms: i64) -> Option<Role> {
        let prefix = format!("{}=", self.cookie_name());
        let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let session =
            cookies.flat_map(|value| value.split(';')).find_map(|cookie| cookie.trim().strip_prefix(&prefix))?;
        let mut parts = session.split('.');
        let (role, until_s, signature) = (parts.next()?, parts.next()?, parts.next()?);
        let role = Role::ALL.into_iter().find(|own| own.key() == role)?;
        let until_s: i64 = until_s.parse().ok()?;
        let is_over = now_ms / 1000 >= until_s || until_s > now_ms / 1000 + LENGTH_S;
        let mac = self.mac(role, until_s).await.filter(|_| !is_over && parts.next().is_none())?;
        mac.verify_slice(&bytes(signature)?).ok().map(|()| role)
    }

    /// The cookie that begins a session, for a browser that may send it over HTTPS only if `is_https`; none if the role's
    /// token cannot be used.
    pub(super) async fn session_cookie(&self, role: Role, is_https: bool, now_ms: i64) -> Option<HeaderValue> {
        let until_s = now_ms / 1000 + LENGTH_S;
        let signature = self.mac(role, until_s).await?.finalize().into_bytes();
        let signature = hex(&signature);
        self.cookie(&format!("{}.{until_s}.{signature}", role.key()), LENGTH_S, is_https)
    }

    /// The cookie that ends a session.
    pub(super) fn ended_cookie(&self, is_https: bool) -> Option<HeaderValue> {
        self.cookie("", 0, is_https)
    }

    fn cookie(&self, value: &str, age_s: i64, is_https: bool) -> Option<HeaderValue> {
        let secure = if is_https { "; Secure" } else { "" };
        // Links from other sites open the page, and so `Lax`; what such a site's pages send themselves is refused anyway.
        let name = self.cookie_name();
        let path = self.base_path.as_str();
        let cookie = format!("{name}={value}; Path={path}; Max-Age={age_s}; HttpOnly; SameSite=Lax{secure}");
        HeaderValue::try_from(cookie).ok()
    }

    /// Cookies are shared by all ports of a machine.
    fn cookie_name(&self) -> String {
        format!("inferboard-{}", self.server)
    }

    /// What signs a session (HMAC, RFC 2104); none if the role has no token that is long enough.
    async fn mac(&self, role: Role, until_s: i64) -> Option<Hmac<Sha256>> {
        let token = self.access.file(role)?.read().await;
        let token = Some(token.expose().as_bytes()).filter(|token| token.len() >= MIN_TOKEN_BYTES)?;
        let mut mac = Hmac::<Sha256>::new_from_slice(token).ok()?;
        mac.update(format!("{PURPOSE}\n{}\n{until_s}", role.key()).as_bytes());
        Some(mac)
    }
}

/// The bytes of hexadecimal digits.
fn bytes(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}
