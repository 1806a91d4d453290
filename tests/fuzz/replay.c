/* Runs a fuzz target over every file of the folders named: the kept corpus as an ordinary test.  Prints how many. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"

#define INPUT_MAX	(1u << 20)

int
main(int argc, char **argv)
{
	uint8_t *bytes = malloc(INPUT_MAX);
	unsigned count = 0;

	for (int i = 1; i < argc; i++) {
		DIR *dir = opendir(argv[i]);
		struct dirent *d;
		char path[4096];

		if (dir == NULL || bytes == NULL) {
			perror(argv[i]);
			exit(1);
		}
		while ((d = readdir(dir)) != NULL) {
			FILE *f;

			if (d->d_name[0] == '.')
				continue;
			snprintf(path, sizeof(path), "%s/%s", argv[i], d->d_name);
			if ((f = fopen(path, "re")) == NULL) {
				perror(path);
				return (1);
			}
			size_t n = fread(bytes, 1, INPUT_MAX, f);

			fclose(f);
			/* A copy of just this size, so that a byte too far is a byte out of bounds. */
			uint8_t *exact = malloc(n > 0 ? n : 1);

			if (exact == NULL)
				return (1);
			for (size_t k = 0; k < n; k++)
				exact[k] = bytes[k];
			LLVMFuzzerTestOneInput(exact, n);
			free(exact);
			count++;
		}
		closedir(dir);
	}
	free(bytes);
	printf("%u inputs\n", count);
	return (0);
}
