//! `find /vmfs/volumes/… -iname '*.iso'`: the ISO images on a node's volumes.

use ecoman_model::IsoImage;

use super::error::ParseError;
use super::input::{Input, line_text};

/// Reads the paths that `find` printed, a line each, sorted. A path with a line break in it is
/// two lines that are no paths, and an error.
///
/// # Errors
/// [`ParseError::Unexpected`] where a line is no absolute path, [`ParseError::Truncated`] where
/// the last line has no line end.
pub fn iso_images(stdout: &[u8]) -> Result<Vec<IsoImage>, ParseError> {
    let input = Input::new("find", stdout)?;
    let mut images = Vec::new();
    for line in input.lines_from(0) {
        if !line.text.starts_with(b"/") {
            return Err(input.unexpected(line.start, "not a path"));
        }
        if !line.ended {
            return Err(input.truncated("the last line has no line end"));
        }
        let path = line_text(line.text, "path", &mut Vec::new());
        images.push(IsoImage { path, bytes: None });
    }
    images.sort();
    Ok(images)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_a_path() {
        let images = iso_images(b"/vmfs/volumes/b/y.iso\n/vmfs/volumes/a b/x.ISO\n").unwrap();
        let paths: Vec<&str> = images.iter().map(|image| image.path.as_str()).collect();
        assert_eq!(paths, ["/vmfs/volumes/a b/x.ISO", "/vmfs/volumes/b/y.iso"]);
        assert_eq!(iso_images(b"").unwrap(), []);
        assert!(iso_images(b"/vmfs/volumes/a/x.iso").is_err());
        assert!(iso_images(b"find: /vmfs: No such file\n").is_err());
    }
}
