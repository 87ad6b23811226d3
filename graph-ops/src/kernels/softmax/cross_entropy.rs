//! The cross-entropy of rows of logits with labels.

use std::sync::Arc;

use graph_core::{
    DType, Kernel, OpError, RowKernel, RowLoop, RowOperand, RowSpan, Rows, RowsLoop, Source, View, ViewMut,
};

use super::super::indices::Indices;
use super::super::lanes::row;
use super::super::loops::multiversion;
use super::super::made_for::MadeFor;
use super::super::parallel::for_each_block;
use super::super::reduce::Accumulate;
use super::lane::{Lane, loss_of};
use super::{EXP_COST, short, with_rows};

/// For each row of logits `ln Σ exp(x) - x[label]`.
#[derive(Debug)]
pub(crate) struct CrossEntropyKernel {
    num_classes: usize,
    row_loop: RowLoop,
    /// That of several rows, if they are short.
    rows_loop: Option<RowsLoop>,
    made_for: MadeFor,
}

fn check_labels(labels: View<'_>, num_classes: usize) -> Result<(), OpError> {
    Indices::of(labels)
        .check(num_classes, |label| format!("label {label} is out of range for {num_classes} classes"))
}

impl Kernel for CrossEntropyKernel {
    fn run(&self, outs: &mut [ViewMut<'_>], ins: &[Source<'_>]) -> Result<(), OpError> {
        self.made_for.assert(outs, ins);
        let (out, logits, labels) = (&mut outs[0], ins[0].view(), ins[1].view());
        check_labels(labels, self.num_classes)?;
        match out.dtype() {
            DType::F32 => self.run_typed::<f32>(out.as_mut_slice(), logits, labels),
            _ => self.run_typed::<f64>(out.as_mut_slice(), logits, labels),
        }
        Ok(())
    }

    fn row(&self) -> Option<RowKernel> {
        let num_classes = self.num_classes;
        // SAFETY: the loop reads a row and a label, which the check has found in range, and writes one element.
        let row = unsafe { RowKernel::new(self.row_loop, RowSpan::Total { axes: 1 }) };
        let check = Arc::new(move |labels: View<'_>| check_labels(labels, num_classes));
        // SAFETY: so does the loop over several rows, for each of them.
        Some(unsafe { with_rows(row.with_cost(EXP_COST).with_check(1, check), self.rows_loop) })
    }
}

impl CrossEntropyKernel {
    pub(crate) fn new(made_for: MadeFor) -> CrossEntropyKernel {
        let [logits, labels] = made_for.inputs() else { unreachable!("of logits and labels") };
        let num_classes = logits.shape[logits.shape.rank() - 1];
        CrossEntropyKernel {
            num_classes,
            row_loop: cross_entropy_loop(logits.dtype, labels.dtype),
            rows_loop: short::are_short(num_classes, logits.dtype)
                .then(|| cross_entropies_loop(labels.dtype)),
            made_for,
        }
    }

