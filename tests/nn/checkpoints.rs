//! What was saved is restored bit for bit, and training goes on as if it had never stopped.

use std::fs;
use std::path::Path;

use grafito::datasets::Dataset;
use grafito::nn::{
    Batch, Callback, CallbackResult, CheckpointProblem, Dense, Dropout, Fit, Flatten, Function,
    MeanSquaredError, ModelCheckpoint, Relu, Rescaling, Run, Sequential, Sgd, Softmax, SparseCrossEntropy,
    StopFlag, load_tree, save_tree,
};
use grafito::prelude::*;

use crate::support::{Losses, bits, quiet, some_digits, stateful, with_header};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

#[test]
fn a_network_is_loaded_bit_for_bit() {
    let (folder, data) = (folder(), some_digits(100));
    let path = folder.path().join("model.safetensors");
    let mut model = stateful();
    model.fit(&data, quiet(1)).unwrap();
    model.save(&path).unwrap();
    let (x, _) = data.clone().batch(100).epoch(0).next().unwrap();
    let expected = model.predict(&x).unwrap().to_vec::<f32>();

    let mut loaded = Sequential::load(&path).unwrap();
    assert_eq!(loaded.predict(&x).unwrap().to_vec::<f32>(), expected);
    let loaded = loaded.compile(Sgd::new(0.1), SparseCrossEntropy::new(), ());
    assert_eq!(bits(&loaded), bits(&model));

    let mut restored = stateful();
    restored.restore(&path).unwrap();
    assert_eq!(bits(&restored), bits(&model));
    assert_eq!(restored.epochs(), 1);
    // Saved again, it is the same file.
    let again = folder.path().join("again.safetensors");
    restored.save(&again).unwrap();
    assert_eq!(fs::read(&path).unwrap(), fs::read(&again).unwrap());
}

#[test]
fn a_model_that_was_never_trained_is_saved_whole() {
    let folder = folder();
    let path = folder.path().join("model.safetensors");
    let mut model = stateful();
    model.predict(&Tensor::zeros([1, 28, 28], DType::U8)).unwrap();
    model.set_learning_rate(0.25);
    model.save(&path).unwrap();
    let mut restored = stateful();
    restored.restore(&path).unwrap();
    assert_eq!((bits(&restored), restored.learning_rate()), (bits(&model), 0.25));
}

#[test]
fn special_values_keep_their_bits() {
    let folder = folder();
    let path = folder.path().join("network.safetensors");
    let strange = [f32::NAN, f32::from_bits(0x7f80_0001), -0.0, f32::INFINITY, f32::MIN_POSITIVE / 2.0, 1.0];
    let mut network = Sequential::new().input([2]).add(Dense::new(3).without_bias());
    network.build().unwrap();
    network.set_weight("dense/kernel", &Tensor::from_slice([2, 3], &strange)).unwrap();
    network.save(&path).unwrap();
    let loaded = Sequential::load(&path).unwrap().weights();
    let loaded = loaded.get("dense/kernel").unwrap().to_vec::<f32>();
    assert_eq!(loaded.map_bits(), strange.to_vec().map_bits());
}

trait MapBits {
    fn map_bits(self) -> Vec<u32>;
}

impl MapBits for Vec<f32> {
    fn map_bits(self) -> Vec<u32> {
        self.into_iter().map(f32::to_bits).collect()
    }
}

#[test]
fn resumed_equals_uninterrupted() {
    for mode in [Mode::Lazy, Mode::Eager] {
        with_mode(mode, || {
            let (folder, data) = (folder(), some_digits(150));
            let path = folder.path().join("model.safetensors");
            let mut unbroken = Losses::default();
            let mut whole = stateful();
            let fit = quiet(4).with(&mut unbroken);
            let whole_history = whole.fit(&data, fit).unwrap();

            let mut broken = Losses::default();
            let mut first = stateful();
            let fit = quiet(2).with(&mut broken).with(ModelCheckpoint::last(&path));
            first.fit(&data, fit).unwrap();
            drop(first);
            let mut second = stateful();
            second.restore(&path).unwrap();
            let fit = quiet(2).with(&mut broken);
            let history = second.fit(&data, fit).unwrap();

            assert_eq!(broken.0, unbroken.0, "{mode:?}");
            assert_eq!(bits(&second), bits(&whole), "{mode:?}");
            let tail = |history: &grafito::nn::History| {
                let last = &history.epochs()[history.epochs().len() - 2..];
                last.iter().map(|epoch| (epoch.number, epoch.logs.clone())).collect::<Vec<_>>()
            };
            assert_eq!(tail(&history), tail(&whole_history), "{mode:?}");
        });
    }
}

