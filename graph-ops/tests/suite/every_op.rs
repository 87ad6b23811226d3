//! What holds for every op of the registry: gradients, second derivatives, text, modes, threads, computing in place.

use std::collections::HashSet;

use graph_core::{Array, DType, Graph, Mode, Origin, run_with, with_mode};
use graph_ops::ops::pointwise::{Pointwise, Select};
use graph_ops::registry::{Sample, names, op_from_text, samples};
use graph_ops::{Tensor, apply, grad};

use crate::support::{Numbers, as_f64, assert_close, both, with_threads};

/// Random operands of a sample.
fn operands(sample: &Sample, seed: u64) -> Vec<Array> {
    let mut numbers = Numbers::new(seed);
    sample.operands.iter().map(|x| numbers.array(&x.fact, x.from, x.to)).collect()
}

fn apply_to(sample: &Sample, operands: &[Tensor]) -> Tensor {
    apply(sample.op.clone(), &operands.iter().collect::<Vec<_>>())
}

fn describe(sample: &Sample) -> String {
    let facts: Vec<_> = sample.operands.iter().map(|x| x.fact.to_string()).collect();
    format!("{:?} of {}", sample.op, facts.join(", "))
}

/// Whether differences can be compared with: the operands that vary are f64 and few.
fn is_differentiable(sample: &Sample) -> bool {
    let mut floats = sample.operands.iter().filter(|x| x.fact.dtype.is_float()).peekable();
    let facts: Vec<_> = sample.operands.iter().map(|x| &x.fact).collect();
    let outputs = sample.op.infer(&facts).expect("a sample fits its op");
    floats.peek().is_some()
        && floats.all(|x| x.fact.dtype == DType::F64 && x.fact.shape.num_elements() <= 64)
        && outputs[0].dtype.is_float()
}

/// A function of a sample's float operands: the sum of its elements, each with a fixed weight. The operands come as
/// arrays to vary, the others are constants.
struct Weighted<'a> {
    sample: &'a Sample,
    operands: Vec<Array>,
    seed: u64,
}

impl Weighted<'_> {
    fn variables(&self) -> Vec<Tensor> {
        let floats = self.operands.iter().filter(|x| x.fact().dtype.is_float());
        floats.map(|x| Tensor::from_array(x.clone())).collect()
    }

    fn value(&self, variables: &[Tensor]) -> Tensor {
        let mut variables = variables.iter().cloned();
        let operands: Vec<Tensor> = self
            .operands
            .iter()
            .map(|x| match x.fact().dtype.is_float() {
                true => variables.next().expect("a variable for each float"),
                false => Tensor::from_array(x.clone()),
            })
            .collect();
        let y = apply_to(self.sample, &operands);
        let weights = Numbers::new(self.seed).tensor(DType::F64, y.shape());
        (y * weights).sum(..)
    }

    /// A function of the gradient: its elements, each with a fixed weight.
    fn value_of_gradient(&self, variables: &Vec<Tensor>) -> Tensor {
        let gradients = grad(variables, |variables| self.value(variables));
        let mut numbers = Numbers::new(self.seed + 1);
        let mut total = Tensor::scalar(0.0f64);
        for gradient in gradients {
            total += (&gradient * numbers.tensor(DType::F64, gradient.shape())).sum(..);
        }
        total
    }
}

/// Compares the gradient of `f` with its central differences.
fn check_gradient(what: &str, at: Vec<Tensor>, f: impl Fn(&Vec<Tensor>) -> Tensor) {
    let gradients = grad(&at, &f);
    // Differences are off by step² times the third derivative, 1e-10 of it, and by 1e-16 / step, 1e-11 of the value; samples are
    // such that neither is larger than some thousand.
    let step = 1e-5;
    for (i, gradient) in gradients.iter().enumerate() {
        let elements: Vec<f64> = at[i].to_vec();
        let value_at = |position: usize, by: f64| {
            let mut elements = elements.clone();
            elements[position] += by;
            let mut at = at.clone();
            at[i] = Tensor::from_slice(at[i].shape(), &elements);
            f(&at).item::<f64>()
        };
        let differences: Vec<f64> = (0..elements.len())
            .map(|position| (value_at(position, step) - value_at(position, -step)) / (2.0 * step))
            .collect();
        let gradient = gradient.to_vec::<f64>();
        let is_close =
            gradient.iter().zip(&differences).all(|(a, b)| (a - b).abs() <= 1e-6 * (1.0 + b.abs()));
        assert!(is_close, "{what}, operand {i}: {gradient:?} is not {differences:?}");
    }
}

