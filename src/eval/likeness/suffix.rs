//! A suffix array over a text of word ids, by SA-IS (Nong, Zhang and Chan 2009, "Linear suffix array construction by
//! almost pure induced-sorting"): linear in time, whatever repeats the text has.
//!
//! A suffix is *small* if it is less than the next one, and *large* otherwise; a small one after a large one is
//! *leftmost*. From the order of the leftmost suffixes, two passes give that of all. The leftmost ones are ordered by
//! giving each piece from one to the next a name, and sorting the text of the names, which is at most half as long.
//!
//! For n symbols, k of them different: the text (4n), the order (4n), the buckets (4k at first, 2n at most deeper down;
//! those of one level at a time) and a bit a symbol and level (n/4 bytes in all). The text of the names and its order
//! stand in the order's own memory. Measured for 3 million symbols: 8.1 to 8.5 bytes each, and 12.1 if all are different.

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
    /// Sorts the suffixes of a text. The working memory is least if the symbols are 0, 1, 2 …; if one is as large as the
    /// text is long, they are numbered anew while it is sorted, which takes 4k bytes more.
    pub fn new(mut text: Vec<u32>) -> Suffixes {
        assert!(text.len() < EMPTY as usize, "a diary has fewer than 2^32 - 1 words");
        let largest = text.iter().max().map_or(0, |&symbol| symbol as usize);
        let mut order = vec![EMPTY; text.len()];
        if largest < text.len() {
            sort(&text, largest + 1, &mut order);
            return Suffixes { text, order };
        }
        let alphabet = alphabet(&text);
        for symbol in &mut text {
            *symbol = alphabet.partition_point(|other| other < symbol) as u32;
        }
        sort(&text, alphabet.len(), &mut order);
        for symbol in &mut text {
            *symbol = alphabet[*symbol as usize];
        }
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

/// The different symbols of a text, in order.
fn alphabet(text: &[u32]) -> Vec<u32> {
    let mut alphabet = text.to_vec();
    alphabet.sort_unstable();
    alphabet.dedup();
    alphabet.shrink_to_fit();
    alphabet
}

/// Orders the suffixes of a text of symbols below `symbols`.
fn sort(text: &[u32], symbols: usize, order: &mut [u32]) {
    if text.is_empty() {
        return;
    }
    let kinds = Kinds::of(text);
    let count = sort_pieces(text, symbols, &kinds, order);
    let names = name(text, &kinds, order, count);
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
    for (slot, at) in named.iter_mut().zip(kinds.all_leftmost(text.len())) {
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
    induce(text, &kinds, &mut buckets, order);
}

/// Orders the leftmost suffixes by their pieces alone, at the front of `order`: how many there are.
fn sort_pieces(text: &[u32], symbols: usize, kinds: &Kinds, order: &mut [u32]) -> usize {
    let mut buckets = vec![0; symbols];
    order.fill(EMPTY);
    ends(text, &mut buckets);
    for at in kinds.all_leftmost(text.len()) {
        put_back(text, &mut buckets, order, at);
    }
    induce(text, kinds, &mut buckets, order);
    let mut count = 0;
    for i in 0..order.len() {
        if kinds.is_leftmost(order[i] as usize) {
            order[count] = order[i];
            count += 1;
        }
    }
    count
}

/// Gives the pieces names by their order, alike to those that are equal, and writes them in the order of the text at the
/// end of `order`: how many names there are.
fn name(text: &[u32], kinds: &Kinds, order: &mut [u32], count: usize) -> usize {
    let (sorted, slots) = order.split_at_mut(count);
    slots.fill(EMPTY);
    let (mut names, mut last) = (0, None);
    for &at in sorted.iter() {
        if last.is_none_or(|last| !kinds.same_piece(text, last, at as usize)) {
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
fn induce(text: &[u32], kinds: &Kinds, buckets: &mut [u32], order: &mut [u32]) {
    starts(text, buckets);
    let mut put_front = |order: &mut [u32], at: usize| {
        let bucket = &mut buckets[text[at] as usize];
        order[*bucket as usize] = at as u32;
        *bucket += 1;
    };
    // The end of the text is the least of all suffixes; it brings the last symbol's.
    put_front(order, text.len() - 1);
    for i in 0..order.len() {
        let at = order[i];
        if at != EMPTY && at > 0 && !kinds.is_small(at as usize - 1) {
            put_front(order, at as usize - 1);
        }
    }
    ends(text, buckets);
    for i in (0..order.len()).rev() {
        let at = order[i];
        if at != EMPTY && at > 0 && kinds.is_small(at as usize - 1) {
            put_back(text, buckets, order, at - 1);
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

/// Which suffixes are small, a bit each.
struct Kinds(Vec<u64>);

impl Kinds {
    fn of(text: &[u32]) -> Kinds {
        let mut kinds = Kinds(vec![0; text.len().div_ceil(64)]);
        let mut small = false;
        for (at, pair) in text.windows(2).enumerate().rev() {
            small = pair[0] < pair[1] || pair[0] == pair[1] && small;
            kinds.0[at / 64] |= u64::from(small) << (at % 64);
        }
        kinds
    }

    fn is_small(&self, at: usize) -> bool {
        self.0[at / 64] >> (at % 64) & 1 == 1
    }

    fn is_leftmost(&self, at: usize) -> bool {
        at > 0 && self.is_small(at) && !self.is_small(at - 1)
    }

    /// The leftmost suffixes of a text of `n` symbols, in its order.
    fn all_leftmost(&self, n: usize) -> impl Iterator<Item = u32> {
        (1..n).filter(|&at| self.is_leftmost(at)).map(|at| at as u32)
    }

    /// Whether the pieces from two leftmost suffixes to the next ones are equal.
    fn same_piece(&self, text: &[u32], one: usize, other: usize) -> bool {
        let mut i = 0;
        loop {
            let (one, other) = (one + i, other + i);
            // The one that reaches the end of the text is like no other.
            let (Some(first), Some(second)) = (text.get(one), text.get(other)) else { return false };
            if first != second || self.is_small(one) != self.is_small(other) {
                return false;
            }
            if i > 0 && (self.is_leftmost(one) || self.is_leftmost(other)) {
                return self.is_leftmost(one) && self.is_leftmost(other);
            }
            i += 1;
        }
    }
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
            // Every third is sparse, up to the largest symbol there is.
            let factor = if trial % 3 == 0 { u32::MAX / 9 } else { 1 };
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
