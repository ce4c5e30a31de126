//! Whisper's two constant tables. Computed rather than carried: a few lines each, and the same on every machine,
//! for everything is done in double precision and rounded once.

/// Bins of a spectrum of 400 samples.
pub(crate) const BINS: usize = 201;

/// Slaney's mel filters for 16 kHz, `mels` rows of [`BINS`].
pub(crate) fn filters(mels: usize) -> Vec<f32> {
    let step = 6.4f64.ln() / 27.0;
    let to_mel = |hertz: f64| {
        if hertz >= 1000.0 { 15.0 + (hertz / 1000.0).ln() / step } else { hertz / (200.0 / 3.0) }
    };
    let to_hertz =
        |mel: f64| if mel >= 15.0 { 1000.0 * (step * (mel - 15.0)).exp() } else { 200.0 / 3.0 * mel };
    let (low, high) = (to_mel(0.0), to_mel(8000.0));
    let points: Vec<f64> =
        (0..mels + 2).map(|at| to_hertz(low + at as f64 * ((high - low) / (mels + 1) as f64))).collect();
    let mut all = Vec::with_capacity(mels * BINS);
    for three in points.windows(3) {
        let area = 2.0 / (three[2] - three[0]);
        for bin in 0..BINS {
            let hertz = bin as f64 * 40.0;
            let rising = (hertz - three[0]) / (three[1] - three[0]);
            let falling = (three[2] - hertz) / (three[2] - three[1]);
            all.push((rising.min(falling).max(0.0) * area) as f32);
        }
    }
    all
}

/// The encoder's positions: `count` rows of `width`, sines then cosines.
pub(crate) fn positions(count: usize, width: usize) -> Vec<f32> {
    let half = width / 2;
    let step = 10_000f64.ln() / (half - 1) as f64;
    let speeds: Vec<f32> = (0..half).map(|at| (-step * at as f64).exp() as f32).collect();
    let mut all = Vec::with_capacity(count * width);
    for at in 0..count {
        // The product is rounded to single precision, as when the weights were trained.
        let angle = |speed: &f32| f64::from(at as f32 * speed);
        all.extend(speeds.iter().map(|speed| angle(speed).sin() as f32));
        all.extend(speeds.iter().map(|speed| angle(speed).cos() as f32));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filters_are_the_published_ones() {
        let filters = filters(80);
        assert_eq!(filters.len(), 80 * BINS);
        // From the file Whisper was published with: first filter, bin 1; last filter, bin 197.
        assert!((filters[1] - 0.024_862_54).abs() < 1e-7, "{}", filters[1]);
        let sums: Vec<f32> = filters.chunks(BINS).map(|row| row.iter().sum()).collect();
        assert!(sums.iter().all(|sum| (0.020..0.032).contains(sum)), "each covers the same area: {sums:?}");
    }

    #[test]
    fn positions_turn_at_their_own_speeds() {
        let all = positions(1500, 512);
        assert_eq!(all.len(), 1500 * 512);
        assert_eq!((all[0], all[256]), (0.0, 1.0));
        assert!((all[512] - 1f32.sin()).abs() < 1e-6);
        assert!((all[1499 * 512 + 511] - (1499.0f64 / 10_000.0).cos() as f32).abs() < 1e-6);
    }
}
