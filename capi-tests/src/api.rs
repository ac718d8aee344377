//! The C interface of the liburing face as tables, and programs that hold the headers against them.
//!
//! `liburing-api.tsv` and `liburing-structs.tsv` are what liburing has, `kernel-names.tsv` and `kernel-structs.tsv` what the
//! kernel has beside it, up to Linux 7.3, `older-names.tsv` what liburing no longer has.
//!
//! | column of names | |
//! | --- | --- |
//! | name | |
//! | kind | `exported`, `inline`, `inline exported` (both); `local`: an inline that never is a symbol; `template`: C++ only, a macro in C; `macro`, `macro()`: with arguments; `guard`; `undefined`: by the end of the header; `enum`, `constant` of an enum, `struct` |
//! | declaration | prototype of a function, type and value of a macro or constant, arguments of a macro |
//! | header | the one to include |
//! | liburing, liburing-ffi | the version of the symbol in either library, if it is one |
//!
//! | column of structures | |
//! | --- | --- |
//! | struct, size | name, bytes |
//! | field | a path with dots, as in `offsetof` |
//! | offset, field_size | bytes; `flex[0]` is the size of an array without length |
//! | type | |
//! | align | of the structure |
//! | header | the one to include |
//!
//! Rows become assertions, one on a line; `#line` makes the compiler report a row by the name of the table and its line.

use std::fmt::Write;

use crate::here;

/// A language, as `-x` calls it.
#[derive(Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Language {
    C,
    Cxx,
}

impl Language {
    /// The value of `-x`.
    pub fn name(self) -> &'static str {
        match self {
            Language::C => "c",
            Language::Cxx => "c++",
        }
    }
}

/// The name of a table and a line in it.
pub type Place = (String, usize);

/// A name of the interface.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Name {
    pub place: Place,
    pub name: String,
    pub kind: String,
    pub declaration: String,
    pub header: String,
    /// In `liburing` and `liburing-ffi`; empty if it is no symbol there.
    pub versions: [String; 2],
}

/// A field of a structure.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Field {
    pub place: Place,
    pub structure: String,
    pub size: usize,
    pub field: String,
    pub offset: usize,
    /// `None`: an array without length.
    pub field_size: Option<usize>,
    pub ty: String,
    pub align: usize,
    pub header: String,
}

