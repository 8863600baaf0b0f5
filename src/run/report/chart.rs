//! Curves as SVG, drawn by `plotters`: lines over a grid, in colours that the page's style sheet decides.

use std::ops::Range;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::base::units::thousands;
use crate::run::report::curves::Point;

/// `plotters` draws at whole pixels: at so many to one of ours a line is smooth.
const FINE: u32 = 4;

/// A colour by its part in the page; the page has two of each, for light and for dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    /// Lines behind the curves.
    Grid,
    /// What the axes say.
    Words,
    /// The training loss of every step.
    Raw,
    /// The training loss, smoothed; the only curve of a chart.
    Train,
    /// The validation loss.
    Validation,
    /// One of the runs that are compared, from 0.
    Run(u8),
}

/// So many runs have colours of their own; then they come round.
pub const RUN_INKS: u8 = 6;

impl Ink {
    /// The name of its variable in the style sheet.
    pub fn name(self) -> String {
        match self {
            Ink::Grid => "--grid".into(),
            Ink::Words => "--quiet".into(),
            Ink::Raw => "--raw".into(),
            Ink::Train => "--train".into(),
            Ink::Validation => "--val".into(),
            Ink::Run(n) => format!("--run-{}", n % RUN_INKS),
        }
    }

    /// A colour that stands for it while `plotters` draws, and for nothing else.
    fn mark(self) -> RGBColor {
        RGBColor(
            0xfe,
            0,
            match self {
                Ink::Grid => 1,
                Ink::Words => 2,
                Ink::Raw => 3,
                Ink::Train => 4,
                Ink::Validation => 5,
                Ink::Run(n) => 16 + n % RUN_INKS,
            },
        )
    }

    const ALL: [Ink; 11] = [
        Ink::Grid,
        Ink::Words,
        Ink::Raw,
        Ink::Train,
        Ink::Validation,
        Ink::Run(0),
        Ink::Run(1),
        Ink::Run(2),
        Ink::Run(3),
        Ink::Run(4),
        Ink::Run(5),
    ];
}

/// A curve.
#[derive(Debug, Clone)]
pub struct Line {
    /// Its colour.
    pub ink: Ink,
    /// Its width, in tenths of a pixel.
    pub width: u32,
    /// Whether its points are marked.
    pub dots: bool,
    /// Left to right, finite.
    pub points: Vec<Point>,
}

impl Line {
    /// A curve.
    pub fn new(ink: Ink, points: Vec<Point>) -> Line {
        Line { ink, width: 16, dots: false, points }
    }

    /// One that stands behind others.
    pub fn behind(ink: Ink, points: Vec<Point>) -> Line {
        Line { width: 8, ..Line::new(ink, points) }
    }

    /// One of few points, which are marked.
    pub fn dotted(ink: Ink, points: Vec<Point>) -> Line {
        Line { dots: true, ..Line::new(ink, points) }
    }
}

/// Curves over steps.
#[derive(Debug, Clone)]
pub struct Chart<'a> {
    /// What it shows, for who cannot see it.
    pub about: &'a str,
    /// Width and height in pixels, where it is shown as large as it is drawn.
    pub size: (u32, u32),
    /// Whether the scale begins at zero.
    pub from_zero: bool,
    /// Drawn in this order.
    pub lines: Vec<Line>,
}

