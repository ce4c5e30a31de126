//! Our rounding of weights beside ggml's own, bit for bit: models made by `cargo x model` are what whisper.cpp's tool
//! would have made.
#![allow(unsafe_code, reason = "ggml is C")]

use half::f16;
use pocketdesk_models::quantise::{BLOCK, Quant};
use whisper_rs::whisper_rs_sys as ggml;

use super::*;

fn theirs(kind: ggml::ggml_type, values: &[f32]) -> Vec<u8> {
    // SAFETY: the buffer holds the row's rounded bytes and more, and the values are whole blocks.
    unsafe {
        let mut bytes = vec![0u8; values.len() * 4];
        ggml::ggml_quantize_init(kind);
        let (rows, row) = (1, i64::try_from(values.len()).unwrap());
        let wrote = ggml::ggml_quantize_chunk(
            kind,
            values.as_ptr(),
            bytes.as_mut_ptr().cast(),
            0,
            rows,
            row,
            std::ptr::null(),
        );
        bytes.truncate(wrote);
        bytes
    }
}

#[test]
fn a_model_made_here_is_bit_for_bit_what_ggmls_own_tool_makes() {
    let mut dice = Dice(0x9e37_79b9);
    let mut values: Vec<f16> = Vec::new();
    for block in 0..20_000u32 {
        // Every size of weight there is, blocks of one value, zeros, and infinitely small ones.
        let scale = 2f32.powi(i32::try_from(block % 31).unwrap() - 24);
        let shift = if block % 5 == 0 { scale * 3.0 } else { 0.0 };
        for at in 0..BLOCK {
            let random = dice.below(1 << 24) as f32 / (1 << 23) as f32 - 1.0;
            let value = match block % 17 {
                0 => 0.0,
                1 => scale,
                2 if at != 7 => 0.0,
                _ => random * scale + shift,
            };
            values.push(f16::from_f32(value));
        }
    }
    let floats: Vec<f32> = values.iter().map(|value| value.to_f32()).collect();
    for (quant, kind) in
        [(Quant::Q5_1, ggml::ggml_type_GGML_TYPE_Q5_1), (Quant::Q8_0, ggml::ggml_type_GGML_TYPE_Q8_0)]
    {
        let mut ours = Vec::new();
        quant.encode(&values, &mut ours);
        let theirs = theirs(kind, &floats);
        assert_eq!(ours.len(), theirs.len());
        let at = ours.iter().zip(&theirs).position(|(one, other)| one != other);
        assert_eq!(at, None, "{quant:?} differs");
    }
}
