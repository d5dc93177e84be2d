//! Chinese addresses as evidence: the parts from province to room, compared one by one.
//!
//! Owns the parts, the ladder and the keys; `address_text` takes a text apart. Knows no list of real places: what is a
//! street is told by its last character. Never says where a place is.

use super::address_text;
use super::reading::Readings;
use super::typo::slips;
use crate::linkage::evidence::{Evidence, Keys, Rung, Tokens, combine, stable_hash};

/// A named part of an address; two writings that sound alike are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place(u32);

/// A number of a house, building, unit or room with its letter, 0 when not told.
pub type Number = u32;

/// An address taken apart. Parts that are not told are empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Address {
    /// Province.
    pub province: Place,
    /// City (prefecture).
    pub city: Place,
    /// District or county.
    pub district: Place,
    /// Street office, town or township.
    pub street: Place,
    /// Community.
    pub community: Place,
    /// Village, which may be told within a community or without one.
    pub village: Place,
    /// Road with its kind (路, 街, 巷).
    pub road: Place,
    /// Number at the road, or in the village.
    pub house: Number,
    /// Residential compound.
    pub compound: Place,
    /// Building.
    pub building: Number,
    /// Unit, the stair of a building.
    pub unit: Number,
    /// Room.
    pub room: Number,
    /// What could not be taken apart, without blanks.
    pub rest: Box<str>,
}

/// The rungs of [`Address`], by their place on its ladder.
pub mod rung {
    /// The same door.
    pub const DOOR: u8 = 0;
    /// Building, unit and room agree, and nothing above them is told by both.
    pub const BARE_DOOR: u8 = 1;
    /// The same compound or road, one number of the door one slip apart.
    pub const NEAR_DOOR: u8 = 2;
    /// The same building, or one address ends there.
    pub const BUILDING: u8 = 3;
    /// The same compound, road or village.
    pub const COMPOUND: u8 = 4;
    /// One tells only what lies above, and agrees.
    pub const ABOVE: u8 = 5;
    /// The same community or street office, another place in it.
    pub const COMMUNITY: u8 = 6;
    /// Elsewhere.
    pub const DIFFERENT: u8 = 7;
}

impl Place {
    /// The place of that name; a name of no characters is no place.
    pub fn named(name: &str) -> Self {
        let mut hash = 0;
        for character in name.chars() {
            let sound = Readings::of(character).first();
            hash = combine(hash, sound.map_or(u64::from(u32::from(character)) << 16, |s| u64::from(s.folded().code())));
        }
        Self(if name.is_empty() { 0 } else { (hash >> 32) as u32 | 1 })
    }

    fn is_told(self) -> bool {
        self.0 != 0
    }
}

/// What two values of one part say: agree (`Some(true)`), contradict, or nothing because one is not told.
fn agree<T: PartialEq + Default>(one: &T, other: &T) -> Option<bool> {
    let none = T::default();
    (*one != none && *other != none).then(|| one == other)
}

impl Address {
    /// Whether it tells a room, or a house in a village or at a road without buildings.
    pub fn has_door(&self) -> bool {
        self.room != 0 || (self.house != 0 && self.building == 0 && !self.compound.is_told())
    }

    /// A hash of the door; nothing when the address does not lead to one.
    pub fn door(&self) -> Option<u64> {
        let place = if self.compound.is_told() { self.compound } else { self.near() };
        (self.has_door() && (place.is_told() || self.building != 0)).then(|| combine(u64::from(place.0), self.inside()))
    }

    /// A hash of what is behind the gate: building, unit and room, or the house.
    pub fn inside(&self) -> u64 {
        let house = if self.room == 0 && self.building == 0 { self.house } else { 0 };
        [self.building, self.unit, self.room, house].into_iter().fold(11, |hash, part| combine(hash, u64::from(part)))
    }

    /// The nearest named place above the numbers when no compound is told.
    fn near(&self) -> Place {
        let places = [self.road, self.village, self.community];
        places.into_iter().find(|place| place.is_told()).unwrap_or_default()
    }

    /// Whether the places around the door agree, contradict or cannot be compared.
    fn around(&self, other: &Self) -> Option<bool> {
        let compound = agree(&self.compound, &other.compound);
        let road = agree(&self.road, &other.road);
        let house = agree(&self.house, &other.house);
        match (compound, road) {
            // The same compound has gates at two roads; the same road many compounds.
            (Some(true), _) => Some(true),
            (Some(false), Some(true)) if house == Some(true) => Some(true),
            (Some(false), _) => Some(false),
            (None, Some(true)) => Some(house != Some(false)),
            (None, Some(false)) => Some(false),
            (None, None) => match agree(&self.village, &other.village) {
                Some(same) => Some(same && house != Some(false)),
                None => agree(&self.community, &other.community).filter(|same| *same && house != Some(false)),
            },
        }
    }

    /// Whether building, unit and room agree; `None` when one does not tell a room.
    fn behind(&self, other: &Self) -> Option<bool> {
        if self.room == 0 && other.room == 0 && self.building == 0 && other.building == 0 {
            return agree(&self.house, &other.house);
        }
        let room = agree(&self.room, &other.room)?;
        let unit = agree(&self.unit, &other.unit) != Some(false);
        let building = agree(&self.building, &other.building) != Some(false);
        Some(room && unit && building)
    }

