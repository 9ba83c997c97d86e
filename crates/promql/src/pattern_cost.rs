//! What compiling a regular expression costs, before it is compiled: a few bytes can stand for a million characters.
use regex_syntax::ast::parse::Parser;
use regex_syntax::ast::{
    Ast, ClassPerlKind, ClassSetItem, Flag, FlagsItemKind, GroupKind, LiteralKind, Visitor, visit,
};
use std::convert::Infallible;

/// The maximum memory that an expression is translated into, before its size is limited by the compiler.
const MAX_TRANSLATED_BYTES: usize = 16 << 20;

/// The maximum number of characters whose cases are looked up one by one. A million take 14 ms.
const MAX_FOLDED_CHARACTERS: usize = 8 << 20;

/// What a class such as `\w` or `\p{L}` is translated into: about 800 ranges of characters.
const CLASS_BYTES: usize = 8 << 10;

/// What any other part of an expression is translated into.
const PART_BYTES: usize = 256;

/// The number of characters of a class whose size is unknown.
const ALL_CHARACTERS: usize = 0x11_0000;

/// Whether an expression can be compiled within these limits. One with a syntax error can: it is never translated.
pub(crate) fn is_affordable(source: &str) -> bool {
    let Ok(ast) = Parser::new().parse(source) else { return true };
    let cost = match visit(&ast, Cost::default()) {
        Ok(cost) => cost,
        Err(never) => match never {},
    };
    cost.bytes <= MAX_TRANSLATED_BYTES && (!cost.ignores_case || cost.characters <= MAX_FOLDED_CHARACTERS)
}

#[derive(Debug, Default)]
struct Cost {
    bytes: usize,
    /// Whether any part of the expression ignores the case of letters.
    ignores_case: bool,
    /// The characters of all classes.
    characters: usize,
}

impl Cost {
    fn add(&mut self, bytes: usize, characters: usize) {
        self.bytes += bytes;
        self.characters += characters;
    }

    fn note_flags(&mut self, flags: &[regex_syntax::ast::FlagsItem]) {
        let is_case = |kind: &FlagsItemKind| matches!(kind, FlagsItemKind::Flag(Flag::CaseInsensitive));
        self.ignores_case |= flags.iter().any(|item| is_case(&item.kind));
    }

    fn add_perl(&mut self, kind: &ClassPerlKind) {
        let bytes = if *kind == ClassPerlKind::Word { CLASS_BYTES } else { PART_BYTES * 3 };
        self.add(bytes, 0);
    }
}

impl Visitor for Cost {
    type Output = Self;
    type Err = Infallible;

    fn finish(self) -> Result<Self, Infallible> {
        Ok(self)
    }

    fn visit_pre(&mut self, ast: &Ast) -> Result<(), Infallible> {
        match ast {
            Ast::Flags(set) => self.note_flags(&set.flags.items),
            Ast::Group(group) => {
                if let GroupKind::NonCapturing(flags) = &group.kind {
                    self.note_flags(&flags.items);
                }
                self.add(PART_BYTES, 0);
            }
            Ast::ClassPerl(class) => self.add_perl(&class.kind),
            Ast::ClassUnicode(_) => self.add(CLASS_BYTES, ALL_CHARACTERS),
            Ast::Literal(literal) if literal.kind == LiteralKind::Verbatim => self.add(PART_BYTES / 2, 0),
            _ => self.add(PART_BYTES, 0),
        }
        Ok(())
    }

    fn visit_class_set_item_pre(&mut self, item: &ClassSetItem) -> Result<(), Infallible> {
        match item {
            ClassSetItem::Range(range) => {
                let width = u32::from(range.end.c).saturating_sub(u32::from(range.start.c)) as usize + 1;
                self.add(PART_BYTES, width);
            }
            ClassSetItem::Unicode(_) => self.add(CLASS_BYTES, ALL_CHARACTERS),
            ClassSetItem::Perl(class) => {
                self.add_perl(&class.kind);
                self.add(0, ALL_CHARACTERS);
            }
            _ => self.add(PART_BYTES, 1),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_affordable() {
        for source in [
            ".+",
            "(?i)gpu-[a-z0-9]+.*",
            r"\w+\.\w+:\d+",
            "(?i)[^a]",
            r"(?i:\p{L}+)",
            "(",
            r"\pL{1,3}",
            &"a.".repeat(20_000),
        ] {
            assert!(is_affordable(source), "{source}");
        }
    }

    #[test]
    fn few_bytes_that_stand_for_much_are_not() {
        for source in [
            format!("(?i:{})", "[A-\u{10FFFF}]".repeat(100)),
            format!("(?i){}", r"[\D]".repeat(100)),
            format!("(?i:{})", r"\P{L}".repeat(100)),
            r"\w".repeat(8000),
            r"[^\pL]".repeat(8000),
        ] {
            assert!(!is_affordable(&source), "{:?}", source.get(..20));
        }
    }
}
