//! What is drawn: how often, of what, and from the likeliest as from all.

use super::*;

const LOGITS: [f32; 5] = [0.0, 2.0, 2.0, 1.0, -1.0];
const NEW: SoFar = SoFar { prompt: &[], written: &[] };

fn any(_: u32) -> bool {
    true
}

fn choice(temperature: f32, top_k: usize, top_p: f32) -> Choice {
    Choice { temperature, top_k, top_p, ..Choice::default() }
}

fn shares(how: &Choice) -> [f64; 5] {
    let mut rng = Rng::new(5, "choose");
    let mut counts = [0.0; 5];
    for _ in 0..20_000 {
        counts[choose(&LOGITS, &NEW, how, &mut rng, &any).unwrap() as usize] += 1.0 / 20_000.0;
    }
    counts
}

#[test]
fn zero_is_greedy_and_ties_take_the_lowest_id() {
    let how = Choice { temperature: 0.0, ..Choice::default() };
    assert_eq!(choose(&LOGITS, &NEW, &how, &mut Rng::new(1, ""), &any), Some(1));
    assert_eq!(distribution(&LOGITS, &NEW, &how), [(1, 1.0)]);
}

#[test]
fn greedy_is_greedy_after_what_bends() {
    let greedy = || Choice { temperature: 0.0, ..Choice::default() };
    let so_far = SoFar { prompt: &[1, 2], written: &[1] };
    let chosen = |how: &Choice| choose(&LOGITS, &so_far, how, &mut Rng::new(1, ""), &any);
    assert_eq!(chosen(&Choice { presence_penalty: 0.5, ..greedy() }), Some(2));
    assert_eq!(chosen(&Choice { repetition_penalty: 2.5, ..greedy() }), Some(3));
    assert_eq!(chosen(&Choice { no_repeat_ngram: 2, ..greedy() }), Some(1));
    assert_eq!(chosen(&Choice { logit_bias: vec![(4, 100.0)], ..greedy() }), Some(4));
    assert_eq!(chosen(&Choice { logit_bias: vec![(1, -100.0)], ..greedy() }), Some(2));
}

#[test]
fn draws_follow_the_softmax() {
    let e: Vec<f64> = LOGITS.iter().map(|x| f64::from(x / 0.5).exp()).collect();
    let total: f64 = e.iter().sum();
    for (share, e) in shares(&choice(0.5, 0, 1.0)).iter().zip(&e) {
        // Five standard deviations of a share of 20,000 draws: 5·√(¼/20,000) = 0.018.
        assert!((share - e / total).abs() < 0.018, "{share} {}", e / total);
    }
}

#[test]
fn draws_follow_the_distribution_that_is_told() {
    let typical = Choice { typical_p: 0.5, ..choice(1.0, 4, 1.0) };
    let min_p = Choice { min_p: 0.3, ..choice(1.0, 0, 1.0) };
    let biased = Choice { logit_bias: vec![(0, 1.5), (1, -100.0)], ..choice(1.5, 0, 0.95) };
    for (how, kept) in [(typical, 2), (min_p, 3), (biased, 4)] {
        let told = distribution(&LOGITS, &NEW, &how);
        assert_eq!(told.len(), kept, "{told:?}");
        let mut rest = shares(&how);
        for (id, p) in told {
            let share = std::mem::take(&mut rest[id as usize]);
            assert!((share - p).abs() < 0.018, "{how:?}: {id} {share} {p}");
        }
        assert!(rest.iter().all(|&share| share == 0.0));
    }
}

#[test]
fn top_k_and_top_p_cut_the_tail() {
    let k2 = shares(&choice(1.0, 2, 1.0));
    assert!(k2[1] > 0.4 && k2[2] > 0.4 && k2[0] + k2[3] + k2[4] == 0.0);
    // The two likeliest hold 0.38 each: one is not enough for 0.5, two are.
    let p = shares(&choice(1.0, 0, 0.5));
    assert!(p[1] > 0.4 && p[2] > 0.4 && p[0] + p[3] + p[4] == 0.0);
}

