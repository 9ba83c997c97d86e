//! Decimal numbers as floats, correctly rounded, without the ten kilobytes of tables of the standard library's parser:
//! no compression makes these smaller, and the page is downloaded.

/// Digits that fit into the mantissa.
const MAX_MANTISSA_DIGITS: usize = 19;

/// Powers of ten that are exact as floats.
const MAX_EXACT_POWER: i32 = 22;

/// Powers of ten that fit into a word.
const MAX_WORD_POWER: u32 = 9;

/// Exponents outside these are zero or infinite, whatever the digits.
const MAX_EXPONENT: i64 = 400;

/// A decimal number: its significant digits, and the power of ten that they are multiplied by.
struct Decimal<'a> {
    /// Digits, with a point at most, from the first that is not zero.
    digits: &'a [u8],
    mantissa: u64,
    /// Whether the mantissa has all digits.
    is_whole: bool,
    /// The exponent of the mantissa's last digit.
    exponent: i64,
}

/// Parses digits with an optional sign, point and exponent, as Rust does, but neither infinities nor NaN. Returns `None` if
/// the text is something else.
pub fn parse_decimal(text: &str) -> Option<f64> {
    let (is_negative, rest) = match text.as_bytes() {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] | rest => (false, rest),
    };
    let value = Decimal::parse(rest)?.value();
    Some(if is_negative { -value } else { value })
}

impl<'a> Decimal<'a> {
    fn parse(text: &'a [u8]) -> Option<Self> {
        let end = text.iter().position(|byte| !byte.is_ascii_digit() && *byte != b'.').unwrap_or(text.len());
        let (digits, rest) = text.split_at(end);
        let points = digits.iter().filter(|byte| **byte == b'.').count();
        if points > 1 || points == digits.len() {
            return None;
        }
        let mut exponent = match rest {
            [] => 0,
            [b'e' | b'E', rest @ ..] => parse_exponent(rest)?,
            _ => return None,
        };
        let first = digits.iter().position(|byte| !matches!(byte, b'0' | b'.')).unwrap_or(digits.len());
        let (mut mantissa, mut count, mut is_whole) = (0_u64, 0, true);
        let mut is_fraction = digits[..first].contains(&b'.');
        exponent -= digits[..first].iter().rev().take_while(|byte| is_fraction && **byte != b'.').count() as i64;
        for byte in &digits[first..] {
            let is_kept = count < MAX_MANTISSA_DIGITS;
            match byte {
                b'.' => is_fraction = true,
                _ if is_kept => {
                    mantissa = mantissa * 10 + u64::from(byte - b'0');
                    count += 1;
                    exponent -= i64::from(is_fraction);
                }
                _ => {
                    is_whole &= *byte == b'0';
                    exponent += i64::from(!is_fraction);
                }
            }
        }
        Some(Self { digits: &digits[first..], mantissa, is_whole, exponent })
    }

    fn value(&self) -> f64 {
        let exponent = self.exponent.clamp(-MAX_EXPONENT, MAX_EXPONENT) as i32;
        if self.mantissa == 0 {
            return 0.0;
        }
        if self.is_whole && self.mantissa < 1 << 53 && exponent.abs() <= MAX_EXACT_POWER {
            // Both are exact, so that the one operation rounds correctly.
            let mut power = 1.0;
            (0..exponent.abs()).for_each(|_| power *= 10.0);
            return if exponent < 0 { self.mantissa as f64 / power } else { self.mantissa as f64 * power };
        }
        self.scaled(exponent)
    }

    /// The value by whole numbers of any length.
    fn scaled(&self, mut exponent: i32) -> f64 {
        let mut number = Natural(vec![self.mantissa as u32, (self.mantissa >> 32) as u32]);
        if !self.is_whole {
            // Any of the other digits may decide a tie.
            let others = self.digits.iter().filter(|byte| **byte != b'.').skip(MAX_MANTISSA_DIGITS);
            for byte in others {
                number.multiply_add(10, u32::from(byte - b'0'));
                exponent -= 1;
            }
        }
        // The quotient has more digits than a float.
        let words = if exponent < 0 { (-exponent) as usize / 9 + 4 } else { 0 };
        number.shift_words(words);
        let mut is_inexact = false;
        let mut rest = exponent.unsigned_abs();
        while rest > 0 {
            let power = 10_u32.pow(rest.min(MAX_WORD_POWER));
            rest -= rest.min(MAX_WORD_POWER);
            if exponent < 0 {
                is_inexact |= number.divide(power) != 0;
            } else {
                number.multiply_add(power, 0);
            }
        }
        number.rounded(words as i32 * 32, is_inexact)
    }
}

fn parse_exponent(text: &[u8]) -> Option<i64> {
    let (sign, digits) = match text {
        [b'-', digits @ ..] => (-1, digits),
        [b'+', digits @ ..] | digits => (1, digits),
    };
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    let value = |value: i64, digit: &u8| (value * 10 + i64::from(digit - b'0')).min(i64::from(i32::MAX));
    is_number.then(|| sign * digits.iter().fold(0, value))
}

/// A natural number of any length, in words from the lowest.
#[derive(Default)]
struct Natural(Vec<u32>);

impl Natural {
    fn multiply_add(&mut self, factor: u32, summand: u32) {
        let mut carry = u64::from(summand);
        for word in &mut self.0 {
            let product = u64::from(*word) * u64::from(factor) + carry;
            (*word, carry) = (product as u32, product >> 32);
        }
        if carry > 0 {
            self.0.push(carry as u32);
        }
    }

    /// Divides and returns the remainder.
    fn divide(&mut self, divisor: u32) -> u32 {
        let mut rest = 0;
        for word in self.0.iter_mut().rev() {
            let part = rest << 32 | u64::from(*word);
            (*word, rest) = ((part / u64::from(divisor)) as u32, part % u64::from(divisor));
        }
        rest as u32
    }

