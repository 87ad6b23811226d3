//! Methods and associated functions marked `#[graph_fn]`.

use grafito::prelude::*;

use crate::support::both;

#[derive(Clone, Debug, TensorTree)]
struct Counter {
    total: Tensor,
    /// A host field: part of the signature, and changed by the body.
    steps: i64,
    #[fixed]
    name: &'static str,
}

impl Counter {
    fn new() -> Counter {
        Counter { total: Tensor::scalar(0i64), steps: 0, name: "counter" }
    }

    /// The total and some more.
    #[graph_fn]
    pub fn peek(&self, x: &Tensor) -> Tensor {
        &self.total + x + self.name.len()
    }

    #[graph_fn]
    fn add(&mut self, x: &Tensor, times: i64) -> Tensor {
        for _ in 0..times {
            self.total += x;
            self.steps += 1;
        }
        self.peek(x)
    }

    #[graph_fn]
    fn doubled(mut self) -> Counter {
        self.total *= 2;
        self.steps *= 2;
        self
    }

    #[graph_fn(associated)]
    fn merged(a: Counter, b: &Counter) -> Self {
        Self { total: a.total + &b.total, steps: a.steps + b.steps, name: "merged" }
    }

    #[graph_fn]
    fn checked(&mut self, limit: i64) -> Result<Tensor, String> {
        self.steps += 1;
        self.total += 1;
        if self.steps > limit { Err(format!("{} steps", self.steps)) } else { Ok(self.total.clone()) }
    }
}

#[test]
fn every_receiver() {
    both(|| {
        let x = Tensor::scalar(5i64);
        let mut counter = Counter::new();
        assert_eq!(counter.peek(&x).item::<i64>(), 12);
        assert_eq!(counter.add(&x, 2).item::<i64>(), 22);
        assert_eq!((counter.total.item::<i64>(), counter.steps), (10, 2));
        let doubled = counter.clone().doubled();
        assert_eq!((doubled.total.item::<i64>(), doubled.steps), (20, 4));
        let merged = Counter::merged(doubled, &counter);
        assert_eq!((merged.total.item::<i64>(), merged.steps, merged.name), (30, 6, "merged"));
        assert_eq!(merged.peek(&x).item::<i64>(), 41);
        assert_eq!(counter.checked(9).unwrap().item::<i64>(), 11);
        assert_eq!(counter.steps, 3);
    });
}

#[test]
fn inspections_are_beside_the_method() {
    let x = Tensor::scalar(5i64);
    let mut counter = Counter::new();
    let graph = counter.add_graph(&x, 3).to_string();
    assert!(graph.contains("self.total"), "{graph}");
    assert_eq!((counter.total.item::<i64>(), counter.steps), (0, 0), "an inspection changes nothing");
    let (traced, optimized) =
        (counter.add_graph(&x, 3).to_string(), counter.add_optimized(&x, 3).to_string());
    assert!(traced.contains("call") && !optimized.contains("call"), "{traced}\n{optimized}");
    assert!(counter.add_plan(&x, 3).to_string().contains("plan:"));
    assert!(!counter.add_report(&x, 3).to_string().is_empty());
    assert!(Counter::add_cache().misses >= 1);
    assert!(Counter::add_expanded().contains("impl Self"));
    assert_eq!(counter.add_try_call(&x, 3).unwrap().item::<i64>(), 27);
    assert_eq!((counter.total.item::<i64>(), counter.steps), (15, 3));
    assert_eq!(Counter::merged_graph(Counter::new(), &counter).inputs().len(), 2);
    assert_eq!(Counter::merged_cache().function, "merged");
    assert_eq!(counter.clone().doubled_try_call().unwrap().steps, 6);
}

#[derive(Clone, TensorTree)]
struct Affine<W> {
    weight: W,
}

trait Weight {
    fn apply(&self, x: &Tensor) -> Tensor;
    const OFFSET: i64;
}

#[derive(Clone, TensorTree)]
struct Scale(Tensor);

#[derive(Clone, TensorTree)]
struct Shift(Tensor);

impl Weight for Scale {
    fn apply(&self, x: &Tensor) -> Tensor {
        x * &self.0
    }
    const OFFSET: i64 = 1000;
}

impl Weight for Shift {
    fn apply(&self, x: &Tensor) -> Tensor {
        x + &self.0
    }
    const OFFSET: i64 = 2000;
}

impl<W: Weight + TensorTree> Affine<W> {
    #[graph_fn]
    fn apply(&self, x: &Tensor) -> Tensor {
        self.weight.apply(x)
    }

    /// `Self` shows in no argument.
    #[graph_fn(associated)]
    fn offset<T: TensorTree>(x: &Tensor, _rest: &T) -> Tensor {
        x + W::OFFSET
    }
}

#[test]
fn methods_of_generic_types() {
    both(|| {
        let (x, w) = (Tensor::scalar(7i64), Tensor::scalar(3i64));
        assert_eq!(Affine { weight: Scale(w.clone()) }.apply(&x).item::<i64>(), 21);
        assert_eq!(Affine { weight: Shift(w.clone()) }.apply(&x).item::<i64>(), 10);
        assert_eq!(Affine::<Scale>::offset(&x, &()).item::<i64>(), 1007);
        assert_eq!(Affine::<Shift>::offset(&x, &()).item::<i64>(), 2007);
    });
    assert_eq!(Affine::<Scale>::offset_cache().misses, 2);
}
