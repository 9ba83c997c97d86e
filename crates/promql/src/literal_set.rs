//! The finite set of strings that a regular expression matches, if it is only literals, alternations, groups and `?`.
use std::collections::HashSet;
use std::iter::Peekable;
use std::str::Chars;

/// The metacharacters of regular expressions.
const METACHARACTERS: &[char] = &['\\', '.', '+', '*', '?', '(', ')', '[', ']', '{', '}', '^', '$', '|'];

/// The maximum work of expanding an expression, in bytes written. Larger expressions are compiled.
const MAX_EXPANDED_BYTES: usize = 512 << 10;

/// The maximum nesting of groups. Deeper expressions are compiled.
const MAX_DEPTH: usize = 64;

/// All strings that `source` matches as a whole. Returns `None` if `source` has other syntax, expands to too much, or is
/// malformed.
pub(crate) fn literal_set(source: &str) -> Option<HashSet<String>> {
    let mut expander = Expander { chars: source.chars().peekable(), bytes_left: MAX_EXPANDED_BYTES, depth: 0 };
    let literals = expander.alternation()?;
    // An unmatched closing parenthesis stops the expansion early.
    expander.chars.next().is_none().then(|| literals.into_iter().collect())
}

struct Expander<'s> {
    chars: Peekable<Chars<'s>>,
    bytes_left: usize,
    depth: usize,
}

impl Expander<'_> {
    /// Reads up to the end or the closing parenthesis of the group.
    fn alternation(&mut self) -> Option<Vec<String>> {
        let (mut finished, mut prefixes) = (Vec::new(), vec![String::new()]);
        loop {
            match self.chars.peek() {
                None | Some(')') => {
                    finished.append(&mut prefixes);
                    return Some(finished);
                }
                Some('|') => {
                    self.chars.next();
                    finished.append(&mut prefixes);
                    prefixes.push(String::new());
                }
                Some(_) => prefixes = self.append_next(prefixes)?,
            }
        }
    }

    /// Appends each literal of the next character or group to each of `prefixes`.
    fn append_next(&mut self, mut prefixes: Vec<String>) -> Option<Vec<String>> {
        let mut suffixes = match self.chars.next()? {
            '(' => self.group()?,
            '\\' => vec![self.chars.next().filter(|c| METACHARACTERS.contains(c))?.to_string()],
            c if METACHARACTERS.contains(&c) => return None,
            c => vec![c.to_string()],
        };
        if self.chars.next_if_eq(&'?').is_some() {
            suffixes.push(String::new());
        }
        if let [suffix] = suffixes.as_slice() {
            self.spend(prefixes.len() * suffix.len())?;
            prefixes.iter_mut().for_each(|prefix| prefix.push_str(suffix));
            return Some(prefixes);
        }
        let bytes_of = |literals: &[String]| literals.iter().map(String::len).sum::<usize>();
        // Counting the pairs too bounds the number of empty strings.
        let pairs = prefixes.len() * suffixes.len();
        self.spend(pairs + prefixes.len() * bytes_of(&suffixes) + suffixes.len() * bytes_of(&prefixes))?;
        Some(
            prefixes.iter().flat_map(|prefix| suffixes.iter().map(move |suffix| format!("{prefix}{suffix}"))).collect(),
        )
    }

    /// Reads the rest of a group, whose opening parenthesis has been read.
    fn group(&mut self) -> Option<Vec<String>> {
        if self.chars.next_if_eq(&'?').is_some() {
            self.chars.next_if_eq(&':')?;
        }
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        let literals = self.alternation()?;
        self.depth -= 1;
        self.chars.next_if_eq(&')')?;
        Some(literals)
    }

    fn spend(&mut self, bytes: usize) -> Option<()> {
        self.bytes_left = self.bytes_left.checked_sub(bytes)?;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_and_options_are_expanded() {
        for (source, expected) in [
            ("(a|b)(c|d)?e", "ace|ade|ae|bce|bde|be"),
            (
                "(ray_)?vllm(:|_)(x(y|z)|w)",
                "ray_vllm:w|ray_vllm:xy|ray_vllm:xz|ray_vllm_w|ray_vllm_xy|ray_vllm_xz|\
                vllm:w|vllm:xy|vllm:xz|vllm_w|vllm_xy|vllm_xz",
            ),
            ("(?:a)b?", "a|ab"),
            ("(|a)", "|a"),
            (r"\(a\)?", "(a|(a)"),
        ] {
            let mut literals: Vec<String> = literal_set(source).into_iter().flatten().collect();
            literals.sort_unstable();
            assert_eq!(literals.join("|"), expected, "{source}");
        }
    }

    #[test]
    fn other_syntax_and_large_expansions_are_not_expanded() {
        let deep = format!("{}a{}", "(".repeat(65), ")".repeat(65));
        let many = "(a|b|c|d|e|f|g|h)".repeat(7);
        let empty = "(|)".repeat(64);
        for source in
            ["a.b", "(a", "a)", "a??", "a?+", "?", "|?", "(?i:a)", "(?P<n>a)", r"\d", r"a\", &deep, &many, &empty]
        {
            assert_eq!(literal_set(source), None, "{source}");
        }
    }
}
