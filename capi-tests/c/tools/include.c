/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Includes a header and nothing else, twice. */
#include HEADER
#include HEADER

int main(void);
int main(void)
{
	return 0;
}
