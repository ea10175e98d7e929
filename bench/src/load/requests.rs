//! Requests that are bytes already. What changes from one to the next is the idempotency key, and it is always of the same length.

use std::fmt::Write as _;

use super::dice::mixed;
use super::orders;

/// How many different orders a connection places in turn.
const DIFFERENT: u64 = 64;
const KEY_BYTES: usize = 32;

/// How an order is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The answer comes when the order is accepted.
    Plain,
    /// The answer comes when the order is confirmed: `Prefer: wait`, so many seconds.
    Waiting(u32),
}

/// The requests of one connection.
pub struct Requests {
    prepared: Vec<Prepared>,
    /// What all keys of this connection begin with.
    scope: u64,
    sent: u64,
}

struct Prepared {
    bytes: Vec<u8>,
    key_at: usize,
}

impl Requests {
    /// For the connection `connection` of a load. No two loads on the same databases have the same `load`, so no two keys are alike.
    pub fn new((seed, load, connection): (u64, u32, u32), asked: Asked, token: &str) -> Self {
        let first = u64::from(connection) * DIFFERENT;
        let prepared =
            (first..first + DIFFERENT).map(|number| Prepared::new(&orders::body(seed, number), asked, token));
        Self { prepared: prepared.collect(), scope: u64::from(load) << 52 | u64::from(connection) << 36, sent: 0 }
    }

    /// The next order, under a key of its own.
    pub fn next(&mut self) -> &[u8] {
        let at = usize::try_from(self.sent % DIFFERENT).unwrap_or(0);
        // A shop's keys come in no order: ones that did would fill the index of kept answers more easily than real ones.
        let number = self.scope | self.sent;
        let key = u128::from(mixed(number)) << 64 | u128::from(number);
        self.sent += 1;
        self.prepared[at].under(key)
    }
}

impl Prepared {
    fn new(body: &str, asked: Asked, token: &str) -> Self {
        let mut head = String::from("POST /orders HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n");
        write!(head, "authorization: Bearer {token}\r\n").expect("a text takes any text");
        if let Asked::Waiting(seconds) = asked {
            write!(head, "prefer: wait={seconds}\r\n").expect("a text takes any text");
        }
        write!(head, "content-length: {}\r\nidempotency-key: ", body.len()).expect("a text takes any text");
        let key_at = head.len();
        write!(head, "{:0KEY_BYTES$}\r\n\r\n{body}", 0).expect("a text takes any text");
        Self { bytes: head.into_bytes(), key_at }
    }

    fn under(&mut self, key: u128) -> &[u8] {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        for (place, byte) in self.bytes[self.key_at..self.key_at + KEY_BYTES].iter_mut().rev().enumerate() {
            *byte = DIGITS[usize::try_from((key >> (4 * place)) & 0xf).unwrap_or(0)];
        }
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn key(request: &[u8]) -> String {
        let text = std::str::from_utf8(request).unwrap();
        let (_, rest) = text.split_once("idempotency-key: ").unwrap();
        rest.split_once("\r\n").unwrap().0.to_owned()
    }

    #[test]
    fn no_two_requests_have_the_same_key() {
        let mut keys = BTreeSet::new();
        for (load, connection) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            let mut requests = Requests::new((1, load, connection), Asked::Plain, "t");
            for _ in 0..200 {
                assert!(keys.insert(key(requests.next())));
            }
        }
        assert!(keys.iter().all(|key| key.len() == KEY_BYTES));
        let mut numbers: Vec<&str> = keys.iter().map(|key| &key[16..]).collect();
        assert!(!numbers.is_sorted(), "keys that come in order are kinder to an index than a shop's");
        numbers.sort_unstable();
        assert_eq!(u64::from_str_radix(numbers[799], 16).unwrap(), 1 << 52 | 1 << 36 | 199);
    }

    #[test]
    fn the_length_is_that_of_the_body_and_only_who_waits_prefers_to() {
        let mut waiting = Requests::new((1, 0, 0), Asked::Waiting(10), "t");
        let text = String::from_utf8(waiting.next().to_vec()).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("\r\ncontent-length: {}\r\n", body.len())), "{head}");
        assert!(head.contains("\r\nprefer: wait=10\r\n") && head.contains("\r\nauthorization: Bearer t\r\n"), "{head}");
        assert_eq!(body, orders::body(1, 0));
        let plain = Requests::new((1, 0, 0), Asked::Plain, "t").next().to_vec();
        assert!(!String::from_utf8(plain).unwrap().contains("prefer"));
    }
}
