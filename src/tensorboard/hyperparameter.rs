//! What a run was started with.

use super::messages::{HparamKind, HparamValue};

/// The value of a hyperparameter: a number, a word or a flag.
///
/// ```
/// use grafito::tensorboard::Hyperparameter;
///
/// assert_eq!(Hyperparameter::from(32), Hyperparameter::Number(32.0));
/// assert_eq!(Hyperparameter::from("sgd"), Hyperparameter::Text("sgd".to_owned()));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Hyperparameter {
    /// A number, such as a learning rate.
    Number(f64),
    /// A word, such as the name of an optimizer.
    Text(String),
    /// Whether something was done.
    Bool(bool),
}

macro_rules! numbers {
    ($($ty:ty),*) => {$(
        impl From<$ty> for Hyperparameter {
            fn from(value: $ty) -> Hyperparameter {
                Hyperparameter::Number(value as f64)
            }
        }
    )*};
}

numbers!(f64, i32, i64, u32, u64, usize);

impl From<f32> for Hyperparameter {
    /// The number that the shortest decimal for `value` means: `0.1f32` is shown as 0.1.
    fn from(value: f32) -> Hyperparameter {
        Hyperparameter::Number(value.to_string().parse().expect("a number in decimals"))
    }
}

impl From<&str> for Hyperparameter {
    fn from(value: &str) -> Hyperparameter {
        Hyperparameter::Text(value.to_owned())
    }
}

impl From<String> for Hyperparameter {
    fn from(value: String) -> Hyperparameter {
        Hyperparameter::Text(value)
    }
}

impl From<bool> for Hyperparameter {
    fn from(value: bool) -> Hyperparameter {
        Hyperparameter::Bool(value)
    }
}

impl From<Hyperparameter> for HparamValue {
    fn from(value: Hyperparameter) -> HparamValue {
        let kind = match value {
            // A number that JSON, by which TensorBoard passes them on, does not have.
            Hyperparameter::Number(number) if !number.is_finite() => HparamKind::Text(number.to_string()),
            Hyperparameter::Number(number) => HparamKind::Number(number),
            Hyperparameter::Text(text) => HparamKind::Text(text),
            Hyperparameter::Bool(flag) => HparamKind::Bool(flag),
        };
        HparamValue { kind: Some(kind) }
    }
}
