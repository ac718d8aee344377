#!/usr/bin/env python3
"""Makes the manual pages: man/NAME.SECTION.page and the headers in, mdoc(7) out.

usage: man.py SOURCE_DIR OUTPUT_DIR [DEPFILE]

A page is mdoc(7) text with directives in lines that begin with '@':

  @page NAME SECTION    the first line
  @brief TEXT           what follows the name in the NAME section
  @names NAME...        the functions that the page is about, the page's own first; may be repeated
  @structs NAME...      structures that are to be found under their names, too
  @alias NAME.SECTION   a further name of the page
  @struct NAME          in the text: the definition of a structure, from the headers
  @const NAME...        in the text: an item of a list, constants and the Linux that has them first
  @section TITLE        ends DESCRIPTION and begins a section
  @result               RETURN VALUES; of pages about io_uring_prep_ functions, RESULT
  @errors               lines "ENAME text", continued by indented lines; before them, an introduction
  @example              C
  @bugs                 BUGS
  @see NAME|NAME(SECTION)...

Text before the first section is the DESCRIPTION. SYNOPSIS and VERSIONS come from the headers and the tables.
"""

import pathlib
import re
import shutil
import sys

DATE = 'November 21, 2026'
PREP = 'io_uring_prep_'


class Headers:
    """Prototypes, macros and structures of the headers that users include."""

    def __init__(self, include):
        self.files = sorted(include.rglob('*.h'))
        self.functions = {}  # name: (result, [parameters], body or None)
        self.macros = {}  # name: [parameters]
        self.structs = {}  # name: definition with its comments
        self.header = {}  # name: header to include
        for path in self.files:
            top = path.relative_to(include).parts[0]
            self.read(path.read_text(), top if top in ('libaio.h', 'aiouring.h') else 'liburing.h')

    def read(self, text, header):
        known = set(self.functions) | set(self.macros) | set(self.structs)
        for m in re.finditer(r'^struct (\w+) \{\n.*?^\}[^;\n]*;', text, re.M | re.S):
            # libaio.h puts padding beside what is shorter than 64 bits on some machines.
            definition = re.sub(r'AIO_PTR__\((.*), \w+\);', r'\1;', m[0])
            definition = re.sub(r'AIO_LONG__\((.*), \w+\);', r'unsigned long \1;', definition)
            definition = re.sub(r'AIO_PAIR__\((.*), (.*)\);', r'\1;\n\t\2;', definition)
            self.structs.setdefault(m[1], definition)
        text = re.sub(r'/\*.*?\*/', '', text, flags=re.S)
        text = text.replace('\\\n', '\n')
        for m in re.finditer(r'^#define (\w+)\(([^)]*)\)', text, re.M):
            if not m[1].endswith('__'):
                self.macros.setdefault(m[1], words(m[2]))
        declaration = r'^(?:IOURINGINLINE |AIOURINGINLINE |_LOCAL_INLINE |AIO_INLINE__ |extern )?((?:const |struct |unsigned |enum )*\w+ \**)(\w+)\(([^;{}]*?)\)\s*(?:LIBURING_NOEXCEPT|LIBAIO_NOEXCEPT)?\s*(;|\{\n.*?^\})'
        for m in re.finditer(declaration, text, re.M | re.S):
            body = None if m[4] == ';' else m[4]
            if m[2] not in self.functions or body:
                self.functions[m[2]] = (m[1].strip(), words(m[3]), body)
        for name in set(self.functions) | set(self.macros) | set(self.structs):
            if name not in known:
                self.header[name] = header

    def operation(self, name):
        """The operation that an inline function puts into a request."""
        body = self.functions[name][2] if name in self.functions else None
        if not body:
            return None
        if m := re.search(r'\bIORING_OP_\w+', body):
            return m[0]
        for callee in re.findall(r'\b(_?_?' + PREP + r'\w+)\(', body):
            if callee != name and (op := self.operation(callee)):
                return op
        return None


def words(text):
    return [' '.join(w.split()) for w in text.split(',') if w.strip()]


def table(path):
    """The columns of a table by the first one."""
    lines = [line.split('\t') for line in path.read_text().splitlines() if line and not line.startswith('#')]
    return {line[0]: line[1:] for line in lines[1:]}


class Page:
    def __init__(self, path):
        self.path = path
        self.names, self.structs, self.aliases, self.see = [], [], [], []
        self.brief = None
        self.sections = [('DESCRIPTION', [])]
        for number, line in enumerate(path.read_text().splitlines(), 1):
            directive, _, rest = line.partition(' ')
            rest = rest.strip()
            if not line.startswith('@') or directive in ('@const', '@struct'):
                self.sections[-1][1].append(line)
            elif directive == '@page':
                self.name, self.section = rest.split()
            elif directive == '@brief':
                self.brief = rest
            elif directive == '@names':
                self.names += rest.split()
            elif directive == '@structs':
                self.structs += rest.split()
            elif directive == '@alias':
                self.aliases += rest.split()
            elif directive == '@see':
                self.see += rest.split()
            elif directive == '@section':
                self.sections.append((rest, []))
            elif directive in ('@result', '@errors', '@example', '@bugs'):
                self.sections.append((directive, []))
            else:
                raise SystemExit(f'{path}:{number}: {directive}?')
        if path.name != f'{self.name}.{self.section}.page' or not self.brief:
            raise SystemExit(f'{path}: @page and @brief have to begin it, with the name of the file')
        if self.names and self.names[0] != self.name:
            raise SystemExit(f'{path}: the first of @names has to be {self.name}')


