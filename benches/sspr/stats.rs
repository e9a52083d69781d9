//! Medians and percentiles: of what was, never of what was smoothed.

/// The smallest of `values` that `percent` of them do not exceed. Sorts them. 0 of none.
pub fn percentile(values: &mut [f64], percent: f64) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let count = values.len();
    let rank = (1..=count).find(|rank| f64::from(u32::try_from(*rank).unwrap_or(u32::MAX)) >= share(count, percent)).unwrap_or(1);
    values.get(rank - 1).copied().unwrap_or_default()
}

fn share(count: usize, percent: f64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX)) * percent / 100.0
}

/// The middle one; of an even number the mean of the two in the middle.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    match sorted.len() {
        0 => 0.0,
        count if count % 2 == 1 => sorted[count / 2],
        count => f64::midpoint(sorted[count / 2 - 1], sorted[count / 2]),
    }
}

/// Least and most, for people.
pub fn spread(values: &[f64], digits: usize) -> String {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    format!("{least:.digits$}–{most:.digits$}")
}