    fn run_typed<T: Accumulate>(&self, out: &mut [T], logits: View<'_>, labels: View<'_>) {
        let (x, len, label_size) = (logits.as_slice::<T>(), self.num_classes, labels.dtype().size());
        let block = if self.rows_loop.is_some() { short::AT_ONCE } else { 1 };
        for_each_block(out, block, x.len() * EXP_COST, |i, out| {
            let (first, count) = (i * block, out.len());
            let x = &x[first * len..][..count * len];
            let labels = &labels.as_bytes()[first * label_size..][..count * label_size];
            let operands = [
                RowOperand { address: x.as_ptr().cast(), is_splat: false },
                RowOperand { address: labels.as_ptr(), is_splat: true },
            ];
            let destination = out.as_mut_ptr().cast();
            match self.rows_loop {
                Some(rows_loop) => {
                    let (step, steps) = (size_of::<T>(), &[len * size_of::<T>(), label_size]);
                    let rows = Rows { destination, step, operands: &operands, steps, count, len };
                    // SAFETY: rows of the logits, their labels, which were checked, and their elements of the result, of the
                    // arrays that the kernel was made for.
                    unsafe { rows_loop(rows) };
                }
                // SAFETY: as above, of one row.
                None => unsafe { (self.row_loop)(destination, &operands, len) },
            }
        });
    }
}

/// The cross-entropy of a row of logits with a label, which is in range.
fn cross_entropy_loop(logits: DType, labels: DType) -> RowLoop {
    macro_rules! row_loop {
        ($ty:ty, $label:ty) => {
            multiversion!(|destination, operands, len| {
                // SAFETY: the contract of a RowLoop: a row, a label that is the same throughout, and room for one.
                let (x, label) = unsafe {
                    (row::<$ty>(&operands[0], len), operands[1].address.cast::<$label>().read() as usize)
                };
                let lane = Lane { x, len, start: 0, stride: 1 };
                let largest = lane.largest();
                let total = lane.exponentials(largest, |_, _| ());
                // SAFETY: as above.
                unsafe { destination.cast::<$ty>().write(loss_of(total, largest, x[label])) };
            })
        };
    }
    match (logits, labels) {
        (DType::F32, DType::I32) => row_loop!(f32, i32),
        (DType::F32, DType::I64) => row_loop!(f32, i64),
        (DType::F32, _) => row_loop!(f32, u8),
        (_, DType::I32) => row_loop!(f64, i32),
        (_, DType::I64) => row_loop!(f64, i64),
        (_, _) => row_loop!(f64, u8),
    }
}

/// The cross-entropies of several short rows of logits of f32.
fn cross_entropies_loop(labels: DType) -> RowsLoop {
    macro_rules! rows_loop {
        ($label:ty) => {
            // SAFETY: the contract of a RowsLoop: rows that are short, a label of each, in range, and room for one.
            multiversion!(RowsLoop, |rows: Rows<'_>| unsafe {
                short::cross_entropies::<f32, $label>(rows, |label| label as usize);
            })
        };
    }
    match labels {
        DType::I32 => rows_loop!(i32),
        DType::I64 => rows_loop!(i64),
        _ => rows_loop!(u8),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_rows_have_the_bits_of_single_rows() {
        let (single, several) =
            (cross_entropy_loop(DType::F32, DType::I32), cross_entropies_loop(DType::I32));
        for (len, count) in (1..16).flat_map(|len| [1, 3, 16, 33].map(|count| (len, count))) {
            let special = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX];
            let element = |i: usize| if i % 61 == 3 { special[i / 61 % 4] } else { (i as f32).cos() * 20.0 };
            let x: Vec<f32> = (0..len * count).map(element).collect();
            let labels: Vec<i32> = (0..count).map(|row| (row * 7 % len) as i32).collect();
            let logits = RowOperand { address: x.as_ptr().cast(), is_splat: false };
            let label = RowOperand { address: labels.as_ptr().cast(), is_splat: true };
            let mut one_by_one = vec![0.0f32; count];
            for (row, out) in one_by_one.iter_mut().enumerate() {
                let at = |operand: RowOperand, step: usize| RowOperand {
                    address: operand.address.wrapping_add(row * step),
                    ..operand
                };
                let operands = [at(logits, len * 4), at(label, 4)];
                // SAFETY: a row of the logits, its label, and its element.
                unsafe { single(std::ptr::from_mut(out).cast(), &operands, len) };
            }
            let mut at_once = vec![0.0f32; count];
            let rows = Rows {
                destination: at_once.as_mut_ptr().cast(),
                step: 4,
                operands: &[logits, label],
                steps: &[len * 4, 4],
                count,
                len,
            };
            // SAFETY: as above, for all rows.
            unsafe { several(rows) };
            let bits = |losses: &[f32]| losses.iter().map(|loss| loss.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&at_once), bits(&one_by_one), "{count} rows of {len}");
        }
    }
}
