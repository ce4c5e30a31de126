//! Writing ggml files: little-endian numbers, and tensors with their headers.

use std::io::{self, Write};

/// "ggml".
pub(crate) const MAGIC: i32 = 0x6767_6d6c;
/// `ggml_type` of plain numbers.
pub(crate) const F32: i32 = 0;
/// `ggml_type` of halves.
pub(crate) const F16: i32 = 1;

/// See the module.
pub(crate) struct Writer<W>(pub W);

impl<W: Write> Writer<W> {
    pub(crate) fn numbers(&mut self, numbers: &[i32]) -> io::Result<()> {
        numbers.iter().try_for_each(|number| self.0.write_all(&number.to_le_bytes()))
    }

    pub(crate) fn floats(&mut self, floats: &[f32]) -> io::Result<()> {
        let bytes: Vec<u8> = floats.iter().flat_map(|float| float.to_le_bytes()).collect();
        self.0.write_all(&bytes)
    }

    /// A length, then the bytes.
    pub(crate) fn word(&mut self, word: &[u8]) -> io::Result<()> {
        self.numbers(&[number(word.len())])?;
        self.0.write_all(word)
    }

    /// `shape` outermost first; ggml wants it the other way round.
    pub(crate) fn tensor(&mut self, name: &str, shape: &[usize], kind: i32, bytes: &[u8]) -> io::Result<()> {
        self.numbers(&[number(shape.len()), number(name.len()), kind])?;
        let sizes: Vec<i32> = shape.iter().rev().map(|size| number(*size)).collect();
        self.numbers(&sizes)?;
        self.0.write_all(name.as_bytes())?;
        self.0.write_all(bytes)
    }
}

/// A size as ggml writes it; those here are all far below the limit.
pub(crate) fn number(size: usize) -> i32 {
    i32::try_from(size).expect("sizes of a model that was read fit its format")
}
