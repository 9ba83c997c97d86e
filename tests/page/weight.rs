//! The size of the page as it is downloaded.
use inferboard_tests::{Companion, Result};
use regex::Regex;
use reqwest::Client;
use reqwest::header::ACCEPT_ENCODING;

/// The limit on all files of the page together, in bytes compressed with brotli. ARCHITECTURE.md has the rules that
/// keep the page below it.
const MAX_BYTES: usize = 523_000;

#[tokio::test]
async fn the_page_stays_below_its_size_limit() -> Result<()> {
    let companion = Companion::configured("").await?;
    let client = Client::builder().no_gzip().build().expect("a client");
    let fetch = async |name: &str, encoding: &str| {
        let request = client.get(format!("{}/{name}", companion.url())).header(ACCEPT_ENCODING, encoding);
        let answer = request.send().await.and_then(reqwest::Response::error_for_status).expect("a file of the page");
        answer.bytes().await.expect("its body")
    };
    let file_name = Regex::new(r#""\./([^"/]+)""#).expect("a pattern");
    let mut names = vec![String::new()];
    let mut total = 0;
    // The index names its files, and the boot script names the files that it fetches.
    while let Some(name) = names.pop() {
        let compressed = fetch(&name, "br").await.len();
        println!("{compressed:>8} {name}");
        total += compressed;
        if name.is_empty() || name.starts_with("boot-") {
            let text = fetch(&name, "identity").await;
            let text = String::from_utf8_lossy(&text);
            names.extend(file_name.captures_iter(&text).map(|captures| captures[1].to_owned()));
        }
    }
    assert!(total > 100_000, "some files of the page were not found: {total} bytes");
    assert!(total <= MAX_BYTES, "the page has {total} bytes, and its limit is {MAX_BYTES}");
    Ok(())
}
