//! What changes over time.

use serde::{Deserialize, Serialize};

/// A number over time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// As with a figure.
    pub name: String,
    /// Seconds since the section's load began, and the number then.
    pub points: Vec<(f64, f64)>,
}

impl Series {
    /// The highest.
    pub fn most(&self) -> f64 {
        self.points.iter().map(|(_, number)| *number).fold(0.0, f64::max)
    }

    /// The mean of the last third, as a multiple of the mean of the middle one: what goes up and down all the time has about 1. The
    /// first third is passed over, in which everything grows to its usual size. Nothing where there is too little to tell.
    pub fn growth(&self) -> Option<f64> {
        let third = self.points.len() / 3;
        if third == 0 {
            return None;
        }
        let mean = |points: &[(f64, f64)]| points.iter().map(|(_, number)| *number).sum::<f64>() / points.len() as f64;
        let (middle, last) = (mean(&self.points[third..2 * third]), mean(&self.points[2 * third..]));
        (middle > 0.0).then_some(last / middle)
    }
}

#[cfg(test)]
mod tests {
    use super::Series;

    fn growth(numbers: &[f64]) -> Option<f64> {
        let points = numbers.iter().map(|number| (0.0, *number)).collect();
        Series { name: "x".to_owned(), points }.growth()
    }

    #[test]
    fn what_goes_up_and_down_does_not_grow_and_what_piles_up_does() {
        assert_eq!(growth(&[0.0, 9.0, 0.0, 5.0, 1.0, 5.0, 1.0, 5.0, 5.0]), Some(1.0));
        assert_eq!(growth(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), Some(5.5 / 3.5));
        assert_eq!(growth(&[1.0, 2.0]), None, "too little");
        assert_eq!(growth(&[0.0; 9]), None, "nothing to be a multiple of");
    }
}