/// Asks to stop after a step, as a handler of Ctrl-C does.
struct StopAt(usize, StopFlag);

impl Callback for StopAt {
    fn on_batch_end(&mut self, run: &mut Run<'_>, batch: &Batch) -> CallbackResult {
        if run.epoch() == 2 && batch.number == self.0 {
            self.1.set();
        }
        Ok(())
    }
}

#[test]
fn interrupted_within_an_epoch_and_resumed_equals_uninterrupted() {
    let (folder, data) = (folder(), some_digits(150));
    let path = folder.path().join("model.safetensors");
    let mut whole = stateful();
    let whole_history = whole.fit(&data, quiet(3)).unwrap();
    for at in [1, 3, 5] {
        let mut first = stateful();
        let stop = StopFlag::new();
        let fit =
            Fit { stop: stop.clone(), ..quiet(3) }.with(StopAt(at, stop)).with(ModelCheckpoint::last(&path));
        let history = first.fit(&data, fit).unwrap();
        // 150 examples are 5 batches: the fifth ends the epoch.
        assert_eq!(history.epochs().len(), if at == 5 { 2 } else { 1 });
        assert_eq!(history.stopped(), Some("interrupted"));
        let mut second = stateful();
        second.restore(&path).unwrap();
        assert_eq!((second.epochs(), second.batches()), if at == 5 { (2, 0) } else { (1, at) });
        let history = second.fit(&data, quiet(3 - second.epochs())).unwrap();
        assert_eq!(bits(&second), bits(&whole), "stopped at {at}");
        let figures = |history: &grafito::nn::History| history.last("accuracy").zip(history.last("loss"));
        assert_eq!(figures(&history), figures(&whole_history), "stopped at {at}");
    }
}

fn problem(path: &Path, bytes: &[u8]) -> String {
    fs::write(path, bytes).unwrap();
    let error = Sequential::load(path).unwrap_err().to_string();
    let prefix = format!("{}: ", path.display());
    error.strip_prefix(&prefix).unwrap_or_else(|| panic!("{error} does not start with the path")).to_owned()
}

#[test]
fn damaged_files_say_what_is_wrong() {
    let folder = folder();
    let path = folder.path().join("model.safetensors");
    let mut model = stateful();
    model.fit(&some_digits(40), quiet(1)).unwrap();
    model.save(&path).unwrap();
    let whole = fs::read(&path).unwrap();

    let damaged = "it is no whole safetensors file: ";
    assert!(problem(&path, b"").starts_with(damaged));
    assert!(problem(&path, b"not a checkpoint at all").starts_with(damaged));
    assert!(problem(&path, &whole[..whole.len() - 1]).starts_with(damaged));
    assert!(problem(&path, &whole[..100]).starts_with(damaged));
    assert!(problem(&path, &[&whole[..], b"x"].concat()).starts_with(damaged));
    assert!(Sequential::load(folder.path()).unwrap_err().to_string().ends_with("it is no regular file"));
    let missing = folder.path().join("missing");
    assert!(Sequential::load(&missing).unwrap_err().to_string().contains("cannot read it"));

    save_tree(&path, &Tensor::scalar(1.0f32)).unwrap();
    assert!(Sequential::load(&path).unwrap_err().to_string().ends_with("it holds tensors, but no model"));
    assert!(stateful().restore(&path).unwrap_err().to_string().ends_with("it holds tensors, but no model"));
}

