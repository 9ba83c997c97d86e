//! Writes protocol buffers: the few kinds of fields that the messages of remote write have.
//! Source of the format: "Encoding" in the documentation of Protocol Buffers.

/// How the value of a field is written.
#[derive(Clone, Copy)]
enum WireType {
    Varint = 0,
    Fixed64 = 1,
    Bytes = 2,
}

fn write_tag(out: &mut Vec<u8>, field: u32, wire_type: WireType) {
    write_varint(out, u64::from(field << 3 | wire_type as u32));
}

/// Appends a number of variable length.
pub(super) fn write_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Appends a field with an integer or the number of an enumeration.
pub(super) fn write_integer(out: &mut Vec<u8>, field: u32, number: i64) {
    write_tag(out, field, WireType::Varint);
    write_varint(out, number as u64);
}

/// Appends a field with a floating point number, bit for bit.
pub(super) fn write_double(out: &mut Vec<u8>, field: u32, number: f64) {
    write_tag(out, field, WireType::Fixed64);
    out.extend_from_slice(&number.to_bits().to_le_bytes());
}

/// Appends a field with a text.
pub(super) fn write_text(out: &mut Vec<u8>, field: u32, text: &str) {
    write_tag(out, field, WireType::Bytes);
    write_varint(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// Appends a field with a message, or with packed numbers, that `write_content` writes.
pub(super) fn write_message(out: &mut Vec<u8>, field: u32, write_content: impl FnOnce(&mut Vec<u8>)) {
    write_tag(out, field, WireType::Bytes);
    let start = out.len();
    write_content(out);
    let length = out.len() - start;
    let mut prefix = Vec::with_capacity(5);
    write_varint(&mut prefix, length as u64);
    out.splice(start..start, prefix);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_written_as_the_documentation_shows_them() {
        let mut out = Vec::new();
        write_integer(&mut out, 1, 150);
        write_text(&mut out, 2, "testing");
        write_message(&mut out, 3, |out| write_integer(out, 1, 150));
        assert_eq!(out, b"\x08\x96\x01\x12\x07testing\x1a\x03\x08\x96\x01");
        let mut out = Vec::new();
        write_message(&mut out, 4, |out| write_text(out, 1, &"x".repeat(300)));
        assert_eq!(out[..5], [0x22, 0xaf, 0x02, 0x0a, 0xac]);
        let mut out = Vec::new();
        write_double(&mut out, 1, 1.0);
        write_integer(&mut out, 2, -1);
        let minus_one = [0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        assert_eq!(out, [[0x09, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f].as_slice(), &minus_one].concat());
    }
}
