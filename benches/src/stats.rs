//! Medians, quartiles and pairs.

use serde::Serialize;

/// The middle of some measurements and where the middle half of them lies.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub(crate) struct Spread {
    /// The median.
    pub(crate) median: f64,
    /// The first quartile.
    pub(crate) low: f64,
    /// The third quartile.
    pub(crate) high: f64,
}

impl Spread {
    /// Of these values; `None` if there are none, or one is not a number.
    pub(crate) fn of(values: &[f64]) -> Option<Self> {
        if values.is_empty() || values.iter().any(|v| !v.is_finite()) {
            return None;
        }
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        Some(Self {
            median: quantile(&sorted, 0.5),
            low: quantile(&sorted, 0.25),
            high: quantile(&sorted, 0.75),
        })
    }
}

/// Between the two values that are nearest, as far as it lies from each.
fn quantile(sorted: &[f64], q: f64) -> f64 {
    let place = q * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    below + (above - below) * place.fract()
}

/// What one contestant has to the other, round by round: what disturbs the machine for longer than a round disturbs both.
/// A round in which both have nothing is even.
pub(crate) fn ratios(above: &[f64], below: &[f64]) -> Vec<f64> {
    let ratio = |(&a, &b): (&f64, &f64)| if a == b { 1.0 } else { a / b };
    above.iter().zip(below).map(ratio).collect()
}

/// Who runs when: in every second round the other way round, so that nobody always has the better place.
pub(crate) fn order(contestants: usize, round: usize) -> Vec<usize> {
    let all = 0..contestants;
    if round.is_multiple_of(2) {
        all.collect()
    } else {
        all.rev().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_of_odd_and_even() {
        let median = |values: &[f64]| Spread::of(values).map(|s| s.median);
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 3.0, 2.0]), Some(2.5));
        assert_eq!(median(&[7.0]), Some(7.0));
    }

    #[test]
    fn quartiles_lie_between_values() {
        let spread = Spread::of(&[1.0, 2.0, 3.0, 4.0]).expect("there are values");
        assert_eq!((spread.low, spread.high), (1.75, 3.25));
        let spread = Spread::of(&[5.0, 1.0, 4.0, 2.0, 3.0]).expect("there are values");
        assert_eq!((spread.low, spread.high), (2.0, 4.0));
    }

    #[test]
    fn one_wild_value_moves_no_median() {
        let spread = Spread::of(&[1.0, 1.1, 0.9, 1.0, 1000.0]).expect("there are values");
        assert_eq!(spread.median, 1.0);
        assert!(spread.high < 1.2);
    }

    #[test]
    fn nothing_has_no_median() {
        assert_eq!(Spread::of(&[]), None);
        assert_eq!(Spread::of(&[1.0, f64::NAN]), None);
        assert_eq!(Spread::of(&[f64::INFINITY]), None);
    }

    #[test]
    fn pairs_are_of_one_round() {
        // The machine is half as fast in the second round: the ratio is the same.
        assert_eq!(ratios(&[2.0, 4.0], &[1.0, 2.0]), [2.0, 2.0]);
        assert_eq!(ratios(&[0.0, 1.0], &[0.0, 4.0]), [1.0, 0.25]);
        // What is not there in one is no pair.
        assert_eq!(ratios(&[1.0, 2.0], &[1.0]), [1.0]);
    }

    #[test]
    fn every_second_round_goes_back() {
        assert_eq!(order(3, 0), [0, 1, 2]);
        assert_eq!(order(3, 1), [2, 1, 0]);
        assert_eq!(order(2, 2), [0, 1]);
    }
}
