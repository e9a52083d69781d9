//! A logo is never served as it came. It is decoded, within bounds of bytes and of pixels that are asked before a pixel is, and what we
//! serve is drawn anew: so there is nothing in it but pixels, whatever was in the file (where a photograph was taken, a script behind the
//! picture, a second frame). Slow; not for where requests are served.

use std::io::Cursor;

use image::{
    DynamicImage, ImageDecoder, ImageEncoder, ImageFormat, ImageReader, Limits, Rgba, RgbaImage, codecs::png::PngEncoder, imageops,
};
use thiserror::Error;

use crate::{base::id, domain::tenants::Logo};

/// Bytes of a file.
pub const MOST_BYTES: usize = 1 << 20;
/// Pixels on a side, and of all. Decoded that is 24 MB, and twice as much with 16 bits a channel.
const LONGEST_SIDE: u32 = 4096;
const MOST_PIXELS: u64 = 6_000_000;
/// Bytes that decoding may ask for.
const MOST_MEMORY: u64 = 96 << 20;
/// The same of reading the head alone: what stands there packed (a profile of colours) can be a bomb, too.
const HEAD_MEMORY: u64 = 4 << 20;
/// Pixels of what is kept: pages show it at half of that, so that it is sharp on good screens.
const WIDTH: u32 = 480;
const HEIGHT: u32 = 144;

/// As it is kept.
#[derive(Debug)]
pub struct Drawn {
    pub logo: Logo,
    pub png: Vec<u8>,
}

/// Why a file cannot be a logo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Unfit {
    #[error("it is no PNG, JPEG or WebP")]
    Kind,
    #[error("it is too large: at most 1 MiB, 4096 pixels on a side and 6 million in all")]
    Large,
    #[error("it cannot be read")]
    Broken,
}

/// By what a file is, not by what it is called.
pub fn draw(file: &[u8]) -> Result<Drawn, Unfit> {
    if file.len() > MOST_BYTES {
        return Err(Unfit::Large);
    }
    let kind = image::guess_format(file).map_err(|_| Unfit::Kind)?;
    if ![ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP].contains(&kind) {
        return Err(Unfit::Kind);
    }
    let reader = |memory| within(ImageReader::with_format(Cursor::new(file), kind), memory);
    let (width, height) = reader(HEAD_MEMORY).into_dimensions().map_err(|_| Unfit::Broken)?;
    if width.max(height) > LONGEST_SIDE || u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(Unfit::Large);
    }
    let picture = decode(reader(MOST_MEMORY)).map_err(|_| Unfit::Broken)?.into_rgba8();
    let picture = fit(picture);
    let pale = is_pale(&picture);
    let (width, height) = picture.dimensions();
    let mut png = Vec::new();
    PngEncoder::new(&mut png).write_image(&picture, width, height, image::ExtendedColorType::Rgba8).map_err(|_| Unfit::Broken)?;
    let hash = data_encoding::HEXLOWER.encode(&id::sha256(&png)[..16]);
    Ok(Drawn { logo: Logo { hash, width, height, pale }, png })
}

fn within(mut reader: ImageReader<Cursor<&[u8]>>, memory: u64) -> ImageReader<Cursor<&[u8]>> {
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(memory);
    reader.limits(limits);
    reader
}

fn decode(reader: ImageReader<Cursor<&[u8]>>) -> image::ImageResult<DynamicImage> {
    let mut decoder = reader.into_decoder()?;
    let turned = decoder.orientation()?;
    let mut picture = DynamicImage::from_decoder(decoder)?;
    picture.apply_orientation(turned);
    Ok(picture)
}

/// Within the bounds; what is smaller stays as it is.
fn fit(mut picture: RgbaImage) -> RgbaImage {
    let (width, height) = picture.dimensions();
    if width <= WIDTH && height <= HEIGHT {
        return picture;
    }
    // Whatever colour lies under what cannot be seen must not bleed into what can.
    for pixel in picture.pixels_mut() {
        *pixel = weighed(*pixel, |colour, alpha| colour * alpha / 255);
    }
    let by_width = u64::from(width) * u64::from(HEIGHT) > u64::from(height) * u64::from(WIDTH);
    let scaled = |side: u32, to: u32, of: u32| u32::try_from(u64::from(side) * u64::from(to) / u64::from(of)).unwrap_or(1).max(1);
    let (width, height) = if by_width { (WIDTH, scaled(height, WIDTH, width)) } else { (scaled(width, HEIGHT, height), HEIGHT) };
    let mut small = imageops::resize(&picture, width, height, imageops::FilterType::CatmullRom);
    for pixel in small.pixels_mut() {
        *pixel = weighed(*pixel, |colour, alpha| (colour * 255).checked_div(alpha).unwrap_or_default().min(255));
    }
    small
}

