//! Counting: from the result lines of `cargo test` and Playwright to one true sum.

use std::ops::AddAssign;

/// How many tests passed, failed, and were not run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl Tally {
    /// Of a check that has no tests of its own, such as a formatter.
    pub(crate) fn of_check(good: bool) -> Self {
        Self {
            passed: good.into(),
            failed: (!good).into(),
            skipped: 0,
        }
    }

    /// Of a program that counts its tests. One that failed without a failed test, because it did
    /// not compile or was cut off, counts as a failure, and so does one that ran no test at all.
    pub(crate) fn of_tests(counted: Self, good: bool) -> Self {
        let failed = counted.failed.max((!good || counted.passed == 0).into());
        Self { failed, ..counted }
    }

    /// Sums the result lines of `cargo test`: `test result: ok. 5 passed; 0 failed; 1 ignored; …`.
    pub(crate) fn of_cargo_test(output: &str) -> Self {
        let mut sum = Self::default();
        for line in output.lines() {
            // A test that prints without an end of line has its words in front of our own.
            let Some((_, counts)) = line.split_once("test result: ") else {
                continue;
            };
            let Some((_, counts)) = counts.split_once(". ") else {
                continue;
            };
            for count in counts.split("; ") {
                match numbered(count) {
                    Some((number, "passed")) => sum.passed += number,
                    Some((number, "failed")) => sum.failed += number,
                    Some((number, "ignored")) => sum.skipped += number,
                    _ => {}
                }
            }
        }
        sum
    }

    /// Reads the closing lines of Playwright's list reporter: `  12 passed (5.3s)`, `  1 failed`.
    /// A flaky test, good at the second try, is a failed one.
    pub(crate) fn of_playwright(output: &str) -> Self {
        let mut sum = Self::default();
        for line in output.lines() {
            let line = line.split_once(" (").map_or(line, |(counts, _)| counts);
            match numbered(line.trim()) {
                Some((number, "passed")) => sum.passed += number,
                Some((number, "failed" | "flaky" | "interrupted")) => sum.failed += number,
                Some((number, "skipped" | "did not run")) => sum.skipped += number,
                _ => {}
            }
        }
        sum
    }
}

/// The names of the tests that `cargo test` reports as failed.
pub(crate) fn failures_of_cargo_test(output: &str) -> Vec<String> {
    output
        .lines()
        .filter_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"))
        // `file.rs - item (line 3) - compile` is a documentation test.
        .map(|name| name.trim().to_owned())
        .collect()
}

/// The titles of the tests that Playwright lists as failed at its end.
pub(crate) fn failures_of_playwright(output: &str) -> Vec<String> {
    let mut failures = Vec::new();
    let mut listing = false;
    for line in output.lines() {
        match line.strip_prefix("    ") {
            Some(title) if listing => failures.push(title.trim_end_matches([' ', '─']).to_owned()),
            _ => {
                listing = matches!(
                    numbered(line.trim()),
                    Some((_, "failed" | "flaky" | "interrupted"))
                );
            }
        }
    }
    failures
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

/// `12 passed` → (12, "passed").
fn numbered(text: &str) -> Option<(u64, &str)> {
    let (number, word) = text.split_once(' ')?;
    Some((number.parse().ok()?, word.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_lines_of_all_test_programs_are_summed() {
        let output = "\
running 2 tests
test a ... ok
test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
     Running unittests src/lib.rs
test result: FAILED. 40 passed; 3 failed; 1 ignored; 0 measured; 7 filtered out; finished in 1.20s
";
        let tally = Tally::of_cargo_test(output);
        assert_eq!(
            tally,
            Tally {
                passed: 42,
                failed: 3,
                skipped: 1
            }
        );
    }

    #[test]
    fn failed_tests_are_named() {
        let output = "test a::b ... ok\ntest a::c ... FAILED\n\nfailures:\n    a::c\n";
        assert_eq!(failures_of_cargo_test(output), ["a::c"]);
    }

    #[test]
    fn a_result_line_is_found_behind_what_a_test_printed() {
        let output = "no end of linetest result: ok. 2 passed; 0 failed; 0 ignored; 0 measured";
        assert_eq!(Tally::of_cargo_test(output).passed, 2);
    }

    #[test]
    fn playwright_is_summed_from_its_closing_lines() {
        let output = "\
  ✓  1 list.spec.ts:3:1 › shows 12 passed machines (1.2s)
  1 failed
    list.spec.ts:9:1 › filters
  1 flaky
  2 skipped
  3 did not run
  12 passed (25.3s)
";
        let tally = Tally::of_playwright(output);
        assert_eq!(
            tally,
            Tally {
                passed: 12,
                failed: 2,
                skipped: 5
            }
        );
        assert_eq!(
            failures_of_playwright(output),
            ["list.spec.ts:9:1 › filters"]
        );
    }

    #[test]
    fn a_program_that_fails_without_a_failed_test_counts_as_failed() {
        let none = Tally::of_tests(Tally::default(), false);
        assert_eq!(
            none,
            Tally {
                passed: 0,
                failed: 1,
                skipped: 0
            }
        );
        let some = Tally::of_tests(
            Tally {
                passed: 1,
                failed: 2,
                skipped: 0,
            },
            false,
        );
        assert_eq!(some.failed, 2);
    }

    #[test]
    fn a_program_that_runs_no_test_counts_as_failed() {
        assert_eq!(Tally::of_tests(Tally::default(), true).failed, 1);
        let some = Tally {
            passed: 1,
            failed: 0,
            skipped: 0,
        };
        assert_eq!(Tally::of_tests(some, true), some);
    }
}
