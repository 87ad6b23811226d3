//! No bytes make the loader panic, and no file that was cut off is taken for a whole one.

use grafito::datasets::Mnist;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::tiny;

/// Writes the tiny set with one file replaced; loading it returns, whatever it returns.
fn load_with(file: usize, bytes: &[u8]) -> bool {
    let folder = tiny::folder();
    tiny::write(folder.path(), tiny::files()[file].0, bytes);
    Mnist::load(folder.path()).is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes(file in 0usize..4, bytes in vec(any::<u8>(), 0..200)) {
        prop_assert!(!load_with(file, &bytes));
    }

    #[test]
    fn random_bytes_behind_a_good_start(file in 0usize..4, kept in 0usize..20, bytes in vec(any::<u8>(), 0..200)) {
        let good = &tiny::files()[file].1;
        load_with(file, &[&good[..kept.min(good.len())], &bytes].concat());
    }

    #[test]
    fn random_bytes_in_gzip(file in 0usize..4, bytes in vec(any::<u8>(), 0..200)) {
        load_with(file, &tiny::gzip(&bytes));
        load_with(file, &[&[0x1f, 0x8b, 8, 0], &bytes[..]].concat());
    }

    #[test]
    fn cut_off_anywhere(file in 0usize..4, place in 0.0..1.0f64, packed in any::<bool>()) {
        let good = &tiny::files()[file].1;
        let good = if packed { tiny::gzip(good) } else { good.clone() };
        let kept = (good.len() as f64 * place) as usize;
        prop_assert!(!load_with(file, &good[..kept]));
    }

    #[test]
    fn one_flipped_bit(file in 0usize..4, place in 0.0..1.0f64, bit in 0u8..8, packed in any::<bool>()) {
        let good = &tiny::files()[file].1;
        let mut bytes = if packed { tiny::gzip(good) } else { good.clone() };
        let place = (bytes.len() as f64 * place) as usize;
        bytes[place] ^= 1 << bit;
        load_with(file, &bytes);
    }
}