    /// Whether exactly one number of the door is one slip off.
    fn is_near_door(&self, other: &Self) -> bool {
        let pairs = [(self.building, other.building), (self.unit, other.unit), (self.room, other.room)];
        let mut wrong = pairs.iter().filter(|(one, other)| agree(one, other) == Some(false));
        let near =
            |(one, other): &(u32, u32)| slips(one.to_string().as_bytes(), other.to_string().as_bytes()) == Some(1);
        let told = self.room != 0 && other.room != 0 && (self.building != 0) == (other.building != 0);
        told && wrong.next().is_some_and(near) && wrong.next().is_none()
    }

    fn upper(&self, other: &Self) -> Option<bool> {
        let community = agree(&self.community, &other.community);
        agree(&self.village, &other.village)
            .filter(|same| *same || community.is_none())
            .or(community)
            .or_else(|| agree(&self.street, &other.street))
            .or_else(|| agree(&self.district, &other.district).filter(|same| !same))
    }
}

impl Evidence for Address {
    const LADDER: &'static [Rung] = &[
        Rung { name: "door", zh: "住址同一户", en: "same door", m: 0.6, u: 1e-5 },
        Rung {
            name: "bare_door", zh: "楼号单元室号相同", en: "same building, unit and room", m: 0.03, u: 1e-4
        },
        Rung { name: "near_door", zh: "门牌差一处", en: "door one slip apart", m: 0.03, u: 1e-4 },
        Rung { name: "building", zh: "同一栋楼", en: "same building", m: 0.04, u: 3e-4 },
        Rung { name: "compound", zh: "同一小区或道路", en: "same compound or road", m: 0.04, u: 0.02 },
        Rung { name: "above", zh: "只知上级地名", en: "one tells only what lies above", m: 0.05, u: 0.05 },
        Rung { name: "community", zh: "同一社区", en: "same community", m: 0.01, u: 0.01 },
        Rung { name: "different", zh: "住址不同", en: "elsewhere", m: 0.2, u: 0.91 },
    ];

    fn prepare(text: &str) -> Option<Self> {
        address_text::read(text)
    }

    fn compare(&self, other: &Self) -> u8 {
        if self == other {
            return rung::DOOR;
        }
        let (around, behind) = (self.around(other), self.behind(other));
        match (around, behind) {
            (Some(true), Some(true)) => rung::DOOR,
            (None, Some(true)) if self.room != 0 && (self.building != 0 && other.building != 0) => rung::BARE_DOOR,
            (Some(true), Some(false)) if self.is_near_door(other) => rung::NEAR_DOOR,
            (Some(true), _) => match agree(&self.building, &other.building) {
                Some(true) => rung::BUILDING,
                None if behind.is_none() => rung::BUILDING,
                _ => rung::COMPOUND,
            },
            (None, None) if self.upper(other) != Some(false) => rung::ABOVE,
            (_, _) if self.upper(other) == Some(true) => rung::COMMUNITY,
            // A compound's name was mistyped: all numbers, road included, still agree.
            (Some(false), Some(true)) if self.building != 0 && agree(&self.house, &other.house) == Some(true) => {
                rung::NEAR_DOOR
            }
            _ => rung::DIFFERENT,
        }
    }

    fn keys(&self, keys: &mut Keys) {
        if let Some(door) = self.door() {
            keys.add(0, door);
        }
        if self.has_door() {
            let unit_less = combine(u64::from(self.building), u64::from(self.room));
            keys.add(1, if self.room == 0 { self.inside() } else { unit_less });
        }
        for place in
            [self.compound, self.road, self.village, self.community].into_iter().filter(|place| place.is_told())
        {
            keys.add(2, u64::from(place.0));
        }
    }

    fn tokens(&self, tokens: &mut Tokens) {
        let places = [
            self.province,
            self.city,
            self.district,
            self.street,
            self.community,
            self.village,
            self.road,
            self.compound,
        ];
        let numbers = [self.house, self.building, self.unit, self.room];
        let parts = places.map(|place| place.0).into_iter().chain(numbers);
        let whole = parts.fold(stable_hash(self.rest.as_bytes()), |hash, part| combine(hash, u64::from(part)));
        tokens.push(whole);
        tokens.push(self.token());
        tokens.push(self.building_token());
    }

    fn shared(&self, other: &Self, rung: u8) -> Option<u64> {
        match rung {
            rung::DOOR => Some(self.token()).filter(|token| *token == other.token()),
            rung::BUILDING => Some(self.building_token()).filter(|token| *token == other.building_token()),
            _ => None,
        }
    }
}

impl Address {
    fn token(&self) -> u64 {
        self.door().unwrap_or_else(|| combine(self.building_token(), stable_hash(self.rest.as_bytes())))
    }

    fn building_token(&self) -> u64 {
        let place = if self.compound.is_told() { self.compound } else { self.near() };
        combine(combine(u64::from(place.0), u64::from(self.building)), 13)
    }
}
