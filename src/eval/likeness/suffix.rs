//! A suffix array over a text of word ids, by SA-IS (Nong, Zhang and Chan 2009, "Linear suffix array construction by
//! almost pure induced-sorting"): linear in time, whatever repeats the text has.
//!
//! A suffix is *small* if it is less than the next one, and *large* otherwise; a small one after a large one is
//! *leftmost*. From the order of the leftmost suffixes, two passes give that of all. The leftmost ones are ordered by
//! giving each piece from one to the next a name, and sorting the text of the names, which is at most half as long.
//!
//! For n symbols, k of them different: the text (4n), the order (4n) and the buckets (4k at first, 2n at most deeper down;
//! those of one level at a time). The text of the names and its order stand in the order's own memory, and which suffixes
//! are small is seen in the text, so that it is 12n bytes at most: where all are different. `tests/allocations.rs` holds
//! it to that.

/// No suffix.
const EMPTY: u32 = u32::MAX;

/// A text and the order of its suffixes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suffixes {
    text: Vec<u32>,
    /// Where each suffix starts, the least first. One that is another's beginning comes before it.
    order: Vec<u32>,
}

impl Suffixes {
    /// Sorts the suffixes of a text of symbols 0, 1, 2 …: while it is sorted each up to the largest takes four bytes, whether it
    /// stands in the text or not.
    pub fn new(text: Vec<u32>) -> Suffixes {
        assert!(text.len() < EMPTY as usize, "a diary has fewer than 2^32 - 1 words");
        let largest = text.iter().max().map_or(0, |&symbol| symbol as usize);
        let mut order = vec![EMPTY; text.len()];
        sort(&text, largest + 1, &mut order);
        Suffixes { text, order }
    }

    /// The text.
    pub fn text(&self) -> &[u32] {
        &self.text
    }

    /// The longest prefix of `query` that stands in the text: how many symbols, and where it stands first. (0, 0) if not
    /// even the first symbol does.
    pub fn longest(&self, query: &[u32]) -> (usize, usize) {
        match self.matching(query) {
            (0, _) => (0, 0),
            (length, places) => (length, places.iter().min().map_or(0, |&place| place as usize)),
        }
    }

    /// The longest prefix of `query` that stands in the text: how many symbols, and all its places, in the order of their
    /// suffixes. The empty prefix stands everywhere.
    pub fn matching(&self, query: &[u32]) -> (usize, &[u32]) {
        let mut places = self.order.as_slice();
        for (depth, &symbol) in query.iter().enumerate() {
            let narrower = self.narrow(places, depth, symbol);
            if narrower.is_empty() {
                return (depth, places);
            }
            places = narrower;
        }
        (query.len(), places)
    }

    /// Of the places of a prefix of `depth` symbols, those at which `symbol` comes next.
    pub fn narrow<'a>(&self, places: &'a [u32], depth: usize, symbol: u32) -> &'a [u32] {
        // After its last symbol a text has None, which is less than any symbol.
        let next = |place: &u32| self.text.get(*place as usize + depth).copied();
        let places = &places[places.partition_point(|place| next(place) < Some(symbol))..];
        &places[..places.partition_point(|place| next(place) <= Some(symbol))]
    }
}

/// Orders the suffixes of a text of symbols below `symbols`.
fn sort(text: &[u32], symbols: usize, order: &mut [u32]) {
    if text.is_empty() {
        return;
    }
    let count = sort_pieces(text, symbols, order);
    let names = name(text, order, count);
    // At most half of the suffixes are leftmost, so that the two parts are apart.
    let (front, named) = order.split_at_mut(text.len() - count);
    let sorted = &mut front[..count];
    if names < count {
        sort(named, names, sorted);
    } else {
        for (i, &name) in (0..).zip(named.iter()) {
            sorted[name as usize] = i;
        }
    }
    for (slot, at) in named.iter_mut().rev().zip(all_leftmost(text)) {
        *slot = at;
    }
    for i in sorted {
        *i = named[*i as usize];
    }
    order[count..].fill(EMPTY);
    let mut buckets = vec![0; symbols];
    ends(text, &mut buckets);
    for i in (0..count).rev() {
        let at = std::mem::replace(&mut order[i], EMPTY);
        put_back(text, &mut buckets, order, at);
    }
    induce(text, &mut buckets, order);
}

