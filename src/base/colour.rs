//! Colours that can be read. From whatever colour somebody likes come those that are shown, in light and in dark: its hue is kept, its
//! lightness moves as far as it must (OKLab, Björn Ottosson, 2020) for every pair of text and ground to reach the contrast of WCAG 2.2 AA,
//! 4.5 : 1. What holds for text holds for the outlines of controls, which need 3 : 1.

use std::{fmt, sync::LazyLock};

/// sRGB, eight bits each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour([u8; 3]);

/// What text must have (WCAG 2.2, 1.4.3), and a little more.
const ENOUGH: f64 = 4.6;

/// What stands in static/css/app.css: on these the accent is text, in light and in dark.
const GROUNDS: [[Colour; 5]; 2] = [
    [
        Colour([0xff, 0xff, 0xff]),
        Colour([0xf2, 0xf4, 0xf8]),
        Colour([0xf5, 0xf7, 0xfb]),
        Colour([0xfd, 0xee, 0xed]),
        Colour([0xe6, 0xf5, 0xee]),
    ],
    [
        Colour([0x19, 0x1f, 0x2a]),
        Colour([0x10, 0x14, 0x1c]),
        Colour([0x13, 0x18, 0x22]),
        Colour([0x3a, 0x1f, 0x22]),
        Colour([0x15, 0x31, 0x2a]),
    ],
];

/// The colours of one scheme, light or dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shades {
    /// Links, focus, buttons.
    pub accent: Colour,
    /// The same under the pointer.
    pub strong: Colour,
    /// Text on both.
    pub on: Colour,
    /// Behind text and links that are to stand out.
    pub soft: Colour,
}

/// What is made of one colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accent {
    pub light: Shades,
    pub dark: Shades,
}

impl Colour {
    /// `#rrggbb` or `#rgb`, with or without `#`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_start_matches('#');
        let digits = text.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect::<Option<Vec<u8>>>()?;
        match digits[..] {
            [r, g, b] => Some(Self([r * 17, g * 17, b * 17])),
            [r0, r1, g0, g1, b0, b1] => Some(Self([r0 * 16 + r1, g0 * 16 + g1, b0 * 16 + b1])),
            _ => None,
        }
    }

    /// WCAG's relative luminance, 0 to 1.
    pub fn luminance(self) -> f64 {
        let [r, g, b] = self.linear();
        0.2126 * r + 0.7152 * g + 0.0722 * b
    }

    /// WCAG's contrast of two colours, 1 to 21.
    pub fn contrast(self, other: Self) -> f64 {
        let (one, other) = (self.luminance(), other.luminance());
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    fn linear(self) -> [f64; 3] {
        self.0.map(|byte| LINEAR[usize::from(byte)])
    }

    fn lab(self) -> Lab {
        let [red, green, blue] = self.linear();
        let l = (0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue).cbrt();
        let m = (0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue).cbrt();
        let s = (0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue).cbrt();
        Lab {
            l: 0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
            a: 1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
            b: 0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
        }
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [r, g, b] = self.0;
        write!(f, "#{r:02x}{g:02x}{b:02x}")
    }
}

/// What each byte of sRGB comes to in light.
static LINEAR: LazyLock<[f64; 256]> = LazyLock::new(|| {
    let mut byte = 0.0;
    [(); 256].map(|()| {
        let value: f64 = byte / 255.0;
        byte += 1.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    })
});

/// The byte nearest to so much light.
fn byte(light: f64) -> u8 {
    let above = LINEAR.partition_point(|value| *value < light).min(255);
    let nearer = above > 0 && light - LINEAR[above - 1] < LINEAR[above] - light;
    u8::try_from(if nearer { above - 1 } else { above }).unwrap_or(u8::MAX)
}

/// OKLab: lightness from 0 to 1, and two axes of colour.
#[derive(Debug, Clone, Copy)]
struct Lab {
    l: f64,
    a: f64,
    b: f64,
}

impl Lab {
    fn light(self) -> [f64; 3] {
        let l = (self.l + 0.3963377774 * self.a + 0.2158037573 * self.b).powi(3);
        let m = (self.l - 0.1055613458 * self.a - 0.0638541728 * self.b).powi(3);
        let s = (self.l - 0.0894841775 * self.a - 1.291485548 * self.b).powi(3);
        [
            4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
            -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
            -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
        ]
    }

    /// The same hue at another lightness, as colourful as screens can show it and no more than `most`.
    fn at(self, l: f64, most: f64) -> Colour {
        let chroma = self.a.hypot(self.b);
        let keep = if chroma > most { most / chroma } else { 1.0 };
        let scaled = |keep: f64| Self { l, a: self.a * keep, b: self.b * keep }.light();
        let fits = |light: [f64; 3]| light.iter().all(|value| (-0.0005..=1.0005).contains(value));
        let (mut least, mut most) = (0.0, keep);
        if !fits(scaled(keep)) {
            for _ in 0..12 {
                let middle = f64::midpoint(least, most);
                if fits(scaled(middle)) { least = middle } else { most = middle }
            }
            most = least;
        }
        Colour(scaled(most).map(byte))
    }
}

impl Accent {
    pub fn of(chosen: Colour) -> Self {
        let lab = chosen.lab();
        let [light, dark] = &GROUNDS;
        Self {
            light: shades(chosen, light, (lab.at(0.965, 0.02), Colour([0xff; 3])), -1.0),
            dark: shades(chosen, dark, (lab.at(0.28, 0.05), lab.at(0.19, 0.03)), 1.0),
        }
    }

