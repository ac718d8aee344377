#!/bin/sh
# Compiles and runs the C tests of the AIO face against the libaio.so.1 of a directory.
# usage: run-against.sh LIBDIR [TEST...]     TEST: a name such as aio_setup; default: all
# environment: CC, CFLAGS, JOBS (tests at a time, default 2), LIB (default libaio.so.1), TEST_SCALE
set -u
if [ $# -lt 1 ] || [ ! -d "$1" ]; then
	sed -n '2,4s/^# //p' "$0" >&2
	exit 2
fi
lib_dir=$(cd "$1" && pwd)
shift
here=$(cd "$(dirname "$0")" && pwd)
work=$here/../target/run-against.$$
mkdir -p "$work"
trap 'rm -rf "$work"' EXIT

if [ $# -eq 0 ]; then
	set -- $(cd "$here/c" && ls aio_*.c | sed 's/\.c$//')
fi

# The programs of rows may print what is in the table, or is listed as a difference.
known_lines='
	{ what = $2; sub(/: .*/, "", what) }
	FILENAME ~ /aio-rows.tsv$/ { known[$1 FS $2]; next }
	FILENAME ~ /aio-differences.tsv$/ { known[$1 FS $4]; if ($3 == "never") any[$1 FS $4]; next }
	!($1 FS $2 in known) && !($1 FS what in any) { print "unexpected: " $0; wrong = 1 }
	END { exit wrong }'

export here work lib_dir known_lines
printf '%s\n' "$@" | xargs -P "${JOBS:-2}" -I NAME sh -c '
	mkdir "$work/NAME" && cd "$work/NAME" || exit 0
	if ! ${CC:-cc} -D_GNU_SOURCE -O1 -g -Wall -Wextra ${CFLAGS:-} -I"$here/../include" -I"$here/c" -o test \
		"$here/c/NAME.c" -L"$lib_dir" -Wl,--as-needed -l:"${LIB:-libaio.so.1}" -lpthread >log 2>&1; then
		echo "FAIL NAME: does not compile"; cat log; exit 0
	fi
	LD_LIBRARY_PATH="$lib_dir" timeout -k 5 $((40 * ${TEST_SCALE:-1})) ./test >out 2>err
	rc=$?
	case NAME in
	aio_rows_*)
		awk -F "\t" "$known_lines" "$here/data/aio-rows.tsv" "$here/data/aio-differences.tsv" out >>err || rc=1
		;;
	esac
	case $rc in
	0) echo "ok   NAME" ;;
	77) echo "skip NAME: $(cat err)" ;;
	*) echo "FAIL NAME: exit code $rc"; tail -n 5 out; cat err ;;
	esac' | tee "$work/results"

passed=$(grep -c '^ok   ' "$work/results")
failed=$(grep -c '^FAIL ' "$work/results")
skipped=$(grep -c '^skip ' "$work/results")
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