#[test]
fn what_is_not_allowed_is_never_drawn() {
    let mut rng = Rng::new(6, "choose");
    let mut draw =
        |how: &Choice, refused: &[u32]| choose(&LOGITS, &NEW, how, &mut rng, &|id| !refused.contains(&id));
    let greedy = Choice { temperature: 0.0, ..Choice::default() };
    assert_eq!(draw(&greedy, &[1]), Some(2));
    assert_eq!(draw(&greedy, &[1, 2, 3]), Some(0));
    let (two, half) = (choice(1.0, 2, 1.0), choice(1.0, 0, 0.5));
    // Of this, 3 alone is typical: its surprise is nearest to the entropy.
    let typical = Choice { typical_p: 0.1, ..choice(1.0, 4, 1.0) };
    for _ in 0..200 {
        assert_eq!(draw(&two, &[1]), Some(2));
        // Beyond the nucleus the likeliest, and beyond the k likeliest nothing.
        assert_eq!(draw(&half, &[1, 2]), Some(3));
        assert_eq!(draw(&two, &[1, 2]), None);
        assert_eq!(draw(&typical, &[1, 2]), Some(3));
        assert!(draw(&typical, &[3]).is_some_and(|id| [1, 2].contains(&id)));
    }
}

/// So cold that but one can be: the others' weights are zero.
#[test]
fn where_all_that_can_be_is_refused_the_likeliest_of_the_rest_is_taken() {
    let how = choice(1e-4, 0, 1.0);
    let drawn = |refused: u32| {
        let logits = [0.0, 2.0, 1.9, 1.0];
        choose(&logits, &NEW, &how, &mut Rng::new(6, "choose"), &|id| id != 1 && id != refused)
    };
    assert_eq!((drawn(1), drawn(2)), (Some(2), Some(3)));
}

#[test]
fn what_cannot_be_is_not_drawn_and_nothing_is_where_nothing_can_be() {
    let mut rng = Rng::new(7, "choose");
    let none = [f32::NEG_INFINITY; 3];
    let infinite = [0.0, f32::INFINITY, f32::NEG_INFINITY];
    let unsound = [f32::NAN, 1.0, -f32::NAN];
    for how in
        [choice(0.0, 0, 1.0), choice(1.0, 0, 1.0), choice(1.0, 2, 0.5), choice(f32::MIN_POSITIVE, 0, 1.0)]
    {
        let mut draw = |logits: &[f32]| choose(logits, &NEW, &how, &mut rng, &any);
        assert_eq!(draw(&none), None);
        assert_eq!(draw(&[]), None);
        assert_eq!(draw(&infinite), Some(1));
        assert_eq!(draw(&unsound), Some(1));
        assert_eq!(choose_likely(&[], &how, &mut rng, &any), None);
        let all_written = SoFar { prompt: &[0, 1], written: &[2] };
        let never_twice = Choice { no_repeat_ngram: 1, ..how.clone() };
        assert_eq!(choose(&[0.0; 3], &all_written, &never_twice, &mut rng, &any), None);
        assert!(distribution(&none, &NEW, &how).is_empty());
    }
}

/// From the likeliest the very token that all would give, for every k that they hold, ties where they are cut included.
#[test]
fn from_the_likeliest_as_from_all() {
    let mut rng = Rng::new(3, "logits");
    for v in [5, 65, 256, 300, 2000] {
        let smooth: Vec<f32> = (0..v).map(|_| 3.0 * rng.normal()).collect();
        let tied: Vec<f32> = smooth.iter().map(|x| x.round()).collect();
        // Where one token has nearly all of it, a draw of another order is the same draw.
        let flat: Vec<f32> = smooth.iter().map(|x| 0.03 * x).collect();
        for logits in [smooth, tied, flat] {
            let k = 256.min(v);
            let mut top = likeliest_of(logits.iter().copied().zip(0..), k);
            top.sort_by_key(|&(_, id)| id);
            let top: Vec<f32> = top.iter().flat_map(|&(logit, id)| [logit, id as f32]).collect();
            for (temperature, top_k, top_p, min_p) in [
                (0.0, 0, 1.0, 0.0),
                (1.0, 1, 1.0, 0.0),
                (0.8, 200, 1.0, 0.0),
                (1.3, 256, 0.9, 0.0),
                (1.3, 256, 0.9, 0.1),
                (0.7, 0, 1.0, 0.0),
                (0.7, 0, 1.0, 0.1),
                (2.0, 4, 0.5, 0.0),
            ] {
                let how = Choice { min_p, ..choice(temperature, top_k, top_p) };
                assert_eq!(how.is_among(k, v), temperature == 0.0 || top_k > 0 || v <= 256);
                if !how.is_among(k, v) {
                    continue;
                }
                let [mut a, mut b] = [0, 0].map(|_| Rng::new(9, "draws"));
                for _ in 0..50 {
                    let likely = choose_likely(&top, &how, &mut a, &any);
                    assert_eq!(likely, choose(&logits, &NEW, &how, &mut b, &any));
                }
            }
        }
    }
}
