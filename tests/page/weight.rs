//! What the page weighs when it is fetched.
use inferboard_tests::{Companion, Result};
use regex::Regex;
use reqwest::Client;
use reqwest::header::ACCEPT_ENCODING;

/// Bytes of all files of the page as the companion sends them, packed by brotli. ARCHITECTURE.md says what keeps it
/// there.
const MAX_BYTES: usize = 400_000;

#[tokio::test]
async fn all_files_of_the_page_stay_below_their_limit() -> Result<()> {
    let companion = Companion::configured("").await?;
    let client = Client::builder().no_gzip().build().expect("a client");
    let fetch = async |name: &str, encoding: &str| {
        let request = client.get(format!("{}/{name}", companion.url())).header(ACCEPT_ENCODING, encoding);
        let answer = request.send().await.and_then(reqwest::Response::error_for_status).expect("a file of the page");
        answer.bytes().await.expect("its body")
    };
    let named = Regex::new(r#""\./([^"/]+)""#).expect("a pattern");
    let mut names = vec![String::new()];
    let mut total = 0;
    // The page names its files, and the boot script those that it fetches.
    while let Some(name) = names.pop() {
        let packed = fetch(&name, "br").await.len();
        println!("{packed:>8} {name}");
        total += packed;
        if name.is_empty() || name.starts_with("boot-") {
            let text = fetch(&name, "identity").await;
            let text = String::from_utf8_lossy(&text);
            names.extend(named.captures_iter(&text).map(|found| found[1].to_owned()));
        }
    }
    assert!(total > 100_000, "the page was not found whole: {total} bytes");
    assert!(total <= MAX_BYTES, "the page weighs {total} bytes, and may weigh {MAX_BYTES}");
    Ok(())
}
