//! How far each side has read, by the offsets that its group has committed: to the end of every partition, and not beyond.

use crate::broker::Position;

/// Where a group is not at the end. What was taken away before anybody read it needs no offset: it can't be read any more.
pub fn not_at_the_end(group: &str, positions: &[Position]) -> Vec<String> {
    let is_elsewhere = |position: &&Position| {
        let Position { committed, begin, end, .. } = **position;
        committed.unwrap_or(begin).max(begin) != end
    };
    positions.iter().filter(is_elsewhere).map(|position| format!("{group}: {position:?}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_that_is_not_read_to_its_end_is_found_and_so_is_an_offset_beyond_it() {
        let violations = |committed, begin, end| {
            not_at_the_end("readers", &[Position { partition: 0, committed, begin, end }]).len()
        };
        assert_eq!(violations(Some(5), 0, 5), 0);
        assert_eq!(violations(None, 0, 0), 0, "nothing was ever there");
        assert_eq!(violations(Some(2), 5, 5), 0, "the rest was taken away, and nothing came after it");
        assert_eq!(violations(None, 0, 5), 1, "nobody has read it");
        assert_eq!(violations(None, 5, 7), 1);
        assert_eq!(violations(Some(4), 0, 5), 1);
        assert_eq!(violations(Some(6), 0, 5), 1);
    }
}
