//! Good bytes, damaged. The services' tests of what they read take these as well.

use std::ops::Range;

use bolero::TypeGenerator;

/// How many inputs of each kind `cargo test` makes up.
pub const INPUTS: usize = 20_000;

/// Something done to good bytes.
#[derive(Clone, Debug, TypeGenerator)]
pub enum Edit {
    Flip {
        at: u16,
        bit: u8,
    },
    Put {
        at: u16,
        byte: u8,
    },
    Insert {
        at: u16,
        bytes: Vec<u8>,
    },
    Cut {
        at: u16,
        length: u8,
    },
    Repeat {
        at: u16,
        length: u8,
    },
    End {
        at: u16,
    },
    /// Another value for one of the fields, where the bytes are JSON.
    Value {
        field: u8,
        value: u8,
    },
}

/// A few of them: with too many, nothing is left to be read.
pub type Edits = [Option<Edit>; 3];

const VALUES: [&str; 12] = [
    "null",
    "true",
    "0",
    "-1",
    "1e99",
    "1.5",
    "9223372036854775807",
    "9223372036854775808",
    "\"\"",
    "\"\\u0000\"",
    "[]",
    "{}",
];

/// The good bytes after all of that.
pub fn edited(good: &[u8], edits: &Edits) -> Vec<u8> {
    edits.iter().flatten().fold(good.to_vec(), |mut bytes, edit| {
        let within = |at: u16| usize::from(at) % (bytes.len() + 1);
        let stretch = |at: u16, length: u8| within(at)..bytes.len().min(within(at) + usize::from(length));
        match edit {
            Edit::Flip { at, bit } => {
                let at = within(*at);
                bytes.get_mut(at).into_iter().for_each(|byte| *byte ^= 1 << (bit % 8));
            }
            Edit::Put { at, byte } => {
                let at = within(*at);
                bytes.get_mut(at).into_iter().for_each(|old| *old = *byte);
            }
            Edit::Insert { at, bytes: more } => drop(bytes.splice(within(*at)..within(*at), more.iter().copied())),
            Edit::Cut { at, length } => drop(bytes.drain(stretch(*at, *length))),
            Edit::Repeat { at, length } => {
                let again = bytes[stretch(*at, *length)].to_vec();
                drop(bytes.splice(within(*at)..within(*at), again));
            }
            Edit::Value { field, value } => {
                let value = VALUES[usize::from(*value) % VALUES.len()];
                if let Some(old) = value_of(&bytes, usize::from(*field)) {
                    drop(bytes.splice(old, value.bytes()));
                }
            }
            Edit::End { at } => bytes.truncate(within(*at)),
        }
        bytes
    })
}

/// Where the value of the field of this number is, among as many fields as there are.
fn value_of(json: &[u8], number: usize) -> Option<Range<usize>> {
    let colons: Vec<usize> = json.iter().enumerate().filter(|(_, byte)| **byte == b':').map(|(at, _)| at).collect();
    let begins = colons.get(number.checked_rem(colons.len())?)? + 1;
    let mut open = 0_u8;
    let length = json[begins..].iter().position(|byte| match byte {
        b'[' | b'{' => {
            open = open.saturating_add(1);
            false
        }
        b',' => open == 0,
        b']' | b'}' => open.checked_sub(1).map(|less| open = less).is_none(),
        _ => false,
    });
    Some(begins..begins + length?)
}
