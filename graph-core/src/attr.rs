//! Attributes: the static parameters of an op, in the form that is printed, parsed and exported.

use std::fmt;

use crate::dtype::DType;
use crate::error::OpError;

/// One attribute value.
#[derive(Debug, Clone, PartialEq)]
pub enum Attr {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A list of whole numbers: axes, lengths.
    Ints(Vec<i64>),
    /// A real number.
    Float(f64),
    /// A dtype.
    DType(DType),
    /// A word.
    Text(String),
}

/// The named attributes of an op, in a fixed order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Attributes(Vec<(String, Attr)>);

impl Attributes {
    /// With one more attribute.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Attr>) -> Attributes {
        self.0.push((name.to_owned(), value.into()));
        self
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Attr)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The attribute of this name.
    pub fn get(&self, name: &str) -> Option<&Attr> {
        self.0.iter().find(|(have, _)| have == name).map(|(_, value)| value)
    }

    /// A flag; `false` where it is absent.
    ///
    /// # Errors
    /// When the attribute is no bool.
    pub fn flag(&self, name: &str) -> Result<bool, OpError> {
        match self.get(name) {
            None => Ok(false),
            Some(Attr::Bool(flag)) => Ok(*flag),
            Some(_) => Err(mistyped(name, "true or false")),
        }
    }

    /// A whole number.
    ///
    /// # Errors
    /// When it is absent or something else.
    pub fn int(&self, name: &str) -> Result<i64, OpError> {
        match self.get(name) {
            Some(Attr::Int(value)) => Ok(*value),
            _ => Err(mistyped(name, "a whole number")),
        }
    }

    /// A number.
    ///
    /// # Errors
    /// When it is absent or something else.
    pub fn float(&self, name: &str) -> Result<f64, OpError> {
        match self.get(name) {
            Some(Attr::Float(value)) => Ok(*value),
            Some(Attr::Int(value)) => Ok(*value as f64),
            _ => Err(mistyped(name, "a number")),
        }
    }

    /// A list of whole numbers.
    ///
    /// # Errors
    /// When it is absent or something else.
    pub fn ints(&self, name: &str) -> Result<&[i64], OpError> {
        match self.get(name) {
            Some(Attr::Ints(values)) => Ok(values),
            _ => Err(mistyped(name, "a list of whole numbers")),
        }
    }

    /// A list of axes or lengths: whole numbers that are not negative.
    ///
    /// # Errors
    /// When it is absent or something else.
    pub fn sizes(&self, name: &str) -> Result<Vec<usize>, OpError> {
        let ints = self.ints(name)?;
        ints.iter().map(|&v| usize::try_from(v).map_err(|_| mistyped(name, "not negative"))).collect()
    }

    /// A dtype.
    ///
    /// # Errors
    /// When it is absent or something else.
    pub fn dtype(&self, name: &str) -> Result<DType, OpError> {
        match self.get(name) {
            Some(Attr::DType(dtype)) => Ok(*dtype),
            _ => Err(mistyped(name, "a dtype")),
        }
    }
}

fn mistyped(name: &str, wanted: &str) -> OpError {
    OpError::invalid(format!("attribute `{name}` must be {wanted}"))
}

macro_rules! attr_from {
    ($($ty:ty => $value:ident $variant:ident($conv:expr)),* $(,)?) => {$(
        impl From<$ty> for Attr {
            fn from($value: $ty) -> Attr {
                Attr::$variant($conv)
            }
        }
    )*};
}

attr_from! {
    bool => v Bool(v),
    i64 => v Int(v),
    usize => v Int(v as i64),
    isize => v Int(v as i64),
    f64 => v Float(v),
    DType => v DType(v),
    &str => v Text(v.to_owned()),
    &[usize] => v Ints(v.iter().map(|&x| x as i64).collect()),
    &[i64] => v Ints(v.to_vec()),
}

impl fmt::Display for Attr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Attr::Bool(value) => write!(f, "{value}"),
            Attr::Int(value) => write!(f, "{value}"),
            Attr::Ints(values) => {
                let words: Vec<String> = values.iter().map(i64::to_string).collect();
                write!(f, "[{}]", words.join(", "))
            }
            // `{:?}` keeps a point or an exponent, so that a float is never read back as a whole number.
            Attr::Float(value) => write!(f, "{value:?}"),
            Attr::DType(dtype) => write!(f, "{dtype}"),
            Attr::Text(text) => write!(f, "{text:?}"),
        }
    }
}
