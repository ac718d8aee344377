//! Pictures of a run.

use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::measure::{Cost, Measured};
use crate::results::{Results, Scaling};
use crate::table::spread;
use crate::workload::{Measure, Who};

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), String>;

const INK: RGBColor = RGBColor(31, 41, 55);
const FAINT: RGBColor = RGBColor(209, 213, 219);
const BETTER: RGBColor = RGBColor(37, 99, 235);
const WORSE: RGBColor = RGBColor(220, 38, 38);

fn colour(who: Who) -> RGBColor {
    match who {
        Who::Kernel => RGBColor(107, 114, 128),
        Who::Ours => BETTER,
        Who::Caller => RGBColor(5, 150, 105),
        Who::Native => RGBColor(217, 119, 6),
    }
}

/// Writes all pictures that there are numbers for.
pub(crate) fn write(results: &Results, dir: &Path) -> Drawn {
    let workloads: Vec<_> = results.workloads.iter().collect();
    if !workloads.is_empty() {
        speed(&workloads, &dir.join("speed.svg"))?;
        dots(
            &workloads,
            "Processor time per request, microseconds (less is better)",
            |c| c.cpu.median,
            &dir.join("cpu.svg"),
        )?;
        // Calls of liburing that submit are not io_submit.
        let submitting: Vec<_> = workloads
            .iter()
            .copied()
            .filter(|w| !w.name.starts_with("ring-") && !w.name.starts_with("setup"))
            .collect();
        dots(
            &submitting,
            "99 of 100 calls of io_submit take no longer, microseconds (less is better)",
            |c| c.submit.p99,
            &dir.join("submit.svg"),
        )?;
        dots(
            &submitting,
            "99 of 100 requests take no longer from io_submit to their event, microseconds (less is better)",
            |c| c.latency.p99,
            &dir.join("latency.svg"),
        )?;
    }
    for scaling in &results.scaling {
        curve(scaling, &dir.join(format!("{}.svg", scaling.name)))?;
    }
    Ok(())
}

const WIDTH: i32 = 1100;
const LEFT: i32 = 330;
const RIGHT: i32 = 160;
const TOP: i32 = 90;
const LINE: i32 = 22;

fn said<E: std::fmt::Display>(error: E) -> String {
    error.to_string()
}

fn text(area: &Area<'_>, words: &str, at: (i32, i32), size: i32, place: HPos, colour: RGBColor) -> Drawn {
    let style = ("sans-serif", size)
        .into_font()
        .color(&colour)
        .pos(Pos::new(place, VPos::Center));
    area.draw(&Text::new(words.to_owned(), at, style)).map_err(said)
}

fn line(area: &Area<'_>, from: (i32, i32), to: (i32, i32), style: ShapeStyle) -> Drawn {
    area.draw(&PathElement::new(vec![from, to], style)).map_err(said)
}

/// A logarithmic axis from left to right.
struct Axis {
    from: f64,
    to: f64,
}

impl Axis {
    /// Where a value is, or the end of the axis that it lies behind.
    fn x(&self, value: f64) -> i32 {
        let part = (value / self.from).ln() / (self.to / self.from).ln();
        LEFT + (part.clamp(0.0, 1.0) * f64::from(WIDTH - LEFT - RIGHT)) as i32
    }

    fn draw(&self, area: &Area<'_>, marks: &[f64], bottom: i32) -> Drawn {
        for &mark in marks {
            let x = self.x(mark);
            line(area, (x, TOP - 8), (x, bottom), FAINT.stroke_width(1))?;
            text(area, &mark.to_string(), (x, TOP - 18), 14, HPos::Center, INK)?;
        }
        Ok(())
    }
}