    fn shift_words(&mut self, words: usize) {
        self.0.splice(0..0, std::iter::repeat_n(0, words));
    }

    /// The float nearest to the number divided by 2 to the power of `shift`; of two, the even one. `is_more` if the number
    /// is a little larger.
    fn rounded(&self, shift: i32, is_more: bool) -> f64 {
        let length = self.0.iter().rposition(|word| *word != 0).map_or(0, |last| last + 1);
        // The three highest words have more bits than a float.
        let word = |at: usize| length.checked_sub(at).map_or(0, |at| u64::from(self.0[at]));
        let zeros = (word(1) as u32).leading_zeros();
        let top = (word(1) << 32 | word(2)) << zeros | word(3) << zeros >> 32;
        let below = self.0[..length].iter().rev().skip(3).any(|word| *word != 0) || (word(3) << zeros) as u32 != 0;
        // The number is `top` times two to this power, and `top` has 64 bits.
        let power = length as i32 * 32 - zeros as i32 - 64 - shift;
        // Denormal numbers have fewer bits.
        let dropped = (-1074 - power).clamp(11, 65) as u32;
        let (kept, rest) = (top.checked_shr(dropped).unwrap_or(0), top & low_bits(dropped));
        let half = 1_u64.checked_shl(dropped - 1).unwrap_or(0);
        let is_up = match rest.cmp(&half) {
            std::cmp::Ordering::Greater => dropped <= 64,
            std::cmp::Ordering::Equal => dropped <= 64 && (is_more || below || kept & 1 == 1),
            std::cmp::Ordering::Less => false,
        };
        let kept = kept + u64::from(is_up);
        let exponent = i64::from(power) + i64::from(dropped) + 1074;
        // A carry into the next bit is a carry into the exponent.
        let bits = if exponent > 0 { ((exponent as u64) << 52) + kept } else { kept };
        if exponent >= 2046 { f64::INFINITY } else { f64::from_bits(bits) }
    }
}

fn low_bits(count: u32) -> u64 {
    1_u64.checked_shl(count).unwrap_or(0).wrapping_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_as_std(text: &str) {
        let expected: Option<f64> = text.parse().ok();
        let found = parse_decimal(text);
        assert_eq!(found.map(f64::to_bits), expected.map(f64::to_bits), "{text}: {found:?}, {expected:?}");
    }

    /// Numbers from one seed.
    struct Random(u64);

    impl Random {
        fn next(&mut self) -> u64 {
            // SplitMix64.
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^ (mixed >> 31)
        }
    }

    #[test]
    fn any_float_survives_its_shortest_text() {
        let mut random = Random(7);
        for _ in 0..200_000 {
            let value = f64::from_bits(random.next());
            if value.is_finite() {
                assert_as_std(&format!("{value:e}"));
                assert_as_std(&format!("{value:?}"));
            }
            // Magnitudes of measurements.
            let value = random.next() as f64 / (1_u64 << (random.next() % 63)) as f64 / 1e9;
            assert_as_std(&value.to_string());
        }
    }

    #[test]
    fn any_digits_are_rounded_as_by_the_standard_library() {
        let mut random = Random(11);
        for _ in 0..100_000 {
            let mut digits = String::new();
            for _ in 0..=random.next() % 3 {
                digits += &(random.next() >> (random.next() % 60)).to_string();
            }
            let at = random.next() as usize % (digits.len() + 1);
            let exponent = random.next() as i64 % 350;
            assert_as_std(&format!("{}.{}e{exponent}", &digits[..at], &digits[at..]));
        }
    }

    #[test]
    fn ties_and_edges_are_exact() {
        let halfway = "9007199254740993";
        for text in [
            halfway,
            "9007199254740993.0000000000000000000000000000000000000001",
            "9007199254740992.9999999999999999999999999999999999999999",
            "1.7976931348623157e308",
            "1.7976931348623158079e308",
            "1.7976931348623159e308",
            "179769313486231580793728971405301e276",
            "1e400",
            "1e99999999999999999999",
            "2.2250738585072014e-308",
            "2.2250738585072011e-308",
            "2.225073858507201136057409796709131975934819546351645648023426109724822222021076945516529523908135087914149158913039621106870086438694594645527657207407820621743379988141063267329253552286881372149012981122451451889849057222307285255133155755015914397476397983411801999323962548289017107081850690630666655994938275772572015763062690663332647565300009245888316433037779791869612049497390377829704905051080609940730262937128958950003583799967207254304360284078895771796150945516748243471030702609144621572289880258182545180325707018860872113128079512233426288368622321503775666622503982534335974568884423900265498198385487948292206894721689831099698365846814022854243330660339850886445804001034933970427567186443383770486037861622771738545623065874679014086723327636718751234567890123456789012345678901e-308",
            "4.9e-324",
            "5e-324",
            "2.4703282292062327208e-324",
            "2.4703282292062328e-324",
            "1e-400",
            "0e500",
            "-0",
            "000123.4500",
            "0.000000000000000000000000000000000000123",
            "100000000000000000000000",
            "18446744073709551616",
            ".5",
            "5.",
            "+5",
        ] {
            assert_as_std(text);
        }
    }

    #[test]
    fn other_texts_are_no_numbers() {
        for text in ["", ".", "-", "+", "e5", "1e", "1e+", "1.2.3", "1 ", " 1", "0x10", "1_000", "--1", "1e5.5", "1f"] {
            assert_as_std(text);
        }
        assert_eq!((parse_decimal("inf"), parse_decimal("NaN")), (None, None), "unlike Rust");
    }
}
