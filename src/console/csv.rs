//! Tables for spreadsheets (RFC 4180), in which nothing is a formula.

use axum::{
    http::header,
    response::{IntoResponse, Response},
};
use time::Date;

/// All of one, with its first line, to be kept under this name.
pub fn file(name: &str, on: Date, text: String) -> Response {
    let file = format!("attachment; filename=\"{name}-{on}.csv\"");
    let headers = [(header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present".to_owned()), (header::CONTENT_DISPOSITION, file)];
    (headers, text).into_response()
}

/// A line of them.
pub fn row(cells: &[&str]) -> String {
    cells.iter().map(|text| cell(text)).collect::<Vec<_>>().join(",") + "\r\n"
}

/// In quotes. What a spreadsheet would take for a formula gets an apostrophe before it: it shows as what it is (ASVS 1.2.10).
fn cell(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\0']) { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn a_cell_is_no_formula_and_ends_where_it_ends() {
        for (text, safe) in [
            ("plain", "\"plain\""),
            ("=HYPERLINK(\"x\")", "\"'=HYPERLINK(\"\"x\"\")\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@SUM(1)", "\"'@SUM(1)\""),
            ("\tx", "\"'\tx\""),
            ("\rx", "\"'\rx\""),
            ("a,b\r\n=c", "\"a,b\r\n=c\""),
            ("", "\"\""),
        ] {
            assert_eq!(cell(text), safe);
        }
    }
}
