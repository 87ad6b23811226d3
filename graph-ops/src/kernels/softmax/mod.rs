//! Softmax and its relatives: each lane is shifted by its largest element before anything is exponentiated, so that no
//! logit is too large. Totals of f32 are kept in f64.

mod cross_entropy;
mod lane;
mod short;

use graph_core::{
    DType, Kernel, OpError, RowKernel, RowLoop, RowOperand, RowSpan, Rows, RowsLoop, Source, ViewMut,
};

use super::lanes::{Lanes, row};
use super::loops::multiversion;
use super::made_for::MadeFor;
use super::parallel::for_each_block;
use super::reduce::Accumulate;
use super::scalar::Real;
pub(crate) use cross_entropy::CrossEntropyKernel;
use lane::lane;

/// What is made of a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LaneFunction {
    /// `exp(x) / Σ exp(x)`
    Softmax,
    /// `x - ln Σ exp(x)`
    LogSoftmax,
    /// `ln Σ exp(x)`: one element a lane.
    LogSumExp,
}

/// A function of each lane.
#[derive(Debug)]
pub(crate) struct SoftmaxKernel {
    lanes: Lanes,
    function: LaneFunction,
    /// The function of one row.
    row_loop: RowLoop,
    /// That of several rows, if they are short.
    rows_loop: Option<RowsLoop>,
    /// Whether lanes are rows.
    is_by_rows: bool,
    made_for: MadeFor,
}

/// What an exponential costs, in elements' worth of plain work.
const EXP_COST: usize = 16;

impl Kernel for SoftmaxKernel {
    fn run(&self, outs: &mut [ViewMut<'_>], ins: &[Source<'_>]) -> Result<(), OpError> {
        self.made_for.assert(outs, ins);
        let (out, x) = (&mut outs[0], ins[0].view());
        match out.dtype() {
            DType::F32 => self.run_typed::<f32>(out.as_mut_slice(), x.as_slice()),
            _ => self.run_typed::<f64>(out.as_mut_slice(), x.as_slice()),
        }
        Ok(())
    }

    fn may_fail(&self) -> bool {
        false
    }

    fn row(&self) -> Option<RowKernel> {
        let span = match self.function {
            LaneFunction::LogSumExp => RowSpan::Total { axes: 1 },
            LaneFunction::Softmax | LaneFunction::LogSoftmax => RowSpan::Row { axes: 1 },
        };
        self.is_by_rows.then(|| {
            // SAFETY: the loop reads a row of the dtype, and writes as the span says.
            let row = unsafe { RowKernel::new(self.row_loop, span) }.with_cost(EXP_COST);
            // SAFETY: so does that of several rows.
            unsafe { with_rows(row, self.rows_loop) }
        })
    }
}

/// A row kernel with a loop over several rows, if there is one.
///
/// # Safety
/// As for [`RowKernel::with_rows`].
unsafe fn with_rows(row: RowKernel, rows: Option<RowsLoop>) -> RowKernel {
    match rows {
        // SAFETY: the caller's promise.
        Some(rows) => unsafe { row.with_rows(rows) },
        None => row,
    }
}

impl SoftmaxKernel {
    pub(crate) fn new(function: LaneFunction, axis: usize, made_for: MadeFor) -> SoftmaxKernel {
        let x = &made_for.inputs()[0];
        let is_by_rows = axis + 1 == x.shape.rank();
        SoftmaxKernel {
            lanes: Lanes::new(&x.shape, axis),
            function,
            row_loop: row_loop(function, x.dtype),
            rows_loop: (is_by_rows && short::are_short(x.shape[axis], x.dtype)).then(|| rows_loop(function)),
            is_by_rows,
            made_for,
        }
    }

    fn run_typed<T>(&self, out: &mut [T], x: &[T])
    where
        T: Accumulate<Total: Real> + Real,
    {
        if let Some(rows_loop) = self.rows_loop {
            return self.run_short_rows(rows_loop, out, x);
        }
        let Lanes { len, inner, .. } = self.lanes;
        let block = if self.function == LaneFunction::LogSumExp { inner } else { self.lanes.block() };
        for_each_block(out, block, x.len() * EXP_COST, |i, out| {
            let x = &x[i * self.lanes.block()..][..self.lanes.block()];
            if inner == 1 {
                let operand = RowOperand { address: x.as_ptr().cast(), is_splat: false };
                // SAFETY: a block is a row of `len` elements, and as many, or one, of the result: the arrays are those that
                // the kernel was made for.
                unsafe { (self.row_loop)(out.as_mut_ptr().cast(), &[operand], len) };
            } else {
                (0..inner).for_each(|column| lane(self.function, out, x, len, column, inner));
            }
        });
    }

