//! Cases of a JSON file, and what comes of them.
use crate::{differences::DIFFERENCES, place};
use exposition::{Format, Limits, ParseError, for_each_sample};
use serde_json::Value;
use std::fs;

/// The cases of `file`, or none where it is absent.
pub(crate) fn read(file: &str) -> Option<Vec<Value>> {
    let text = fs::read_to_string(place::derived()?.join(file)).expect(file);
    let cases: Vec<Value> = serde_json::from_str(&text).expect(file);
    assert!(!cases.is_empty(), "{file} has no cases");
    Some(cases)
}

/// A case's page: text, or bytes as base64.
pub(crate) fn input(case: &Value) -> Vec<u8> {
    match case["input"].as_str() {
        Some(text) => text.as_bytes().to_vec(),
        None => base64(case["input_b64"].as_str().expect("an input")),
    }
}

/// Whether `page` is accepted, which both ways of reading must agree on.
pub(crate) fn is_accepted(page: &[u8], format: Format) -> Result<(), ParseError> {
    let read = for_each_sample(page, format, &Limits::default(), &mut |_| ());
    let parsed = exposition::parse(page, format, &Limits::default()).map(|_| ());
    assert_eq!(read, parsed, "{}", String::from_utf8_lossy(page));
    read
}

/// Fails with every case that differs from `suite` without being listed, and with every listed one that does not
/// differ. Each outcome is the page and a message where it differs.
pub(crate) fn judge(suite: &str, outcomes: &[(Vec<u8>, Option<String>)]) {
    let listed =
        |page: &[u8]| DIFFERENCES.iter().any(|difference| difference.suite == suite && difference.is_about(page));
    let mut wrong = Vec::new();
    for (page, differs) in outcomes {
        match differs {
            Some(message) if !listed(page) => wrong.push(format!("{:?}\n  {message}", String::from_utf8_lossy(page))),
            None if listed(page) => wrong.push(format!("{:?}\n  agrees, but is listed", String::from_utf8_lossy(page))),
            _ => {}
        }
    }
    let differing = outcomes.iter().filter(|(_, differs)| differs.is_some()).count();
    println!("{suite}: {} cases, {differing} listed differences", outcomes.len());
    assert!(wrong.is_empty(), "{suite}: {} of {} wrong\n{}", wrong.len(), outcomes.len(), wrong.join("\n"));
}

fn base64(text: &str) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits: Vec<u32> = text
        .bytes()
        .filter_map(|byte| ALPHABET.iter().position(|&digit| digit == byte))
        .map(|digit| u32::try_from(digit).expect("below 64"))
        .collect();
    let groups = digits.chunks(4).flat_map(|group| {
        let bits = group.iter().fold(0, |bits, digit| bits << 6 | digit) << (6 * (4 - group.len()));
        bits.to_be_bytes()[1..group.len()].to_vec()
    });
    groups.collect()
}