fn weighed(Rgba([r, g, b, a]): Rgba<u8>, of: impl Fn(u16, u16) -> u16) -> Rgba<u8> {
    let each = |colour: u8| u8::try_from(of(colour.into(), a.into())).unwrap_or(u8::MAX);
    Rgba([each(r), each(g), each(b), a])
}

/// Light itself, with nothing behind it: on white nobody would see it.
fn is_pale(picture: &RgbaImage) -> bool {
    let (mut seen, mut light) = (0_u64, 0_u64);
    for Rgba([r, g, b, a]) in picture.pixels() {
        let bright = (2 * u64::from(*r) + 7 * u64::from(*g) + u64::from(*b)) / 10;
        seen += u64::from(*a);
        light += bright * u64::from(*a);
    }
    let all = u64::from(picture.width()) * u64::from(picture.height()) * 255;
    seen > 0 && seen < all / 10 * 9 && light / seen > 190
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage};

    use super::*;

    fn file(picture: &DynamicImage, kind: ImageFormat) -> Vec<u8> {
        let mut file = Cursor::new(Vec::new());
        picture.write_to(&mut file, kind).unwrap();
        file.into_inner()
    }

    fn drawn(png: &[u8]) -> RgbaImage {
        image::load_from_memory_with_format(png, ImageFormat::Png).unwrap().into_rgba8()
    }

    #[test]
    fn whatever_it_is_a_small_png_comes_of_it() {
        let red = DynamicImage::from(RgbImage::from_pixel(1200, 300, Rgb([200, 10, 20])));
        for kind in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP] {
            let Drawn { logo, png } = draw(&file(&red, kind)).unwrap();
            assert_eq!((logo.width, logo.height, logo.pale), (480, 120, false), "{kind:?}");
            assert!(png.starts_with(b"\x89PNG\r\n\x1a\n"));
            let Rgba([r, _, _, a]) = *drawn(&png).get_pixel(240, 60);
            assert!(r.abs_diff(200) < 4 && a == 255, "{kind:?}: {r} {a}");
        }
        let tall = draw(&file(&DynamicImage::new_rgba8(10, 4000), ImageFormat::Png)).unwrap().logo;
        assert_eq!((tall.width, tall.height), (1, 144));
        let small = draw(&file(&DynamicImage::new_rgba8(16, 16), ImageFormat::Png)).unwrap().logo;
        assert_eq!((small.width, small.height), (16, 16));
    }

    #[test]
    fn nothing_but_pixels_is_left() {
        let picture = DynamicImage::from(RgbImage::from_pixel(20, 10, Rgb([1, 2, 3])));
        let mut photo = file(&picture, ImageFormat::Jpeg);
        // Where it was taken (APP1), right behind the beginning.
        let exif = b"Exif\0\0MM\0*\0\0\0\x08 48.858 N 2.294 E";
        let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
        let segment = [&[0xff, 0xe1][..], &length, exif].concat();
        photo.splice(2..2, segment);
        photo.extend_from_slice(b"<script>alert(1)</script>");
        let png = draw(&photo).unwrap().png;
        for secret in [&b"Exif"[..], b"48.858", b"<script>"] {
            assert!(!png.windows(secret.len()).any(|part| part == secret), "{secret:?}");
        }
        let mut behind = file(&picture, ImageFormat::Png);
        behind.extend_from_slice(b"<script>alert(1)</script>");
        assert_eq!(draw(&behind).unwrap().logo.hash, draw(&file(&picture, ImageFormat::Png)).unwrap().logo.hash);
    }

    #[test]
    fn what_is_no_picture_or_a_bomb_is_refused() {
        for other in
            [&b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"[..], b"GIF89a\x01\0\x01\0\0\0\0;", b"", b"BM", b"<html>"]
        {
            assert_eq!(draw(other).unwrap_err(), Unfit::Kind);
        }
        assert_eq!(draw(&vec![0; MOST_BYTES + 1]).unwrap_err(), Unfit::Large);
        assert_eq!(draw(b"\x89PNG\r\n\x1a\nbut no more").unwrap_err(), Unfit::Broken);
        let good = file(&DynamicImage::new_rgba8(64, 64), ImageFormat::Png);
        assert_eq!(draw(&good[..good.len() / 2]).unwrap_err(), Unfit::Broken);
        // A few kilobytes that say they are gigapixels: judged by the head.
        let mut bomb = good.clone();
        bomb[16..24].copy_from_slice(&[0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff]);
        let sum = crc(&bomb[12..29]);
        bomb[29..33].copy_from_slice(&sum);
        assert_eq!(draw(&bomb).unwrap_err(), Unfit::Large);
        let wide = file(&DynamicImage::new_luma8(4097, 1), ImageFormat::Png);
        assert_eq!(draw(&wide).unwrap_err(), Unfit::Large);
        let many = file(&DynamicImage::new_luma8(4000, 2000), ImageFormat::Png);
        assert!(many.len() < MOST_BYTES);
        assert_eq!(draw(&many).unwrap_err(), Unfit::Large);
    }

    /// A profile of colours that is 64 MiB of nothing in 64 KiB of file: passed over, as we keep none anyway.
    #[test]
    fn a_bomb_in_the_head_is_never_unpacked() {
        let mut bomb = Vec::new();
        let mut encoder = PngEncoder::new(&mut bomb);
        encoder.set_icc_profile(vec![0; 64 << 20]).unwrap();
        encoder.write_image(&RgbaImage::new(8, 8), 8, 8, image::ExtendedColorType::Rgba8).unwrap();
        assert!(bomb.len() < MOST_BYTES, "{}", bomb.len());
        let unpacked = |memory| {
            let reader = within(ImageReader::with_format(Cursor::new(&*bomb), ImageFormat::Png), memory);
            reader.into_decoder().unwrap().icc_profile().unwrap().is_some()
        };
        assert!(unpacked(MOST_MEMORY) && !unpacked(HEAD_MEMORY), "the test is of no use, or the bound is not kept");
        assert_eq!(draw(&bomb).unwrap().logo.width, 8);
    }

    /// A white sign on nothing is for dark grounds; one on a white ground is not.
    #[test]
    fn a_pale_logo_is_known() {
        let mut white = RgbaImage::new(40, 20);
        for (x, _, pixel) in white.enumerate_pixels_mut() {
            *pixel = if x < 10 { Rgba([255, 255, 255, 255]) } else { Rgba([0, 0, 0, 0]) };
        }
        assert!(draw(&file(&white.into(), ImageFormat::Png)).unwrap().logo.pale);
        let opaque = RgbaImage::from_pixel(40, 20, Rgba([255; 4]));
        assert!(!draw(&file(&opaque.into(), ImageFormat::Png)).unwrap().logo.pale);
        assert!(!draw(&file(&DynamicImage::new_rgba8(4, 4), ImageFormat::Png)).unwrap().logo.pale, "there is nothing to see");
    }

    /// What cannot be seen colours nothing: a red sign on transparent green stays red at its edge.
    #[test]
    fn edges_stay_clean() {
        let mut sign = RgbaImage::from_pixel(960, 288, Rgba([0, 255, 0, 0]));
        for (x, _, pixel) in sign.enumerate_pixels_mut() {
            if x < 481 {
                *pixel = Rgba([255, 0, 0, 255]);
            }
        }
        let small = drawn(&draw(&file(&sign.into(), ImageFormat::Png)).unwrap().png);
        assert!(small.pixels().all(|Rgba([_, g, _, a])| *a < 8 || *g < 8));
    }

    /// PNG's checksum (ISO 3309).
    fn crc(bytes: &[u8]) -> [u8; 4] {
        let crc = bytes.iter().fold(u32::MAX, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 })
        });
        (!crc).to_be_bytes()
    }
}
