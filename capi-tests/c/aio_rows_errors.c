/* SPDX-License-Identifier: MIT OR Apache-2.0 */
// variants: theirs,ours,ours-kernel,preload,own,caller,sqpoll
/* Faults of disks and file systems. */
#include "error_rows.h"

static const struct row rows[] = {
	{"E01", E01}, {"E02", E02}, {"E03", E03}, {"E04", E04}, {"E05", E05}, {"E06", E06}, {"E10", E10}, {"E11", E11},
	{"E12", E12}, {"E13", E13}, {"E20", E20}, {"E21", E21}, {"E30", E30}, {"E40", E40}, {"E41", E41}, {"E42", E42}, {"E50", E50},
};

int main(int argc, char **argv)
{
	return run_error_rows(rows, COUNT_OF(rows), argc, argv);
}
