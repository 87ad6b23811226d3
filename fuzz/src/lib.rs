//! The numbers that the plain programs compute with: floats, and floats with their derivatives.

use std::ops::{Add, AddAssign, Div, Mul, MulAssign, Neg, Sub, SubAssign};

/// A number like `f64`.
pub trait Real:
    Copy
    + PartialOrd
    + Neg<Output = Self>
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
{
    /// A constant.
    fn of(value: f64) -> Self;
    /// Its value alone.
    fn value(self) -> f64;
    /// Its size.
    fn abs(self) -> Self;
}

impl Real for f64 {
    fn of(value: f64) -> f64 {
        value
    }
    fn value(self) -> f64 {
        self
    }
    fn abs(self) -> f64 {
        self.abs()
    }
}

/// A number with its derivatives by two variables: forward mode.
#[derive(Debug, Clone, Copy)]
pub struct Dual {
    /// The number.
    pub value: f64,
    /// Its derivatives.
    pub by: [f64; 2],
}

impl Dual {
    /// The result of an operation whose value and partial derivatives are these.
    fn of_two(value: f64, self_: Dual, partial: f64, other: Dual, other_partial: f64) -> Dual {
        let by = [0, 1].map(|i| self_.by[i] * partial + other.by[i] * other_partial);
        Dual { value, by }
    }
}

impl PartialEq for Dual {
    fn eq(&self, other: &Dual) -> bool {
        self.value == other.value
    }
}

impl PartialOrd for Dual {
    fn partial_cmp(&self, other: &Dual) -> Option<std::cmp::Ordering> {
        self.value.partial_cmp(&other.value)
    }
}

impl Real for Dual {
    fn of(value: f64) -> Dual {
        Dual { value, by: [0.0; 2] }
    }
    fn value(self) -> f64 {
        self.value
    }
    /// With derivative 0 at 0, as a tensor's.
    fn abs(self) -> Dual {
        let sign = if self.value == 0.0 { 0.0 } else { self.value.signum() };
        Dual { value: self.value.abs(), by: self.by.map(|by| by * sign) }
    }
}

impl Neg for Dual {
    type Output = Dual;
    fn neg(self) -> Dual {
        Dual { value: -self.value, by: self.by.map(|by| -by) }
    }
}

impl Add for Dual {
    type Output = Dual;
    fn add(self, other: Dual) -> Dual {
        Dual::of_two(self.value + other.value, self, 1.0, other, 1.0)
    }
}

impl Sub for Dual {
    type Output = Dual;
    fn sub(self, other: Dual) -> Dual {
        Dual::of_two(self.value - other.value, self, 1.0, other, -1.0)
    }
}

impl Mul for Dual {
    type Output = Dual;
    fn mul(self, other: Dual) -> Dual {
        Dual::of_two(self.value * other.value, self, other.value, other, self.value)
    }
}

impl Div for Dual {
    type Output = Dual;
    fn div(self, other: Dual) -> Dual {
        let value = self.value / other.value;
        Dual::of_two(value, self, 1.0 / other.value, other, -value / other.value)
    }
}

impl AddAssign for Dual {
    fn add_assign(&mut self, other: Dual) {
        *self = *self + other;
    }
}

impl SubAssign for Dual {
    fn sub_assign(&mut self, other: Dual) {
        *self = *self - other;
    }
}

impl MulAssign for Dual {
    fn mul_assign(&mut self, other: Dual) {
        *self = *self * other;
    }
}