    fn run_short_rows<T: Accumulate>(&self, rows_loop: RowsLoop, out: &mut [T], x: &[T]) {
        let len = self.lanes.len;
        let out_len = if self.function == LaneFunction::LogSumExp { 1 } else { len };
        for_each_block(out, (short::AT_ONCE * out_len).max(1), x.len() * EXP_COST, |i, out| {
            let count = out.len() / out_len;
            let x = &x[i * short::AT_ONCE * len..][..count * len];
            let rows = Rows {
                destination: out.as_mut_ptr().cast(),
                step: out_len * size_of::<T>(),
                operands: &[RowOperand { address: x.as_ptr().cast(), is_splat: false }],
                steps: &[len * size_of::<T>()],
                count,
                len,
            };
            // SAFETY: these are rows of `len` elements, and of as many, or one, of the result, as above.
            unsafe { rows_loop(rows) };
        });
    }
}

/// The function of several rows of f32, which are short.
fn rows_loop(function: LaneFunction) -> RowsLoop {
    macro_rules! rows_loop {
        ($function:ident) => {
            // SAFETY: the contract of a RowsLoop, with rows that are short.
            multiversion!(RowsLoop, |rows: Rows<'_>| unsafe {
                short::rows::<f32>(LaneFunction::$function, rows);
            })
        };
    }
    match function {
        LaneFunction::Softmax => rows_loop!(Softmax),
        LaneFunction::LogSoftmax => rows_loop!(LogSoftmax),
        LaneFunction::LogSumExp => rows_loop!(LogSumExp),
    }
}

/// The function of one row.
fn row_loop(function: LaneFunction, dtype: DType) -> RowLoop {
    macro_rules! row_loop {
        ($ty:ty, $function:ident) => {
            multiversion!(|destination, operands, len| {
                let is_total = matches!(LaneFunction::$function, LaneFunction::LogSumExp);
                // SAFETY: the contract of a RowLoop; the destination does not overlap the row.
                let (out, x) = unsafe {
                    let out_len = if is_total { 1 } else { len };
                    (
                        std::slice::from_raw_parts_mut(destination.cast::<$ty>(), out_len),
                        row(&operands[0], len),
                    )
                };
                lane::<$ty>(LaneFunction::$function, out, x, len, 0, 1);
            })
        };
    }
    match (function, dtype) {
        (LaneFunction::Softmax, DType::F32) => row_loop!(f32, Softmax),
        (LaneFunction::Softmax, _) => row_loop!(f64, Softmax),
        (LaneFunction::LogSoftmax, DType::F32) => row_loop!(f32, LogSoftmax),
        (LaneFunction::LogSoftmax, _) => row_loop!(f64, LogSoftmax),
        (LaneFunction::LogSumExp, DType::F32) => row_loop!(f32, LogSumExp),
        (LaneFunction::LogSumExp, _) => row_loop!(f64, LogSumExp),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Elements with everything that is special about them.
    fn elements(len: usize) -> Vec<f32> {
        let special = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.0, 0.0, f32::MAX, 1e-40];
        let ordinary = |i: usize| (i as f32 * 12.9898).sin() * 30.0;
        (0..len).map(|i| if i % 97 == 5 { special[i / 97 % special.len()] } else { ordinary(i) }).collect()
    }

    /// Rows of three elements more than they have, so that there is something between them; gives what is written.
    fn written(count: usize, len: usize, out_len: usize, run: impl FnOnce(*const f32, *mut f32)) -> Vec<u32> {
        let x = elements(count * (len + 3));
        let mut out = vec![7.5f32; count * (out_len + 2)];
        run(x.as_ptr(), out.as_mut_ptr());
        out.into_iter().map(f32::to_bits).collect()
    }

    #[test]
    fn short_rows_have_the_bits_of_single_rows() {
        for function in [LaneFunction::Softmax, LaneFunction::LogSoftmax, LaneFunction::LogSumExp] {
            let (single, several) = (row_loop(function, DType::F32), rows_loop(function));
            for (len, count) in
                (0..lane::REGISTER).flat_map(|len| [1, 2, 15, 16, 17, 40].map(|count| (len, count)))
            {
                let out_len = if function == LaneFunction::LogSumExp { 1 } else { len };
                let operand = |x: *const f32| RowOperand { address: x.cast(), is_splat: false };
                let one_by_one = written(count, len, out_len, |x, out| {
                    for row in 0..count {
                        let x = operand(x.wrapping_add(row * (len + 3)));
                        // SAFETY: there are so many rows of `len` elements, and of the result.
                        unsafe { single(out.wrapping_add(row * (out_len + 2)).cast(), &[x], len) };
                    }
                });
                let at_once = written(count, len, out_len, |x, out| {
                    let rows = Rows {
                        destination: out.cast(),
                        step: (out_len + 2) * size_of::<f32>(),
                        operands: &[operand(x)],
                        steps: &[(len + 3) * size_of::<f32>()],
                        count,
                        len,
                    };
                    // SAFETY: as above.
                    unsafe { several(rows) };
                });
                assert_eq!(at_once, one_by_one, "{function:?} of {count} rows of {len}");
            }
        }
    }
}
