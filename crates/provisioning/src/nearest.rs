//! The known key or word that is most similar to an unknown one.

/// The word of `known` that is most similar to `written`, if at most a third of it differs.
pub(crate) fn nearest<'k>(written: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let most = written.chars().count().max(3).div_ceil(3);
    let near = known.into_iter().map(|known| (distance(written, known), known));
    near.filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

/// The number of letters to insert, remove or replace to turn one text into the other (Levenshtein distance).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (number, character) in one.chars().enumerate() {
        let mut next = vec![number.saturating_add(1)];
        for (place, known) in other.iter().enumerate() {
            let above = row.get(place).copied().unwrap_or(usize::MAX);
            let replaced = above.saturating_add(usize::from(character != *known));
            let put_in = next.last().copied().unwrap_or(usize::MAX).saturating_add(1);
            let taken_out = row.get(place.saturating_add(1)).copied().unwrap_or(usize::MAX).saturating_add(1);
            next.push(replaced.min(put_in).min(taken_out));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_is_near_and_another_word_is_not() {
        assert_eq!(nearest("team", ["role", "teams", "projects"]), Some("teams"));
        assert_eq!(nearest("exclusiv", ["additive", "managed", "exclusive"]), Some("exclusive"));
        assert_eq!(nearest("colour", ["role", "teams", "projects"]), None);
        assert_eq!((distance("", "abc"), distance("abc", ""), distance("abc", "acb")), (3, 3, 2));
    }
}