impl Chart<'_> {
    /// The chart as an `svg` element; none where there is no point.
    pub fn svg(&self) -> Option<String> {
        let (x, y) = (self.range(|p| p.0)?, self.range(|p| p.1)?);
        // A run begins at nothing, wherever its first number stands.
        let x = 0.0..x.end.max(1.0);
        let y = widened(if self.from_zero { y.start.min(0.0)..y.end } else { y });
        let mut drawn = String::new();
        self.draw(&mut drawn, x, y).expect("a string takes what is drawn");
        Some(self.dressed(&drawn))
    }

    /// From the least to the largest of all curves.
    fn range(&self, of: impl Fn(&Point) -> f64) -> Option<Range<f64>> {
        let values = || self.lines.iter().flat_map(|line| &line.points).map(&of);
        values().next()?;
        Some(values().fold(f64::INFINITY, f64::min)..values().fold(f64::NEG_INFINITY, f64::max))
    }

    fn draw(
        &self,
        into: &mut String,
        x: Range<f64>,
        y: Range<f64>,
    ) -> Result<(), Box<dyn std::error::Error>> {
        let (width, height) = self.size;
        let root = SVGBackend::with_string(into, (width * FINE, height * FINE)).into_drawing_area();
        let labels = |size: u32, across: u32| (size / across).clamp(2, 10) as usize;
        let mut chart = ChartBuilder::on(&root)
            .margin_top(8 * FINE)
            .margin_right(14 * FINE)
            .x_label_area_size(42 * FINE)
            .y_label_area_size(54 * FINE)
            .build_cartesian_2d(x, y.clone())?;
        // `plotters` takes a font's size for its height with what stands above and below.
        let quiet = Ink::Words.mark();
        let words = TextStyle::from(("sans-serif", f64::from(12 * FINE) * 1.24))
            .color(&quiet)
            .pos(Pos::new(HPos::Center, VPos::Top));
        let across = scale(&y, labels(height, 45));
        chart
            .configure_mesh()
            .disable_x_mesh()
            .bold_line_style(Ink::Grid.mark().stroke_width(FINE))
            .light_line_style(TRANSPARENT)
            .axis_style(Ink::Grid.mark().stroke_width(FINE))
            .set_all_tick_mark_size(4 * FINE)
            .x_labels(labels(width, 60))
            .y_labels(labels(height, 45))
            .x_label_formatter(&|x| if x.fract() == 0.0 { thousands(*x as u64) } else { String::new() })
            .y_label_formatter(&|y| across.label(*y))
            .x_desc("steps")
            .label_style(words.clone())
            .axis_desc_style(words)
            .draw()?;
        for line in &self.lines {
            let style = ShapeStyle {
                color: line.ink.mark().into(),
                filled: true,
                stroke_width: line.width * FINE / 10,
            };
            if line.points.len() > 1 {
                chart.draw_series(LineSeries::new(line.points.iter().copied(), style))?;
            }
            // A line of one point would not be seen.
            if line.dots || line.points.len() == 1 {
                let dot = |&at: &Point| Circle::new(at, 26 * FINE / 10, style);
                chart.draw_series(line.points.iter().map(dot))?;
            }
        }
        root.present()?;
        drop(chart);
        Ok(())
    }

    /// With the page's colours instead of marks, as wide as there is room, and its words for who cannot see it.
    fn dressed(&self, drawn: &str) -> String {
        let (width, height) = (self.size.0 * FINE, self.size.1 * FINE);
        let inside = drawn.split_once('>').map_or(drawn, |(_, inside)| inside);
        let mut svg = format!(
            "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{}\">{}",
            super::html::escaped(self.about),
            inside.replace(" opacity=\"1\"", "").replace(" \"/>", "\"/>")
        );
        for ink in Ink::ALL {
            let RGBColor(r, g, b) = ink.mark();
            svg = svg.replace(&format!("\"#{r:02X}{g:02X}{b:02X}\""), &format!("\"var({})\"", ink.name()));
        }
        svg
    }
}

/// A range with some room at its ends, and wider than nothing.
fn widened(range: Range<f64>) -> Range<f64> {
    let span = range.end - range.start;
    let room = if span > 0.0 { 0.04 * span } else { 0.1 * range.end.abs().max(1e-9) };
    // What is never negative has no scale below zero.
    let start = if range.start >= 0.0 { (range.start - room).max(0.0) } else { range.start - room };
    start..range.end + room
}

/// How the numbers of a scale are written.
struct Scale {
    decimals: usize,
    tiny: bool,
}

/// The scale of a range with so many labels.
fn scale(range: &Range<f64>, labels: usize) -> Scale {
    let between = (range.end - range.start) / labels as f64;
    // A round number below the distance of two labels needs these.
    let decimals = (-between.log10().floor()).clamp(0.0, 9.0) as usize;
    Scale { decimals, tiny: range.end < 0.01 }
}

