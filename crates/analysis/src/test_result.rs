//! The outcome of a significance test.

/// A test statistic with its p-value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TestResult {
    /// The statistic; what it is depends on the test. May be infinite (t-test of a constant difference).
    pub statistic: f64,
    /// Probability, in `[0, 1]`, of a result at least as extreme if the null hypothesis holds.
    pub p: f64,
}

impl TestResult {
    /// `1 - p`, which the AUPIMO paper calls confidence.
    pub fn confidence(&self) -> f64 {
        1.0 - self.p
    }
}
