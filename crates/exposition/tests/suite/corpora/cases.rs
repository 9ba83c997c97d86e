//! Test cases in JSON files, and their comparison with the listed differences.
use super::differences::DIFFERENCES;
use super::folders;
use exposition::{Format, Limits, ParseError, for_each_sample};
use serde_json::Value;
use std::fs;

/// The cases of `file`; none if the folder is absent.
pub(crate) fn read(file: &str) -> Option<Vec<Value>> {
    let text = fs::read_to_string(folders::derived()?.join(file)).expect(file);
    let cases: Vec<Value> = serde_json::from_str(&text).expect(file);
    assert!(!cases.is_empty(), "{file} has no cases");
    Some(cases)
}

/// A case's metrics page: text, or bytes as base64.
pub(crate) fn input(case: &Value) -> Vec<u8> {
    match case["input"].as_str() {
        Some(text) => text.as_bytes().to_vec(),
        None => base64(case["input_b64"].as_str().expect("an input")),
    }
}

/// Whether `page` is accepted; both parsers must agree.
pub(crate) fn is_accepted(page: &[u8], format: Format) -> Result<(), ParseError> {
    let read = for_each_sample(page, format, &Limits::default(), &mut |_| ());
    let parsed = exposition::parse(page, format, &Limits::default()).map(|_| ());
    assert_eq!(read, parsed, "{}", String::from_utf8_lossy(page));
    read
}

/// The outcome of one case.
pub(crate) struct CaseOutcome {
    pub page: Vec<u8>,
    /// How it differs from what the suite expects.
    pub difference: Option<String>,
}

/// Fails for every case that differs from `suite` and is not listed, and for every listed case that does not differ.
pub(crate) fn compare_with_listed(suite: &str, outcomes: &[CaseOutcome]) {
    let is_listed =
        |page: &[u8]| DIFFERENCES.iter().any(|difference| difference.suite == suite && difference.applies_to(page));
    let mut wrong = Vec::new();
    for CaseOutcome { page, difference } in outcomes {
        match difference {
            Some(message) if !is_listed(page) => {
                wrong.push(format!("{:?}\n  {message}", String::from_utf8_lossy(page)));
            }
            None if is_listed(page) => {
                wrong.push(format!("{:?}\n  is listed but does not differ", String::from_utf8_lossy(page)));
            }
            _ => {}
        }
    }
    let differing = outcomes.iter().filter(|outcome| outcome.difference.is_some()).count();
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
