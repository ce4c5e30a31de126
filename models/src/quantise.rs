//! Rounding weights as ggml's reference quantiser does, bit for bit: blocks of 32 values with one scale each. The
//! result is deterministic, so that a file can be pinned by its digest; core's tests hold it against ggml itself.

use half::f16;

/// Values of a block.
pub const BLOCK: usize = 32;

/// How the large matrices of a model are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Quant {
    /// Five bits, scale and least value: the best for its size in Russian and Ukrainian.
    #[default]
    Q5_1,
    /// Eight bits and scale: faster to compute, a third larger.
    Q8_0,
    /// Not rounded: as the weights were published.
    F16,
}

impl Quant {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Q5_1, Self::Q8_0, Self::F16];

    /// As files are called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Q5_1 => "q5_1",
            Self::Q8_0 => "q8_0",
            Self::F16 => "f16",
        }
    }

    /// `ftype` of the file's header: ggml's number, with version 2 of its formats.
    pub(crate) fn file_type(self) -> i32 {
        match self {
            Self::F16 => 1,
            Self::Q8_0 => 2_000 + 7,
            Self::Q5_1 => 2_000 + 9,
        }
    }

    /// `ggml_type` of a matrix.
    pub(crate) fn tensor_type(self) -> i32 {
        match self {
            Self::F16 => 1,
            Self::Q5_1 => 7,
            Self::Q8_0 => 8,
        }
    }

    /// Rounds `values`, whole rows of a matrix whose rows are multiples of [`BLOCK`].
    pub fn encode(self, values: &[f16], out: &mut Vec<u8>) {
        match self {
            Self::F16 => out.extend(values.iter().flat_map(|value| value.to_le_bytes())),
            Self::Q5_1 => blocks(values, |block| q5_1(block, out)),
            Self::Q8_0 => blocks(values, |block| q8_0(block, out)),
        }
    }

    /// What `bytes` stand for: [`Self::encode`] undone, but for what was rounded off.
    pub fn decode(self, bytes: &[u8]) -> Vec<f32> {
        let half = |at: &[u8]| f16::from_le_bytes([at[0], at[1]]).to_f32();
        match self {
            Self::F16 => bytes.chunks_exact(2).map(half).collect(),
            Self::Q8_0 => bytes
                .chunks_exact(2 + BLOCK)
                .flat_map(|block| block[2..].iter().map(|q| half(block) * f32::from(q.cast_signed())))
                .collect(),
            Self::Q5_1 => bytes
                .chunks_exact(8 + BLOCK / 2)
                .flat_map(|block| {
                    let high = u32::from_le_bytes([block[4], block[5], block[6], block[7]]);
                    (0..BLOCK).map(move |at| {
                        let pair = block[8 + at % 16];
                        let low = if at < 16 { pair & 15 } else { pair >> 4 };
                        let five = u32::from(low) | (high >> at & 1) << 4;
                        half(block) * five as f32 + half(&block[2..])
                    })
                })
                .collect(),
        }
    }
}

fn blocks(values: &[f16], mut each: impl FnMut(&[f32; BLOCK])) {
    let (blocks, rest) = values.as_chunks::<BLOCK>();
    assert!(rest.is_empty(), "rows are whole blocks");
    for block in blocks {
        each(&block.map(f16::to_f32));
    }
}

fn q5_1(values: &[f32; BLOCK], out: &mut Vec<u8>) {
    let (mut least, mut most) = (f32::MAX, -f32::MAX);
    for value in values {
        least = if *value < least { *value } else { least };
        most = if *value > most { *value } else { most };
    }
    let scale = (most - least) / 31.0;
    let inverse = if scale == 0.0 { 0.0 } else { 1.0 / scale };
    out.extend(f16::from_f32(scale).to_le_bytes());
    out.extend(f16::from_f32(least).to_le_bytes());
    let five = values.map(|value| ((value - least) * inverse + 0.5) as u8);
    let high = five.iter().enumerate().fold(0u32, |bits, (at, five)| bits | u32::from(five >> 4 & 1) << at);
    out.extend(high.to_le_bytes());
    out.extend((0..BLOCK / 2).map(|at| five[at] & 15 | five[at + BLOCK / 2] << 4));
}

fn q8_0(values: &[f32; BLOCK], out: &mut Vec<u8>) {
    let most = values.iter().fold(0f32, |most, value| most.max(value.abs()));
    let scale = most / 127.0;
    let inverse = if scale == 0.0 { 0.0 } else { 1.0 / scale };
    out.extend(f16::from_f32(scale).to_le_bytes());
    out.extend(values.iter().map(|value| ((value * inverse).round() as i8).cast_unsigned()));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that look like weights, always the same.
    fn weights(count: usize) -> Vec<f16> {
        let mut state = 0x2545_f491_4f6c_dd1du64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / (1u32 << 24) as f32 - 0.5
        };
        (0..count).map(|_| f16::from_f32(next() * next() * 0.3)).collect()
    }

    #[test]
    fn a_rounded_weight_is_at_most_half_a_step_off() {
        let values = weights(BLOCK * 200);
        for (quant, steps) in [(Quant::Q5_1, 31.0), (Quant::Q8_0, 127.0)] {
            let mut bytes = Vec::new();
            quant.encode(&values, &mut bytes);
            let back = quant.decode(&bytes);
            assert_eq!(back.len(), values.len());
            for (block, decoded) in values.chunks(BLOCK).zip(back.chunks(BLOCK)) {
                let block: Vec<f32> = block.iter().map(|value| value.to_f32()).collect();
                let (least, most) = block
                    .iter()
                    .fold((f32::MAX, f32::MIN), |(least, most), value| (least.min(*value), most.max(*value)));
                let range = if quant == Quant::Q5_1 { most - least } else { least.abs().max(most.abs()) };
                // Scale and least value are themselves kept as f16.
                let bound = range / steps * 0.5 + range.max(least.abs()) * 2f32.powi(-10);
                for (value, back) in block.iter().zip(decoded) {
                    assert!(
                        (value - back).abs() <= bound,
                        "{quant:?}: {value} became {back}, allowed {bound}"
                    );
                }
            }
        }
    }

    #[test]
    fn silence_in_the_weights_stays_silence() {
        for quant in Quant::ALL {
            let mut bytes = Vec::new();
            quant.encode(&[f16::ZERO; BLOCK], &mut bytes);
            assert_eq!(quant.decode(&bytes), [0.0; BLOCK], "{quant:?}");
        }
    }

    #[test]
    fn the_known_example_of_each_format() {
        // 0..31 need no rounding in five bits; their scale is 1 and their least value 0.
        let ramp: Vec<f16> = (0u8..32).map(|value| f16::from_f32(value.into())).collect();
        let mut bytes = Vec::new();
        Quant::Q5_1.encode(&ramp, &mut bytes);
        assert_eq!(
            bytes[..8],
            [0x00, 0x3c, 0, 0, 0, 0, 0xff, 0xff],
            "scale 1, least 0, the upper half's fifth bits"
        );
        assert_eq!(bytes[8..12], [0x00, 0x11, 0x22, 0x33]);
        assert_eq!(Quant::Q5_1.decode(&bytes), ramp.iter().map(|value| value.to_f32()).collect::<Vec<_>>());
    }
}
