//! What is logged comes back: numbers, histograms, images, texts, hyperparameters.

use std::time::{SystemTime, UNIX_EPOCH};

use grafito::prelude::*;
use grafito::tensorboard::{Hyperparameter, Writer};

use crate::reader::{self, crc32c, value};
use crate::support::logged;

/// The examples of RFC 3720, B.4, and the check value of the catalogue of CRCs.
#[test]
fn the_checksum_is_the_published_one() {
    let ascending: Vec<u8> = (0..32).collect();
    let descending: Vec<u8> = (0..32).rev().collect();
    let vectors: [(&[u8], u32); 6] = [
        (&[0; 32], 0x8a91_36aa),
        (&[0xff; 32], 0x62a8_ab43),
        (&ascending, 0x46dd_794e),
        (&descending, 0x113f_db5c),
        (b"123456789", 0xe306_9283),
        (b"", 0),
    ];
    for (bytes, crc) in vectors {
        assert_eq!(crc32c(bytes), crc, "{bytes:?}");
    }
}

#[test]
fn scalars_have_tag_step_value_and_time() {
    let before = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs_f64();
    let events = logged(|log| {
        log.scalar("loss/train", 0, 2.5);
        log.scalar("loss/train", 1 << 40, f32::MIN_POSITIVE);
        log.scalar("größe", 3, -7);
        log.scalar("loss/train", 4, f64::NAN);
    });
    let values: Vec<(i64, String, f32)> =
        events.iter().map(value).map(|(step, value)| (step, value.text(1), value.f32(2))).collect();
    assert_eq!(
        values[..3],
        [
            (0, "loss/train".to_owned(), 2.5),
            (1 << 40, "loss/train".to_owned(), f32::MIN_POSITIVE),
            (3, "größe".to_owned(), -7.0),
        ]
    );
    assert!(values[3].2.is_nan());
    let times: Vec<f64> = events.iter().map(|event| event.f64(1)).collect();
    assert!(times[0] >= before && times.is_sorted(), "{before}: {times:?}");
}

/// Elements -> least, greatest, number, sum, sum of squares, edges to the right, counts.
#[test]
fn histograms_count_every_finite_element_once() {
    type Expected = (f64, f64, f64, f64, f64, Vec<f64>, Vec<f64>);
    let ramp: Vec<f64> = (0..=30).map(f64::from).collect();
    let mut ramp_counts = vec![1.0; 30];
    ramp_counts[29] = 2.0; // The greatest belongs to the last bucket.
    let extremes = [f64::MAX, -f64::MAX];
    let cases: Vec<(Tensor, Expected)> = vec![
        (
            Tensor::from_slice([31], &ramp),
            (0.0, 30.0, 31.0, 465.0, 9455.0, (1..=30).map(f64::from).collect(), ramp_counts),
        ),
        (Tensor::from([[2i32, 2], [2, 2]]), (2.0, 2.0, 4.0, 8.0, 16.0, vec![2.0], vec![4.0])),
        (
            Tensor::from([f32::NAN, -1.0, f32::INFINITY, f32::NEG_INFINITY]),
            (-1.0, -1.0, 1.0, -1.0, 1.0, vec![-1.0], vec![1.0]),
        ),
        (Tensor::from([f32::NAN]), (0.0, 0.0, 0.0, 0.0, 0.0, vec![], vec![])),
        (Tensor::zeros([0, 3], DType::F32), (0.0, 0.0, 0.0, 0.0, 0.0, vec![], vec![])),
    ];
    for (tensor, expected) in cases {
        let (step, value) = value(&logged(|log| log.histogram("h", 9, &tensor))[0]);
        let h = value.message(5);
        let found = (h.f64(1), h.f64(2), h.f64(3), h.f64(4), h.f64(5), h.f64s(6), h.f64s(7));
        assert_eq!((step, value.text(1), found), (9, "h".to_owned(), expected), "{tensor:?}");
    }
    let (_, value) = value(&logged(|log| log.histogram("h", 0, &Tensor::from(extremes)))[0]);
    let counts = value.message(5).f64s(7);
    assert_eq!((counts.len(), counts[0], counts[29]), (30, 1.0, 1.0), "a range that is not finite");
    assert!(value.message(5).f64s(6).iter().all(|edge| edge.is_finite()));
    for tensor in [Tensor::from([true, false, true]), Tensor::from([1u8, 0, 1]), Tensor::from([1i64, 0, 1])] {
        let (_, value) = reader::value(&logged(|log| log.histogram("h", 0, &tensor))[0]);
        assert_eq!(value.message(5).f64(4), 2.0, "{tensor:?}");
    }
}

