//! Reading CTranslate2's `model.bin`, version 6: a table of named arrays, found by walking the file once. Arrays are
//! read when asked for, so that no more than one is in memory.

use std::{
    collections::BTreeMap,
    io::{Read, Seek, SeekFrom},
};

use half::f16;

use crate::Failure;

/// Entries of a table, letters of a name: beyond this it is no model of ours.
const ENTRIES: u32 = 10_000;
const RANK: usize = 4;

/// Types of values, with CTranslate2's numbers.
const F32: u8 = 0;
const I8: u8 = 1;
const I16: u8 = 2;
const I32: u8 = 3;
const F16: u8 = 4;

/// A model's arrays.
pub struct Arrays<R> {
    file: R,
    table: BTreeMap<String, Entry>,
}

#[derive(Debug, Clone)]
struct Entry {
    shape: Vec<usize>,
    kind: u8,
    at: u64,
    bytes: usize,
}

impl<R: Read + Seek> Arrays<R> {
    /// Walks the whole file; what does not add up to its length is refused.
    pub fn open(mut file: R) -> Result<Self, Failure> {
        let length =
            file.seek(SeekFrom::End(0)).and_then(|length| file.rewind().map(|()| length)).map_err(cut)?;
        let version = u32_of(&mut file)?;
        if version != 6 {
            return Err(bad(format!("version {version}, where 6 is understood")));
        }
        let spec = name_of(&mut file)?;
        let revision = u32_of(&mut file)?;
        if spec != "WhisperSpec" || !(2..=3).contains(&revision) {
            return Err(bad(format!("it holds {spec} {revision}, where WhisperSpec 2 or 3 is understood")));
        }
        let mut table = BTreeMap::new();
        for _ in 0..counted(&mut file)? {
            let name = name_of(&mut file)?;
            let rank = usize::from(bytes_of::<_, 1>(&mut file)?[0]);
            if rank > RANK {
                return Err(bad(format!("{name} has {rank} dimensions")));
            }
            let shape =
                (0..rank).map(|_| Ok(u32_of(&mut file)? as usize)).collect::<Result<Vec<_>, Failure>>()?;
            let kind = bytes_of::<_, 1>(&mut file)?[0];
            let bytes = u32_of(&mut file)? as usize;
            let at = file.stream_position().map_err(cut)?;
            let count = shape.iter().try_fold(1usize, |count, size| count.checked_mul(*size));
            if count.and_then(|count| count.checked_mul(width(kind)?)) != Some(bytes) {
                return Err(bad(format!("{name} has {bytes} bytes, and its shape says otherwise")));
            }
            if at + bytes as u64 > length {
                return Err(bad(format!("{name} reaches beyond the end")));
            }
            file.seek(SeekFrom::Start(at + bytes as u64)).map_err(cut)?;
            table.insert(name, Entry { shape, kind, at, bytes });
        }
        for _ in 0..counted(&mut file)? {
            let (alias, name) = (name_of(&mut file)?, name_of(&mut file)?);
            let entry = table.get(&name).cloned();
            table.insert(alias, entry.ok_or_else(|| bad(format!("{name} is named and not there")))?);
        }
        if file.stream_position().map_err(cut)? != length {
            return Err(bad("something follows its end"));
        }
        Ok(Self { file, table })
    }

    /// The names of all arrays.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.table.keys().map(String::as_str)
    }

    /// An array's dimensions, outermost first.
    pub fn shape(&self, name: &str) -> Result<&[usize], Failure> {
        Ok(&self.entry(name)?.shape)
    }

    /// Its values, as f16: what the models we convert were published in.
    pub fn halves(&mut self, name: &str) -> Result<Vec<f16>, Failure> {
        let (kind, bytes) = self.read(name)?;
        match kind {
            F16 => Ok(bytes.chunks_exact(2).map(|two| f16::from_le_bytes([two[0], two[1]])).collect()),
            F32 => Ok(singles(&bytes).map(f16::from_f32).collect()),
            kind => Err(bad(format!("{name} holds values of type {kind}, where halves are understood"))),
        }
    }

    /// Its values, as f32.
    pub fn floats(&mut self, name: &str) -> Result<Vec<f32>, Failure> {
        let (kind, bytes) = self.read(name)?;
        match kind {
            F16 => {
                Ok(bytes.chunks_exact(2).map(|two| f16::from_le_bytes([two[0], two[1]]).to_f32()).collect())
            }
            F32 => Ok(singles(&bytes).collect()),
            kind => Err(bad(format!("{name} holds values of type {kind}, where floats are understood"))),
        }
    }

    /// Its one value, a whole number.
    pub fn number(&mut self, name: &str) -> Result<usize, Failure> {
        let (kind, bytes) = self.read(name)?;
        let value = match (kind, bytes.as_slice()) {
            (I8, [one]) => i64::from(one.cast_signed()),
            (I16, [a, b]) => i16::from_le_bytes([*a, *b]).into(),
            (I32, [a, b, c, d]) => i32::from_le_bytes([*a, *b, *c, *d]).into(),
            _ => return Err(bad(format!("{name} is not one whole number"))),
        };
        usize::try_from(value).map_err(|_| bad(format!("{name} is {value}")))
    }

    fn entry(&self, name: &str) -> Result<&Entry, Failure> {
        self.table.get(name).ok_or_else(|| bad(format!("it has no {name}")))
    }

    fn read(&mut self, name: &str) -> Result<(u8, Vec<u8>), Failure> {
        let entry = self.entry(name)?.clone();
        let mut bytes = vec![0; entry.bytes];
        self.file.seek(SeekFrom::Start(entry.at)).map_err(cut)?;
        self.file.read_exact(&mut bytes).map_err(cut)?;
        Ok((entry.kind, bytes))
    }
}