/// How many times kernel AIO's requests ours does, with the middle half of the rounds, and the target.
fn speed(workloads: &[&Measured], file: &Path) -> Drawn {
    let rows: Vec<_> = workloads
        .iter()
        .filter_map(|w| Some((w, w.pair(Who::Ours, Who::Kernel)?.speed)))
        .collect();
    let height = TOP + LINE * rows.len() as i32 + 20;
    let area = SVGBackend::new(file, (WIDTH as u32, height as u32)).into_drawing_area();
    area.fill(&WHITE).map_err(said)?;
    let axis = Axis { from: 0.25, to: 8.0 };
    let bottom = height - 15;
    text(
        &area,
        "Requests in the same time, as a multiple of kernel AIO's (liburing's for the last)",
        (12, 18),
        15,
        HPos::Left,
        INK,
    )?;
    axis.draw(
        &area,
        &[0.25, 0.35, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0],
        bottom,
    )?;
    for (n, (workload, speed)) in rows.iter().enumerate() {
        let y = TOP + LINE * n as i32 + LINE / 2;
        text(&area, &workload.title, (LEFT - 12, y), 14, HPos::Right, INK)?;
        let (one, end) = (axis.x(1.0), axis.x(speed.median));
        let fill = if speed.median < 1.0 { WORSE } else { BETTER };
        let bar = Rectangle::new([(one.min(end), y - 7), (one.max(end), y + 7)], fill.mix(0.75).filled());
        area.draw(&bar).map_err(said)?;
        let (low, high) = (axis.x(speed.low), axis.x(speed.high));
        let beyond = speed.median > axis.to;
        let below = speed.median < axis.from;
        if below {
            text(&area, "\u{ab}", (axis.x(axis.from) - 3, y), 16, HPos::Right, fill)?;
        }
        if !beyond && !below {
            line(&area, (low, y), (high, y), INK.stroke_width(1))?;
            for x in [low, high] {
                line(&area, (x, y - 4), (x, y + 4), INK.stroke_width(1))?;
            }
        }
        for goal in workload
            .goals
            .iter()
            .filter(|g| g.measure == Measure::Speed && g.bound < axis.to)
        {
            let x = axis.x(goal.bound);
            line(&area, (x, y - 10), (x, y + 10), BLACK.stroke_width(2))?;
        }
        if beyond {
            text(&area, "\u{bb}", (axis.x(axis.to) + 4, y), 16, HPos::Left, fill)?;
        }
        text(&area, &spread(*speed), (WIDTH - RIGHT + 20, y), 13, HPos::Left, INK)?;
    }
    let x = axis.x(1.0);
    line(&area, (x, TOP - 8), (x, bottom), INK.stroke_width(2))?;
    text(
        &area,
        "black mark: target; whiskers and numbers: median and middle half of the rounds",
        (12, 40),
        13,
        HPos::Left,
        INK,
    )?;
    area.present().map_err(said)
}

/// A point for each contestant.
fn dots(workloads: &[&Measured], title: &str, what: fn(&Cost) -> f64, file: &Path) -> Drawn {
    let rows: Vec<_> = workloads
        .iter()
        .filter(|w| w.cost.values().any(|c| what(c) > 0.0))
        .collect();
    let values: Vec<_> = rows
        .iter()
        .flat_map(|w| w.cost.values().map(what))
        .filter(|v| *v > 0.0)
        .collect();
    let (least, most) = values.iter().fold((f64::INFINITY, 0.0f64), |(least, most), v| {
        (least.min(*v), most.max(*v))
    });
    if values.is_empty() {
        return Ok(());
    }
    let height = TOP + LINE * rows.len() as i32 + 20;
    let area = SVGBackend::new(file, (WIDTH as u32, height as u32)).into_drawing_area();
    area.fill(&WHITE).map_err(said)?;
    text(&area, title, (12, 18), 15, HPos::Left, INK)?;
    let axis = Axis {
        from: 10f64.powf(least.log10().floor()),
        to: 10f64.powf((most * 1.1).log10().ceil()),
    };
    let decades = (axis.to / axis.from).log10().round() as i32;
    let steps: &[f64] = if decades <= 4 { &[1.0, 2.0, 5.0] } else { &[1.0] };
    let marks: Vec<_> = (0..=decades)
        .flat_map(|d| steps.iter().map(move |step| (d, step)))
        .map(|(d, step)| decade(axis.from, d, *step))
        .filter(|m| *m <= axis.to * 1.001)
        .collect();
    axis.draw(&area, &marks, height - 15)?;
    legend(&area, &rows)?;
    for (n, workload) in rows.iter().enumerate() {
        let y = TOP + LINE * n as i32 + LINE / 2;
        text(&area, &workload.title, (LEFT - 12, y), 14, HPos::Right, INK)?;
        let points: Vec<_> = workload
            .cost
            .iter()
            .filter(|(_, c)| what(c) > 0.0)
            .map(|(&who, c)| (axis.x(what(c)), who))
            .collect();
        let ends = (points.iter().map(|p| p.0).min(), points.iter().map(|p| p.0).max());
        if let (Some(first), Some(last)) = ends {
            line(&area, (first, y), (last, y), FAINT.stroke_width(2))?;
        }
        // Ours on top.
        for wanted in [Who::Native, Who::Caller, Who::Kernel, Who::Ours] {
            for (x, who) in points.iter().filter(|(_, who)| *who == wanted) {
                area.draw(&Circle::new((*x, y), 6, colour(*who).mix(0.85).filled()))
                    .map_err(said)?;
            }
        }
    }
    area.present().map_err(said)
}

