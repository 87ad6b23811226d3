//! What is lent to a function by `&mut`, under its bare name, is a variable of the loop or branch around the call.

use grafito::prelude::*;

use crate::support::both;

#[derive(Clone, TensorTree)]
struct Point {
    x: Tensor,
    y: Tensor,
}

#[graph_fn]
fn step(point: &mut Point, by: &Tensor) -> Tensor {
    point.x += by;
    point.y = &point.y * 2 + &point.x;
    point.x.clone()
}

#[graph_fn]
fn along_rows(point: &mut Point, steps: &Tensor) -> Tensor {
    let mut total = Tensor::scalar(0i64);
    for by in steps {
        total += step(point, &by);
    }
    total
}

#[graph_fn]
fn while_small(point: &mut Point) {
    while &point.x < 10 {
        if &point.y % 2 == 0 {
            step(point, &Tensor::scalar(1i64));
        } else {
            step(point, &Tensor::scalar(3i64));
        }
    }
}

#[graph_fn]
fn by_a_name_of_its_own(steps: &Tensor) -> Tensor {
    let mut point = Point { x: Tensor::scalar(0i64), y: Tensor::scalar(0i64) };
    let lent = &mut point;
    for by in steps {
        step(lent, &by);
    }
    point.y
}

#[test]
fn a_mutable_argument_is_lent_by_its_name() {
    let point = || Point { x: Tensor::scalar(1i64), y: Tensor::scalar(0i64) };
    let result = both(|| {
        let mut point = point();
        let total = along_rows(&mut point, &Tensor::from([1i64, 2, 3]));
        [total, point.x, point.y].map(|x| x.item::<i64>())
    });
    assert_eq!(result, [2 + 4 + 7, 7, (2 * 2 + 4) * 2 + 7]);

    let result = both(|| {
        let mut point = point();
        while_small(&mut point);
        [point.x, point.y].map(|x| x.item::<i64>())
    });
    let (mut x, mut y) = (1, 0);
    while x < 10 {
        x += if y % 2 == 0 { 1 } else { 3 };
        y = y * 2 + x;
    }
    assert_eq!(result, [x, y]);

    let result = both(|| by_a_name_of_its_own(&Tensor::from([1i64, 2, 3])).item::<i64>());
    assert_eq!(result, (2 + 3) * 2 + 6);
}
