//! The last good data beside the last error: new data failing does not erase old data.

use super::error::Error;

/// What is known of something that is fetched.
#[derive(Clone, Debug)]
pub struct Load<T> {
    data: Option<T>,
    error: Option<Error>,
}

impl<T> Default for Load<T> {
    /// Nothing came yet.
    fn default() -> Self {
        Self {
            data: None,
            error: None,
        }
    }
}

impl<T> Load<T> {
    /// The last good data; `None`: it never came.
    pub fn data(&self) -> Option<&T> {
        self.data.as_ref()
    }

    /// The last good data, to be patched.
    pub fn data_mut(&mut self) -> Option<&mut T> {
        self.data.as_mut()
    }

    /// Why the last attempt failed; `None`: it did not.
    pub fn error(&self) -> Option<&Error> {
        self.error.as_ref()
    }

    /// Takes the outcome of an attempt: good data replaces the old and clears the error, an
    /// error leaves the old data in place.
    pub fn take(&mut self, outcome: Result<T, Error>) {
        match outcome {
            Ok(data) => {
                self.data = Some(data);
                self.error = None;
            }
            Err(error) => self.error = Some(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_leaves_the_last_good_data_in_place() {
        let mut load = Load::default();
        load.take(Ok(1));
        load.take(Err(Error::Unreachable));
        assert_eq!(load.data(), Some(&1));
        assert!(load.error().is_some());
        load.take(Ok(2));
        assert_eq!(load.data(), Some(&2));
        assert!(load.error().is_none());
    }
}
