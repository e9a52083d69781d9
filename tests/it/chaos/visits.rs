//! Who comes when, and with what manners.

use std::{
    sync::{
        Arc, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{task::JoinSet, time::sleep};

use super::{
    chance::Chance,
    estate::SERVERS,
    hash,
    history::Event,
    people::{Flow, Offer, Sealed},
    world::World,
};

/// Nobody resets these: codes are guessed for the first, and the others come when all is calm.
pub const GUESSED: usize = 2;
pub const CALM: usize = 4;
/// The people who are visited next: few, so that their visits overlap.
const AT_ONCE: usize = 6;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    Plain,
    /// Presses twice.
    Twice,
    /// Sends the same again when all is over.
    Replay,
    /// Two tabs: two tickets of one flow, both used.
    Tabs,
    /// The first password is too weak.
    Weak,
    /// Gone once it is sent.
    Leaves,
}

/// Visits until `over`; returns when all have ended.
pub async fn come_and_go(world: &Arc<World>, workers: u64, over: Arc<AtomicBool>) {
    let mut all = JoinSet::new();
    let serial = Arc::new(AtomicU64::new(0));
    for _ in 0..workers {
        let (world, over, serial) = (world.clone(), over.clone(), serial.clone());
        all.spawn(async move {
            while !over.load(Ordering::Relaxed) {
                let mut chance = world.chance(1000 + serial.fetch_add(1, Ordering::Relaxed));
                let open: Vec<usize> =
                    (GUESSED + CALM..world.people.len()).filter(|&person| world.people[person].has_codes_left()).take(AT_ONCE).collect();
                if open.is_empty() {
                    // Everybody has had their codes: only time helps.
                    return;
                }
                let person = *chance.one_of(&open);
                let visits = if chance.percent(25) { 2 } else { 1 };
                let mut together = JoinSet::new();
                for number in 0..visits {
                    let (world, mut chance) = (world.clone(), Chance::new(chance.next()));
                    together.spawn(async move {
                        // One starts while the other's job may be anywhere.
                        sleep(Duration::from_millis(number * chance.below(1500))).await;
                        visit(&world, person, &mut chance).await;
                    });
                }
                together.join_all().await;
                sleep(Duration::from_millis(chance.below(400))).await;
            }
        });
    }
    all.join_all().await;
}

async fn visit(world: &World, person: usize, chance: &mut Chance) {
    let manner = match chance.below(100) {
        0..40 => Manner::Plain,
        40..55 => Manner::Twice,
        55..67 => Manner::Replay,
        67..82 => Manner::Tabs,
        82..93 => Manner::Weak,
        _ => Manner::Leaves,
    };
    let Some(mut flow) = Flow::begin(world, person, chance).await else { return };
    let mut first = true;
    for _ in 0..3 {
        let password = if first && manner == Manner::Weak { world.weak_password(chance) } else { world.password(chance) };
        let sealed = match flow.seal(world, &password).await {
            Offer::Sealed(sealed) => sealed,
            Offer::Busy => {
                if flow.watch(world).await.is_none() {
                    break;
                }
                continue;
            }
            Offer::No => break,
        };
        let taken = send(world, &mut flow, sealed, if first { manner } else { Manner::Plain }, chance).await;
        if manner == Manner::Leaves && taken {
            break;
        }
        first = false;
        if !taken {
            sleep(Duration::from_millis(300)).await;
            continue;
        }
        match flow.watch(world).await {
            // Another password may do, with the same proof.
            Some((state, Some(code))) if state == "refused" && code.starts_with("policy") => {}
            Some((state, code)) if state == "applied" || code.as_deref() == Some("applied") => return,
            Some(_) => {
                if flow.again(world).await.is_err() {
                    break;
                }
            }
            None => break,
        }
    }
    world.left.lock().unwrap_or_else(PoisonError::into_inner).push(flow);
}

/// Whether the newest job of the flow was taken.
async fn send(world: &World, flow: &mut Flow, sealed: Sealed, manner: Manner, chance: &mut Chance) -> bool {
    match manner {
        Manner::Plain | Manner::Weak | Manner::Leaves => flow.submit(world, &sealed).await,
        Manner::Twice => flow.submit_twice(world, &sealed).await,
        Manner::Replay => {
            let taken = flow.submit(world, &sealed).await;
            if taken {
                let _ = flow.watch(world).await;
                flow.submit_once(world, &sealed).await;
            }
            taken
        }
        Manner::Tabs => {
            // Either tab may be the first to be heard.
            let early = chance.percent(50) && flow.submit_once(world, &sealed).await;
            let password = world.password(chance);
            let Offer::Sealed(newer) = flow.seal(world, &password).await else { return early };
            let older_too = async {
                if !early {
                    sleep(Duration::from_millis(chance.below(20))).await;
                }
                flow.submit_once(world, &sealed).await
            };
            let (_, newer_taken) = tokio::join!(older_too, flow.submit_once(world, &newer));
            newer_taken || flow.submit(world, &newer).await
        }
    }
}

/// Somebody tries codes for people whose mail they cannot read, at all nodes at once, until `over`.
pub async fn guess(world: Arc<World>, over: Arc<AtomicBool>) {
    let mut chance = world.chance(7);
    let mut flows: Vec<Vec<Flow>> = (0..GUESSED).map(|_| Vec::new()).collect();
    while !over.load(Ordering::Relaxed) {
        for (person, flows) in flows.iter_mut().enumerate() {
            if flows.len() < 4
                && let Ok(flow) = Flow::of_a_guesser(&world, person, chance.index(SERVERS)).await
            {
                flows.push(flow);
            }
            // As many at once as the limit allows, and half as many again.
            let tries = flows.iter().cycle().take(if flows.is_empty() { 0 } else { 8 });
            let nodes = (0..8).map(|_| chance.index(SERVERS)).collect::<Vec<_>>();
            let guesses = tries.zip(nodes).map(|(flow, node)| flow.guess(&world, node));
            // What is lost on the way is nobody's guess.
            all_of(guesses).await;
        }
        sleep(Duration::from_millis(chance.between(1500, 4000))).await;
    }
}

async fn all_of<T>(all: impl Iterator<Item = impl Future<Output = T>>) {
    let mut all: Vec<_> = all.map(Box::pin).collect();
    std::future::poll_fn(|context| {
        all.retain_mut(|one| one.as_mut().poll(context).is_pending());
        if all.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
}

/// An administrator of the domain sets passwords too, until `over`.
pub async fn administer(world: Arc<World>, over: Arc<AtomicBool>) {
    let mut chance = world.chance(8);
    while !over.load(Ordering::Relaxed) {
        sleep(Duration::from_millis(chance.between(2000, 6000))).await;
        let open: Vec<usize> =
            (GUESSED + CALM..world.people.len()).filter(|&person| world.people[person].has_codes_left()).take(AT_ONCE).collect();
        if open.is_empty() {
            return;
        }
        let who = &world.people[*chance.one_of(&open)];
        let (password, begun) = (world.password(&mut chance), world.recorder.now());
        // Whether it worked is the directory's to say.
        let _ = tokio::time::timeout(Duration::from_mins(1), world.estate.samba.set_password(&who.dn, &password)).await;
        let ended = world.recorder.now();
        world.recorder.write(Event::External { person: who.name.clone(), password: hash::nt(&password), begun, ended });
    }
}

/// No fault any more: everybody who comes now is served, and soon.
pub async fn come_in_the_calm(world: &World) {
    for person in GUESSED..GUESSED + CALM {
        let mut chance = world.chance(9 + person as u64);
        let took = reset_in_the_calm(world, person, &mut chance).await;
        world.recorder.write(Event::Again { person: world.people[person].name.clone(), took });
    }
}

async fn reset_in_the_calm(world: &World, person: usize, chance: &mut Chance) -> Option<i64> {
    let mut flow = Flow::begin(world, person, chance).await?;
    let password = world.password(chance);
    let Offer::Sealed(sealed) = flow.seal(world, &password).await else { return None };
    let begun = world.recorder.now();
    if !flow.submit(world, &sealed).await {
        return None;
    }
    let (state, _) = flow.watch(world).await?;
    (state == "applied").then(|| world.recorder.now() - begun)
}
