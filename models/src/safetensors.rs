//! Reading safetensors: a JSON table, then the bytes it points into.

use serde_json::Value;

use crate::Failure;

/// A file's tensors, all of single precision.
pub struct Tensors<'a> {
    table: Value,
    bytes: &'a [u8],
}

/// One of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// Dimensions, outermost first.
    pub shape: Vec<usize>,
    /// Values.
    pub values: Vec<f32>,
}

impl<'a> Tensors<'a> {
    /// Reads the table.
    pub fn open(file: &'a [u8]) -> Result<Self, Failure> {
        let (length, rest) = file.split_first_chunk::<8>().ok_or_else(|| bad("it has no head"))?;
        let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
        let (table, bytes) =
            rest.split_at_checked(length).ok_or_else(|| bad("its table reaches beyond its end"))?;
        let table = serde_json::from_slice(table).map_err(|why| bad(format!("its table: {why}")))?;
        Ok(Self { table, bytes })
    }

    /// The tensor of that name.
    pub fn get(&self, name: &str) -> Result<Tensor, Failure> {
        let entry = &self.table[name];
        if entry["dtype"] != "F32" {
            return Err(bad(format!("{name} is missing or not of type F32")));
        }
        let numbers = |value: &Value| -> Option<Vec<usize>> {
            value.as_array()?.iter().map(|one| usize::try_from(one.as_u64()?).ok()).collect()
        };
        let shape = numbers(&entry["shape"]).ok_or_else(|| bad(format!("{name} has no shape")))?;
        let bytes = match numbers(&entry["data_offsets"]).as_deref() {
            Some([from, to]) => self.bytes.get(*from..*to),
            _ => None,
        };
        let bytes = bytes.ok_or_else(|| bad(format!("{name} lies beyond the end")))?;
        let count = shape.iter().try_fold(4usize, |count, size| count.checked_mul(*size));
        if count != Some(bytes.len()) {
            return Err(bad(format!("{name} has {} bytes, and its shape says otherwise", bytes.len())));
        }
        let values =
            bytes.chunks_exact(4).map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]]));
        Ok(Tensor { shape, values: values.collect() })
    }
}

fn bad(reason: impl Into<String>) -> Failure {
    Failure::malformed("the safetensors file", reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(table: &str, bytes: &[u8]) -> Vec<u8> {
        [&(table.len() as u64).to_le_bytes(), table.as_bytes(), bytes].concat()
    }

    #[test]
    fn a_tensor_is_read_and_a_lying_table_is_refused() {
        let bytes: Vec<u8> = [1.5f32, -2.0].iter().flat_map(|value| value.to_le_bytes()).collect();
        let good = file(r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, &bytes);
        let tensor = Tensors::open(&good).unwrap().get("a").unwrap();
        assert_eq!(tensor, Tensor { shape: vec![2], values: vec![1.5, -2.0] });
        assert!(Tensors::open(&good).unwrap().get("b").is_err());
        for table in [
            r#"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#,
            r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,80]}}"#,
            r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#,
            r#"{"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}}"#,
            r#"{"a":{"dtype":"F32","shape":[4611686018427387905],"data_offsets":[0,4]}}"#,
        ] {
            assert!(Tensors::open(&file(table, &bytes)).unwrap().get("a").is_err(), "{table}");
        }
        for end in 0..good.len() - 8 {
            assert!(Tensors::open(&good[..end]).is_err(), "cut at {end}");
        }
    }
}