fn singles(bytes: &[u8]) -> impl Iterator<Item = f32> {
    bytes.chunks_exact(4).map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]]))
}

fn width(kind: u8) -> Option<usize> {
    match kind {
        F32 | I32 => Some(4),
        I16 | F16 => Some(2),
        I8 => Some(1),
        _ => None,
    }
}

fn bad(reason: impl Into<String>) -> Failure {
    Failure::malformed("model.bin", reason)
}

fn cut(error: std::io::Error) -> Failure {
    bad(error.to_string())
}

fn bytes_of<R: Read, const N: usize>(file: &mut R) -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    file.read_exact(&mut bytes).map_err(cut)?;
    Ok(bytes)
}

fn u32_of(file: &mut impl Read) -> Result<u32, Failure> {
    Ok(u32::from_le_bytes(bytes_of(file)?))
}

fn counted(file: &mut impl Read) -> Result<u32, Failure> {
    let count = u32_of(file)?;
    if count > ENTRIES { Err(bad(format!("{count} entries"))) } else { Ok(count) }
}

/// A length that counts the closing NUL, then the letters.
fn name_of(file: &mut impl Read) -> Result<String, Failure> {
    let mut bytes = vec![0; u16::from_le_bytes(bytes_of(file)?).into()];
    file.read_exact(&mut bytes).map_err(cut)?;
    if bytes.pop() != Some(0) {
        return Err(bad("a name has no end"));
    }
    String::from_utf8(bytes).map_err(|_| bad("a name is not text"))
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::Cursor;

    use super::*;

    /// One array for [`file`]: name, shape, type, bytes.
    pub(crate) type Array<'a> = (&'a str, &'a [u32], u8, Vec<u8>);

    /// A model of these arrays.
    pub(crate) fn file(arrays: &[Array<'_>], aliases: &[(&str, &str)]) -> Vec<u8> {
        let mut out = 6u32.to_le_bytes().to_vec();
        let name = |out: &mut Vec<u8>, name: &str| {
            out.extend(u16::try_from(name.len() + 1).unwrap().to_le_bytes());
            out.extend(name.bytes());
            out.push(0);
        };
        name(&mut out, "WhisperSpec");
        out.extend(3u32.to_le_bytes());
        out.extend(u32::try_from(arrays.len()).unwrap().to_le_bytes());
        for (title, shape, kind, bytes) in arrays {
            name(&mut out, title);
            out.push(u8::try_from(shape.len()).unwrap());
            out.extend(shape.iter().flat_map(|size| size.to_le_bytes()));
            out.push(*kind);
            out.extend(u32::try_from(bytes.len()).unwrap().to_le_bytes());
            out.extend(bytes);
        }
        out.extend(u32::try_from(aliases.len()).unwrap().to_le_bytes());
        for (alias, of) in aliases {
            name(&mut out, alias);
            name(&mut out, of);
        }
        out
    }

    #[test]
    fn arrays_and_their_second_names_are_found() {
        let halves = [1.0f32, -2.0].map(f16::from_f32);
        let bytes = halves.iter().flat_map(|half| half.to_le_bytes()).collect();
        let bytes = file(&[("a", &[2, 1], F16, bytes), ("n", &[], I16, vec![8, 0])], &[("b", "a")]);
        let mut arrays = Arrays::open(Cursor::new(bytes)).unwrap();
        assert_eq!(arrays.shape("b").unwrap(), [2, 1]);
        assert_eq!(arrays.halves("b").unwrap(), halves);
        assert_eq!(arrays.floats("a").unwrap(), [1.0, -2.0]);
        assert_eq!(arrays.number("n").unwrap(), 8);
        assert!(arrays.halves("c").unwrap_err().to_string().contains("no c"));
    }

    #[test]
    fn a_cut_or_lengthened_or_lying_file_is_refused() {
        let whole = file(&[("a", &[3], F32, vec![0; 12])], &[("b", "a")]);
        for end in 0..whole.len() {
            assert!(Arrays::open(Cursor::new(&whole[..end])).is_err(), "cut at {end}");
        }
        assert!(Arrays::open(Cursor::new([whole.as_slice(), b"x"].concat())).is_err());
        let lying = file(&[("a", &[4], F32, vec![0; 12])], &[]);
        assert!(Arrays::open(Cursor::new(lying)).is_err());
        let huge = file(&[("a", &[u32::MAX, u32::MAX, u32::MAX, u32::MAX], F32, vec![0; 12])], &[]);
        assert!(Arrays::open(Cursor::new(huge)).is_err());
    }
}
