//! Bodies, and how one of them moves.

use crate::{
    STEPS,
    harness::{Runner, timed},
};

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Body {
    place: [f64; 3],
    speed: [f64; 3],
    mass: f64,
}

/// The length of a step.
const DT: f64 = 0.01;

/// Keeps bodies that meet from being flung away.
const SOFTENING: f64 = 1e-3;

impl Body {
    /// A step of time later, attracted by `bodies`.
    pub(crate) fn moved(&self, bodies: &[Body]) -> Body {
        let mut pull = [0.0; 3];
        for other in bodies {
            let way = [0, 1, 2].map(|axis| other.place[axis] - self.place[axis]);
            let square = way.iter().map(|part| part * part).sum::<f64>() + SOFTENING;
            let strength = other.mass / (square * square.sqrt());
            pull.iter_mut().zip(way).for_each(|(sum, part)| *sum += strength * part);
        }
        let speed = [0, 1, 2].map(|axis| self.speed[axis] + pull[axis] * DT);
        let place = [0, 1, 2].map(|axis| self.place[axis] + speed[axis] * DT);
        Body { place, speed, mass: self.mass }
    }
}

/// A runner of `step`, which is to give back all bodies moved.
pub(crate) fn runner(mut step: impl FnMut(&[Body]) -> Vec<Body> + 'static) -> Runner {
    let start = bodies();
    let plain = |bodies: &[Body]| bodies.iter().map(|body| body.moved(bodies)).collect();
    let end = (0..STEPS).fold(start.clone(), |bodies, _| plain(&bodies));
    // The same to the last bit: the order in which a body adds up is its own.
    timed(move || {
        assert!((1..STEPS).fold(step(&start), |bodies, _| step(&bodies)) == end);
    })
}

/// The same bodies every time (xorshift64), at rest in a cube.
fn bodies() -> Vec<Body> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let count = crate::size();
    let body = |_| Body {
        place: [random(), random(), random()],
        speed: [0.0; 3],
        mass: random() / count as f64,
    };
    (0..count).map(body).collect()
}
