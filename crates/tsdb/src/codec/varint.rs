//! Numbers of few bytes (LEB128), and a reader that stops at the end instead of failing.

/// Maps numbers near zero, of either sign, to small ones.
pub(crate) fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63) as u64
}

/// The inverse of [`zigzag`].
pub(crate) fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

/// Appends `value`, seven bits to a byte, the lowest first.
pub(crate) fn write_varint(into: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        into.push(value as u8 | 0x80);
        value >>= 7;
    }
    into.push(value as u8);
}

/// Bytes that are read from the front; every read gives none where too few are left.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bytes<'b>(pub(crate) &'b [u8]);

impl<'b> Bytes<'b> {
    pub(crate) fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The next `count` bytes.
    pub(crate) fn take(&mut self, count: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// The next `N` bytes.
    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    /// What [`write_varint`] wrote.
    #[inline(always)]
    pub(crate) fn varint(&mut self) -> Option<u64> {
        let (&first, rest) = self.0.split_first()?;
        if first < 0x80 {
            self.0 = rest;
            return Some(u64::from(first));
        }
        match self.0.split_first_chunk() {
            Some((word, _)) => self.wide_varint(u64::from_le_bytes(*word)).or_else(|| self.long_varint()),
            None => self.long_varint(),
        }
    }

    /// A varint of at most eight bytes from the word that they begin, all its bytes at once: halves of the word, then
    /// quarters, are moved together as each byte has lost its highest bit.
    #[inline(always)]
    fn wide_varint(&mut self, word: u64) -> Option<u64> {
        let ends = !word & 0x8080_8080_8080_8080;
        if ends == 0 {
            return None;
        }
        self.0 = self.0.get(ends.trailing_zeros() as usize / 8 + 1..)?;
        let bits = word & (ends ^ (ends - 1)) & 0x7f7f_7f7f_7f7f_7f7f;
        let pairs = bits & 0x007f_007f_007f_007f | (bits & 0x7f00_7f00_7f00_7f00) >> 1;
        let quarters = pairs & 0x0000_3fff_0000_3fff | (pairs & 0x3fff_0000_3fff_0000) >> 2;
        Some(quarters & 0x0fff_ffff | (quarters & 0x0fff_ffff_0000_0000) >> 4)
    }

    #[inline(never)]
    fn long_varint(&mut self) -> Option<u64> {
        let (mut value, mut shift) = (0_u64, 0);
        loop {
            let (&byte, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte < 0x80 {
                return Some(value);
            }
            shift += 7;
        }
    }

    /// A varint that counts or measures something in memory.
    pub(crate) fn count(&mut self) -> Option<usize> {
        usize::try_from(self.varint()?).ok()
    }

    /// Bytes behind their count.
    pub(crate) fn counted(&mut self) -> Option<&'b [u8]> {
        let count = self.count()?;
        self.take(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_length_are_read_wherever_the_bytes_end() {
        let numbers = (0..64).flat_map(|bit| [(1_u64 << bit) - 1, 1 << bit, 0x5555_5555_5555_5555 & u64::MAX >> bit]);
        for number in numbers.chain([u64::MAX]) {
            let mut bytes = Vec::new();
            write_varint(&mut bytes, number);
            let length = bytes.len();
            assert!((0..length).all(|cut| Bytes(&bytes[..cut]).varint().is_none()), "{number:#x}");
            for more in 0..10 {
                bytes.resize(length + more, 0xff);
                let mut read = Bytes(&bytes);
                assert_eq!((read.varint(), read.0.len()), (Some(number), more), "{number:#x}");
            }
        }
        assert_eq!(Bytes(&[0xff; 12]).varint(), None);
    }
}