/// Orders the leftmost suffixes by their pieces alone, at the front of `order`: how many there are.
fn sort_pieces(text: &[u32], symbols: usize, order: &mut [u32]) -> usize {
    let mut buckets = vec![0; symbols];
    order.fill(EMPTY);
    ends(text, &mut buckets);
    for at in all_leftmost(text) {
        put_back(text, &mut buckets, order, at);
    }
    induce(text, &mut buckets, order);
    let mut count = 0;
    for i in 0..order.len() {
        if is_leftmost(text, order[i] as usize) {
            order[count] = order[i];
            count += 1;
        }
    }
    count
}

/// Gives the pieces names by their order, alike to those that are equal, and writes them in the order of the text at the
/// end of `order`: how many names there are.
fn name(text: &[u32], order: &mut [u32], count: usize) -> usize {
    let (sorted, slots) = order.split_at_mut(count);
    slots.fill(EMPTY);
    let (mut names, mut last) = (0, None);
    for &at in sorted.iter() {
        if last.is_none_or(|last| !same_piece(text, last, at as usize)) {
            names += 1;
        }
        last = Some(at as usize);
        // No two leftmost suffixes are neighbours.
        slots[at as usize / 2] = names - 1;
    }
    let mut free = slots.len();
    for i in (0..slots.len()).rev() {
        if slots[i] != EMPTY {
            free -= 1;
            slots[free] = slots[i];
        }
    }
    names as usize
}

/// From the leftmost suffixes at the ends of their buckets, the order of the large ones and, from it, of the small ones.
fn induce(text: &[u32], buckets: &mut [u32], order: &mut [u32]) {
    starts(text, buckets);
    let mut put_front = |order: &mut [u32], at: usize| {
        let bucket = &mut buckets[text[at] as usize];
        order[*bucket as usize] = at as u32;
        *bucket += 1;
    };
    // The end of the text is the least of all suffixes; it brings the last symbol's.
    put_front(order, text.len() - 1);
    for i in 0..order.len() {
        let at = order[i] as usize;
        // What is here is large or leftmost, and before a leftmost one stands a greater symbol: so of equal ones both are large.
        if order[i] != EMPTY && at > 0 && text[at - 1] >= text[at] {
            put_front(order, at - 1);
        }
    }
    ends(text, buckets);
    for i in (0..order.len()).rev() {
        let at = order[i] as usize;
        if order[i] == EMPTY || at == 0 {
            continue;
        }
        let (before, symbol) = (text[at - 1], text[at]);
        // Of equal symbols both are small or both large; the small ones fill their bucket from its end, and this pass comes to
        // each after it was put there.
        if before < symbol || before == symbol && i >= buckets[symbol as usize] as usize {
            put_back(text, buckets, order, at as u32 - 1);
        }
    }
}

/// Puts a suffix before those that its bucket has at its end.
fn put_back(text: &[u32], buckets: &mut [u32], order: &mut [u32], at: u32) {
    let bucket = &mut buckets[text[at as usize] as usize];
    *bucket -= 1;
    order[*bucket as usize] = at;
}

/// Where each symbol's suffixes start in the order.
fn starts(text: &[u32], buckets: &mut [u32]) {
    ends(text, buckets);
    for &symbol in text {
        buckets[symbol as usize] -= 1;
    }
}

/// Where each symbol's suffixes end in the order.
fn ends(text: &[u32], buckets: &mut [u32]) {
    buckets.fill(0);
    for &symbol in text {
        buckets[symbol as usize] += 1;
    }
    let mut sum = 0;
    for bucket in buckets {
        sum += *bucket;
        *bucket = sum;
    }
}

/// The leftmost suffixes of a text, the last first.
fn all_leftmost(text: &[u32]) -> impl Iterator<Item = u32> {
    // The last suffix is large: it is more than the end of the text.
    let mut small = false;
    (0..text.len().saturating_sub(1)).rev().filter_map(move |before| {
        let was_small = small;
        small = text[before] < text[before + 1] || text[before] == text[before + 1] && small;
        (was_small && !small).then_some(before as u32 + 1)
    })
}

