//! Axes as users give them: one or several, negative ones counted from the end.

use graph_core::OpError;

/// A choice of axes: `0`, `-1`, `[0, 2]`, or `..` for all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Axes {
    /// Every axis.
    All,
    /// These, in any order.
    Some(Vec<isize>),
}

impl Axes {
    /// The axes counted from the front, in ascending order.
    ///
    /// # Errors
    /// When one is out of range or given twice.
    pub fn resolve(&self, rank: usize) -> Result<Vec<usize>, OpError> {
        let axes = match self {
            Axes::All => return Ok((0..rank).collect()),
            Axes::Some(axes) => axes,
        };
        let mut resolved =
            axes.iter().map(|&axis| resolve_axis(axis, rank)).collect::<Result<Vec<_>, _>>()?;
        resolved.sort_unstable();
        match resolved.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(OpError::RepeatedAxis { axis: pair[0] }),
            None => Ok(resolved),
        }
    }
}

/// One axis counted from the front.
///
/// # Errors
/// When it is out of range.
pub fn resolve_axis(axis: isize, rank: usize) -> Result<usize, OpError> {
    let resolved = if axis < 0 { axis + rank as isize } else { axis };
    if (0..rank as isize).contains(&resolved) {
        return Ok(resolved as usize);
    }
    Err(OpError::AxisOutOfRange { axis, rank })
}

impl From<isize> for Axes {
    fn from(axis: isize) -> Axes {
        Axes::Some(vec![axis])
    }
}

impl From<std::ops::RangeFull> for Axes {
    fn from(_: std::ops::RangeFull) -> Axes {
        Axes::All
    }
}

impl<const N: usize> From<[isize; N]> for Axes {
    fn from(axes: [isize; N]) -> Axes {
        Axes::Some(axes.to_vec())
    }
}

impl From<&[isize]> for Axes {
    fn from(axes: &[isize]) -> Axes {
        Axes::Some(axes.to_vec())
    }
}

impl From<Vec<isize>> for Axes {
    fn from(axes: Vec<isize>) -> Axes {
        Axes::Some(axes)
    }
}