def literal(lines):
    """Text as it is, in mdoc."""
    out = ['.Bd -literal -offset indent']
    for line in lines:
        line = line.replace('\\', '\\e').expandtabs(8)
        out.append('\\&' + line if line[:1] in ('.', "'") else line)
    return out + ['.Ed']


def trimmed(lines):
    while lines and not lines[0].strip():
        lines = lines[1:]
    while lines and not lines[-1].strip():
        lines = lines[:-1]
    return lines


class Manual:
    def __init__(self, source):
        self.headers = Headers(source / 'include')
        self.folder = source / 'man'
        self.kernels = table(self.folder / 'kernels.tsv')
        self.versions = {name: row[0] for name, row in table(self.folder / 'versions.tsv').items()}
        self.maps = [source / 'src' / 'liburing.map']
        for path in self.maps:
            for node, symbols in re.findall(r'^LIBURING_([\d.]+) \{(.*?)^\}', path.read_text(), re.M | re.S):
                for name in re.findall(r'^\s+(\w+);', symbols, re.M):
                    # What the first node has is older than it.
                    self.versions[name] = '2.0 or before' if node == '2.0' else node
        self.pages = [Page(path) for path in sorted(self.folder.glob('*.page'))]
        self.inputs = [*self.headers.files, *self.maps, self.folder, *sorted(self.folder.iterdir()), pathlib.Path(__file__)]
        self.sections = {page.name: page.section for page in self.pages}
        for page in self.pages:
            for name in page.names + page.structs:
                self.sections.setdefault(name, '3')

    def prototype(self, name):
        if name in self.headers.functions:
            result, parameters, _ = self.headers.functions[name]
            return [f'.Ft "{result}"', f'.Fo {name}', *(f'.Fa "{p}"' for p in parameters or ['void']), '.Fc']
        if name in self.headers.macros:
            return [f'.Fo {name}', *(f'.Fa {p}' for p in self.headers.macros[name]), '.Fc']
        raise SystemExit(f'no header has {name}')

    def kernel(self, name):
        """The first Linux for a name: its own row, or the one of its operation."""
        row = self.kernels.get(name) or self.kernels.get(self.headers.operation(name))
        return row[0] if row else None

    def versions_of(self, page):
        """Runs of names with the same library and the same Linux."""
        runs = []
        for name in page.names:
            key = (self.versions.get(name), self.kernel(name))
            same = [run for run in runs if run[0] == key]
            if same:
                same[0][1].append(name)
            else:
                runs.append((key, [name]))
        out = []
        for (library, kernel), names in runs:
            facts = []
            if library:
                facts.append(f'liburing {library}')
            if kernel:
                facts.append(f'Linux {kernel}')
            if not facts:
                continue
            if len(runs) == 1 and len(names) == 1:
                out.append(', '.join(facts) + '.')
                continue
            if len(runs) == 1:
                out.append('All: ' + ', '.join(facts) + '.')
                continue
            if out:
                out.append('.Pp')
            for i, name in enumerate(names):
                out.append(f'.Fn {name}' + ('' if i + 1 == len(names) else ' ,'))
            out[-1] += ' :'
            out.append(', '.join(facts) + '.')
        return out

    def body(self, lines):
        """mdoc with our directives in it."""
        out = []
        ended = False  # a structure: what goes on behind it needs some room
        for line in trimmed(lines):
            directive, _, rest = line.partition(' ')
            if ended and directive not in ('@struct', '@const', '.Pp', '.Bl', '.El', '.Ss'):
                out.append('.Pp')
            ended = False
            if directive == '@struct':
                out += literal(self.headers.structs[rest.strip()].splitlines())
                ended = True
                continue
            elif directive == '@const':
                out.append('.It ' + self.constants(rest.split()))
            else:
                out.append(line)
        return out

    def constants(self, names):
        """Names with the first Linux behind those that have the same."""
        since = [self.kernels.get(name, [None])[0] for name in names]
        words = []
        for i, name in enumerate(names):
            last = i + 1 == len(names)
            words.append(f'Dv {name}')
            if since[i] and (last or since[i] != since[i + 1]):
                words.append(f'Po Linux {since[i]} Pc')
            if not last:
                words.append(',')
        return ' '.join(words)

    def errors(self, lines):
        out, intro, open_list = [], [], False
        for line in trimmed(lines):
            m = re.match(r'(E[A-Z0-9]+(?:,E[A-Z0-9]+)*)(?: (.*))?$', line)
            if m:
                if not open_list:
                    out += ['.Bl -tag -width Er']
                    open_list = True
                out.append('.It Bq ' + ' , '.join(f'Er {name}' for name in m[1].split(',')))
                if m[2]:
                    out.append(m[2])
            elif open_list:
                out.append(line.strip())
            else:
                intro.append(line)
        return intro + out + (['.El'] if open_list else [])

    def render(self, page):
        prep = bool(page.names) and all(re.search('(io_|aio)uring_prep_', name) for name in page.names)
        header = self.headers.header.get(page.names[0], 'liburing.h') if page.names else 'liburing.h'
        library = header.removesuffix('.h')
        # The one that has inline functions as symbols.
        ffi = {'liburing': 'uring-ffi', 'aiouring': 'aiouring'}.get(library)
        shown = page.names or [page.name]
        out = [f'.Dd {DATE}', f'.Dt {page.name.upper()} {page.section}', '.Os aiouring', '.Sh NAME']
        for i, name in enumerate(shown):
            out.append(f'.Nm {name}' + ('' if i + 1 == len(shown) else ' ,'))
        out.append(f'.Nd {page.brief}')

        parts = {}
        for title, lines in page.sections:
            parts.setdefault(title, []).extend(lines)
        if page.names:
            out.append('.Sh LIBRARY')
            functions = [n for n in page.names if n in self.headers.functions]
            inline = [n for n in functions if self.headers.functions[n][2]]
            if library == 'libaio':
                out += ['None: inline in', '.In libaio.h'] if len(inline) == len(functions) else ['libaio', '.Pq Fl laio']
            elif not functions:
                out += ['None: macros of', '.In liburing.h']
            elif len(inline) == len(functions):
                out += ['None: inline in', f'.In {header} .', f'As symbols: lib{ffi}', f'.Pq Fl l{ffi}']
            else:
                out += [library, f'.Pq Fl l{library.removeprefix("lib")}']
            out += ['.Sh SYNOPSIS', f'.In {header}']
            for name in page.names:
                out += self.prototype(name)
        elif page.structs:
            out += ['.Sh SYNOPSIS', f'.In {self.headers.header[page.structs[0]]}']
        for title, lines in page.sections:
            if title.startswith('@') or not trimmed(lines):
                continue
            out += [f'.Sh {title}', *self.body(lines)]
        if '@result' in parts:
            out += ['.Sh RESULT' if prep else '.Sh RETURN VALUES', *self.body(parts['@result'])]
        if '@example' in parts:
            out += ['.Sh EXAMPLES', *literal(trimmed(parts['@example']))]
        if '@errors' in parts:
            out += ['.Sh ERRORS', *self.errors(parts['@errors'])]
        if versions := self.versions_of(page):
            out += ['.Sh VERSIONS', *versions]
        if page.see:
            targets = []
            for target in page.see:
                m = re.fullmatch(r'(\w+)\((\w+)\)', target)
                name, section = (m[1], m[2]) if m else (target, self.sections.get(target, '3'))
                targets.append((section, name))
            targets = sorted(set(targets))
            out.append('.Sh SEE ALSO')
            for i, (section, name) in enumerate(targets):
                out.append(f'.Xr {name} {section}' + ('' if i + 1 == len(targets) else ' ,'))
        if '@bugs' in parts:
            out += ['.Sh BUGS', *self.body(parts['@bugs'])]
        return '\n'.join(out) + '\n'

    def links(self, page):
        """Further names, each with its section."""
        for name in page.names[1:]:
            yield name, '3'
        taken = {name for p in self.pages for name in ([p.name] if p.section == '3' else []) + p.names}
        for name in page.structs:
            if name not in taken:
                yield name, '3'
        for alias in page.aliases:
            name, _, section = alias.rpartition('.')
            yield name, section

    def write(self, output):
        files = {}

        def add(name, section, text):
            path = f'man{section}/{name}.{section}'
            if path in files:
                raise SystemExit(f'{path} twice')
            files[path] = text

        for page in self.pages:
            add(page.name, page.section, self.render(page))
            for name, section in self.links(page):
                add(name, section, f'.so man{page.section}/{page.name}.{page.section}\n')
        # A page that is gone must not stay.
        for section in ('man2', 'man3', 'man7'):
            shutil.rmtree(output / section, ignore_errors=True)
            (output / section).mkdir(parents=True)
        for path, text in sorted(files.items()):
            (output / path).write_text(text)


def main():
    source, output = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    manual = Manual(source)
    manual.write(output)
    if len(sys.argv) > 3:
        outputs = ' '.join(str(output / section) for section in ('man2', 'man3', 'man7'))
        inputs = ' '.join(str(path).replace(' ', '\\ ') for path in manual.inputs)
        pathlib.Path(sys.argv[3]).write_text(f'{outputs}: {inputs}\n')


if __name__ == '__main__':
    main()