#[test]
fn gradients_are_differences() {
    let mut checked = HashSet::new();
    for (seed, sample) in samples().iter().enumerate().filter(|(_, sample)| is_differentiable(sample)) {
        let weighted = Weighted { sample, operands: operands(sample, seed as u64), seed: seed as u64 + 7 };
        with_mode(Mode::Eager, || {
            check_gradient(&describe(sample), weighted.variables(), |x| weighted.value(x));
        });
        checked.insert(sample.op.name());
    }
    assert!(checked.len() > 40, "{checked:?}");
}

/// Shapes that broadcast to one: some axes cut to length 1, some of the first ones left out.
fn random_shapes(numbers: &mut Numbers, count: usize) -> Vec<Vec<usize>> {
    let mut below = |n: usize| (numbers.unit() * n as f64) as usize;
    let rank = below(4);
    // Mostly 1 to 3, now and then 0.
    let full: Vec<usize> = (0..rank).map(|_| if below(12) == 0 { 0 } else { 1 + below(3) }).collect();
    let mut cut = || {
        let kept = full[below(rank + 1)..].to_vec();
        kept.into_iter().map(|len| if below(3) == 0 { 1 } else { len }).collect()
    };
    (0..count).map(|_| cut()).collect()
}

#[test]
fn gradients_through_random_broadcasts_are_differences() {
    let mut numbers = Numbers::new(11);
    let is_pointwise = |sample: &Sample| sample.op.is::<Pointwise>() || sample.op.is::<Select>();
    let mut seen = HashSet::new();
    let first_of_each =
        |sample: &Sample| is_pointwise(sample) && is_differentiable(sample) && seen.insert(sample.op.name());
    let chosen: Vec<Sample> = samples().into_iter().filter(first_of_each).collect();
    assert!(chosen.len() > 20);
    for mut sample in chosen {
        for seed in 0..12 {
            let shapes = random_shapes(&mut numbers, sample.operands.len());
            for (operand, shape) in sample.operands.iter_mut().zip(shapes) {
                operand.fact.shape = shape.into();
            }
            let weighted = Weighted { sample: &sample, operands: operands(&sample, seed), seed };
            with_mode(Mode::Eager, || {
                check_gradient(&describe(&sample), weighted.variables(), |x| weighted.value(x));
            });
        }
    }
}

#[test]
fn second_derivatives_are_differences_of_gradients() {
    for (seed, sample) in samples().iter().enumerate().filter(|(_, sample)| is_differentiable(sample)) {
        let weighted = Weighted { sample, operands: operands(sample, seed as u64), seed: seed as u64 + 7 };
        with_mode(Mode::Eager, || {
            check_gradient(&describe(sample), weighted.variables(), |x| weighted.value_of_gradient(x));
        });
    }
}

#[test]
fn gradients_are_the_same_in_both_modes() {
    for (seed, sample) in samples().iter().enumerate().filter(|(_, sample)| is_differentiable(sample)) {
        let weighted = Weighted { sample, operands: operands(sample, seed as u64), seed: seed as u64 + 7 };
        let gradients = |mode| {
            with_mode(mode, || {
                let gradients = grad(&weighted.variables(), |x| weighted.value(x));
                gradients.iter().map(|g| as_f64(&g.try_array().expect("computes"))).collect::<Vec<_>>()
            })
        };
        let (eager, lazy) = (gradients(Mode::Eager), gradients(Mode::Lazy));
        for (eager, lazy) in eager.iter().zip(&lazy) {
            assert_close(eager, lazy, 1e-12);
        }
    }
}

#[test]
fn both_modes_give_the_same_bits() {
    for (seed, sample) in samples().iter().enumerate() {
        let operands = operands(sample, seed as u64);
        both(|| {
            let tensors: Vec<Tensor> = operands.iter().cloned().map(Tensor::from_array).collect();
            apply_to(sample, &tensors)
        });
    }
}

