//! Networks of layers, trained by `fit`: what the options beyond the recipe need.

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use grafito::datasets::{Dataset, IMAGE_SIDE, Mnist, Split};
use grafito::mode;
use grafito::nn::{
    Accuracy, Adagrad, Adam, AdamW, Callback, CallbackResult, CheckpointProblem, Clip, Conv2D, CosineDecay,
    CsvLogger, Dense, Dropout, ExponentialDecay, Fit, Flatten, LearningRateSchedule, Logs, MaxPool2D, Model,
    ModelCheckpoint, Optimizer, Relu, Rescaling, RmsProp, Run, Sequential, Sgd, Softmax, SparseCrossEntropy,
    StepDecay, StopFlag, TensorBoard, Validation, WarmUp,
};
use grafito::prelude::*;

use crate::options::{self, Network, Options, Schedule};
use crate::show;
use crate::train::{self, Evaluation};

/// Trains, and shows what came of it.
pub(crate) fn run(options: &Options, data: &Mnist, stop: &StopFlag) -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    let mut model = compiled(options, data.train.len().div_ceil(options.batch_size));
    println!("{}", model.summary()?);
    if let Some(path) = options.checkpoint.as_ref().filter(|_| options.resume) {
        resume(&mut model, path)?;
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

/// What a checkpoint says of a model, and the options that it comes from.
const OPTIONS: [(&str, &str); 5] = [
    ("seed", "--seed"),
    ("input", "--data"),
    ("layer", "--model and --dropout"),
    ("optimizer", "--optimizer, --clip-norm and --weight-decay"),
    ("learning rate", "--lr, --schedule and --warmup, and with a schedule --epochs and --batch-size"),
];

/// Goes on from a checkpoint; where it cannot, the error says what to write.
fn resume(model: &mut Model, path: &Path) -> Result<(), String> {
    let Err(error) = model.restore(path) else { return Ok(()) };
    Err(match &error.problem {
        CheckpointProblem::Io { .. } => format!("{error}; without --resume, training begins and writes it"),
        CheckpointProblem::Differs(differences) => {
            let is_of = |what: &str| differences.iter().any(|difference| difference.starts_with(what));
            let options = OPTIONS.iter().filter(|(what, _)| is_of(what)).map(|(_, options)| *options);
            let options: Vec<&str> = options.collect();
            format!(
                "{error}; to resume, give the options of the training that was saved: {}",
                options.join(", ")
            )
        }
        _ => error.to_string(),
    })
}

/// The model, for epochs of so many steps.
fn compiled(options: &Options, steps: usize) -> Model {
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
    layers.compile(optimizer(options, schedule(options, steps)), SparseCrossEntropy::new(), Accuracy)
}

fn optimizer(options: &Options, rate: Box<dyn LearningRateSchedule>) -> Box<dyn Optimizer> {
    use options::Optimizer as Chosen;
    const MOMENTUM: f64 = 0.9;
    let sgd = |rate| Sgd::new(rate).weight_decay(options.weight_decay.unwrap_or(0.0));
    let optimizer: Box<dyn Optimizer> = match options.optimizer {
        Chosen::Sgd => Box::new(sgd(rate)),
        Chosen::Momentum => Box::new(sgd(rate).momentum(MOMENTUM)),
        Chosen::Nesterov => Box::new(sgd(rate).momentum(MOMENTUM).nesterov()),
        Chosen::RmsProp => Box::new(RmsProp::new(rate)),
        Chosen::Adagrad => Box::new(Adagrad::new(rate)),
        Chosen::Adam => Box::new(Adam::new(rate)),
        Chosen::AdamW => match options.weight_decay {
            Some(decay) => Box::new(AdamW::new(rate).weight_decay(decay)),
            None => Box::new(AdamW::new(rate)),
        },
    };
    match options.clip_norm {
        Some(norm) => Box::new(Clip::by_global_norm(norm, optimizer)),
        None => optimizer,
    }
}

/// The learning rate as a function of the step, so that it is part of the graph, and of the checkpoint.
fn schedule(options: &Options, steps_an_epoch: usize) -> Box<dyn LearningRateSchedule> {
    let steps = |epochs: f64| (epochs * steps_an_epoch as f64).round() as u32;
    let (rate, rising) = (options.lr(), steps(options.warmup));
    // What remains for it to fall in; at least one step, also where nothing is trained.
    let falling = steps(options.epochs as f64 - options.warmup).max(1);
    let then: Box<dyn LearningRateSchedule> = match options.schedule {
        Schedule::Constant => Box::new(rate),
        Schedule::Step => Box::new(StepDecay::new(rate, falling.div_ceil(3), 0.1)),
        Schedule::Exponential => Box::new(ExponentialDecay::new(rate, falling, 0.01)),
        Schedule::Cosine => Box::new(CosineDecay::new(rate, falling)),
    };
    if rising > 0 { Box::new(WarmUp::new(rising, then)) } else { then }
}

/// Adds the learning rate of its last step to the figures of an epoch.
struct Rate;

impl Callback for Rate {
    fn on_epoch_end(&mut self, run: &mut Run<'_>, logs: &mut Logs) -> CallbackResult {
        logs.insert("learning_rate", f64::from(run.model.current_learning_rate()));
        Ok(())
    }
}

fn fit<'a>(options: &'a Options, epochs: usize, test: &'a Dataset, stop: &StopFlag) -> Fit<'a> {
    let mut fit = Fit {
        epochs,
        batch_size: options.batch_size,
        validation: Validation::Data(test),
        stop: stop.clone(),
        ..Fit::default()
    };
    if options.schedule != Schedule::Constant || options.warmup > 0.0 {
        fit = fit.with(Rate);
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
