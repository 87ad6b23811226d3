//! Networks of layers, trained by `fit`: what the options beyond the recipe need.

use std::error::Error;
use std::f64::consts::PI;
use std::time::Instant;

use grafito::datasets::{Dataset, IMAGE_SIDE, Mnist, Split};
use grafito::mode;
use grafito::nn::{
    Accuracy, Conv2D, CsvLogger, Dense, Dropout, Fit, Flatten, LearningRateScheduler, MaxPool2D, Model,
    ModelCheckpoint, Relu, Rescaling, Sequential, Sgd, Softmax, SparseCrossEntropy, StopFlag, TensorBoard,
    Validation,
};
use grafito::prelude::*;

use crate::options::{Network, Optimizer, Options, Schedule};
use crate::show;
use crate::train::{self, Evaluation};

/// Trains, and shows what came of it.
pub(crate) fn run(options: &Options, data: &Mnist, stop: &StopFlag) -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    let mut model = compiled(options);
    println!("{}", model.summary()?);
    if let Some(path) = options.checkpoint.as_ref().filter(|_| options.resume) {
        model.restore(path)?;
        println!("resumed from {} after epoch {}", path.display(), model.epochs());
    }
    let (train, test) = (dataset(&data.train), dataset(&data.test));
    let epochs = options.epochs.saturating_sub(model.epochs());
    let history = model.fit(&train, fit(options, epochs, &test, stop))?;

    if history.epochs().len() > 1 {
        println!("\n{}", history.plot(&["loss", "val_loss"], 60, 12));
    }
    let evaluation = evaluate(&mut model, data)?;
    show::results(data, &evaluation, start.elapsed(), stop.is_set());
    if mode() == Mode::Lazy {
        let rows: Vec<usize> = (0..options.batch_size.min(data.train.len())).collect();
        let (images, labels) = batch(&data.train, &rows);
        let report = model.step_report(&images, &labels)?;
        let (before, after) = (report.nodes_before(), report.nodes_after());
        println!("a training step: {before} nodes traced, {after} after optimization");
    }
    Ok(())
}

fn compiled(options: &Options) -> Model {
    let mut layers = Sequential::new()
        .seed(options.seed.into())
        .input_of(DType::U8, [IMAGE_SIDE, IMAGE_SIDE, 1])
        .add(Rescaling::new(1.0 / 255.0));
    layers = match options.model {
        Network::Mlp => layers,
        Network::Cnn => layers
            .add(Conv2D::new(32, [3, 3]).activation(Relu))
            .add(MaxPool2D::new([2, 2]))
            .add(Conv2D::new(64, [3, 3]).activation(Relu))
            .add(MaxPool2D::new([2, 2])),
    };
    layers = layers.add(Flatten).add(Dense::new(128).activation(Relu));
    if options.dropout > 0.0 {
        layers = layers.add(Dropout::new(options.dropout));
    }
    layers = layers.add(Dense::new(10).activation(Softmax));
    let optimizer = match options.optimizer {
        Optimizer::Sgd => Sgd::new(options.lr),
        Optimizer::Momentum => Sgd::new(options.lr).momentum(0.9),
    };
    layers.compile(optimizer, SparseCrossEntropy::new(), Accuracy)
}

fn fit<'a>(options: &'a Options, epochs: usize, test: &'a Dataset, stop: &StopFlag) -> Fit<'a> {
    let mut fit = Fit {
        epochs,
        batch_size: options.batch_size,
        validation: Validation::Data(test),
        stop: stop.clone(),
        ..Fit::default()
    };
    if options.schedule != Schedule::Constant {
        fit = fit.with(LearningRateScheduler::new(|epoch, _| rate(options, epoch)));
    }
    if let Some(path) = &options.history {
        let logger = CsvLogger::new(path);
        fit = fit.with(if options.resume { logger.append() } else { logger });
    }
    if let Some(folder) = &options.tensorboard {
        fit = fit.with(TensorBoard::new(folder));
    }
    if let Some(path) = &options.checkpoint {
        fit = fit.with(ModelCheckpoint::last(path));
    }
    fit
}

/// The learning rate of an epoch, counted from 1. It depends on nothing that a resumed training would have to remember.
fn rate(options: &Options, epoch: usize) -> f32 {
    let passed = (epoch - 1) as f64 / options.epochs as f64;
    let share = match options.schedule {
        Schedule::Constant => 1.0,
        Schedule::Step => 0.1f64.powf((passed * 3.0).floor()),
        Schedule::Exponential => 0.01f64.powf(passed),
        Schedule::Cosine => (1.0 + (PI * passed).cos()) / 2.0,
    };
    (f64::from(options.lr) * share) as f32
}

/// Images with a channel, as convolutions take them.
fn dataset(split: &Split) -> Dataset {
    let (images, labels) = batch(split, &(0..split.len()).collect::<Vec<_>>());
    Dataset::new(images.eval(), labels)
}

fn batch(split: &Split, rows: &[usize]) -> (Tensor, Tensor) {
    let (images, labels) = train::batch(split, rows);
    (images.reshape([rows.len(), IMAGE_SIDE, IMAGE_SIDE, 1]), labels)
}

/// Loss, accuracy and predictions for the test images.
fn evaluate(model: &mut Model, data: &Mnist) -> Result<Evaluation, Box<dyn Error>> {
    const CHUNK: usize = 1000;
    let figures = model.evaluate(&dataset(&data.test))?;
    let rows: Vec<usize> = (0..data.test.len()).collect();
    let mut predictions = Vec::new();
    for rows in rows.chunks(CHUNK) {
        let (images, _) = batch(&data.test, rows);
        let predicted = model.predict(&images)?.argmax(-1).to_vec::<i64>();
        predictions.extend(predicted.into_iter().map(|digit| digit as u8));
    }
    let figure = |name| figures.get(name).unwrap_or(f64::NAN);
    Ok(Evaluation { loss: figure("loss"), accuracy: figure("accuracy"), predictions })
}