impl Scale {
    fn label(&self, y: f64) -> String {
        if y == 0.0 {
            return "0".into();
        }
        if self.tiny {
            return format!("{y:.1e}").replace(".0e", "e");
        }
        if y.abs() >= 1000.0 && self.decimals == 0 {
            return if y < 0.0 {
                format!("−{}", thousands(-y as u64))
            } else {
                thousands(y.round() as u64)
            };
        }
        format!("{y:.*}", self.decimals)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn chart(points: &[Point]) -> Option<String> {
        let lines =
            vec![Line::behind(Ink::Raw, points.to_vec()), Line::dotted(Ink::Validation, points.to_vec())];
        Chart { about: "<loss> & \"more\"", size: (400, 240), from_zero: false, lines }.svg()
    }

    #[test]
    fn a_chart_has_its_numbers_and_the_pages_colours() {
        let svg = chart(&[(1.0, 5.5), (500.0, 2.5), (2000.0, 1.5)]).unwrap();
        assert!(svg.starts_with(
            "<svg viewBox=\"0 0 1600 960\" role=\"img\" aria-label=\"&lt;loss&gt; &amp; &quot;more&quot;\">"
        ));
        assert_eq!(
            (svg.matches("<polyline").count() >= 2, svg.matches("<circle").count()),
            (true, 3),
            "{svg}"
        );
        for label in ["\n1,000\n", "\n2,000\n", "\n2.0\n", "\n5.0\n", "\nsteps\n"] {
            assert!(svg.contains(label), "{label:?}: {svg}");
        }
        assert!(
            svg.contains("\"var(--raw)\"")
                && svg.contains("\"var(--val)\"")
                && svg.contains("\"var(--quiet)\"")
        );
        assert!(!svg.contains("#FE00"), "no mark is left: {svg}");
        // Where a number stands: the last point is the lowest and the farthest to the right, within the drawing.
        let last = svg.rsplit("<circle").next().unwrap();
        let at = |name: &str| -> f64 {
            last.split(&format!("{name}=\"")).nth(1).unwrap().split('"').next().unwrap().parse().unwrap()
        };
        let ([x, y], [left, right, bottom]) = ([at("cx"), at("cy")], [216.0, 1544.0, 792.0]);
        assert!((x - right).abs() <= 2.0, "{x}");
        // 1.5 on a scale from 1.34 to 5.66, from the bottom of the drawing up to 32.
        let expected: f64 = bottom - (1.5 - 1.34) / (5.66 - 1.34) * (bottom - 32.0);
        assert!((y - expected).abs() <= 2.0 && left < right, "{y} {expected}");
    }

    #[test]
    fn no_point_is_no_chart_and_one_is_a_dot() {
        assert_eq!(chart(&[]), None);
        let svg = chart(&[(0.0, 0.0)]).unwrap();
        assert!(svg.contains("<circle") && !svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }

    #[test]
    fn numbers_of_a_scale_have_the_digits_that_tell_them_apart() {
        let label = |range: Range<f64>, y| scale(&range, 5).label(y);
        assert_eq!(label(1.0..6.0, 2.0), "2");
        assert_eq!(label(1.50..1.60, 1.52), "1.52");
        assert_eq!(label(0.0..3e-4, 1.5e-4), "1.5e-4");
        assert_eq!(label(0.0..3e-4, 2e-4), "2e-4");
        assert_eq!(label(0.0..3e-4, 0.0), "0");
        assert_eq!(label(0.0..14_000.0, 12_000.0), "12,000");
    }

    proptest! {
        /// A report never ends a run: whatever was logged can be drawn.
        #[test]
        fn whatever_is_finite_is_drawn(ys in prop::collection::vec(any::<f32>().prop_filter("finite", |y| y.is_finite()), 1..20)) {
            let points: Vec<Point> = ys.iter().enumerate().map(|(i, y)| (i as f64, f64::from(*y))).collect();
            let svg = chart(&points).unwrap();
            prop_assert!(!svg.contains("NaN") && !svg.contains("inf"), "{}", svg);
        }
    }
}
