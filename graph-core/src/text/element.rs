//! Elements as text: exactly the bits, for every dtype.

use crate::array::Array;
use crate::dtype::{DType, Element};
use crate::fact::Fact;
use crate::with_element;

/// Arrays of more elements are elided, unless all are the same.
pub(super) const MAX_PRINTED: usize = 8;

/// The largest array that text can stand for, in bytes: what a few characters may make a parser allocate.
pub(super) const MAX_BYTES: usize = 1 << 26;

/// An element that is written as text and read back.
trait Literal: Element {
    fn write(self) -> String;
    fn read(text: &str) -> Option<Self>;
    fn same_bits(self, other: Self) -> bool;
}

macro_rules! plain {
    ($($ty:ty),*) => {$(
        impl Literal for $ty {
            fn write(self) -> String {
                self.to_string()
            }
            fn read(text: &str) -> Option<$ty> {
                text.parse().ok()
            }
            fn same_bits(self, other: $ty) -> bool {
                self == other
            }
        }
    )*};
}

plain!(i32, i64, u8, bool);

macro_rules! float {
    ($($ty:ident $bits:ident),*) => {$(
        impl Literal for $ty {
            /// The shortest decimal that reads back as the same number; an unusual NaN by its bits.
            fn write(self) -> String {
                if self.is_nan() && self.to_bits() != $ty::NAN.to_bits() {
                    return format!("nan.{:x}", self.to_bits());
                }
                format!("{self:?}")
            }
            fn read(text: &str) -> Option<$ty> {
                match text.strip_prefix("nan.") {
                    Some(bits) => {
                        let value = $ty::from_bits($bits::from_str_radix(bits, 16).ok()?);
                        value.is_nan().then_some(value)
                    }
                    None if text == "NaN" => Some($ty::NAN),
                    None => text.parse().ok(),
                }
            }
            fn same_bits(self, other: $ty) -> bool {
                self.to_bits() == other.to_bits()
            }
        }
    )*};
}

float!(f32 u32, f64 u64);

/// The elements of a small array, or the one that all elements of a larger one are: what follows `constant`.
pub(super) fn print(array: &Array) -> Option<String> {
    fn of<T: Literal>(array: &Array) -> Option<String> {
        let elements = array.view().as_slice::<T>();
        if array.fact().shape.rank() == 0 {
            return Some(elements[0].write());
        }
        if elements.len() <= MAX_PRINTED {
            let words: Vec<String> = elements.iter().map(|&element| element.write()).collect();
            return Some(format!("[{}]", words.join(", ")));
        }
        let is_splat = elements.iter().all(|element| element.same_bits(elements[0]));
        (is_splat && array.fact().num_bytes() <= MAX_BYTES).then(|| format!("splat {}", elements[0].write()))
    }
    with_element!(array.fact().dtype, T => of::<T>(array))
}

/// The array of these elements; all the same one where `splat`.
pub(super) fn parse(fact: &Fact, words: &[&str], splat: bool) -> Result<Array, String> {
    fn of<T: Literal>(fact: &Fact, words: &[&str], splat: bool) -> Result<Array, String> {
        let read = |word: &&str| T::read(word).ok_or_else(|| format!("`{word}` is no {}", T::DTYPE));
        let mut elements = words.iter().map(read).collect::<Result<Vec<T>, String>>()?;
        if splat {
            elements = vec![elements[0]; fact.shape.num_elements()];
        }
        Array::from_slice(&fact.shape, &elements).map_err(|e| e.to_string())
    }
    with_element!(fact.dtype, T => of::<T>(fact, words, splat))
}

/// Whether a word is a dtype's name.
pub(super) fn dtype(word: &str) -> Option<DType> {
    DType::from_name(word)
}
