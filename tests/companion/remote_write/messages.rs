//! Reads the messages of remote write, independently of what writes them: snappy blocks and protocol buffers.
use std::collections::BTreeMap;

/// A sample: its time in Unix milliseconds, and the bits of its value.
pub(crate) type Sample = (i64, u64);

/// A series of a request.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Series {
    pub(crate) labels: Vec<(String, String)>,
    pub(crate) samples: Vec<Sample>,
    /// Type, help and unit, in the second version.
    pub(crate) metadata: Option<Family>,
}

/// The metadata of a family.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Family {
    pub(crate) kind: u64,
    pub(crate) help: String,
    pub(crate) unit: String,
}

/// A request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Message {
    pub(crate) series: Vec<Series>,
    /// By name, in the first version.
    pub(crate) families: BTreeMap<String, Family>,
}

/// A field of a message: its number and its value.
enum Field<'b> {
    Number(u64, u64),
    Fixed(u64, u64),
    Bytes(u64, &'b [u8]),
}

fn number(bytes: &mut &[u8]) -> u64 {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first().expect("a number");
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if *byte < 0x80 {
            return number;
        }
    }
    panic!("a number of more than ten bytes");
}

fn take<'b>(bytes: &mut &'b [u8], count: u64) -> &'b [u8] {
    let (taken, rest) = bytes.split_at_checked(usize::try_from(count).expect("a length")).expect("enough bytes");
    *bytes = rest;
    taken
}

fn fields(mut bytes: &[u8]) -> Vec<Field<'_>> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let tag = number(&mut bytes);
        fields.push(match tag & 7 {
            0 => Field::Number(tag >> 3, number(&mut bytes)),
            1 => Field::Fixed(tag >> 3, u64::from_le_bytes(take(&mut bytes, 8).try_into().expect("eight bytes"))),
            2 => {
                let length = number(&mut bytes);
                Field::Bytes(tag >> 3, take(&mut bytes, length))
            }
            other => panic!("wire type {other}"),
        });
    }
    fields
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

fn sample(bytes: &[u8]) -> Sample {
    let mut sample = (0, 0);
    for field in fields(bytes) {
        match field {
            Field::Fixed(1, bits) => sample.1 = bits,
            Field::Number(2, time) => sample.0 = time.cast_signed(),
            _ => panic!("a sample has no other fields"),
        }
    }
    sample
}

/// The message of Remote-Write 1.0 in `bytes`.
pub(crate) fn first_version(bytes: &[u8]) -> Message {
    let mut message = Message::default();
    for field in fields(bytes) {
        match field {
            Field::Bytes(1, bytes) => message.series.push(series(bytes)),
            Field::Bytes(3, bytes) => {
                let (mut name, mut family) = (String::new(), Family::default());
                for field in fields(bytes) {
                    match field {
                        Field::Number(1, kind) => family.kind = kind,
                        Field::Bytes(2, bytes) => name = text(bytes),
                        Field::Bytes(4, bytes) => family.help = text(bytes),
                        Field::Bytes(5, bytes) => family.unit = text(bytes),
                        _ => panic!("metadata has no other fields"),
                    }
                }
                message.families.insert(name, family);
            }
            _ => panic!("a request has no other fields"),
        }
    }
    message
}

fn series(bytes: &[u8]) -> Series {
    let mut series = Series::default();
    for field in fields(bytes) {
        match field {
            Field::Bytes(1, bytes) => {
                let parts = fields(bytes);
                let [Field::Bytes(1, name), Field::Bytes(2, value)] = parts[..] else { panic!("a name and a value") };
                series.labels.push((text(name), text(value)));
            }
            Field::Bytes(2, bytes) => series.samples.push(sample(bytes)),
            _ => panic!("a series has no other fields"),
        }
    }
    series
}

/// The message of Remote-Write 2.0 in `bytes`.
pub(crate) fn second_version(bytes: &[u8]) -> Message {
    let (mut symbols, mut all) = (Vec::new(), Vec::new());
    for field in fields(bytes) {
        match field {
            Field::Bytes(4, bytes) => symbols.push(text(bytes)),
            Field::Bytes(5, bytes) => all.push(bytes),
            _ => panic!("a request has no other fields"),
        }
    }
    assert_eq!(symbols.first().map(String::as_str), Some(""), "the first symbol is empty");
    let symbol = |at: u64| symbols.get(usize::try_from(at).expect("a number")).expect("a symbol").clone();
    let series = |bytes: &[u8]| {
        let mut series = Series::default();
        for field in fields(bytes) {
            match field {
                Field::Bytes(1, mut packed) => {
                    while !packed.is_empty() {
                        let name = symbol(number(&mut packed));
                        series.labels.push((name, symbol(number(&mut packed))));
                    }
                }
                Field::Bytes(2, bytes) => series.samples.push(sample(bytes)),
                Field::Bytes(5, bytes) => {
                    let mut family = Family::default();
                    for field in fields(bytes) {
                        match field {
                            Field::Number(1, kind) => family.kind = kind,
                            Field::Number(3, at) => family.help = symbol(at),
                            Field::Number(4, at) => family.unit = symbol(at),
                            _ => panic!("metadata has no other fields"),
                        }
                    }
                    series.metadata = Some(family);
                }
                _ => panic!("a series has no other fields"),
            }
        }
        series
    };
    Message { series: all.into_iter().map(series).collect(), families: BTreeMap::new() }
}

/// The content of a snappy block. Source: `format_description.txt` of snappy.
pub(crate) fn decompressed(mut bytes: &[u8]) -> Vec<u8> {
    let length = usize::try_from(number(&mut bytes)).expect("a length");
    let mut out: Vec<u8> = Vec::with_capacity(length);
    let little_endian = |bytes: &[u8]| bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte));
    while let [tag, rest @ ..] = bytes {
        bytes = rest;
        let high = u64::from(tag >> 2);
        let (length, offset) = match tag & 3 {
            0 => {
                let length = if high < 60 { high } else { little_endian(take(&mut bytes, high - 59)) };
                out.extend_from_slice(take(&mut bytes, length + 1));
                continue;
            }
            1 => ((high & 7) + 4, (high >> 3) << 8 | little_endian(take(&mut bytes, 1))),
            2 => (high + 1, little_endian(take(&mut bytes, 2))),
            _ => (high + 1, little_endian(take(&mut bytes, 4))),
        };
        for _ in 0..length {
            let from = out.len() - usize::try_from(offset).expect("an offset");
            out.push(out[from]);
        }
    }
    assert_eq!(out.len(), length, "the length at the start");
    out
}

#[test]
fn a_block_with_literals_and_copies_is_read() {
    assert_eq!(decompressed(b"\x0b\x0cabcd\x05\x04\x04xy"), b"abcdabcdaxy");
}
