//! Signatures and the cache of traces.

use grafito::prelude::*;

use crate::support::Counted;

fn lazily<R>(body: impl FnOnce() -> R) -> R {
    with_mode(Mode::Lazy, body)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Flavor {
    Sweet,
    Sour,
}

#[graph_fn]
fn keyed<T: TensorTree>(x: &Tensor, key: T) -> Tensor {
    let _ = key;
    x.clone()
}

#[test]
fn a_signature_is_dtype_shape_value_and_type() {
    let x = Tensor::from([1.0f32, 2.0]);
    lazily(|| {
        let traces = || keyed::cache().misses;
        let mut expected = 0;
        let mut new = |is_new: bool| {
            expected += u64::from(is_new);
            assert_eq!(traces(), expected, "{}", keyed::cache());
        };
        keyed(&x, 1i64);
        new(true);
        keyed(&x, 1i32);
        new(true);
        keyed(&x, 1.0f32);
        new(true);
        keyed(&x, 1.0f64);
        new(true);
        keyed(&x, true);
        new(true);
        keyed(&x, 1i64);
        new(false);
        keyed(&x, 2i64);
        new(true);
        keyed(&x, 0.0f32);
        new(true);
        keyed(&x, -0.0f32);
        new(true);
        keyed(&x, f32::NAN);
        new(true);
        keyed(&x, f32::NAN);
        new(false);
        keyed(&x, "a");
        new(true);
        keyed(&x, "a".to_owned());
        new(true);
        keyed(&x, Some(1i64));
        new(true);
        keyed(&x, None::<i64>);
        new(true);
        keyed(&x, None::<i32>);
        new(true);
        keyed(&x, vec![1i64, 2]);
        new(true);
        keyed(&x, (vec![1i64], vec![2i64]));
        new(true);
        keyed(&x, (vec![1i64, 2], Vec::<i64>::new()));
        new(true);
        keyed(&(&x + 1.0), 1i64);
        new(false);
        keyed(&x.cast(DType::F64), 1i64);
        new(true);
        keyed(&x.reshape([2, 1]), 1i64);
        new(true);
        keyed(&Tensor::from([1.0f32]), 1i64);
        new(true);
    });
}

/// Two types of one path: nothing but their identity tells them apart.
#[test]
fn types_of_one_name_do_not_share_a_trace() {
    #[graph_fn]
    fn named<T: Named + TensorTree>(x: &Tensor, of: &T) -> Tensor {
        let _ = of;
        x + T::NUMBER
    }
    trait Named {
        const NUMBER: i64;
    }
    let x = Tensor::scalar(0i64);
    let first = || {
        #[derive(TensorTree)]
        struct Same;
        impl Named for Same {
            const NUMBER: i64 = 1;
        }
        named(&x, &Same).item::<i64>()
    };
    let second = {
        #[derive(TensorTree)]
        struct Same;
        impl Named for Same {
            const NUMBER: i64 = 2;
        }
        lazily(|| named(&x, &Same).item::<i64>())
    };
    assert_eq!((lazily(first), second), (1, 2));
}

#[test]
fn every_miss_is_explained() {
    #[derive(Clone, TensorTree)]
    struct Net {
        layers: Vec<Tensor>,
        #[fixed]
        flavor: Flavor,
    }
    #[graph_fn]
    fn explained(net: &Net, x: &Tensor, rate: f64) -> Tensor {
        net.layers.iter().fold(x * rate, |x, layer| x + layer)
    }
    let (x, wide) = (Tensor::from([1.0f32]), Tensor::from([1.0f32, 2.0]));
    let net = |n: usize, flavor| Net { layers: vec![Tensor::from([1.0f32]); n], flavor };
    lazily(|| {
        explained(&net(1, Flavor::Sweet), &x, 0.1);
        explained(&net(1, Flavor::Sweet), &x, 0.09);
        explained(&net(1, Flavor::Sweet), &wide, 0.09);
        explained(&net(2, Flavor::Sweet), &wide, 0.09);
        explained(&net(2, Flavor::Sour), &wide, 0.09);
    });
    assert_eq!(
        explained::cache().explanations,
        [
            "the first call",
            "argument `rate`: 0.1 -> 0.09; pass a Tensor to avoid retracing",
            "argument `x`: f32[1] -> f32[2]",
            "argument `net.layers`: length 1 -> length 2",
            "argument `net.flavor`: Sweet -> Sour",
        ]
    );
    lazily(|| {
        keyed_by(&x, 1i64);
        keyed_by(&x, 1.0f64);
        keyed_by(&x, true);
    });
    let explanations = keyed_by::cache().explanations;
    assert_eq!(explanations[1..], ["argument `key`: i64 -> f64", "argument `key`: f64 -> bool"]);
}

#[graph_fn]
fn keyed_by<T: TensorTree>(x: &Tensor, key: T) -> Tensor {
    let _ = key;
    x.clone()
}

#[graph_fn]
fn bounded(x: &Tensor, n: i64, op: &Held) -> Tensor {
    op.0.of(&(x + n))
}

/// An op as a host value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Held(Counted);

#[test]
fn the_cache_is_bounded_and_frees_what_it_drops() {
    const CAPACITY: usize = 64;
    let x = Tensor::scalar(1i64);
    let first = Counted::new();
    lazily(|| {
        bounded(&x, -1, &Held(first.clone())).item::<i64>();
        let gone = first.into_weak();
        assert!(gone.upgrade().is_some(), "the cache holds it");
        let other = Held(Counted::new());
        bounded(&x, 0, &other);
        for n in 1..=CAPACITY as i64 {
            bounded(&x, n, &other);
            // Used again and again, so it stays.
            bounded(&x, 0, &other);
        }
        assert!(gone.upgrade().is_none(), "the least recently used trace is dropped and freed");
        let cache = bounded::cache();
        assert_eq!((cache.signatures.len(), cache.evictions), (CAPACITY, 2), "{cache}");
        bounded(&x, 0, &other);
        assert_eq!(bounded::cache().misses, cache.misses, "the one in use was kept");
        bounded(&x, 1, &other);
        let again = bounded::cache();
        assert_eq!(again.misses, cache.misses + 1);
        assert!(again.explanations.len() <= 32, "explanations are bounded, too");
    });
}

/// The latest trace is remembered to explain the next miss; it must not outlive its entry for ever.
#[test]
fn the_same_arguments_after_an_eviction_are_explained() {
    #[graph_fn]
    fn evicted(x: &Tensor, n: i64) -> Tensor {
        x + n
    }
    let x = Tensor::scalar(1i64);
    lazily(|| {
        for n in 0..65 {
            evicted(&x, n);
        }
        evicted(&x, 0);
    });
    let cache = evicted::cache();
    assert_eq!(cache.explanations.last().unwrap(), "argument `n`: 64 -> 0; pass a Tensor to avoid retracing");
}

/// Run by itself in a child process, whose standard error is read.
#[test]
#[ignore = "run by `endless_retracing_is_warned_of_once`"]
fn retraces_endlessly() {
    #[graph_fn]
    fn decayed(x: &Tensor, lr: f32) -> Tensor {
        x * lr
    }
    let x = Tensor::scalar(1.0f32);
    lazily(|| (0..30).for_each(|i| drop(decayed(&x, 1.0 / (i + 1) as f32))));
}

#[test]
fn endless_retracing_is_warned_of_once() {
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "cache::retraces_endlessly", "--nocapture"])
        .output()
        .unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    let warnings: Vec<&str> = errors.lines().filter(|line| line.starts_with("warning:")).collect();
    assert_eq!(warnings.len(), 1, "{errors}");
    for part in ["`decayed`", "argument `lr`: ", "pass a Tensor to avoid retracing"] {
        assert!(warnings[0].contains(part), "{errors}");
    }
}
