//! What models and histories show of themselves.

use grafito::nn::{
    Accuracy, BatchNorm, Dense, Flatten, History, Relu, Sequential, Sgd, Softmax, SparseCrossEntropy,
};

#[test]
fn a_summary_is_a_table() {
    let mut model = Sequential::new()
        .input([28, 28])
        .add(Flatten)
        .add(Dense::new(128).activation(Relu))
        .add(BatchNorm::new())
        .add(Dense::new(10).activation(Softmax))
        .named("head")
        .compile(Sgd::new(0.01).momentum(0.9), SparseCrossEntropy::new(), Accuracy);
    insta::assert_snapshot!(model.summary().unwrap(), @"
    ┌────────────────────────┬─────────────┬────────────┐
    │ layer (kind)           │ output      │ parameters │
    ├────────────────────────┼─────────────┼────────────┤
    │ flatten (Flatten)      │ f32[n, 784] │          0 │
    │ dense (Dense)          │ f32[n, 128] │    100,480 │
    │ batch_norm (BatchNorm) │ f32[n, 128] │        512 │
    │ head (Dense)           │ f32[n, 10]  │      1,290 │
    └────────────────────────┴─────────────┴────────────┘
    parameters: 102,282 (399.54 KiB)
      trained:     102,026 (398.54 KiB)
      not trained: 256 (1.00 KiB)
    optimizer: 102,026 (398.54 KiB)
    ");
    assert_eq!(model.summary().unwrap().trainable_parameters(), 102_026);
}

#[test]
fn a_history_is_a_picture() {
    let text =
        "epoch,seconds,loss,val_loss\n1,1,2,2.2\n2,1,1,1.5\n3,1,0.5,1.2\n4,1,0.25,1.3\n5,1,0.125,1.5\n";
    let history = History::from_csv(text).unwrap();
    insta::assert_snapshot!(history.plot(&["loss", "val_loss"], 33, 9), @"
    2.2000 │oo
           │**ooo
           │  ** ooo
           │    **  oooooo          ooooooooo
           │      **      oooooooooo
           │        ****
           │            ****
           │                ********
    0.1250 │                        *********
           └─────────────────────────────────
            epoch 1                         5
            * loss   o val_loss
    ");
    assert_eq!(history.plot(&["accuracy"], 20, 5), "nothing to plot\n");
    assert_eq!(History::default().plot(&["loss"], 20, 5), "nothing to plot\n");
    let one = History::from_csv("epoch,seconds,loss\n1,1,2\n").unwrap();
    assert!(one.plot(&["loss"], 20, 3).contains("2.0000 │"));
}
