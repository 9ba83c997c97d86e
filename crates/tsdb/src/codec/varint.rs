//! Variable-length integers (LEB128), and a bounds-checked reader of bytes.

/// Maps numbers near zero, of either sign, to small unsigned ones.
pub(crate) fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63) as u64
}

/// The inverse of [`zigzag`].
pub(crate) fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

/// Appends `value`, seven bits to a byte, the lowest bits first.
pub(crate) fn write_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Reads bytes from the front. Every read returns `None` if too few are left.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ByteReader<'b>(pub(crate) &'b [u8]);

impl<'b> ByteReader<'b> {
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

    /// The next number, as [`write_varint`] wrote it.
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

    /// A varint of at most eight bytes, from the word that it starts. All bytes are decoded at once: bytes of seven
    /// bits are joined into pairs of 14 bits, these into quads of 28 bits, and these into the number.
    #[inline(always)]
    fn wide_varint(&mut self, word: u64) -> Option<u64> {
        let ends = !word & 0x8080_8080_8080_8080;
        if ends == 0 {
            return None;
        }
        self.0 = self.0.get(ends.trailing_zeros() as usize / 8 + 1..)?;
        let bits = word & (ends ^ (ends - 1)) & 0x7f7f_7f7f_7f7f_7f7f;
        let pairs = bits & 0x007f_007f_007f_007f | (bits & 0x7f00_7f00_7f00_7f00) >> 1;
        let quads = pairs & 0x0000_3fff_0000_3fff | (pairs & 0x3fff_0000_3fff_0000) >> 2;
        Some(quads & 0x0fff_ffff | (quads & 0x0fff_ffff_0000_0000) >> 4)
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

    /// The next varint, as the count or size of something in memory.
    pub(crate) fn varint_usize(&mut self) -> Option<usize> {
        usize::try_from(self.varint()?).ok()
    }

    /// The next bytes, which follow their length.
    pub(crate) fn length_prefixed(&mut self) -> Option<&'b [u8]> {
        let length = self.varint_usize()?;
        self.take(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_length_round_trip_wherever_the_bytes_end() {
        let numbers = (0..64).flat_map(|bit| [(1_u64 << bit) - 1, 1 << bit, 0x5555_5555_5555_5555 & u64::MAX >> bit]);
        for number in numbers.chain([u64::MAX]) {
            let mut bytes = Vec::new();
            write_varint(&mut bytes, number);
            let length = bytes.len();
            assert!((0..length).all(|cut| ByteReader(&bytes[..cut]).varint().is_none()), "{number:#x}");
            for more in 0..10 {
                bytes.resize(length + more, 0xff);
                let mut read = ByteReader(&bytes);
                assert_eq!((read.varint(), read.0.len()), (Some(number), more), "{number:#x}");
            }
        }
        assert_eq!(ByteReader(&[0xff; 12]).varint(), None);
    }
}