#[test]
fn descriptions_that_make_no_sense_say_what_is_wrong() {
    let folder = folder();
    let path = folder.path().join("network.safetensors");
    let mut network = Sequential::new().input([4]).add(Dense::new(3)).add(Dense::new(2)).named("head");
    network.build().unwrap();
    network.save(&path).unwrap();
    let whole = fs::read(&path).unwrap();
    let edited = |from: &str, to: &str| problem(&path, &with_header(&whole, from, to));

    let unknown = edited(r#"\"kind\":\"Dense\""#, r#"\"kind\":\"Dance\""#);
    assert!(unknown.starts_with("layer `dense` is a Dance, which is not registered; "), "{unknown}");
    let version = edited(r#"\"format\":1"#, r#"\"format\":7"#);
    assert_eq!(version, "it has format 7, and this program reads up to 1");
    let setting = edited(r#"\"units\":3"#, r#"\"units\":\"many\""#);
    assert!(setting.starts_with("layer `dense` (Dense): invalid type: string"), "{setting}");
    let dtype = edited(r#"\"dtype\":\"f32\""#, r#"\"dtype\":\"f16\""#);
    assert!(dtype.ends_with("there is no dtype `f16`"), "{dtype}");
    let zero = edited(r#"\"units\":3"#, r#"\"units\":0"#);
    assert!(zero.contains("the number of units is 0"), "{zero}");
    // The layers say one thing and the tensors another: nothing of the size that is said is ever made.
    let vast = edited(r#"\"units\":3"#, r#"\"units\":4000000000"#);
    let said = "the layers need `dense/kernel` to be f32[4, 4000000000], and it is f32[4, 3]";
    assert!(vast.contains(said), "{vast}");
    let vast = edited(r#"\"units\":3"#, r#"\"units\":4000000000000000000"#);
    assert!(vast.contains("is too large"), "{vast}");
    let renamed = edited(r#"\"name\":\"head\""#, r#"\"name\":\"tail\""#);
    assert!(renamed.contains("`tail/kernel` is not in the file"), "{renamed}");
    assert!(renamed.contains("`head/kernel` is in the file and not here"), "{renamed}");
}

#[test]
fn a_model_of_other_layers_or_training_says_what_differs_and_stays_as_it_is() {
    let folder = folder();
    let path = folder.path().join("model.safetensors");
    let make = |units, rate, momentum: f64, seed| {
        Sequential::new()
            .seed(seed)
            .add(Rescaling::new(1.0 / 255.0))
            .add(Flatten)
            .add(Dense::new(units).activation(Relu))
            .add(Dropout::new(rate))
            .add(Dense::new(10).activation(Softmax))
            .compile(Sgd::new(0.1).momentum(momentum), SparseCrossEntropy::new(), ())
    };
    let data = some_digits(20);
    let mut model = make(8, 0.5, 0.9, 1);
    model.fit(&data, quiet(1)).unwrap();
    model.save(&path).unwrap();

    let differs = |mut other: grafito::nn::Model| {
        other.fit(&data, quiet(1)).unwrap();
        let before = bits(&other);
        let error = other.restore(&path).unwrap_err();
        assert!(matches!(error.problem, CheckpointProblem::Differs(_)));
        assert_eq!(bits(&other), before);
        error.to_string()
    };
    let error = differs(make(9, 0.5, 0.9, 1));
    assert!(
        error.ends_with("it does not fit: layer 3 `dense`, config, units is 9 here and 8 in the file"),
        "{error}"
    );
    let error = differs(make(8, 0.25, 0.9, 1));
    assert!(error.ends_with("layer 4 `dropout`, config, rate is 0.25 here and 0.5 in the file"), "{error}");
    let error = differs(make(8, 0.5, 0.5, 2));
    assert!(
        error.contains("optimizer, config, momentum is 0.5 here and 0.9")
            && error.contains("seed is 2 here and 1")
    );
    let mse = Sequential::new().seed(1).add(Flatten).compile(Sgd::new(0.2), MeanSquaredError, ());
    let mut other = mse;
    let error = other.restore(&path).unwrap_err().to_string();
    for part in ["layer 1 `flatten` is not in the file", "loss, kind", "learning rate, config is 0.2"] {
        assert!(error.contains(part), "{error}");
    }

    // Weights alone are taken across such differences.
    let mut network = Sequential::new()
        .input_of(DType::U8, [28, 28])
        .add(Rescaling::new(0.5))
        .add(Flatten)
        .add(Dense::new(8))
        .add(Dense::new(10));
    network.load_weights(&path).unwrap();
    let expected = model.weights();
    assert_eq!(network.weights().names(), expected.names());
    let mut smaller = Sequential::new().input([784]).add(Dense::new(8));
    let error = smaller.load_weights(&path).unwrap_err().to_string();
    assert!(error.contains("`dense_1/bias` is in the file and not here"), "{error}");
}

#[test]
fn a_failed_save_leaves_the_old_file_whole() {
    let folder = folder();
    let path = folder.path().join("model.safetensors");
    let mut model = stateful();
    model.fit(&some_digits(40), quiet(1)).unwrap();
    model.save(&path).unwrap();
    let whole = fs::read(&path).unwrap();
    // Every length at which a writer may fail.
    for len in [0, 1, 8, 100, whole.len() / 2, whole.len()] {
        let failed = grafito::nn::replace_file(&path, |file| {
            file.write_all(&whole[..len])?;
            Err(std::io::Error::other("no space left"))
        });
        assert!(failed.is_err());
        assert_eq!(fs::read(&path).unwrap(), whole);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left behind");
    }
    // A folder that is not there, and a path that is a folder.
    assert!(model.save(folder.path().join("no/model.safetensors")).is_err());
    assert!(model.save(folder.path()).unwrap_err().to_string().contains("cannot write it"));
    let unbuilt = Sequential::new().add(Dense::new(3));
    assert!(unbuilt.save(&path).unwrap_err().to_string().contains("not known yet"));
    assert_eq!(fs::read(&path).unwrap(), whole);
}

/// Where the child of the next test saves to.
const CHILD: &str = "GRAFITO_TEST_SAVES_TO";

#[test]
#[ignore = "a child process of the next test"]
fn saves_without_end() {
    let Some(path) = std::env::var_os(CHILD) else { return };
    let mut model = stateful();
    model.fit(&some_digits(40), quiet(1)).unwrap();
    loop {
        model.save(&path).unwrap();
    }
}

#[test]
fn a_kill_at_any_moment_leaves_a_whole_file() {
    let folder = folder();
    let path = folder.path().join("model.safetensors");
    for round in 0..8 {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "checkpoints::saves_without_end", "--ignored"])
            .env(CHILD, &path)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let start = std::time::Instant::now();
        while !path.exists() && start.elapsed().as_secs() < 60 {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        std::thread::sleep(std::time::Duration::from_millis(5 + 3 * round));
        child.kill().unwrap();
        child.wait().unwrap();
        stateful().restore(&path).unwrap();
    }
}

#[cfg(unix)]
#[test]
fn a_file_that_is_replaced_keeps_its_permissions_and_a_new_one_has_the_usual_ones() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let (usual, path) = (folder.path().join("usual"), folder.path().join("network.safetensors"));
    fs::write(&usual, "").unwrap();
    let mut network = Sequential::new().input([2]).add(Dense::new(1));
    network.build().unwrap().save(&path).unwrap();
    assert_eq!(mode(&path), mode(&usual));
    for private in [0o600, 0o640, 0o444, 0o666] {
        fs::set_permissions(&path, fs::Permissions::from_mode(private)).unwrap();
        network.save(&path).unwrap();
        assert_eq!(mode(&path), private);
        Sequential::load(&path).unwrap();
    }
}

#[test]
fn functions_cannot_be_loaded_and_say_so() {
    let folder = folder();
    let path = folder.path().join("network.safetensors");
    let mut network = Sequential::new().input([2]).add(Function::new("twice", |x: &Tensor| x * 2.0));
    network.build().unwrap();
    network.save(&path).unwrap();
    let error = Sequential::load(&path).unwrap_err().to_string();
    assert!(error.contains("layer `twice` is a twice, which is not registered"), "{error}");
}

#[derive(Clone, TensorTree)]
struct Everything {
    list: Vec<Tensor>,
    pair: (Tensor, Tensor),
    flags: Tensor,
}

#[test]
fn trees_of_ones_own_have_every_dtype() {
    let folder = folder();
    let path = folder.path().join("tree.safetensors");
    let tree = Everything {
        list: vec![Tensor::from([1.5f32]), Tensor::from([[2.5f64, -0.0]]), Tensor::zeros([0, 3], DType::I32)],
        pair: (Tensor::from([i64::MIN, i64::MAX]), Tensor::from([0u8, 255])),
        flags: Tensor::from([true, false, true]),
    };
    save_tree(&path, &tree).unwrap();
    let zeros = tree.map_leaves(&mut |leaf: &Tensor| Tensor::zeros(leaf.shape(), leaf.dtype()));
    let mut loaded = zeros.clone();
    load_tree(&path, &mut loaded).unwrap();
    assert_eq!(loaded.list[0].to_vec::<f32>(), [1.5]);
    assert_eq!(loaded.list[1].to_vec::<f64>(), [2.5, 0.0]);
    assert_eq!(loaded.pair.0.to_vec::<i64>(), [i64::MIN, i64::MAX]);
    assert_eq!(loaded.pair.1.to_vec::<u8>(), [0, 255]);
    assert_eq!(loaded.flags.to_vec::<bool>(), [true, false, true]);
    let mut other = Everything { list: zeros.list[..2].to_vec(), ..zeros };
    let error = load_tree(&path, &mut other).unwrap_err().to_string();
    assert!(error.ends_with("it does not fit: `list/2` is in the file and not here"), "{error}");
    let mut one = Dataset::new(Tensor::zeros([1], DType::F32), Tensor::zeros([1], DType::F32)).epoch(0);
    let mut pair = one.next().unwrap();
    assert!(load_tree(&path, &mut pair).is_err());
}