    /// The style sheet that makes a page so, or what it is for on a page, as `:root`. Lies above what app.css says.
    pub fn css(&self, whom: &str) -> String {
        let Self { light, dark } = self;
        let pair = |name: &str, of: fn(&Shades) -> Colour| format!("--{name}: light-dark({}, {});", of(light), of(dark));
        let all = [
            pair("accent", |shades| shades.accent),
            pair("accent-strong", |shades| shades.strong),
            pair("on-accent", |shades| shades.on),
            pair("accent-soft", |shades| shades.soft),
        ];
        format!("@layer base {{ {whom} {{ {} }} }}\n", all.join(" "))
    }
}

/// `way`: where the accent goes until it can be read, darker or lighter.
fn shades(chosen: Colour, grounds: &[Colour], (soft, on): (Colour, Colour), way: f64) -> Shades {
    let lab = chosen.lab();
    let reads = |colour: Colour| {
        let text = grounds.iter().chain([&soft]).all(|ground| colour.contrast(*ground) >= ENOUGH);
        text && on.contrast(colour) >= ENOUGH
    };
    // Black and white end the search at the latest: both can be read.
    let from = |mut l: f64, way: f64| {
        while (0.0..=1.0).contains(&l) {
            let shade = lab.at(l, 0.4);
            if reads(shade) {
                return (l, shade);
            }
            l += way * 0.01;
        }
        let end = if way < 0.0 { 0.0 } else { 1.0 };
        (end, lab.at(end, 0.0))
    };
    let (l, accent) = if reads(chosen) { (lab.l, chosen) } else { from(lab.l, way) };
    // Under the pointer it goes on that way, or back where there is no more.
    let on_its_way = from((l + way * 0.08).clamp(0.0, 1.0), way).1;
    let back = lab.at((l - way * 0.12).clamp(0.0, 1.0), 0.4);
    let strong = if on_its_way.contrast(accent) < 1.15 && reads(back) { back } else { on_its_way };
    Shades { accent, strong, on, soft }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEPS: [u8; 16] = [0, 17, 34, 51, 68, 85, 102, 119, 136, 153, 170, 187, 204, 221, 238, 255];

    fn grid() -> impl Iterator<Item = Colour> {
        STEPS.into_iter().flat_map(|r| STEPS.into_iter().flat_map(move |g| STEPS.into_iter().map(move |b| Colour([r, g, b]))))
    }

    #[test]
    fn whatever_is_chosen_can_be_read() {
        // As app.css has them: text, and what is said quietly.
        let inks = [["#1a2233", "#4d586e"], ["#eceff5", "#aab4c6"]].map(|inks| inks.map(|ink| Colour::parse(ink).unwrap()));
        for chosen in grid() {
            let Accent { light, dark } = Accent::of(chosen);
            for (Shades { accent, strong, on, soft }, grounds, inks) in [(light, GROUNDS[0], inks[0]), (dark, GROUNDS[1], inks[1])] {
                for shade in [accent, strong] {
                    assert!(on.contrast(shade) >= 4.5, "{chosen}: {on} on {shade}");
                    for ground in grounds.into_iter().chain([soft]) {
                        assert!(shade.contrast(ground) >= 4.5, "{chosen}: {shade} on {ground}");
                    }
                }
                for ink in inks {
                    assert!(ink.contrast(soft) >= 4.5, "{chosen}: {ink} on {soft}");
                }
                assert_ne!(accent, strong, "{chosen}: one sees where the pointer is");
            }
        }
    }

    #[test]
    fn what_can_be_read_stays_as_it_was_chosen() {
        for good in ["#2456b3", "#8a1c4f", "#0b6e4f"] {
            assert_eq!(Accent::of(Colour::parse(good).unwrap()).light.accent.to_string(), good);
        }
        for chosen in grid() {
            let Lab { l, a, b } = chosen.lab();
            assert_eq!(Lab { l, a, b }.at(l, 1.0), chosen, "there and back");
        }
        // Yellow stays yellow in the dark, and turns to a dark one in the light.
        let yellow = Accent::of(Colour::parse("#ffd500").unwrap());
        assert_eq!(yellow.dark.accent.to_string(), "#ffd500");
        assert!(yellow.light.accent.luminance() < 0.2 && yellow.light.accent.lab().b > 0.08);
    }

    #[test]
    fn the_grounds_are_those_of_the_pages() {
        let css = include_str!("../../static/css/app.css");
        for [light, dark] in (0..5).map(|n| [GROUNDS[0][n], GROUNDS[1][n]]) {
            assert!(css.contains(&format!("light-dark({light}, {dark})")), "{light} {dark}");
        }
    }

    #[test]
    fn colours_are_read_as_people_write_them() {
        for (text, read) in [("#2456b3", Some("#2456b3")), (" 2456B3 ", Some("#2456b3")), ("#abc", Some("#aabbcc"))] {
            assert_eq!(Colour::parse(text).map(|colour| colour.to_string()).as_deref(), read);
        }
        for bad in ["", "#", "red", "#12345", "#1234567", "#12345g", "#1234\u{ff15}6", "url(x)", "#fff;}"] {
            assert_eq!(Colour::parse(bad), None, "{bad}");
        }
        assert!((Colour([0; 3]).contrast(Colour([255; 3])) - 21.0).abs() < 1e-9);
    }
}