/// Whether a suffix is leftmost. A run of one symbol is walked along from its first place alone, so that all of a text
/// are asked in linear time.
fn is_leftmost(text: &[u32], at: usize) -> bool {
    let symbol = text[at];
    let rises = || text[at..].iter().find(|&&next| next != symbol).is_some_and(|&next| next > symbol);
    at > 0 && text[at - 1] > symbol && rises()
}

/// Whether the pieces from two leftmost suffixes to the next ones are equal: where all symbols of both are, so are their
/// kinds.
fn same_piece(text: &[u32], one: usize, other: usize) -> bool {
    for i in 0.. {
        let (one, other) = (one + i, other + i);
        // The one that reaches the end of the text is like no other.
        let (Some(first), Some(second)) = (text.get(one), text.get(other)) else { return false };
        if first != second {
            return false;
        }
        if i > 0 {
            match (is_leftmost(text, one), is_leftmost(text, other)) {
                (false, false) => {}
                (ends, ends_too) => return ends && ends_too,
            }
        }
    }
    unreachable!("a text ends")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::likeness::testing::draws;

    fn naive(text: &[u32]) -> Vec<u32> {
        let mut order: Vec<u32> = (0..text.len() as u32).collect();
        order.sort_by_key(|&at| &text[at as usize..]);
        order
    }

    #[test]
    fn the_order_is_that_of_a_plain_sort() {
        let banana = [1, 0, 2, 0, 2, 0];
        assert_eq!(Suffixes::new(banana.to_vec()).order, [5, 3, 1, 0, 4, 2]);
        let mut draw = draws(1);
        for trial in 0..3000 {
            let (length, symbols) = (draw() % 70, 1 + draw() % (1 + trial % 9));
            // Every third leaves symbols out.
            let factor = if trial % 3 == 0 { 7 } else { 1 };
            let text: Vec<u32> = (0..length).map(|_| (draw() % symbols) as u32 * factor).collect();
            let suffixes = Suffixes::new(text.clone());
            assert_eq!(suffixes.order, naive(&text), "{text:?}");
            assert_eq!(suffixes.text, text);
        }
    }

    #[test]
    fn long_repeats_are_sorted_and_deep_recursions() {
        let mut draw = draws(2);
        let mut cases = vec![vec![7; 500], (0..500).collect(), (0..500).rev().collect()];
        cases.push((0..600).map(|i| i % 3).collect());
        // Fibonacci's word recurs the deepest; a page that comes ten times has long runs in common.
        let (mut a, mut b) = (vec![0], vec![0, 1]);
        while b.len() < 900 {
            (a, b) = (b.clone(), [b, a].concat());
        }
        cases.push(b);
        let page: Vec<u32> = (0..90).map(|_| (draw() % 20) as u32).collect();
        cases.push((0..10).flat_map(|i| page.iter().copied().chain([100 + i])).collect());
        for text in cases {
            assert_eq!(Suffixes::new(text.clone()).order, naive(&text), "{text:?}");
        }
    }

    #[test]
    fn the_longest_prefix_is_found_where_it_stands_first() {
        let mut draw = draws(3);
        for _ in 0..400 {
            let symbols = 2 + draw() % 4;
            let text: Vec<u32> = (0..draw() % 60).map(|_| (draw() % symbols) as u32).collect();
            let query: Vec<u32> = (0..draw() % 12).map(|_| (draw() % (symbols + 1)) as u32).collect();
            let common = |at: usize| text[at..].iter().zip(&query).take_while(|(a, b)| a == b).count();
            let length = (0..text.len()).map(common).max().unwrap_or(0);
            let first =
                if length == 0 { 0 } else { (0..text.len()).find(|&at| common(at) == length).unwrap() };
            let suffixes = Suffixes::new(text.clone());
            assert_eq!(suffixes.longest(&query), (length, first), "{query:?} in {text:?}");
            let (_, places) = suffixes.matching(&query);
            assert_eq!(places.len(), (0..text.len()).filter(|&at| common(at) == length).count());
        }
    }
}