#[test]
fn images_are_the_pixels_as_png() {
    // Tensor, channels, bytes.
    let cases: Vec<(Tensor, i64, Vec<u8>)> = vec![
        (Tensor::from([[0u8, 128, 255], [1, 2, 3]]), 1, vec![0, 128, 255, 1, 2, 3]),
        (Tensor::from([[0.0f32, 0.5, 1.0], [-3.0, 7.0, f32::NAN]]), 1, vec![0, 128, 255, 0, 255, 0]),
        (Tensor::from([[[0.2f64], [0.4], [0.6]], [[0.8], [1.0], [0.0]]]), 1, vec![51, 102, 153, 204, 255, 0]),
        (Tensor::from_slice([2, 3, 3], &(0u8..18).collect::<Vec<_>>()), 3, (0..18).collect()),
        (Tensor::from_slice([2, 3, 4], &(0u8..24).collect::<Vec<_>>()), 4, (0..24).collect()),
    ];
    for (tensor, channels, bytes) in cases {
        let (step, value) = value(&logged(|log| log.image("digits", 5, &tensor))[0]);
        let image = value.message(4);
        let found = (step, value.text(1), image.int(1), image.int(2), image.int(3));
        assert_eq!(found, (5, "digits".to_owned(), 2, 3, channels));
        let mut decoder = png::Decoder::new(std::io::Cursor::new(image.bytes(4))).read_info().expect("a PNG");
        let mut pixels = vec![0; decoder.output_buffer_size().expect("a size")];
        let info = decoder.next_frame(&mut pixels).expect("an image");
        assert_eq!((info.width, info.height), (3, 2));
        assert_eq!(pixels, bytes, "{tensor:?}");
    }
}

/// Tensor -> what the panic says.
#[test]
fn what_is_no_image_is_refused_at_the_users_line() {
    let cases = [
        (Tensor::zeros([3], DType::F32), "image `x`: f32[3] is neither [height, width]"),
        (Tensor::zeros([3, 3, 2], DType::U8), "u8[3, 3, 2] is neither [height, width]"),
        (Tensor::zeros([0, 3], DType::U8), "u8[0, 3] has a side that no image can have"),
        (Tensor::zeros([3, 3], DType::I64), "i64[3, 3] is neither of u8 nor of floats between 0 and 1"),
    ];
    for (tensor, expected) in cases {
        let log = Writer::into_sink(std::io::sink());
        let error = grafito::catch(|| log.image("x", 0, &tensor)).expect_err("no image");
        let message = error.to_string();
        assert!(message.contains(expected), "{message}");
        assert!(message.contains("content.rs:"), "{message}");
    }
}

#[test]
fn texts_are_tensors_for_the_plugin_of_that_name() {
    let (step, value) = value(&logged(|log| log.text("notes", 2, "**größer**"))[0]);
    assert_eq!((step, value.text(1)), (2, "notes".to_owned()));
    assert_eq!(value.message(9).message(1).text(1), "text");
    let tensor = value.message(8);
    assert_eq!((tensor.int(1), tensor.texts(8)), (7, vec!["**größer**".to_owned()]));
}

#[test]
fn hyperparameters_open_a_session_and_the_end_of_the_writer_closes_it() {
    let hyperparameters = |log: &Writer| {
        let values: [(&str, Hyperparameter); 5] = [
            ("rate", 0.1f32.into()),
            ("batch", 32.into()),
            ("optimizer", "sgd".into()),
            ("nesterov", true.into()),
            ("clip", f64::INFINITY.into()),
        ];
        log.hyperparameters(values);
    };
    let events = logged(hyperparameters);
    let (_, start) = value(&events[0]);
    assert_eq!(start.text(1), "_hparams_/session_start_info");
    assert_eq!(start.message(9).message(1).text(1), "hparams");
    let session = start.message(9).message(1).message(2).message(3);
    assert!(session.f64(5) > 1e9, "the time of the start");
    let values = session.map(1);
    assert_eq!((values["rate"].f64(2), values["batch"].f64(2)), (0.1, 32.0));
    assert_eq!((values["optimizer"].text(3), values["clip"].text(3)), ("sgd".to_owned(), "inf".to_owned()));
    assert_eq!(values["nesterov"].int(4), 1);

    let status = |event| {
        let (_, end) = value(event);
        assert_eq!(end.text(1), "_hparams_/session_end_info");
        end.message(9).message(1).message(2).message(4).int(1)
    };
    assert_eq!(status(&events[1]), 1, "success");
    let memory = crate::support::Memory::default();
    let log = Writer::into_sink(memory.clone());
    let failed = grafito::catch(|| {
        std::thread::scope(|scope| {
            let run = scope.spawn(|| {
                let log = log;
                hyperparameters(&log);
                std::panic::resume_unwind(Box::new("the run fails"));
            });
            run.join().expect_err("a panic");
        })
    });
    assert!(failed.is_ok());
    assert_eq!(status(reader::events(&memory.bytes()).last().expect("an end")), 2, "failure");
}