/// Without what a multiplication adds to the last digit.
fn decade(from: f64, decades: i32, step: f64) -> f64 {
    let exact = from * 10f64.powi(decades) * step;
    format!("{exact:.6}").parse().unwrap_or(exact)
}

fn legend(area: &Area<'_>, rows: &[&&Measured]) -> Drawn {
    let mut y = 40;
    let mut x = 20;
    for who in Who::ALL {
        if !rows.iter().any(|w| w.cost.contains_key(&who)) {
            continue;
        }
        area.draw(&Circle::new((x, y), 6, colour(who).filled())).map_err(said)?;
        text(area, who.title(), (x + 12, y), 14, HPos::Left, INK)?;
        x += 30 + 8 * who.title().len() as i32;
        if x > WIDTH - 200 {
            (x, y) = (20, y + 18);
        }
    }
    Ok(())
}

/// Lines over a number.
fn curve(scaling: &Scaling, file: &Path) -> Drawn {
    let costs = || scaling.points.iter().flat_map(|p| p.cost.values());
    let most = costs().map(|c| c.time.high).fold(0.0, f64::max);
    let least = costs().map(|c| c.time.low).fold(f64::INFINITY, f64::min);
    let (Some(first), Some(last)) = (scaling.points.first(), scaling.points.last()) else {
        return Ok(());
    };
    let area = SVGBackend::new(file, (700, 380)).into_drawing_area();
    area.fill(&WHITE).map_err(said)?;
    let x = (first.n as f64..last.n as f64 * 1.05).log_scale();
    // Whole decades: what grows is to be seen, and not the noise of what does not.
    let y = (10f64.powf(least.log10().floor()) * 0.999..10f64.powf((most * 2.0).log10().ceil())).log_scale();
    let mut chart = ChartBuilder::on(&area)
        .caption(&scaling.title, ("sans-serif", 16))
        .margin(12)
        .margin_right(30)
        .x_label_area_size(42)
        .y_label_area_size(56)
        .build_cartesian_2d(x, y)
        .map_err(said)?;
    chart
        .configure_mesh()
        .x_desc(&scaling.of)
        .y_desc("microseconds per request")
        .x_label_formatter(&|n| format!("{n:.0}"))
        .y_label_formatter(&|n| decade(*n, 0, 1.0).to_string())
        .y_labels(5)
        .light_line_style(TRANSPARENT)
        .label_style(("sans-serif", 13))
        .draw()
        .map_err(said)?;
    for who in Who::ALL {
        let points: Vec<_> = scaling
            .points
            .iter()
            .filter_map(|p| Some((p.n as f64, p.cost.get(&who)?.time)))
            .collect();
        if points.is_empty() {
            continue;
        }
        let style = colour(who).stroke_width(2);
        chart
            .draw_series(LineSeries::new(points.iter().map(|(n, s)| (*n, s.median)), style))
            .map_err(said)?
            .label(who.title())
            .legend(move |(x, y)| PathElement::new(vec![(x, y), (x + 18, y)], style));
        chart
            .draw_series(
                points
                    .iter()
                    .map(|(n, s)| Circle::new((*n, s.median), 4, colour(who).filled())),
            )
            .map_err(said)?;
        chart
            .draw_series(
                points
                    .iter()
                    .map(|(n, s)| PathElement::new(vec![(*n, s.low), (*n, s.high)], colour(who).stroke_width(1))),
            )
            .map_err(said)?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.8))
        .border_style(FAINT)
        .label_font(("sans-serif", 13))
        .draw()
        .map_err(said)?;
    area.present().map_err(said)
}