#[test]
fn the_number_of_threads_does_not_change_a_bit() {
    for (seed, sample) in samples().iter().enumerate() {
        let operands = operands(sample, seed as u64);
        let results = [1, 2, 4].map(|threads| {
            let compute = || {
                let tensors: Vec<Tensor> = operands.iter().cloned().map(Tensor::from_array).collect();
                apply_to(sample, &tensors).try_array().expect("computes")
            };
            with_threads(threads, || with_mode(Mode::Eager, compute))
        });
        for result in &results[1..] {
            assert!(result.same_bits(&results[0]), "{}", describe(sample));
        }
    }
}

#[test]
fn computing_in_place_changes_nothing() {
    let mut checked = HashSet::new();
    for (seed, sample) in samples().iter().enumerate() {
        let operands = operands(sample, seed as u64);
        let facts: Vec<_> = operands.iter().map(Array::fact).collect();
        let outputs = sample.op.infer(&facts).expect("a sample fits its op");
        let run = |donated: Option<usize>| {
            let mut graph = Graph::new("sample");
            let origin = Origin::caller();
            let inputs: Vec<_> =
                facts.iter().map(|&fact| graph.add_input("x", fact.clone(), origin)).collect();
            if let Some(index) = donated {
                graph.donate_input(index);
            }
            let results = graph.apply(sample.op.clone(), &inputs, origin).expect("fits");
            graph.set_outputs(results.to_vec());
            run_with(&graph, &mut operands.clone()).expect("computes").swap_remove(0)
        };
        let expected = run(None);
        for (index, &fact) in facts.iter().enumerate() {
            if sample.op.class().allows_in_place(index) && *fact == outputs[0] {
                assert!(run(Some(index)).same_bits(&expected), "{}, operand {index}", describe(sample));
                checked.insert(sample.op.name());
            }
        }
    }
    for update in ["slice_update", "scatter_add", "add_along_axis", "add", "select"] {
        assert!(checked.contains(update), "{update} was never computed in place");
    }
}

#[test]
fn attributes_lead_back_to_the_op() {
    for sample in samples() {
        let op = op_from_text(sample.op.name(), &sample.op.attributes()).expect("its own attributes");
        assert_eq!(op.as_ref(), Some(&sample.op), "{}", describe(&sample));
    }
}

#[test]
fn every_op_has_one_name_and_a_sample() {
    let all: Vec<&str> = names().collect();
    let distinct: HashSet<&str> = all.iter().copied().collect();
    assert_eq!(all.len(), distinct.len(), "a name is used twice");
    let sampled: HashSet<&str> = samples().iter().map(|sample| sample.op.name()).collect();
    // Effects have no results that could be compared.
    let distinct: HashSet<&str> =
        distinct.into_iter().filter(|name| !["print", "assert"].contains(name)).collect();
    assert_eq!(sampled, distinct);
}

/// An op that is not in the registry cannot be read from text and escapes the tests above.
#[test]
fn every_op_of_the_sources_is_in_the_registry() {
    let registry = include_str!("../../src/registry/mod.rs");
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/ops");
    let mut found = 0;
    let mut folders = vec![std::path::PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder of sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let source = std::fs::read_to_string(&path).expect("a source");
            for line in source.lines().filter_map(|line| line.trim().strip_prefix("impl Op for ")) {
                let name = line.trim_end_matches([' ', '{']);
                if !name.starts_with('$') {
                    assert!(registry.contains(name), "`{name}` of {} is not in the registry", path.display());
                    found += 1;
                }
            }
        }
    }
    assert!(found > 15, "only {found} ops were found");
}

#[test]
fn attributes_that_do_not_fit_are_refused() {
    use graph_core::Attributes;
    let message = |name: &str, attributes: Attributes| match op_from_text(name, &attributes) {
        Ok(op) => format!("{op:?}"),
        Err(error) => error.to_string(),
    };
    let none = Attributes::default;
    assert_eq!(message("nonsense", none()), "None");
    assert_eq!(message("softmax", none()), "attribute `axis` must be a whole number");
    assert_eq!(message("softmax", none().with("axis", -1i64)), "attribute `axis` must not be negative");
    assert_eq!(message("add", none().with("axis", 1i64)), "`add` has no attribute `axis`");
    assert_eq!(message("cast", none().with("to", "f33")), "attribute `to` must be a dtype");
    assert_eq!(message("sum", none()), "attribute `axes` must be a list of whole numbers");
    assert!(message("matmul", none().with("transpose_left", false)).contains("Matmul"));
}
