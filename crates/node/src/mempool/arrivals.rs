//! Keep values in the order of their arrival, with removal at any place in constant time.
//!
//! A list whose links are indices into one vector: walks touch memory in nearly the order in which
//! it was filled, and nothing is allocated for a value.

/// Where a value lies. A place is never given out twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    index: u32,
    /// How often the slot was filled before.
    round: u32,
}

#[derive(Debug)]
struct Slot<T> {
    value: Option<T>,
    round: u32,
    /// The value that came before, or the next free slot of an empty one.
    before: u32,
    after: u32,
}

/// No slot.
const NONE: u32 = u32::MAX;

/// Values in the order of their arrival.
#[derive(Debug)]
pub(super) struct Arrivals<T> {
    slots: Vec<Slot<T>>,
    oldest: u32,
    newest: u32,
    free: u32,
    count: usize,
}

impl<T> Default for Arrivals<T> {
    fn default() -> Self {
        Self { slots: Vec::new(), oldest: NONE, newest: NONE, free: NONE, count: 0 }
    }
}

impl<T> Arrivals<T> {
    /// Number of values.
    pub(super) const fn len(&self) -> usize {
        self.count
    }

    /// Adds a value behind all others.
    ///
    /// # Panics
    /// Beyond 2³² - 1 values, far more than the pool's limit.
    pub(super) fn push(&mut self, value: T) -> Place {
        let before = self.newest;
        let index = match self.free {
            NONE => {
                let index = u32::try_from(self.slots.len()).expect("the pool is limited");
                self.slots.push(Slot { value: Some(value), round: 0, before, after: NONE });
                index
            }
            index => {
                let slot = &mut self.slots[index as usize];
                self.free = slot.before;
                *slot = Slot { value: Some(value), round: slot.round, before, after: NONE };
                index
            }
        };
        match self.slots.get_mut(before as usize) {
            Some(slot) => slot.after = index,
            None => self.oldest = index,
        }
        self.newest = index;
        self.count += 1;
        Place { index, round: self.slots[index as usize].round }
    }

    /// The value at a place, until it is removed.
    pub(super) fn get(&self, place: Place) -> Option<&T> {
        let slot = self.slots.get(place.index as usize)?;
        slot.value.as_ref().filter(|_| slot.round == place.round)
    }

    /// The value at a place, until it is removed.
    pub(super) fn get_mut(&mut self, place: Place) -> Option<&mut T> {
        let slot = self.slots.get_mut(place.index as usize)?;
        slot.value.as_mut().filter(|_| slot.round == place.round)
    }

    /// Removes the value at a place.
    pub(super) fn remove(&mut self, place: Place) -> Option<T> {
        let slot = self.slots.get_mut(place.index as usize)?;
        if slot.round != place.round {
            return None;
        }
        let value = slot.value.take()?;
        slot.round = slot.round.wrapping_add(1);
        let (before, after) = (slot.before, slot.after);
        slot.before = self.free;
        self.free = place.index;
        match self.slots.get_mut(before as usize) {
            Some(slot) => slot.after = after,
            None => self.oldest = after,
        }
        match self.slots.get_mut(after as usize) {
            Some(slot) => slot.before = before,
            None => self.newest = before,
        }
        self.count -= 1;
        Some(value)
    }

    /// The values with their places, oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Place, &T)> {
        let mut next = self.oldest;
        std::iter::from_fn(move || {
            let index = next;
            let slot = self.slots.get(index as usize)?;
            next = slot.after;
            Some((Place { index, round: slot.round }, slot.value.as_ref()?))
        })
    }

    /// Calls `change` for each value, oldest first.
    pub(super) fn for_each_mut(&mut self, mut change: impl FnMut(&mut T)) {
        let mut next = self.oldest;
        while let Some(slot) = self.slots.get_mut(next as usize) {
            next = slot.after;
            slot.value.iter_mut().for_each(&mut change);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Arrivals, Place};
    use proptest::prelude::*;

    proptest! {
        /// Goal: values stay in the order of arrival whichever leave, and no place comes back.
        /// Method: random pushes and removals beside a plain list.
        #[test]
        fn agrees_with_a_list(
            steps in prop::collection::vec(prop::option::of(0..20usize), 1..200),
        ) {
            let (mut arrivals, mut list) = (Arrivals::default(), Vec::<(Place, usize)>::new());
            let mut gone = Vec::new();
            for (number, step) in steps.into_iter().enumerate() {
                match step {
                    Some(at) if at < list.len() => {
                        let (place, value) = list.remove(at);
                        prop_assert_eq!(arrivals.remove(place), Some(value));
                        gone.push(place);
                    }
                    _ => list.push((arrivals.push(number), number)),
                }
                let found: Vec<_> = arrivals.iter().map(|(place, value)| (place, *value)).collect();
                prop_assert_eq!(&found, &list);
                prop_assert_eq!(arrivals.len(), list.len());
                for place in &gone {
                    prop_assert_eq!(arrivals.get(*place), None);
                    prop_assert_eq!(arrivals.remove(*place), None);
                }
            }
            arrivals.for_each_mut(|value| *value += 1);
            for (place, value) in &list {
                prop_assert_eq!(arrivals.get(*place), Some(&(value + 1)));
            }
        }
    }
}
