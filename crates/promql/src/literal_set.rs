//! The texts that a regular expression stands for, where it says no more than which texts those are.
use std::collections::HashSet;
use std::iter::Peekable;
use std::str::Chars;

/// What regular expressions have that is more than text.
const MORE_THAN_TEXT: &[char] = &['\\', '.', '+', '*', '?', '(', ')', '[', ']', '{', '}', '^', '$', '|'];

/// Bytes written for an expression; one that stands for more is compiled.
const MOST_BYTES: usize = 512 << 10;

/// Groups within groups; an expression with more is compiled.
const DEEPEST: usize = 64;

/// Everything that `source` matches as a whole, where it is made of text, bars, groups and `?`; none where there is more
/// to it, where that is too much, or where it is malformed.
pub(crate) fn texts(source: &str) -> Option<HashSet<String>> {
    let mut reader = Reader { chars: source.chars().peekable(), bytes_left: MOST_BYTES, depth: 0 };
    let texts = reader.alternatives()?;
    // A parenthesis that closes nothing ends them early.
    reader.chars.next().is_none().then(|| texts.into_iter().collect())
}

struct Reader<'s> {
    chars: Peekable<Chars<'s>>,
    bytes_left: usize,
    depth: usize,
}

impl Reader<'_> {
    /// Reads up to the end or to the parenthesis that closes the group.
    fn alternatives(&mut self) -> Option<Vec<String>> {
        let (mut all, mut begun) = (Vec::new(), vec![String::new()]);
        loop {
            match self.chars.peek() {
                None | Some(')') => {
                    all.append(&mut begun);
                    return Some(all);
                }
                Some('|') => {
                    self.chars.next();
                    all.append(&mut begun);
                    begun.push(String::new());
                }
                Some(_) => begun = self.continued(begun)?,
            }
        }
    }

    /// `begun` with each of the texts that the next character or group stands for.
    fn continued(&mut self, mut begun: Vec<String>) -> Option<Vec<String>> {
        let mut next = match self.chars.next()? {
            '(' => self.group()?,
            '\\' => vec![self.chars.next().filter(|c| MORE_THAN_TEXT.contains(c))?.to_string()],
            c if MORE_THAN_TEXT.contains(&c) => return None,
            c => vec![c.to_string()],
        };
        if self.chars.next_if_eq(&'?').is_some() {
            next.push(String::new());
        }
        if let [text] = next.as_slice() {
            self.spend(begun.len() * text.len())?;
            begun.iter_mut().for_each(|begun| begun.push_str(text));
            return Some(begun);
        }
        let bytes_of = |texts: &[String]| texts.iter().map(String::len).sum::<usize>();
        // Of empty texts there cannot be any number either.
        let pairs = begun.len() * next.len();
        self.spend(pairs + begun.len() * bytes_of(&next) + next.len() * bytes_of(&begun))?;
        Some(begun.iter().flat_map(|begun| next.iter().map(move |next| format!("{begun}{next}"))).collect())
    }

    /// What follows an opening parenthesis, and the one that closes it.
    fn group(&mut self) -> Option<Vec<String>> {
        if self.chars.next_if_eq(&'?').is_some() {
            self.chars.next_if_eq(&':')?;
        }
        self.depth += 1;
        if self.depth > DEEPEST {
            return None;
        }
        let inside = self.alternatives()?;
        self.depth -= 1;
        self.chars.next_if_eq(&')')?;
        Some(inside)
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
    fn groups_and_options_are_multiplied_out() {
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
            let mut texts: Vec<String> = texts(source).into_iter().flatten().collect();
            texts.sort_unstable();
            assert_eq!(texts.join("|"), expected, "{source}");
        }
    }

    #[test]
    fn what_is_more_than_alternatives_is_left_to_others() {
        let deep = format!("{}a{}", "(".repeat(65), ")".repeat(65));
        let many = "(a|b|c|d|e|f|g|h)".repeat(7);
        let empty = "(|)".repeat(64);
        for source in
            ["a.b", "(a", "a)", "a??", "a?+", "?", "|?", "(?i:a)", "(?P<n>a)", r"\d", r"a\", &deep, &many, &empty]
        {
            assert_eq!(texts(source), None, "{source}");
        }
    }
}