fn rows<const N: usize>(table: &str) -> Vec<(Place, [String; N])> {
    let path = here(&format!("data/{table}.tsv"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let lines = text.lines().zip(1..).skip(1);
    let rows = lines.map(|(text, line)| {
        let columns: Vec<_> = text.split('\t').map(str::to_owned).collect();
        let columns = columns.try_into();
        let columns = columns.unwrap_or_else(|_| panic!("{table}:{line}: not {N} columns"));
        ((table.to_owned(), line), columns)
    });
    rows.collect()
}

/// The rows of a table of names in `data/`.
pub fn names(table: &str) -> Vec<Name> {
    let rows = rows(table).into_iter();
    rows.map(|(place, [name, kind, declaration, header, liburing, ffi])| Name {
        place,
        name,
        kind,
        declaration,
        header,
        versions: [liburing, ffi],
    })
    .collect()
}

/// The rows of a table of structures in `data/`.
pub fn fields(table: &str) -> Vec<Field> {
    let number = |text: &str| text.parse().unwrap_or_else(|_| panic!("{text} is not a number"));
    let rows = rows(table).into_iter();
    rows.map(
        |(place, [structure, size, field, offset, field_size, ty, align, header])| Field {
            place,
            structure,
            size: number(&size),
            field,
            offset: number(&offset),
            field_size: (field_size != "flex[0]").then(|| number(&field_size)),
            ty,
            align: number(&align),
            header,
        },
    )
    .collect()
}

/// What every program begins with: `SAME`, `SAME_TYPE`, `ALIGN` in the language's own words.
const PRELUDE: &str = "\
#ifdef __cplusplus
#include <type_traits>
#define ASSERT(what) static_assert(what, #what)
#define SAME(what, ...) std::is_same<std::remove_cv<decltype(what)>::type, __VA_ARGS__>::value
#define FIELD(of, field) decltype(static_cast<of *>(0)->field)
#define ELEMENT(of, field) std::remove_reference<decltype(static_cast<of *>(0)->field[0])>::type
#define SAME_TYPE(what, ...) std::is_same<what, __VA_ARGS__>::value
#define ALIGN(of) alignof(of)
#if __cplusplus >= 201703L
#define THROWS_NOT noexcept
#else
#define THROWS_NOT
#endif
#else
#define ASSERT(what) _Static_assert(what, #what)
#define SAME(what, ...) __builtin_types_compatible_p(__typeof__(what), __VA_ARGS__)
#define FIELD(of, field) __typeof__(((of *)0)->field)
#define ELEMENT(of, field) __typeof__(((of *)0)->field[0])
#define SAME_TYPE(what, ...) __builtin_types_compatible_p(what, __VA_ARGS__)
#define ALIGN(of) _Alignof(of)
#define THROWS_NOT
#endif
";

/// A program that includes one header and asserts what the rows say. Whatever is not as in the
/// table is an error of the compiler at `TABLE:LINE`.
pub fn program(header: &str, language: Language, names: &[Name], fields: &[Field]) -> String {
    let mut text = format!("#include <{header}>\n{PRELUDE}");
    for row in names {
        let _ = writeln!(text, "{}\n{}", line(&row.place), assertion(row, language));
    }
    for row in fields {
        let _ = writeln!(text, "{}\n{}", line(&row.place), field_assertion(row));
    }
    text
}

fn line((table, line): &Place) -> String {
    format!("#line {line} \"{table}\"")
}

/// A function type under the name `t_NAME`, from the prototype.
fn function_type(row: &Name, prototype: &str) -> String {
    let at = prototype.find(&format!("{}(", row.name));
    let at = at.unwrap_or_else(|| panic!("{}: no prototype: {prototype}", row.name));
    let (result, arguments) = (&prototype[..at], &prototype[at + row.name.len()..]);
    format!("typedef {result} t_{}{arguments}", row.name)
}

fn assertion(row: &Name, language: Language) -> String {
    let name = &row.name;
    let cxx = language == Language::Cxx;
    // Several directives need lines of their own, all of which stand for this one.
    let lines = |lines: &[String]| lines.join(&format!("\n{}\n", line(&row.place)));
    let defined = || lines(&[format!("#ifndef {name}"), format!("#error {name}"), "#endif".into()]);
    match row.kind.as_str() {
        "exported" | "inline" | "inline exported" | "local" => format!(
            "{} THROWS_NOT; ASSERT(SAME({name}, t_{name}));",
            function_type(row, &row.declaration)
        ),
        "template" if cxx => match row.declaration.strip_prefix("template <typename T> ") {
            Some(prototype) => format!(
                "namespace n_{name} {{ typedef unsigned T; {}; }} ASSERT(SAME({name}<unsigned>, n_{name}::t_{name}));",
                function_type(row, prototype)
            ),
            None => format!(
                "{}; ASSERT(SAME({name}, t_{name}));",
                function_type(row, &row.declaration)
            ),
        },
        // A row of its own says that it is a macro in C.
        "template" => String::new(),
        "macro" if row.declaration.is_empty() => defined(),
        "macro" => {
            let (ty, value) = row.declaration.rsplit_once(' ').expect("type and value");
            lines(&[
                defined(),
                format!("ASSERT(SAME({name}, {ty}));"),
                format!("ASSERT(({name}) == {});", literal(ty, value)),
            ])
        }
        // Where C++ has a template.
        "macro()" if cxx && row.header == "liburing/barrier.h" => String::new(),
        "macro()" | "guard" => defined(),
        "undefined" => lines(&[format!("#ifdef {name}"), format!("#error {name}"), "#endif".into()]),
        "enum" => format!("ASSERT(sizeof({}) == 4);", row.declaration),
        "constant" => {
            let (ty, value) = row.declaration.rsplit_once(' ').expect("enum and value");
            let mut text = format!("ASSERT(({name}) == {value});");
            if cxx && ty != "enum" {
                let _ = write!(text, " ASSERT(SAME({name}, {ty}));");
            }
            text
        }
        // Its fields have rows of their own.
        "struct" => format!("ASSERT(sizeof({}) > 0);", row.declaration),
        kind => panic!("{name}: unknown kind {kind}"),
    }
}

/// A value as a constant of its type.
fn literal(ty: &str, value: &str) -> String {
    let suffix = match ty {
        "int" => "",
        "unsigned int" => "u",
        "unsigned long long" => "ull",
        _ => panic!("unknown type {ty}"),
    };
    format!("{value}{suffix}")
}

fn field_assertion(row: &Field) -> String {
    let Field {
        structure,
        size,
        field,
        offset,
        ty,
        align,
        ..
    } = row;
    let structure = format!("struct {structure}");
    let mut text = format!(
        "ASSERT(sizeof({structure}) == {size} && ALIGN({structure}) == {align}); \
         ASSERT(__builtin_offsetof({structure}, {field}) == {offset});"
    );
    match row.field_size {
        Some(bytes) => {
            let _ = write!(text, " ASSERT(sizeof(FIELD({structure}, {field})) == {bytes});");
            // A structure without a name has no type to compare with.
            if ty != "struct {...}" {
                let _ = write!(text, " ASSERT(SAME_TYPE(FIELD({structure}, {field}), {ty}));");
            }
        }
        None => {
            let element = ty.split(" [").next().unwrap_or_default();
            let _ = write!(text, " ASSERT(SAME_TYPE(ELEMENT({structure}, {field}), {element}));");
            // An array, not a pointer: it lies where its first element does.
            let _ = write!(
                text,
                " ASSERT(__builtin_offsetof({structure}, {field}[0]) == {offset});"
            );
        }
    }
    text
}
